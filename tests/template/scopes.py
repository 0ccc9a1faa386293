# SPDX-License-Identifier: Apache-2.0
"""Random templates that are all about scoping, and random damage to templates."""

NAMES = ["a", "b", "name", "num", "x", "_y"]
NOISE = ["{{", "}}", "{%", "%}", "-", "+", "{#", "#}", "'", '"', "(", ")", "[", "]", "{", "}", "|",
         " is ", " not ", " in ", " if ", " else ", " and ", "~", "*", "//", "**", "==", "!=", "<",
         ".", ",", ":", "=", "1", "0", "a", "_", " ", "\n", "\t", "\\", "é", "e", "x", "%", "&",
         "endif", "for", "set", "raw", "loop", "none", "true", "|int", "[0]", ".x", "()", "\r"]


class Scopes:
    """Names that are set and read in frames within frames."""

    def __init__(self, rng):
        self.rng = rng
        self.includes = []

    def name(self):
        return self.rng.choice(NAMES)

    def read(self):
        return "{{ %s|default('-') }}" % self.name()

    def condition(self):
        return self.rng.choice(["yes", "no", f"{self.name()} is defined", "yes", "no",
                                f"{self.name()} is string"])

    def block(self, level):
        return "".join(self.statement(level) for _ in range(self.rng.randrange(1, 5)))

    def if_statement(self, level):
        made = "{% if " + self.condition() + " %}" + self.block(level)
        for _ in range(self.rng.choice([0, 0, 1, 1, 2, 3])):
            made += "{% elif " + self.condition() + " %}" + self.block(level)
        if self.rng.randrange(2):
            made += "{% else %}" + self.block(level)
        return made + "{% endif %}"

    def for_statement(self, level):
        made = "{% for " + self.rng.choice([self.name(), self.name(), "a, b"]) + " in "
        made += self.rng.choice(["[1, 2]", "['p', 'q']", "[]", "pairs", "['xy']"])
        if self.rng.randrange(3) == 0:
            made += f" if {self.condition()}"
        made += " %}" + self.block(level)
        if self.rng.randrange(3) == 0:
            made += "{{ loop.index }}"
        if self.rng.randrange(3) == 0:
            made += "{% else %}" + self.block(level)
        return made + "{% endfor %}"

    def statement(self, level):
        kind = self.rng.randrange(12 if level < 4 else 6)
        if kind < 3:
            return self.read()
        if kind < 5:
            value = self.rng.choice([f"'{self.rng.randrange(100)}'", f"{self.name()}|default('u')",
                                     f"{self.name()} if no"])
            return "{% set " + self.name() + " = " + value + " %}"
        if kind < 6:
            return self.rng.choice([*self.includes, " ", "\n"])
        if kind < 9:
            return self.if_statement(level + 1)
        if kind < 11:
            return self.for_statement(level + 1)
        return "{% set " + self.name() + " %}" + self.block(level + 1) + "{% endset %}"

    def templates(self):
        everything = "".join("{{ %s|default('-') }}" % name for name in NAMES)
        self.includes = ["{% include 'one' %}"]
        two = self.block(2) + "{% include 'one' %}"
        self.includes += ["{% include 'two' %}"]
        return {"main": self.block(0) + self.block(0), "one": everything, "two": two}


def damage(rng, text):
    """A few characters less, more or elsewhere."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(3)
        if kind == 0:
            text = text[:at] + text[at + rng.choice([1, 1, 2, 5]):]
        elif kind == 1:
            text = text[:at] + rng.choice(NOISE) + text[at:]
        else:
            end = min(len(text), at + rng.randrange(1, 12))
            to = rng.randrange(len(text) + 1)
            text = text[:to] + text[at:end] + text[to:]
    return text
