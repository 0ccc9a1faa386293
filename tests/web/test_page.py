#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The web page's files by themselves: nothing inline, nothing from elsewhere, and names that exist.

What they do in a browser is `make check-web`.
"""
import re
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402

FILES = {p.name: p.read_text(encoding="utf-8") for p in sorted((SOURCE / "src/ui").iterdir())
         if p.suffix in (".html", ".css", ".js", ".svg")}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}
MARKUP = {name: text for name, text in FILES.items() if name.endswith((".html", ".svg"))}
SVG = "http://www.w3.org/2000/svg"


def none_has(files, pattern, why):
    found = [f"{name}: {match[0]}" for name, text in files.items() for match in re.finditer(pattern, text)]
    tap.eq(found, [], why)


def test_nothing_is_inline_or_from_elsewhere():
    none_has(MARKUP, r"\son[a-z]+\s*=|\sstyle\s*=|<style|javascript:", "the page's policy refuses it")
    none_has(MARKUP, r"<script(?![^>]*\ssrc=)", "the page's policy refuses it")
    outside = {name: text.replace(SVG, "") for name, text in FILES.items()}
    none_has(outside, r"(?:https?|wss?):?//[\w.]+|@import|url\((?!#)[^)]*\)", "the page asks only its server")


def test_foreign_text_cannot_become_markup_or_code():
    none_has(SCRIPTS, r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|new Function|"
             r"setHTMLUnsafe|DOMParser|createContextualFragment|srcdoc)\b", "")
    none_has({name: text for name, text in SCRIPTS.items() if name != "api.js"},
             r"\b(?:localStorage|sessionStorage|indexedDB|document\.cookie)\b", "only the session's header is kept")


def test_all_files_are_served():
    listed = set(re.findall(r"/%D%/([\w.]+)", (SOURCE / "src/ui/Makefile.inc").read_text(encoding="utf-8")))
    tap.eq(set(FILES) - listed, set())


def test_every_import_exists():
    exported = {name: set(re.findall(r"^export (?:async )?(?:const|let|function|class) (\w+)", text, re.MULTILINE))
                for name, text in SCRIPTS.items()}
    for name, text in SCRIPTS.items():
        for names, source in re.findall(r'import \{([^}]+)\} from "\./([\w.]+)"', text):
            wanted = {n.strip() for n in names.split(",")}
            tap.eq(wanted - exported[source], set(), f"{name} from {source}")
            body = re.sub(r"^import .*?;$", "", text, flags=re.MULTILINE | re.DOTALL)
            tap.eq({n for n in wanted if not re.search(rf"\b{n}\b", body)}, set(), f"{name} does not use it")


def test_every_shape_exists():
    shapes = set(re.findall(r'<symbol id="i-([\w-]+)"', FILES["index.html"]))
    used = {n for text in SCRIPTS.values() for n in re.findall(r'\b(?:icon\(|setIcon\([\w.]+, )"([\w-]+)"', text)}
    tap.eq(used - shapes, set())
    states = re.search(r"STATES = \[([^\]]+)\]", FILES["model.js"])[1]
    tap.eq(set(re.findall(r'"(\w+)"', states)) - shapes, set())


def test_every_command_that_it_names_exists():
    for name, text in SCRIPTS.items():
        for words in re.findall(r'["`\']cloudseed ((?:[a-z][a-z-]+ ?)+)', text):
            done = subprocess.run([str(BUILD / "cloudseed"), *words.split(), "--help"], capture_output=True, text=True,
                                  timeout=60, check=False)
            tap.eq(done.returncode, 0, f"{name}: cloudseed {words}: {done.stderr}")


tap.main()
