#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""templates/k8s/join and what it carries: the script's bytes, its language, the unit."""
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jinja2
import yaml

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE)]
import admin  # noqa: E402
import tap  # noqa: E402
import tools  # noqa: E402

ROOT = Path(os.environ.get("CLOUDSEED_SOURCE", HERE.parents[1]))
SCRIPT = ROOT / "templates/k8s/join.py"
UNIT = "/etc/systemd/system/cloudseed-join.service"
SCOPE = {"site": {"node_url": "https://[2001:db8::5]:8443"}, "role": {"bootstrap": "worker"},
         "seed": {"url": "http://10.0.10.5:8080/s/aabc/"}}
# Modules of the standard library that every supported Python has (3.8 to 3.14).
ALLOWED = """base64 contextlib datetime fcntl grp hashlib hmac http.client itertools json os pwd random re
secrets signal socket ssl subprocess sys time urllib.error urllib.parse urllib.request""".split()


def rendered(name):
    """As the tests of tests/template hold our own engine to."""
    def to_yaml_scalar(value):
        return yaml.safe_dump(str(value), default_style='"', width=10**6).strip()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "templates"), undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters["to_yaml_scalar"] = to_yaml_scalar
    return environment.get_template(name).render(SCOPE)


def entries():
    found = yaml.safe_load("write_files:\n" + rendered("k8s/join"))["write_files"]
    return {one["path"]: one for one in found}


def test_script_arrives_byte_for_byte():
    entry = entries()["/usr/local/lib/cloudseed/join"]
    tap.eq(entry["content"].encode(), SCRIPT.read_bytes())
    tap.eq(entry["permissions"], "0755")


def test_settings_are_those_of_the_contract():
    entry = entries()["/etc/cloudseed/join.json"]
    tap.eq(yaml.safe_load(entry["content"]), {
        "node_url": SCOPE["site"]["node_url"], "seed_url": SCOPE["seed"]["url"], "role": "worker",
        "images": "registry.k8s.io"})
    tap.eq(entry["permissions"], "0600")


def test_unit_is_started_without_waiting():
    # It waits for the end of the stage of cloud-init that starts it.
    text = (ROOT / "templates/k8s/prepare.sh").read_text()
    lines = [line for line in text.splitlines() if line.endswith(" cloudseed-join.service")]
    assert lines and all(" --no-block " in line and " enable " in line for line in lines), lines


def test_our_own_engine_renders_the_same():
    for node, role in (("k8s-master-1", "master"), ("k8s-worker-2", "worker")):
        document = yaml.safe_load(admin.run("render", node, "user-data"))
        files = {one["path"]: one for one in document["write_files"]}
        tap.eq(files["/usr/local/lib/cloudseed/join"]["content"].encode(), SCRIPT.read_bytes())
        tap.eq(files[UNIT]["content"], entries()[UNIT]["content"])
        settings = json.loads(files["/etc/cloudseed/join.json"]["content"])
        tap.eq((sorted(settings), settings["role"]),
               (["images", "node_url", "role", "seed_url"], role))


def test_shipped_configuration_is_what_kubeadm_takes():
    for node, document, command in (("k8s-master-1", "kubeadm-init", "init"),
                                    ("k8s-master-1", "kubeadm-join", "join"),
                                    ("k8s-worker-2", "kubeadm-join", "join")):
        with tempfile.TemporaryDirectory() as root:
            config = Path(root, "run/kubeadm.yaml")
            config.parent.mkdir()
            config.write_text(admin.run("render", node, document))
            config.chmod(0o600)
            status, _, said = tools.call(["kubeadm", command, "--config", str(config)], "", root,
                                         f"{root}/notes.json")
            tap.eq(status, 0, f"{node} {document}: {said}")


def test_script_has_nothing_that_templates_would_read():
    text = SCRIPT.read_text()
    for mark in ("{" "{", "{" "%", "{" "#"):
        assert mark not in text, mark
    assert text.isascii() and "\t" not in text and text.endswith("\n")


def test_script_is_python_3_8():
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 8))
    for node in ast.walk(tree):
        assert not isinstance(node, getattr(ast, "Match", ())), "match is of 3.10"
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("removeprefix", "removesuffix", "UTC", "batched"), node.attr
    # The C library's part: parenthesised with statements parse in newer Pythons only.
    assert not re.search(r"^\s*with \(", SCRIPT.read_text(), re.M)


def test_script_needs_the_standard_library_alone():
    found = set()
    for node in ast.walk(ast.parse(SCRIPT.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    tap.eq(sorted(found), sorted(ALLOWED))


def test_functions_are_short():
    for node in ast.walk(ast.parse(SCRIPT.read_text())):
        if isinstance(node, ast.FunctionDef):
            lines = node.end_lineno - node.lineno + 1
            assert lines <= 40, f"{node.name} has {lines} lines"


def test_pyflakes_and_the_compiler_have_nothing_to_say():
    compile(SCRIPT.read_text(), str(SCRIPT), "exec", dont_inherit=True)
    if not shutil.which("pyflakes3"):
        raise tap.Skip("pyflakes3 is not installed")
    done = subprocess.run(["pyflakes3", str(SCRIPT)], stdout=subprocess.PIPE, check=False)
    tap.eq(done.stdout, b"")


def verify(text):
    """What systemd says of the unit, with a program in the place of the script."""
    if not shutil.which("systemd-analyze"):
        raise tap.Skip("systemd-analyze is not installed")
    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder, "cloudseed-join.service")
        unit.write_text(text.replace("/usr/local/lib/cloudseed/join", "/bin/true"))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                               str(unit)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=300, check=False)
        return [line for line in done.stdout.splitlines() if "cloudseed" in line]


def test_systemd_finds_no_fault_with_the_unit():
    unit = entries()[UNIT]["content"]
    tap.eq(verify(unit), [])
    assert verify(unit + "Nonsense=1\n")


def test_unit_waits_for_cloud_init_and_does_not_come_back():
    unit = entries()[UNIT]["content"]
    for line in ("After=network-online.target cloud-final.service",
                 "ConditionPathExists=!/var/lib/cloudseed/joined", "RestartPreventExitStatus=2",
                 "ExecStart=/usr/local/lib/cloudseed/join", "WantedBy=cloud-init.target"):
        tap.contains(unit.splitlines(), line)
    # Any of these would give kubeadm mounts of its own.
    assert not re.search(r"^(Private|Protect|ReadOnly|ReadWrite|Bind|Inaccessible)", unit, re.M)


tap.main()
