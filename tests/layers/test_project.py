#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What surrounds the sources: the CI workflow, .editorconfig, compile_commands.json, the pages."""
import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import layers  # noqa: E402
import tap  # noqa: E402
import yaml  # noqa: E402

ROOT = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("CLOUDSEED_BUILD", "."))
WORKFLOW = ROOT / ".github/workflows/ci.yml"


def make(target):
    """Runs make in the build folder, as a user would."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", "-C", BUILD, target], env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout


# --- compile_commands.json -----------------------------------------------------------------------


def test_compile_commands_has_every_source():
    make("compile_commands.json")
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    found = {Path(e["directory"], e["file"]).resolve() for e in entries}
    missing = {f.resolve() for f in (ROOT / "src").rglob("*.c")} - found
    assert not missing, missing
    missing = {f for f in found if not f.exists()}
    assert not missing, missing


def test_compile_commands_compile():
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    (entry,) = [e for e in entries if e["file"].endswith("src/base/err.c")]
    words = entry["arguments"]
    assert not {"-MT", "-MF", "-MD", "-MP"} & set(words), words
    subprocess.run([*words, "-fsyntax-only"], cwd=entry["directory"], check=True, timeout=60)


# --- The CI workflow -----------------------------------------------------------------------------


def workflow():
    return yaml.safe_load(WORKFLOW.read_text())


def jobs():
    return workflow()["jobs"]


def steps(key):
    """(job, value) of every step that has the key."""
    return [(name, step[key]) for name, job in jobs().items() for step in job["steps"]
            if key in step]


def commands():
    """(job, words) of every simple command in a run block, without assignments before it."""
    for name, block in steps("run"):
        for line in block.splitlines():
            for command in re.split(r"&&|\|\||;", line):
                words = command.split()
                while words and re.match(r"\w+=", words[0]):
                    words.pop(0)
                if words:
                    yield name, words


def test_workflow_has_its_jobs():
    tap.eq(sorted(jobs()), ["build", "distcheck", "openapi", "package", "test", "tsan"])
    matrix = jobs()["build"]["strategy"]["matrix"]
    tap.eq(matrix, {"image": ["debian:12", "debian:13"], "compiler": ["gcc", "clang"]})
    for name, script in (("test", "./test.sh"), ("tsan", "check-tsan"), ("distcheck", "distcheck"),
                         ("package", "check-package")):
        assert any(job == name and script in words for job, words in commands()), script


def test_workflow_is_bounded_and_has_no_rights():
    tap.eq(workflow()["permissions"], {"contents": "read"})
    for name, job in jobs().items():
        assert job["timeout-minutes"] <= 90, name
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step), (name, step)


def test_workflow_is_pinned():
    for name, action in steps("uses"):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), (name, action)
    for name, job in jobs().items():
        image = job["container"]["image"]
        for text in (image, job["runs-on"]):
            assert "latest" not in text, (name, text)
        assert image == "${{ matrix.image }}" or re.fullmatch(r"debian:\d+", image), image


def test_workflow_blocks_are_bash():
    tap.eq(workflow()["defaults"]["run"]["shell"], "bash")
    for name, block in steps("run"):
        assert "${{" not in block, (name, block)  # values come by the environment, quoted
        subprocess.run(["bash", "-n"], input=block, text=True, check=True)
        if shutil.which("shellcheck"):
            subprocess.run(["shellcheck", "--shell=bash", "-"], input=block, text=True, check=True)


def test_workflow_calls_what_there_is():
    targets = set(re.findall(r"^([\w.-]+):", (BUILD / "Makefile").read_text(), re.M))
    groups = set(re.findall(r"^(\w+)=\(", (ROOT / "scripts/deps.sh").read_text(), re.M))
    called = []
    for name, words in commands():
        program, arguments = words[0], [w for w in words[1:] if not w.startswith("-")]
        if "/" in program:
            called.append(program)
            assert os.access(ROOT / program, os.X_OK), (name, program)
        if program == "scripts/deps.sh":
            assert set(arguments) <= groups, (name, words)
        if program == "make":
            called += arguments[1:]
            assert set(arguments[1:]) <= targets, (name, words)
    for wanted in ("./test.sh", "./run.sh", "all", "check-unit", "check-tsan", "distcheck"):
        assert wanted in called, wanted


def test_options_of_the_workflow_exist():
    known = subprocess.run([ROOT / "configure", "--help"], stdout=subprocess.PIPE, text=True,
                           check=True).stdout
    for name, words in commands():
        for option in words if words[0] == "scripts/configure.sh" else ():
            assert not option.startswith("--") or option in known, (name, option)


# --- .editorconfig -------------------------------------------------------------------------------


def test_editorconfig_tells_the_truth():
    text = (ROOT / ".editorconfig").read_text()
    assert re.search(r"^root = true$", text, re.M)
    config = configparser.ConfigParser()
    config.read_string(re.sub(r"^root = true$", "", text, flags=re.M))
    tap.eq(dict(config["*"]), {
        "charset": "utf-8", "end_of_line": "lf", "insert_final_newline": "true",
        "trim_trailing_whitespace": "true", "indent_style": "space", "indent_size": "4",
        "max_line_length": "100"})
    style = yaml.safe_load((ROOT / ".clang-format").read_text())
    tap.eq((style["IndentWidth"], style["ColumnLimit"]), (4, 100))
    bad = []
    for file in layers.all_files(ROOT):
        if file.suffix not in (".c", ".h", ".py", ".sh") or "odd" in file.parts:
            continue
        raw = file.read_bytes()
        raw.decode()
        if b"\r" in raw or raw and not raw.endswith(b"\n"):
            bad.append(f"{file}: line ends")
        bad += [f"{file}:{n}" for n, line in enumerate(raw.split(b"\n"), 1)
                if line != line.rstrip() or (line.startswith(b"\t") and file.suffix != ".sh")]
    assert not bad, "\n".join(bad)


def test_server_and_nodes_agree_on_the_least_date():
    """Neither believes a clock that is before it."""
    ours = re.search(r"BUILD_DATE=(\d+)", (ROOT / "configure.ac").read_text())
    theirs = re.search(r"^BUILT = (\d+)", (ROOT / "templates/k8s/join.py").read_text(), re.M)
    tap.eq(ours[1], theirs[1])


# --- Pages ---------------------------------------------------------------------------------------


def test_links_between_pages_lead_somewhere():
    bad = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in link and not (page.parent / link).exists():
                bad.append(f"{page.relative_to(ROOT)}: {link}")
    assert not bad, "\n".join(bad)


def test_pages_name_each_other():
    for page in ("README.md", "HACKING.md"):
        for other in ("CONTRIBUTING.md", "SECURITY.md"):
            tap.contains((ROOT / page).read_text(), other)


tap.main()
