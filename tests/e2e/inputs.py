# SPDX-License-Identifier: Apache-2.0
"""Requests' bodies and parameters at the edges of a schema, and beyond. Whether one of them fits is for the
schema to say: here they are only made."""
import copy

LONG = "a" * 70000
TEXTS = ["", " ", "a", "-a", "A", "nosuch", "a" * 63, "a" * 64, "a" * 254, LONG, "a\nb", "a\0b", "../../x", "{{ x }}",
         "%s%n", "üñí\u202e\U0001f600", "\ud800", "null", "0", "http://127.0.0.1:1/", "9999-12-31T23:59:59Z",
         "2026-02-30T00:00:00Z"]
NUMBERS = [0, -1, 1, 2 ** 31, 2 ** 32, 2 ** 63 - 1, -2 ** 63, 2 ** 63, 10 ** 30, 1.5, 1e300, -0.0]
OTHERS = [None, True, False, 0, 7, "7", "", [], {}, [None], {"a": None}, [[]]]


def deep(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


def edges(schema):
    """Numbers and texts at the limits that the schema has."""
    for limit in ("minimum", "maximum"):
        if limit in schema:
            yield from (schema[limit] - 1, schema[limit], schema[limit] + 1)
    for limit in ("minLength", "maxLength"):
        if limit in schema:
            yield from ("a" * max(0, schema[limit] + by) for by in (-1, 0, 1))
    yield from schema.get("enum", [])


def values(schema, base):
    """For one member; `base` is a good one."""
    yield from edges(schema)
    kinds = schema.get("type", [])
    if "string" in kinds:
        yield from TEXTS
        if isinstance(base, str):
            yield from (base.upper(), base + "a", base[:-1], " " + base, base + "\n", base * 3)
    if "integer" in kinds or "number" in kinds:
        yield from NUMBERS
    if isinstance(base, list):
        most = schema.get("maxItems", 20)
        yield from ([base[0]] * 2 if base else [], [*base, None], base[0] if base else "x")
        yield from ([item] * n for n in (most, most + 1) for item in base[:1])
        for other in values(schema.get("items", {}), base[0] if base else None):
            yield [other]
    if isinstance(base, dict):
        yield from bodies({"properties": {}, **schema}, base)
    yield from OTHERS
    yield deep(60)


def bodies(schema, base):
    """Objects: `base` with one member changed, left out or added."""
    for name, member in schema.get("properties", {}).items():
        for value in values(member, copy.deepcopy(base.get(name))):
            yield {**base, name: value}
        yield {key: value for key, value in base.items() if key != name}
    yield {}
    yield {**base, "nosuch": 1}
    yield {**base, "": ""}


# Not the text of any object.
BROKEN = [b"{", b"[]", b"null", b"1", b'"x"', b"{}{}", b'{"a":1,"a":2}', b"\xff\xfe", b"\0", b"{'a':1}", b"[" * 100000,
          b'{"a":' * 70 + b"1" + b"}" * 70, b"nonsense", b'{"a":NaN}', b"x" * 300000]
EMPTY = [b"", b"  ", b"\n"]

# In a path, and encoded.
SEGMENTS = ["nosuch", "%00", "%zz", "%", "a" * 300, "..", "%2e%2e", "%2e", "%2F", "%C3%BC", "%FF%FE", "a%20b", "'\"", "-",
            "52:54:00:12:34:56", "a" * 27, "2" * 27, "~", ";a=b", "a%3Fb=c"]
