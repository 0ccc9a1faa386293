# SPDX-License-Identifier: Apache-2.0
"""docs/reference/json.md and exit-status.md, compared with what tests see of the real programs, and
with the schemas of src/core."""
import json
import os
import re
from functools import lru_cache
from pathlib import Path

SOURCE = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2]))
PAGE = "docs/reference/json.md"
CODE = re.compile(r"`([^`]+)`")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
PLAIN = {
    "any": lambda v: True,
    "text": lambda v: isinstance(v, str),
    "bool": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "time": lambda v: isinstance(v, str) and TIME.fullmatch(v),
}


def rows(text):
    """The cells of each row of the tables, without heads."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip()[1:-1].split(" | ")]


@lru_cache
def page():
    """({object: {member: (type, when)}}, {command: type})"""
    text = (SOURCE / PAGE).read_text()
    shapes = {}
    for part in re.split(r"^### ", text, flags=re.M)[1:]:
        name, _, body = part.partition("\n")
        members = shapes.setdefault(name, {})
        for cells in rows(body.split("\n## ")[0]):
            members.update((m, (cells[1], cells[2])) for m in CODE.findall(cells[0]))
    commands = re.split(r"^## What ", text, flags=re.M)[1].split("\n## ")[0]
    return shapes, {CODE.findall(cells[0])[0]: cells[1] for cells in rows(commands)}


@lru_cache
def description():
    """What is written of the operations, without what the table of routes adds."""
    core = SOURCE / "src/core"
    found = json.loads((core / "openapi.json").read_text())
    found["components"]["schemas"] = json.loads((core / "schemas.json").read_text())
    return found


def resolved(part, whole):
    """What a reference within the whole refers to; anything else as it is."""
    while "$ref" in part:
        place, part = part["$ref"][2:].split("/"), whole
        for key in place:
            part = part[key]
    return part


def title(name):
    """LEFT_OUT of the page for LeftOut, the schema, or a reference to it."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", name.rsplit("/", 1)[-1]).upper()


@lru_cache
def answers():
    """{"GET /v1/nodes/{name}": the object of the page, any: that is up to the test}"""
    found = {}
    for path, item in description()["paths"].items():
        for method, operation in item.items():
            good = [resolved(a, description()).get("content", {})
                    for status, a in operation["responses"].items() if status[0] == "2"]
            schema = good[0].get("application/json", {}).get("schema", {}) if good else {}
            found[f"{method.upper()} {path}"] = title(schema["$ref"]) if "$ref" in schema else "any"
    return found


def wrong(value, kind, at="", shapes=None):
    """What the page does not say of the value: one line each."""
    shapes = page()[0] if shapes is None else shapes
    if kind[0] in "[{":
        want = list if kind[0] == "[" else dict
        if not isinstance(value, want):
            return [f"{at}: not {kind}: {value!r}"]
        pairs = value.items() if want is dict else enumerate(value)
        return [w for key, v in pairs for w in wrong(v, kind[1:-1], f"{at}.{key}", shapes)]
    if kind in PLAIN:
        return [] if PLAIN[kind](value) else [f"{at}: not {kind}: {value!r}"]
    members = shapes[kind]
    if not isinstance(value, dict):
        return [f"{at}: not {kind}: {value!r}"]
    found = [f"{at}: {kind} has no row for `{key}`" for key in value if key not in members]
    for key, (inner, when) in members.items():
        if key not in value:
            if not re.search("missing|only", when):
                found.append(f"{at}: {kind} has no `{key}`")
        elif value[key] is None:
            if "null" not in when and inner != "any":
                found.append(f"{at}.{key}: {kind}: null, which the page does not say")
        else:
            found += wrong(value[key], inner, f"{at}.{key}", shapes)
    return found


def hold(value, kind, what):
    found = wrong(value, kind)
    assert not found, f"{PAGE} differs from {what}:\n" + "\n".join(sorted(set(found)))


def most(table, words):
    """The row with the most words of these, which must have all of its own."""
    fit = [row for row in table if set(row.split()) <= set(words) and row.split()[0] == words[0]]
    return max(fit, key=lambda row: len(row.split()), default=None)


@lru_cache
def exits():
    """{command: the statuses that exit-status.md has for it}"""
    text = (SOURCE / "docs/reference/exit-status.md").read_text().split("\n## ")[1]
    return {CODE.findall(cells[0])[0]: {64} | {s for s in range(4) if cells[1 + s] != "-"}
            for cells in rows(text)}


def printed(words, status, output):
    """To be called with each command line of `cloudseed` and what came of it."""
    words = [w for word in map(str, words) for w in word.split("=", 1)]
    command = most(exits(), words)
    assert not command or status < 0 or status in exits()[command], \
        f"docs/reference/exit-status.md: {command} ends with {status}"
    commands = page()[1]
    row = most(commands, words)
    if status not in (0, 2) or not row or "--json" not in words or "--follow" in words:
        return
    if row.startswith("pve") and "--dry-run" in words and row != "pve apply":
        return
    hold(json.loads(output), commands[row], " ".join(words))


def answered(method, path, answer):
    """To be called with each answer of the admin interface."""
    if not answer.headers.get("Content-Type", "").endswith("json") or method == "HEAD" or \
            "Content-Encoding" in answer.headers:
        return
    parts = [part for part in path.split("?")[0].split("/") if part]
    if len(parts) > 2 and parts[1] in ("nodes", "clusters"):
        parts[2] = "{name}"
    if len(parts) > 4 and parts[3] == "documents":
        parts[4:] = ["{document}"]
    kind = "PROBLEM" if answer.status >= 400 else answers().get(f"{method} /{'/'.join(parts)}")
    assert kind or answer.status >= 300, f"src/core/openapi.json has no {method} {path}"
    hold(answer.json, kind or "any", f"{method} {path}")
