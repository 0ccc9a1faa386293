# SPDX-License-Identifier: Apache-2.0
"""The real Jinja2 as docs/templates.md describes it, and ours beside it."""
import base64
import copy
import json
import os
import pathlib
import resource
import shlex
import subprocess

import jinja2

BUILD = pathlib.Path(os.environ.get("CLOUDSEED_BUILD", "."))

# What templates see in every case.
VARS = {
    "name": "k8s-worker-2", "empty": "", "html": "<a href='x'>&\"</a>", "uni": "Jürgen – ✓ 😀",
    "lines": "one\ntwo\n\n  three\n", "crlf": "a\r\nb\rc\x0bd\u2028e", "spaces": " \t pad \n",
    "num": 7, "zero": 0, "neg": -3, "big": 9223372036854775807, "pi": 3.14159, "half": 0.5,
    "yes": True, "no": False, "nil": None,
    "list": [3, 1, 2], "words": ["beta", "Alpha", "gamma", "alpha"], "none_list": [],
    "mixed": [1, "two", 3.5, None, True, [4], {"five": 5}],
    "map": {"b": 2, "a": 1, "C": 3}, "empty_map": {},
    "deep": {"net": {"gw": "10.0.20.1", "dns": ["10.0.10.1", "1.1.1.1"]}, "items": "shadowed"},
    "nodes": [{"name": "n1", "ip": "10.0.20.11", "cpu": 4}, {"name": "n2", "ip": "10.0.20.12",
                                                             "cpu": 2}],
    "pairs": [["k", "v"], ["x", "y"]], "target": "part", "path": "/a/b/c",
    "quote": "it's", "both": "it's \"x\"", "back": "a\\b", "numstr": " 42 ", "floatstr": "4.7",
}


def to_yaml_scalar(value):
    """One way to write it; the tests of the filter itself are held against YAML."""
    if isinstance(value, jinja2.Undefined):
        str(value)
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value)
    if isinstance(value, float):
        text = repr(value)
        if "e" in text and "." not in text:
            text = text.replace("e", ".0e")
        return text
    if not isinstance(value, str):
        raise TypeError("no scalar")
    out = json.dumps(value, ensure_ascii=False)
    hidden = [*range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF]
    return "".join(f"\\u{ord(c):04x}" if ord(c) in hidden else c for c in out)


def to_yaml_flow(value):
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(to_yaml_flow, value)) + "]"
    if not isinstance(value, dict):
        return to_yaml_scalar(value)
    if any(isinstance(key, tuple) for key in value):
        raise TypeError("no key")
    return "{" + ", ".join(
        (to_yaml_scalar(key) if isinstance(key, str) else f'"{to_yaml_scalar(key)}"') + ": " +
        to_yaml_flow(of) for key, of in sorted(value.items(), key=lambda pair: pair[0])) + "}"


def b64encode(value):
    if value is None or isinstance(value, (list, tuple, dict)):
        raise TypeError("no string")
    return base64.b64encode(str(value).encode()).decode()


def quote(value):
    if isinstance(value, (list, tuple, dict)):
        raise TypeError("no word")
    return shlex.quote("" if value is None else str(value))


def environment(templates, optimized=True):
    env = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True,
                             lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
                             optimized=optimized,
                             loader=jinja2.DictLoader(templates))
    env.filters.update(to_yaml_scalar=to_yaml_scalar, to_yaml_flow=to_yaml_flow, b64encode=b64encode, quote=quote)
    return env


def theirs(templates, variables, optimized=True):
    """(True, output) or (False, why)."""
    try:
        template = environment(templates, optimized).get_template("main")
        return True, template.render(copy.deepcopy(variables))
    except Exception as error:  # pylint: disable=broad-except
        return False, f"{type(error).__name__}: {error}"


class Ours:
    """render_one, asked line by line."""

    def __init__(self):
        program = BUILD / "tests" / "template" / "render_one"
        self.process = subprocess.Popen([os.environ.get("RENDER_ONE", program)], encoding="utf-8",
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # Jinja2, which runs in this process, has no caps of its own.
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, resource.RLIM_INFINITY))

    def __call__(self, templates, variables):
        """(True, output) or (False, "LINE: why")."""
        self.process.stdin.write(json.dumps({"templates": templates, "vars": variables}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"render_one ended on {templates!r}")
        answer = json.loads(line)
        if answer["ok"]:
            return True, answer["output"]
        return False, f"{answer['line']}: {answer['error']}"

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait(300) != 0:
            raise AssertionError(f"render_one ended with {self.process.returncode}")
