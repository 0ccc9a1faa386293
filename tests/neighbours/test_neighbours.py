#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""contrib/ for Terraform, GitHub Actions and Ansible: read by their real parsers, where those can be
had, and their shell steps run."""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("lib", "e2e")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
import yaml  # noqa: E402

HERE = Path(__file__).resolve().parent
CONTRIB = daemon.SOURCE / "contrib"
PROGRAMS = daemon.BUILD.resolve()
VM = "proxmox_virtual_environment_vm"
# What Terraform's own language has in a resource and in a module's call.
META = {"for_each", "count", "depends_on", "provider", "source", "version"}


def need(*programs):
    missing = [p for p in programs if not shutil.which(p)]
    if missing:
        raise tap.Skip(f"not installed: {missing}")


# --- Terraform ------------------------------------------------------------------------------------

def parsed():
    """{file's name below contrib/terraform: blocks}, by HashiCorp's parser."""
    need("go")
    if not Path("/usr/share/gocode/src/github.com/hashicorp/hcl/v2").exists():
        raise tap.Skip("golang-github-hashicorp-hcl-v2-dev is not installed")
    cache = world.scratch()
    files = sorted((CONTRIB / "terraform").rglob("*.tf"))
    done = subprocess.run(["go", "run", HERE / "hcl.go", *files], cwd=cache, capture_output=True,
                          text=True, timeout=600, check=False,
                          env={**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
                               "GOCACHE": str(cache / "cache"), "HOME": str(cache)})
    tap.eq(done.returncode, 0, done.stderr)
    return {str(Path(name).relative_to(CONTRIB / "terraform")): found
            for name, found in json.loads(done.stdout).items()}


def arguments(blocks, within=""):
    """The paths of all arguments and blocks: "cpu.cores"."""
    for kind, _, values, inner in blocks:
        if kind == "lifecycle":
            continue
        yield within + kind
        yield from (f"{within}{kind}.{name}" for name in values)
        yield from arguments(inner, f"{within}{kind}.")


def test_terraform():
    files = parsed()
    known = {line for line in (HERE / "proxmox_vm.txt").read_text().splitlines() if line[:1] != "#"}
    (vm,) = [b for b in files["pve-cloudseed-vm/main.tf"] if b[0] == "resource"]
    tap.eq(vm[1], [VM, "node"])
    used = set(vm[2]) | set(arguments(vm[3]))
    assert not used - known - META, used - known
    assert len(used) > 20, used
    # Terraform neither sets the serial nor minds who does.
    assert not [name for name in used if name.startswith("smbios")], used
    (lifecycle,) = [b for b in vm[3] if b[0] == "lifecycle"]
    ignored = set(re.findall(r"\w+", lifecycle[2]["ignore_changes"]))
    tap.eq(ignored, {"smbios", "started", "description"})
    assert ignored <= known
    tap.eq(vm[2]["started"], "false")

    variables = {b[1][0]: b[2] for b in files["pve-cloudseed-vm/variables.tf"]}
    text = (CONTRIB / "terraform/pve-cloudseed-vm/main.tf").read_text()
    tap.eq(set(re.findall(r"\bvar\.(\w+)", text)), set(variables))
    (call,) = [b for b in files["homelab/main.tf"] if b[0] == "module"]
    assert set(call[2]) - META <= set(variables), call
    wanted = {name for name, values in variables.items() if "default" not in values}
    assert wanted <= set(call[2]), wanted - set(call[2])


def test_terraform_has_the_nodes_of_the_seed_tree():
    text = (CONTRIB / "terraform/homelab/main.tf").read_text()
    found = dict(re.findall(r'^ +([\w-]+) += \{ mac = "([0-9a-f:]+)"', text, re.M))
    done = subprocess.run([PROGRAMS / "cloudseed", "node", "list", "--json", "--seed",
                           daemon.SOURCE / "seed", "--templates", daemon.SOURCE / "templates"],
                          capture_output=True, text=True, check=True)
    tap.eq(found, {node["name"]: node["macs"][0] for node in json.loads(done.stdout)})


def test_terraform_says_that_it_was_never_planned():
    for name in ("pve-cloudseed-vm", "homelab"):
        text = re.sub(r"\s+#?\s*", " ", (CONTRIB / f"terraform/{name}/main.tf").read_text())
        tap.contains(text.lower(), "never planned against a live provider")


# --- GitHub Actions -------------------------------------------------------------------------------

WORKFLOW = yaml.safe_load((CONTRIB / "github-actions/cloudseed.yml").read_text())
STEPS = WORKFLOW["jobs"]["seed"]["steps"]
GH = """#!/bin/sh
echo "$*" >>"$RUNNER_TEMP/gh.log"
case " $* " in *" --edit-last "*) [ -e "$RUNNER_TEMP/commented" ] || exit 1 ;; esac
shift 3; while [ "$1" != --body-file ]; do shift; done
cp "$2" "$RUNNER_TEMP/comment"; touch "$RUNNER_TEMP/commented"
"""


class Run:
    """A pull request's checkout, whose base is the commit before."""

    def __init__(self):
        self.path = world.scratch()
        self.base = None
        for name in ("seed", "templates"):
            shutil.copytree(daemon.SOURCE / name, self.path / name)
        (self.path / "temp/bin").mkdir(parents=True)
        gh = self.path / "temp/bin/gh"
        gh.write_text(GH)
        gh.chmod(0o755)
        self.git("init", "-q", "-b", "main")
        self.base = self.commit()

    def git(self, *words):
        return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
                              cwd=self.path, capture_output=True, text=True, check=True).stdout

    def commit(self):
        self.git("add", "seed", "templates")
        self.git("commit", "-qm", "one")
        return self.git("rev-parse", "HEAD").strip()

    def change(self, file, old, new):
        path = self.path / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        self.commit()

    def step(self, name):
        (script,) = [step["run"] for step in STEPS if step.get("name") == name]
        temp = self.path / "temp"
        env = {**os.environ, "PATH": f"{temp}/bin:{PROGRAMS}:{os.environ['PATH']}",
               "RUNNER_TEMP": str(temp), "GITHUB_STEP_SUMMARY": str(temp / "summary"),
               "BASE": self.base, "PULL_REQUEST": "7", "HOME": str(temp)}
        # As GitHub runs 'shell: bash'.
        return subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
                              cwd=self.path, env=env, capture_output=True, text=True,
                              timeout=daemon.SECONDS, check=False)

    def read(self, name):
        return (self.path / "temp" / name).read_text()


