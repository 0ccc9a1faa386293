#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our templates against the real Jinja2: the same bytes, or a refusal that is on a list.

TEMPLATE_SEED and TEMPLATE_COUNT choose the random templates: the same ones each time, unless
TEMPLATE_SEED=random asks for others.
"""
import os
import random
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), HERE]

import cases  # noqa: E402
import expressions  # noqa: E402
import grammar  # noqa: E402
import jinja  # noqa: E402
import refusals  # noqa: E402
import scopes  # noqa: E402
import tap  # noqa: E402

CASES = {**cases.CASES, **expressions.CASES}
_ours = []

# What we refuse though Jinja2 renders it: "Deviations" in docs/templates.md. Random templates may
# run into these only.
DEVIATIONS = re.compile("|".join([
    "limited to ASCII|only ASCII",
    "64 bits|53 bits|too large|complex number|nan|infinit|no number as its result",
    "too much memory|too many steps|too long|too deeply",
    "is an attribute that Python has|is a method of mappings",
    "an undefined value cannot be shown|cannot be shown inside",
    "an iterator|a range|\\.items\\(\\)|cannot be compared",
    "would escape HTML|what tojson gives",
    "is a function of Jinja2|is a word of the language|the loop cannot be used|the loop has no",
    "formatting with '%'|only integers",
    "cannot be a key",
]))
# What we refuse when it is compiled, and Jinja2 only where it is reached.
AT_COMPILE = re.compile(DEVIATIONS.pattern + "|" + "|".join([
    "there is no (filter|test|method)|'\\*' and '\\*\\*'|slices|recursive|cannot be called",
    "takes fewer arguments|needs its argument|has no argument|only range|given twice",
    "begin with \"__\"|ASCII letters|character 0|no such escape|not a character|by name",
    "'loop' is|write the names without parentheses|only one template|is not supported|names? ",
    "there is no template|would include itself|always sees the context|the name of a template",
    "are not supported|has no end",
]))


def ours(templates):
    if not _ours:
        _ours.append(jinja.Ours())
        tap.defer(_ours[0].close)
    return _ours[0](templates, jinja.VARS)


def templates_of(case):
    return case if isinstance(case, dict) else {"main": case}


def differs(case, may_refuse=None):
    """What is wrong with a case, or None. `may_refuse`: what our refusal may say."""
    templates = templates_of(case)
    want, got = jinja.theirs(templates, jinja.VARS), ours(templates)
    if got[0] and not want[0]:  # its optimizer fails over constants that are never reached
        want = jinja.theirs(templates, jinja.VARS, optimized=False)
    if want == got or (not want[0] and not got[0]):
        return None
    if want[0] and not got[0] and may_refuse and re.search(may_refuse, got[1]):
        return None
    return f"{templates!r}\n  jinja2: {want!r}\n  ours:   {got!r}"


def check_all(group):
    wrong = [text for text in map(differs, group) if text]
    tap.eq(wrong, [], f"{len(wrong)} of {len(group)} differ:\n" + "\n".join(wrong))


def add_case_tests():
    for name, group in CASES.items():
        globals()[f"test_{name}"] = lambda group=group: check_all(group)


def test_deviations_are_refused_and_say_why():
    for case, part in refusals.REFUSED:
        templates = templates_of(case)
        good, text = ours(templates)
        tap.eq((case, good), (case, False))
        tap.contains(f"{text}   [{case!r}]", part)
        good, text = jinja.theirs(templates, jinja.VARS)
        tap.eq((case, good, text), (case, True, text), "no deviation: Jinja2 refuses it too")


def test_jinja2_refuses_what_we_refuse():
    for case in refusals.WRONG:
        tap.eq((case, jinja.theirs(templates_of(case), jinja.VARS)[0]), (case, False))
        tap.eq((case, ours(templates_of(case))[0]), (case, False))


def test_constants_that_are_never_reached_do_no_harm():
    """Jinja2's optimizer computes them anyway, and fails with them."""
    for case in refusals.UNREACHED:
        templates = templates_of(case)
        tap.eq((case, jinja.theirs(templates, jinja.VARS)[0]), (case, False))
        want = jinja.theirs(templates, jinja.VARS, optimized=False)
        tap.eq((case, ours(templates)), (case, want))
        tap.eq((case, want[0]), (case, True))


def check_random(make, may_refuse, least_rendered):
    """`make` gets a random.Random and returns a function that makes templates."""
    chosen = os.environ.get("TEMPLATE_SEED", "") or "1"
    seed = random.randrange(1 << 32) if chosen == "random" else int(chosen)
    count = int(os.environ.get("TEMPLATE_COUNT", "") or 1000)
    print(f"# TEMPLATE_SEED={seed} TEMPLATE_COUNT={count}")
    templates = make(random.Random(seed))
    wrong, rendered = [], 0
    for _ in range(count):
        case = templates()
        text = differs(case, may_refuse)
        if text:
            wrong.append(text)
        rendered += ours(case)[0]
    print(f"# {rendered} of {count} rendered, the rest was refused by both")
    tap.eq(wrong[:5], [], f"{len(wrong)} of {count} differ:\n" + "\n".join(wrong[:5]))
    assert rendered > count * least_rendered, "hardly any template renders: this is of no use"


def test_random_templates():
    check_random(lambda rng: grammar.Maker(rng).templates, DEVIATIONS, 0.25)


def test_random_scopes():
    check_random(lambda rng: scopes.Scopes(rng).templates, None, 0.4)


def test_random_damage():
    texts = [case for group in CASES.values() for case in group if isinstance(case, str)]
    texts += [case for case in refusals.WRONG if isinstance(case, str)]

    def make(rng):
        def one():
            while True:
                text = scopes.damage(rng, rng.choice(texts))
                if not re.search(r"\*\*|\d{5}", text):  # Python would compute it to the end
                    return {"main": text}
        return one
    check_random(make, AT_COMPILE, 0.1)


if __name__ == "__main__":
    add_case_tests()
    tap.main()
