# SPDX-License-Identifier: Apache-2.0
"""What one rendering costs, without HTTP: bench/render does it, in this build."""
import subprocess

import trees
from bars import Figure
from daemon import BUILD, SOURCE
from spread import spread_of

BATCHES_A_START = 21
VARIABLES = 21
BYTES = 6 * 1024
SITE = """\
name: bench
url: http://10.0.10.5:8080
networks:
  nodes: {cidr: 10.0.20.0/24, vlan: 20, gateway: 10.0.20.1}
"""
ROLE = "small:\n  templates: {user-data: small}\n"


def _small_template():
    """Values that no two nodes share, each quoted for YAML, and text between them."""
    head = "#cloud-config\nwrite_files:\n"
    each = (BYTES - len(head)) // VARIABLES
    parts = []
    for number in range(VARIABLES):
        begin = f"  - path: /etc/bench/{number:02}\n    content: "
        value = "{{ value_%02d | to_yaml_scalar }}" % number
        text = begin + "\n    # "
        rendered = len(text) + len(_value(number)) + len('""\n')
        parts.append(begin + value + "\n    # " + "-" * (each - rendered) + "\n")
    return head + "".join(parts)


def _value(number):
    return f"a value of its own, number {number}"


def _small_tree(folder):
    templates = folder / "templates"
    for name in ("nodes", "roles", "clusters", "templates"):
        (folder / name).mkdir()
    (templates / "small").write_text(_small_template())
    (folder / "site.yaml").write_text(SITE)
    (folder / "roles/small.yaml").write_text(ROLE)
    variables = "".join(f"    value_{n:02}: {_value(n)!r}\n" for n in range(VARIABLES))
    (folder / "nodes/one.yaml").write_text(
        "one:\n  role: small\n  addresses: [10.0.20.11]\n  variables:\n" + variables)
    return trees.Tree(folder, templates, folder / "state")


def _figure(tree, node, document, what, options, bar=None):
    sizes, times = set(), []
    for start in range(options.starts):
        options.progress(f"rendering {document}, {start + 1} of {options.starts}")
        lines = subprocess.run(
            ["taskset", "-c", str(options.cores[0]), BUILD / "bench/render", tree.seed,
             tree.templates, node, document, str(BATCHES_A_START)],
            check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout.split()
        sizes.add(int(lines[0]))
        times += [float(line) / 1000 for line in lines[1:]]
    spread = spread_of(times)
    (size,) = sizes
    return Figure("One rendering", f"{what}, {size:,} bytes", spread.median, "µs", bar, spread,
                  {"bytes": size, "starts": options.starts})


def run(options):
    small = _small_tree(options.folder("small"))
    homelab = trees.Tree(SOURCE / "seed", SOURCE / "templates", options.scratch / "state")
    worker = "k8s-worker-2"
    return [
        _figure(small, "one", "user-data", f"{VARIABLES} variables", options, "render.small"),
        _figure(homelab, worker, "user-data", "the worker's user-data", options),
        _figure(homelab, worker, "network-config", "its network-config", options),
    ]