def passed(done):
    tap.eq(done.returncode, 0, done.stdout + done.stderr)


def test_actions_show_what_changes():
    need("git")
    run = Run()
    run.change("seed/site.yaml", "admin_user: admin", "admin_user: boss")
    passed(run.step("Check the seed tree"))
    passed(run.step("What changes on which nodes"))
    tap.contains(run.read("summary"), "boss")
    passed(run.step("Comment on the pull request"))
    tap.eq(run.read("comment"), run.read("diff.md"))
    passed(run.step("Comment on the pull request"))
    tap.eq(run.read("gh.log").count("--edit-last"), 2)
    tap.eq(len(run.read("gh.log").splitlines()), 3, "the first comment is changed, not repeated")


def test_actions_of_a_change_without_effect_and_of_a_long_one():
    need("git")
    run = Run()
    run.change("seed/site.yaml", "# What all nodes share.", "# What all nodes have.")
    passed(run.step("What changes on which nodes"))
    (run.path / "temp/diff.md").write_text("x" * 70000)
    passed(run.step("Comment on the pull request"))
    tap.contains(run.read("comment"), "too long for a comment")


def test_actions_fail_for_a_tree_with_faults():
    need("git")
    run = Run()
    run.change("seed/site.yaml", "url: http", "uri: http")
    done = run.step("Check the seed tree")
    assert done.returncode == 1 and "site.yaml:" in done.stderr + done.stdout, done
    assert run.step("What changes on which nodes").returncode != 0


def test_actions_have_no_more_rights_than_they_need():
    tap.eq(WORKFLOW["permissions"], {"contents": "read", "pull-requests": "write"})
    checkout = STEPS[0]
    tap.eq(checkout["with"]["fetch-depth"], 0)
    for step in STEPS:
        assert "uses" not in step or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]), step
        assert "${{" not in step.get("run", ""), "values come by the environment, quoted"
    assert "secrets." not in (CONTRIB / "github-actions/cloudseed.yml").read_text()
    need("shellcheck")
    for step in STEPS:
        if "run" in step:
            subprocess.run(["shellcheck", "--shell=bash", "-"], input=step["run"], text=True,
                           check=True)


# --- Ansible --------------------------------------------------------------------------------------

def playbook(*words):
    need("ansible-playbook")
    home = world.scratch()
    return subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "-c", "local", *words,
         CONTRIB / "ansible/site.yml"],
        env={**os.environ, "HOME": str(home), "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
             "ANSIBLE_REMOTE_TEMP": str(home / "remote"), "ANSIBLE_NOCOLOR": "1"},
        cwd=home, capture_output=True, text=True, timeout=600, check=False)


def test_ansible_lint_finds_nothing():
    """By its strictest profile."""
    need("ansible-lint")
    place = world.scratch()
    shutil.copytree(CONTRIB / "ansible", place / "ansible")  # it leaves a cache beside what it reads
    passed(subprocess.run(["ansible-lint", "--offline", "--nocolor", "--profile", "production"],
                          cwd=place / "ansible", env={**os.environ, "HOME": str(place)},
                          capture_output=True, text=True, timeout=300, check=False))


def test_ansible_takes_the_role():
    passed(playbook("--syntax-check"))
    listed = playbook("--list-tasks").stdout
    for name in ("Fetch the source", "Build and install it", "Start cloudseedd"):
        tap.contains(listed, name)


def test_ansible_runs_the_role_in_check_mode():
    """Nothing is changed; as root, since apt is asked."""
    if os.geteuid() != 0:
        raise tap.Skip("not root")
    need("git")
    source = Run().path
    target = world.scratch() / "source"
    words = ["--check", "-e", "ansible_python_interpreter=/usr/bin/python3",
             "-e", f"cloudseed_repository={source}", "-e", f"cloudseed_source={target}",
             "-e", f"cloudseed_seed={daemon.SOURCE}/seed"]
    done = playbook(*words)
    passed(done)
    tap.contains(done.stdout, "failed=0")
    assert not target.exists() and not Path("/etc/cloudseed/seed/site.yaml").exists()


def test_ansible_wants_to_know_where_the_source_is():
    done = playbook("-e", "ansible_python_interpreter=/usr/bin/python3", "--check")
    assert done.returncode != 0
    tap.contains(done.stdout, "Set cloudseed_repository")


tap.main()
