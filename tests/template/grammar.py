# SPDX-License-Identifier: Apache-2.0
"""Random templates: mostly right, with types that mostly fit, over the variables of jinja.VARS."""

TEXTS = ["name", "empty", "html", "uni", "lines", "spaces", "target", "path", "quote", "both",
         "back", "numstr", "floatstr"]
NUMBERS = ["num", "zero", "neg", "pi", "half", "yes"]
LISTS = ["list", "words", "none_list", "mixed", "pairs", "nodes"]
MAPS = ["map", "empty_map", "deep", "nodes[0]", "deep.net"]
OTHERS = ["nil", "no", "missing", "deep.nope", "range", "big"]
TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean",
         "mapping", "sequence", "iterable", "even", "odd", "true", "false", "lower", "upper",
         "divisibleby(2)", "divisibleby 3", "in [1, 'a']", "eq 7", "ne(1)", "lt 3", "ge(0)"]
SPACE = ["", "", "", " ", "\n", "  \n", "\n  ", "\t", "  ", "\n\n", " \u00a0", "text", " x ", "\r\n"]


class Maker:
    def __init__(self, rng):
        self.rng = rng
        self.depth = 0
        self.locals = []

    def pick(self, *choices):
        return self.rng.choice(choices)

    def chance(self, percent):
        return self.rng.randrange(100) < percent

    # Expressions.

    def literal(self):
        return self.pick("1", "0", "2", "-1", "10", "1.5", "0.1", "1e3", "'a'", '"b c"', "''",
                         "'it\\'s'", "'\\n'", "'é'", "true", "false", "none", "[]", "{}", "[1, 2]",
                         "['x', 'Y']", "{'k': 1}", "(1, 2)", "()", "('a',)", "{1: 'i', 'b': none}")

    def atom(self):
        if self.locals and self.chance(25):
            return self.rng.choice(self.locals)
        kind = self.rng.randrange(10)
        if kind < 2:
            return self.literal()
        return self.rng.choice([TEXTS, NUMBERS, LISTS, MAPS, TEXTS, LISTS, NUMBERS,
                                OTHERS][kind - 2])

    def text(self):
        self.depth += 1
        simple = self.depth > 4
        choice = self.rng.randrange(4 if simple else 14)
        made = (self.rng.choice(TEXTS) if choice < 4 else
                self.pick("'a'", "'<&>'", "'a b'", "'x\\ny'") if choice < 6 else
                f"{self.text()} ~ {self.any()}" if choice < 7 else
                f"({self.text()} + {self.text()})" if choice < 8 else
                self.text_filter() if choice < 12 else
                f"{self.any()}|string" if choice < 13 else self.text_method())
        self.depth -= 1
        return made

    def text_filter(self):
        name = self.pick("upper", "lower", "trim", "title", "capitalize", "indent", "indent(2)",
                         "indent(width=3, first=true)", "indent('> ', blank=true)", "quote",
                         "b64encode", "to_yaml_scalar", "to_yaml_flow", "replace('a', 'b')", "replace('', '-', 3)",
                         "replace('o', '', 1)", "string", "reverse", "tojson", "trim('k-')",
                         "default('d')", "d", "default('d', true)", "first", "last")
        return f"{self.text()}|{name}"

    def text_method(self):
        name = self.pick("upper()", "strip()", "split('-')[0]", "split()|join('+')",
                         "replace('a', 'bb')", "startswith('k')", "endswith('2')", "lstrip('k')",
                         "rstrip()", "split('a', 1)|tojson", "splitlines()", "capitalize()")
        return f"{self.rng.choice(TEXTS)}.{name}"

    def number(self):
        self.depth += 1
        choice = self.rng.randrange(3 if self.depth > 4 else 9)
        made = (self.rng.choice(NUMBERS) if choice < 2 else
                self.pick("1", "2", "3", "2.5", "-1") if choice < 3 else
                f"{self.number()} {self.pick('+', '-', '*', '/', '//', '%')} {self.number()}"
                if choice < 6 else
                f"({self.number()} {self.pick('+', '-', '**')} {self.pick('1', '2', '3')})"
                if choice < 7 else
                f"{self.list()}|{self.pick('length', 'count', 'sum', 'max', 'min')}"
                if choice < 8 else
                f"{self.any()}|{self.pick('int', 'float', 'int(5)', 'abs', 'int(default=none)')}")
        self.depth -= 1
        return made

    def list(self):
        self.depth += 1
        choice = self.rng.randrange(4 if self.depth > 4 else 12)
        made = (self.rng.choice(LISTS) if choice < 4 else
                f"[{', '.join(self.any() for _ in range(self.rng.randrange(4)))}]" if choice < 6
                else f"{self.list()} + {self.list()}" if choice < 7 else
                f"{self.list()}|{self.list_filter()}" if choice < 9 else
                f"{self.rng.choice(MAPS)}.{self.pick('items()', 'keys()', 'values()')}"
                f"{self.pick('', '|list')}" if choice < 10 else
                f"{self.rng.choice(MAPS)}|{self.pick('dictsort', 'items|list', 'list')}"
                if choice < 11 else f"range({self.pick('3', '1, 4', '5, 0, -2', 'num')})|list")
        self.depth -= 1
        return made

    def list_filter(self):
        return self.pick("sort", "sort(reverse=true)", "sort(case_sensitive=true)", "unique|list",
                         "list", "reverse|list", "sort(attribute='name')", "dictsort")

    def any(self):
        self.depth += 1
        if self.depth > 5:
            made = self.atom()
        else:
            choice = self.rng.randrange(20)
            made = (self.atom() if choice < 6 else self.text() if choice < 9 else
                    self.number() if choice < 11 else self.list() if choice < 12 else
                    self.condition() if choice < 13 else
                    f"{self.any()} if {self.condition()} else {self.any()}" if choice < 14 else
                    f"{self.any()} if {self.condition()}" if choice < 15 else
                    f"{self.list()}|{self.pick('first', 'last', 'join', 'tojson', 'length')}"
                    if choice < 16 else self.index() if choice < 17 else
                    f"{self.any()}|{self.any_filter()}" if choice < 19 else f"({self.any()})")
        self.depth -= 1
        return made

    def any_filter(self):
        return self.pick("default('D')", "d(1)", "tojson", "tojson(2)", "string", "join(', ')",
                         "join", "length", "list", "to_yaml_scalar", "to_yaml_flow", "quote", "b64encode", "int",
                         "float", "first", "last", "upper", "indent", "sort|list", "trim",
                         "default(none, true)", "replace('1', 'one')", "items|list", "reverse|list")

    def index(self):
        return self.pick("list[0]", "list[-1]", "list[9]", "words[num]", "deep.net.dns[1]",
                         "deep['net']['gw']", "map['a']", "map.b", "map.zz", "name[0]", "name[-2]",
                         "uni[1]", "mixed[6].five", "nodes[1].ip", "deep.net.nope", "list.0",
                         "list['0']", "map[none]", "mixed[true]", "deep['items']", "map[list]",
                         "nil.x", "num.x", "list.x", "map[0]", "map['get']")

    def condition(self):
        self.depth += 1
        choice = self.rng.randrange(5 if self.depth > 4 else 11)
        made = (self.atom() if choice < 2 else
                f"{self.atom()} is {self.pick('', 'not ')}{self.rng.choice(TESTS)}" if choice < 5
                else f"{self.number()} {self.pick('<', '<=', '>', '>=', '==', '!=')} "
                     f"{self.number()}" if choice < 6 else
                f"{self.any()} {self.pick('==', '!=')} {self.any()}" if choice < 7 else
                f"{self.atom()} {self.pick('in', 'not in')} {self.pick(self.list(), self.text())}"
                if choice < 8 else
                f"{self.condition()} {self.pick('and', 'or')} {self.condition()}" if choice < 9
                else f"not {self.condition()}" if choice < 10 else
                f"1 < {self.number()} <= {self.number()}")
        self.depth -= 1
        return made

    # Statements.

    def tag(self, inner):
        begin = self.pick("{%", "{%", "{%", "{%", "{%-", "{%+")
        end = self.pick("%}", "%}", "%}", "%}", "-%}", "+%}")
        return f"{begin} {inner} {end}"

    def output(self):
        begin, end = self.pick("{{", "{{", "{{", "{{-"), self.pick("}}", "}}", "}}", "-}}")
        return f"{begin} {self.any()} {end}"

    def space(self):
        return self.rng.choice(SPACE)

    def block(self, level):
        parts = [self.space()]
        for _ in range(self.rng.randrange(1, 4)):
            parts += [self.statement(level + 1), self.space()]
        return "".join(parts)

    def if_statement(self, level):
        made = self.tag(f"if {self.condition()}") + self.block(level)
        while self.chance(25):
            made += self.tag(f"elif {self.condition()}") + self.block(level)
        if self.chance(40):
            made += self.tag("else") + self.block(level)
        return made + self.tag("endif")

    def for_statement(self, level):
        outer, name = list(self.locals), self.pick("x", "y", "a", "name")
        target, what = name, self.pick(self.list(), self.list(), self.text())
        if self.chance(25):
            target, what = f"{name}, v", self.pick("map.items()", "pairs", "deep|dictsort",
                                                   "map|dictsort(by='value')", "map|items")
            self.locals.append("v")
        self.locals.append(name)
        head = f"for {target} in {what}"
        if self.chance(20):
            head += f" if {self.condition()}"
        self.locals += ["loop.index", "loop.last", "loop.first", "loop.length", "loop.revindex0"]
        made = self.tag(head) + self.block(level)
        self.locals = outer
        if self.chance(25):
            made += self.tag("else") + self.block(level)
        return made + self.tag("endfor")

    def set_statement(self, level):
        name = self.pick("a", "b", "c", "x", "name", "num")
        if self.chance(15):
            made = self.tag(f"set {name}") + self.block(level) + self.tag("endset")
        else:
            made = self.tag(f"set {name} = {self.any()}")
        self.locals.append(name)
        return made

    def statement(self, level):
        if level > 3 or self.chance(45):
            return self.output()
        kind = self.rng.randrange(12)
        if kind < 3:
            return self.if_statement(level)
        if kind < 6:
            return self.for_statement(level)
        if kind < 9:
            return self.set_statement(level)
        if kind < 10:
            return self.pick("{# note #}", "{#- note -#}", "{#+ a #}", "{# {{ x }} +#}")
        if kind < 11:
            return self.pick("{% raw %}", "{%- raw -%}", "{%+ raw %}") + self.pick(
                " {{ x }} ", "\n{% if %}\n", "") + self.pick("{% endraw %}", "{%- endraw -%}",
                                                            "{% endraw +%}")
        return self.tag(self.pick("include 'one'", "include 'two'", "include 'o' ~ 'ne'",
                                  "include 'none' ignore missing"))

    def templates(self):
        self.depth, self.locals = 0, ["a", "b"] if self.chance(10) else []
        made = {"main": "".join(self.block(0) for _ in range(self.rng.randrange(1, 4)))}
        self.locals = []
        made["one"] = "{{ a|default('-') }}{{ x|default('-') }}" + (
            "{{ loop.index if loop is defined else '' }}" if self.chance(50) else "")
        made["two"] = self.pick("{% set a = 5 %}{{ a }}{% include 'one' %}", "{{ name }}\n",
                                "{% for x in [1] %}{% include 'one' %}{% endfor %}")
        return made
