#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A value never changes the structure of a document, whatever is in it.

Each text that the seed tree may hold is replaced by nasty ones, everything is rendered, and what
comes out is held against what it was (compare.py). STRUCTURE_SEED repeats a run, STRUCTURE_TURNS
makes it longer.
"""
import copy
import os
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path

import jinja2
import jinja2.meta
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), HERE]

import compare  # noqa: E402
import nasty  # noqa: E402
import sites  # noqa: E402
import tap  # noqa: E402

SEED = int(os.environ.get("STRUCTURE_SEED", random.SystemRandom().randrange(2**32)))
TURNS = int(os.environ.get("STRUCTURE_TURNS", "20"))
RANDOM = random.Random(SEED)
SCRATCH = Path(tap.enter(tempfile.TemporaryDirectory(prefix="cloudseed-test-")))
# What is no variable: the scope's own names.
SCRIPTS = ("boot.ipxe", "grub.cfg")
OWN = {"boot", "bootstrap", "cluster", "networks", "node", "role", "secrets", "seed", "site"}
# What chooses among things, and is itself in no document.
CHOOSING = {"dhcp_networks"}
# Their readers take only ASCII, or a URL.
ASCII = {"node_taints", "registry_host", "proxy", "registry_mirrors"}
OF_THE_ODD_SITE = {"motd": "words", "numbers": {"1": "one", "a b": "two"}}


def every_variable():
    with open(os.path.join(HERE, "every-variable.yaml"), encoding="utf-8") as f:
        return {**yaml.safe_load(f), **OF_THE_ODD_SITE}


def leaves(value, path=()):
    """The paths of all texts in it."""
    if isinstance(value, dict):
        return [leaf for key, v in value.items() for leaf in leaves(v, path + (key,))]
    if isinstance(value, list):
        return [leaf for i, v in enumerate(value) for leaf in leaves(v, path + (i,))]
    return [path] if isinstance(value, str) else []


def replaced(value, texts):
    """A copy with {path: text} in it."""
    value = copy.deepcopy(value)
    for path, text in texts.items():
        inner = value
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = text
    return value


class Quoted(yaml.SafeDumper):
    """Writes each text in quotes: which of them need it, YAML 1.1 and 1.2 do not agree upon."""


Quoted.add_representer(str, lambda dumper, text: dumper.represent_scalar(
    "tag:yaml.org,2002:str", text, style='"'))


def quoted(value):
    return yaml.dump(value, Dumper=Quoted, width=2**30)


WHERE = sites.odd(SCRATCH / "site")
# {name: (role, cluster)}: one of each kind, and Kubernetes before and after 1.31.
NODES = {"master": ("master", "both"), "worker": ("worker", "both"), "old": ("master", "old"),
         "alone": ("odd", None)}


def rendered(variables, strict=True):
    """All documents of the odd site with nodes of these variables instead of its own."""
    nodes = {}
    for i, (name, (role, cluster)) in enumerate(NODES.items(), 10):
        nodes[name] = {"role": role, "macs": [f"52:54:00:00:00:{i}"], "variables": variables,
                       "addresses": [f"172.16.32.{i}", f"2001:db8:120::{i}"]}
        if cluster:
            nodes[name]["cluster"] = cluster
    shutil.rmtree(WHERE.seed / "nodes")
    (WHERE.seed / "nodes").mkdir()
    with open(WHERE.seed / "nodes/nodes.yaml", "w", encoding="utf-8") as f:
        f.write(quoted(nodes))
    return WHERE.render_all(strict)


def a_text():
    return nasty.random_text(RANDOM) if RANDOM.random() < 0.6 else RANDOM.choice(nasty.WHOLE)


def unlike(count):
    """That many texts, no two alike."""
    found = set()
    while len(found) < count:
        found.add(a_text())
    return RANDOM.sample(sorted(found), count)


def texts_for(paths):
    texts = dict(zip(paths, unlike(len(paths))))
    for path in paths:
        while path[0] in ASCII and not re.fullmatch("[ -~]*", texts[path]):
            texts[path] = a_text()
    return texts


def names_read(folder="."):
    """The variables that shipped templates below that folder read."""
    environment = jinja2.Environment()
    environment.filters.update({name: str for name in (
        "b64encode", "quote", "to_yaml_flow", "to_yaml_scalar")})
    read, made = set(), set()
    for path in sorted((sites.HOMELAB.templates / folder).rglob("*")):
        # Those of installers are in no document of a node here: tests/cloudinit/test_install.py.
        if path.is_file() and path.suffix not in (".py", ".sh", ".asc") and (
                path.parent.name != "install"):
            text = path.read_text()
            read |= jinja2.meta.find_undeclared_variables(environment.parse(text))
            # What a template makes, those that it includes see.
            made |= set(re.findall(r"{%[+-]? (?:set|for) (\w+)", text))
    return read - OWN - (made - set(every_variable()))


def test_every_variable_is_known():
    """The list has each name that a shipped template reads, and none that no template reads."""
    known = set(every_variable()) - set(OF_THE_ODD_SITE)
    tap.eq(sorted(names_read() - known), [], "missing in every-variable.yaml")
    tap.eq(sorted(known - names_read()), [], "read by no template")


def differences(base, marks, texts, made):
    """What is wrong with a node's documents: a list of words."""
    comparison = compare.Comparison({marks[path]: text for path, text in texts.items()})
    found = []
    for name, text in base.items():
        if name not in made:
            found.append(f"{name}: not rendered")
            continue
        try:
            how = (comparison.lines if name in SCRIPTS else
                   comparison.content if name.startswith("sealed/") else comparison.documents)
            how(text, made[name], name)
        except (AssertionError, ValueError) as why:
            found.append(str(why))
    return found


