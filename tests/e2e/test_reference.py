#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The page on templates lists what templates really see, and says the truth about it."""
import json
import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import tap  # noqa: E402

WORLD = tap.enter(cli.World())
NAMES = ["node", "role", "cluster", "site", "networks", "seed", "bootstrap", "secrets"]
KERNEL = ("  boot: {kind: kernel, kernel: debian/vmlinuz, initrd: [debian/initrd.img], "
          "arguments: quiet}\n")
ROW = re.compile(r"^\| `([\w.\[\]]+)` \| (.*?) \| (.*?) \|$", re.M)


def make_rich():
    """A tree in which nothing that templates see is empty."""
    site = WORLD.path / "seed" / "site.yaml"
    site.write_text("evidence: [mac]\n" + site.read_text().replace(
        "gateway: 10.0.20.1", "gateway: 10.0.20.1, dns: [10.0.20.1], search: [home.arpa]"))
    cluster = next((WORLD.path / "seed" / "clusters").iterdir())
    cluster.write_text(cluster.read_text() + "  addons:\n    - {name: calico, url: "
                       "'https://example.org/c.yaml', wait: [deployment/kube-system/c]}\n")
    roles = WORLD.path / "seed" / "roles" / "k8s.yaml"
    roles.write_text(roles.read_text().replace(
        "  kubeadm: sealed/kubeadm\n", "  kubeadm: sealed/all\n" + KERNEL))
    shown = ", ".join(f'"{name}": {{{{ {name} | tojson }}}}' for name in NAMES if name != "secrets")
    WORLD.write("templates/sealed/all",
                f'{{{shown}, "secrets": {{"registry": {{{{ secrets.registry | tojson }}}}}}}}\n')


def paths_of(value, path):
    """Every path below, in the page's words."""
    yield path
    if isinstance(value, list):
        for item in value:
            yield from (p for p in paths_of(item, path + "[]") if p != path + "[]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from paths_of(item, f"{path}.{'NAME' if path in ('networks', 'secrets') else key}")


def rows():
    text = WORLD.good("reference", "templates").split("\n## Filters")[0]
    return {name: (what, example) for name, what, example in ROW.findall(text)}


make_rich()
WORLD.write("templates/ipxe/node", "#!ipxe\n{{ boot | tojson }}\n")
SEEN = json.loads(WORLD.good("render", "k8s-worker-2", "kubeadm-join"))
SEEN["boot"] = json.loads(WORLD.good("render", "k8s-worker-2", "boot.ipxe").split("\n")[1])


def test_names_are_those_that_templates_see():
    want = {path for name in SEEN for path in paths_of(SEEN[name], name)}
    tap.eq(sorted(set(rows()) - want), [], "listed, but not there")
    tap.eq(sorted(want - set(rows()) - {"networks.NAME"}), [], "there, but not listed")


def kind_of(value):
    return "none" if value is None else type(value).__name__


def at(path):
    value = SEEN
    for part in path.replace("[]", ".0").split("."):
        if isinstance(value, list):
            value = value[int(part)]
        else:
            value = next(iter(value.values())) if part == "NAME" else value[part]
    return value


def test_examples_of_names_are_of_their_kind():
    for path, (what, example) in rows().items():
        real = at(path)
        if not example:
            assert isinstance(real, (dict, list)), path
            continue
        shown = json.loads(example.strip("`").replace("\\|", "|"))
        if shown is not None and real is not None:
            tap.eq(kind_of(shown), kind_of(real), path)
        if None in (shown, real):
            tap.contains(what, "none")


def test_every_filter_is_listed_with_a_true_example():
    page = WORLD.good("reference", "templates").split("\n## Filters")[1]
    examples = re.findall(r"^\| `\S.*?` \| .*? \| `(.*)` \| `(.*)` \|$", page, re.M)
    assert len(examples) > 60, len(examples)
    plain = [[text.replace("\\|", "|") for text in pair] for pair in examples]
    roles = WORLD.path / "seed" / "roles" / "k8s.yaml"
    roles.write_text(roles.read_text().replace("k8s/user-data", "examples"))
    WORLD.write("templates/examples", "".join(f"{example};\n" for example, _ in plain))
    tap.eq(WORLD.good("render", "k8s-worker-2", "user-data").split("\n")[:-1],
           [f"{result};" for _, result in plain])


tap.main()