def test_values_keep_their_place():
    """All texts of the variables at once, for a node of each kind."""
    print(f"# STRUCTURE_SEED={SEED} STRUCTURE_TURNS={TURNS}")
    variables = every_variable()
    paths = leaves(variables)
    marks = {path: compare.mark(i) for i, path in enumerate(paths)}
    base = rendered(replaced(variables, marks))
    whole = "".join(text for texts in base.values() for text in texts.values())
    unseen = {path[0] for path, m in marks.items() if m not in whole}
    tap.eq(sorted(unseen - CHOOSING), [], "texts in no document")
    os.chdir(SCRATCH)  # where a shell would leave its canary
    for turn in range(TURNS):
        texts = texts_for(paths)
        made = rendered(replaced(variables, texts), strict=False)
        for name, files in base.items():
            found = differences(files, marks, texts, made[name])
            assert not found, f"{name}, turn {turn}\n" + "\n".join(found) + WHERE.refused[:2000]
    assert not (SCRATCH / nasty.CANARY).exists(), "a shell ran what is no command"
    print(f"# {len(paths)} texts, {TURNS} times in {len(base)} nodes")


def seed_files():
    for path in sorted(sites.HOMELAB.seed.rglob("*.yaml")):
        yield path.relative_to(sites.HOMELAB.seed), yaml.safe_load(path.read_text())


def shapes(site):
    """Of each document, but for an addon's name, which may be any."""
    return [(node, re.sub("^addons/.*", "addons", name),
             text.count("\n") if name in SCRIPTS else
             [shape(d) for d in yaml.safe_load_all(text)])
            for node, texts in site.rendered.items() for name, text in texts.items()]


def shape(value):
    if isinstance(value, dict):
        return {key: shape(v) for key, v in value.items()}
    return [shape(v) for v in value] if isinstance(value, list) else type(value).__name__


def test_declared_texts_are_refused_or_kept():
    """Whatever stands in the seed tree outside of variables: names, addresses, versions, URLs."""
    folder = SCRATCH / "declared"
    base = shapes(sites.HOMELAB)
    tried, kept = 0, 0
    for name, parsed in seed_files():
        for path in leaves(parsed):
            if "variables" in path or "extends" in path or "templates" in path:
                continue
            for text in unlike(4):
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(sites.HOMELAB.seed, folder)
                with open(folder / name, "w", encoding="utf-8") as f:
                    f.write(quoted(replaced(parsed, {path: text})))
                tried += 1
                changed = sites.Site(folder, sites.HOMELAB.templates)
                if changed.run("check").returncode:
                    continue
                kept += 1
                tap.eq(shapes(changed), base, f"{name} {path} {text!r}")
    print(f"# {tried} texts, {kept} of them taken")
    assert tried > 100, tried


if __name__ == "__main__":
    tap.main()
