#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed diff` over real repositories of Git, with the real diff and patch."""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import tap  # noqa: E402

SAME, DIFFERS = 0, 2
WHERE = ["--seed", "seed", "--templates", "templates"]
GIT = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
       "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.org",
       "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.org"}
USER_DATA = "templates/k8s/user-data"


class Repository(cli.World):
    """A world whose trees are committed."""

    def __init__(self):
        super().__init__()
        self.temporary = self.path / "tmp"
        self.temporary.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write(".gitignore", "tmp\n")
        self.commit()

    def git(self, *words):
        done = subprocess.run(["git", *words], cwd=self.path, env=GIT, capture_output=True,
                              text=True, timeout=cli.SECONDS, check=False)
        tap.eq(done.returncode, 0, done.stderr)
        return done.stdout

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "a step")

    def edit(self, name, old, new):
        text = (self.path / name).read_text()
        tap.contains(text, old)
        self.write(name, text.replace(old, new))

    def diff(self, *words, status=DIFFERS, where=None, env=None):
        """What it prints; nothing may be left behind."""
        done = self.run("diff", *(WHERE if where is None else where), *words,
                        env={**GIT, "TMPDIR": str(self.temporary), **(env or {})})
        tap.eq(os.listdir(self.temporary), [])
        tap.eq((done.returncode, done.stderr if done.returncode != 1 else ""), (status, ""),
               done.stderr)
        return done.stdout if done.returncode != 1 else done.stderr


def repository():
    return tap.enter(Repository())


def rendered(world, name, *where):
    world.good("render", "--all", name, *(where or WHERE))
    return {str(file.relative_to(world.path / name)): file.read_text()
            for file in sorted((world.path / name).rglob("*")) if file.is_file()}


# --- What it says ------------------------------------------------------------------------------

def test_nothing_changes():
    tap.eq(repository().diff(status=SAME), "nothing that is rendered changes in 2 nodes\n")


def test_a_change_in_all_nodes_is_shown_once():
    world = repository()
    world.edit("seed/site.yaml", "Europe/Zurich", "Europe/Berlin")
    tap.eq(world.diff(), """\
user-data of k8s-master-1, the same in 1 other node: k8s-worker-2
--- a/k8s-master-1/user-data
+++ b/k8s-master-1/user-data
@@ -1,3 +1,3 @@
 #cloud-config
-timezone: "Europe/Zurich"
+timezone: "Europe/Berlin"
 packages: ["curl"]

2 nodes change: user-data of 2
""")


def test_a_change_in_one_node():
    world = repository()
    world.edit("seed/roles/k8s.yaml", "nfs-common", "nfs-common, jq")
    out = world.diff()
    tap.contains(out, '\n-packages: ["nfs-common"]\n+packages: ["nfs-common", "jq"]\n')
    assert out.startswith("user-data of k8s-worker-2\n"), out
    assert out.endswith("\n1 node changes: user-data of 1\n"), out


def test_lines_around_do_not_count():
    """What stands between two changes is the node's own; the changes are the same."""
    world = repository()
    world.write(USER_DATA, "a: 1\nname: {{ node.name }}\nb: 1\n")
    world.commit()
    world.write(USER_DATA, "a: 2\nname: {{ node.name }}\nb: 2\n")
    tap.contains(world.diff(), "user-data of k8s-master-1, the same in 1 other node: k8s-worker-2")


def test_own_names_and_addresses_do_not_count():
    world = repository()
    world.write(USER_DATA, "a: {{ node.name }}.old {{ node.addresses[0] }}:1\n")
    world.commit()
    world.write(USER_DATA, "a: {{ node.name }}.new {{ node.addresses[0] }}:2\n")
    out = world.diff()
    tap.contains(out, "user-data of k8s-master-1, the same, but for names and addresses, in 1 "
                      "other node: k8s-worker-2\n")
    tap.contains(out, "-a: k8s-master-1.old 10.0.20.11:1\n+a: k8s-master-1.new 10.0.20.11:2\n")
    each = world.diff("--each")
    tap.contains(each, "-a: k8s-worker-2.old 10.0.20.12:1\n+a: k8s-worker-2.new 10.0.20.12:2\n")
    assert "the same" not in each, each


def test_own_names_are_words():
    world = repository()
    for node, other in (("k8s-master-1", "k8s-master-15"), ("k8s-worker-2", "k8s-worker-25")):
        world.edit("seed/nodes/k8s.yaml", f"{node}:\n", f"{node}:\n  variables: {{t: {other}}}\n")
    world.write(USER_DATA, "a: b\n")
    world.commit()
    world.write(USER_DATA, "a: {{ t }}\n")
    assert "the same" not in world.diff()


def test_a_new_address_is_not_taken_for_the_same():
    world = repository()
    world.write(USER_DATA, "a: {{ node.addresses[0] }}\n")
    world.commit()
    world.edit("seed/nodes/k8s.yaml", "10.0.20.1", "10.0.20.10")
    out = world.diff()
    tap.contains(out, "+a: 10.0.20.101\n")
    tap.contains(out, "+a: 10.0.20.102\n")


def test_many_nodes_are_not_all_listed():
    world = repository()
    world.write("seed/nodes/more.yaml", "".join(f"n{i:03}: {{role: worker, cluster: homelab}}\n"
                                                for i in range(41)))
    world.commit()
    world.edit(USER_DATA, "timezone:", "time_zone:")
    out = world.diff()
    tap.contains(out, "the same in 42 other nodes: k8s-worker-2, n000, ")
    tap.contains(out, " and 31 more\n")
    assert len(out.splitlines()) < 20, out


def test_new_nodes_are_none_of_those_in_which_nothing_changes():
    world = repository()
    world.edit("seed/nodes/k8s.yaml", "k8s-worker-2:", "k8s-worker-3:")
    tap.contains(world.diff(), "\nnothing that is rendered changes in 1 node\n")


def test_nodes_and_documents_that_come_and_go():
    world = repository()
    world.edit("seed/nodes/k8s.yaml", "k8s-worker-2:", "k8s-worker-3:")
    world.edit("seed/roles/k8s.yaml", "kubeadm: sealed/kubeadm}",
               "kubeadm: sealed/kubeadm, sealed: {/etc/k: {template: sealed/k}}}")
    world.write("templates/sealed/k", "key: {{ secrets.k }}\n")
    out = world.diff()
    tap.contains(out, "\n1 node is added: k8s-worker-3\n1 node is removed: k8s-worker-2\n")
    tap.contains(out, """\
sealed/etc/k is new in k8s-master-1
--- /dev/null
+++ b/k8s-master-1/sealed/etc/k
@@ -0,0 +1 @@
+key: SECRET-k
""")
    world.commit()
    back = world.diff("--against", "HEAD~1")
    tap.eq(back, out)
    world.git("checkout", "-q", "HEAD~1")
    tap.contains(world.diff("--against", "main"), """\
sealed/etc/k is gone from k8s-master-1
--- a/k8s-master-1/sealed/etc/k
+++ /dev/null
@@ -1 +0,0 @@
-key: SECRET-k
""")


def test_a_new_instance_is_pointed_out():
    world = repository()
    world.edit("seed/roles/k8s.yaml", "user-data: k8s/user-data",
               "user-data: k8s/user-data, meta-data: meta")
    world.write("templates/meta", "instance-id: {{ node.name }}-2\n"
                                  "local-hostname: \"{{ node.name }}\"\n")
    tap.contains(world.diff(), "\n2 nodes are other instances to cloud-init, which runs again "
                               "there as on new machines: k8s-master-1, k8s-worker-2\n")
    got = json.loads(world.diff("--json"))
    tap.eq(got["new_instances"][1], {"node": "k8s-worker-2", "before": "k8s-worker-2-1",
                                     "now": "k8s-worker-2-2"})
    world.write("templates/meta", 'instance-id: "{{ node.name }}-1"\nlocal-hostname: x\n')
    assert "instance" not in re.sub("^[- +].*\n", "", world.diff(), flags=re.M)


def test_a_new_seed_key_is_pointed_out():
    world = repository()
    world.edit("seed/nodes/k8s.yaml", "k8s-worker-2:\n", "k8s-worker-2:\n  key_epoch: 2\n")
    tap.contains(world.diff(), "1 node gets a new seed key: ")


def test_keys_are_not_shown():
    world = repository()
    world.write(USER_DATA, "a: {{ seed.url }}\n")
    tap.contains(world.diff(), "\n+a: http://10.0.10.5:8080/s/SEED-KEY/\n")


def test_a_missing_newline_and_an_empty_document():
    world = repository()
    world.write(USER_DATA, "no end")
    out = world.diff("--each")
    tap.contains(out, "\n+no end\n\\ No newline at end of file\n")
    world.write(USER_DATA, "")
    tap.contains(world.diff(), "\n@@ -1,3 +0,0 @@\n")


# --- The other forms ---------------------------------------------------------------------------

def test_json():
    world = repository()
    world.edit("seed/site.yaml", "Europe/Zurich", "Europe/Berlin")
    got = json.loads(world.diff("--json"))
    assert re.fullmatch(r"HEAD \([0-9a-f]{12}\)", got.pop("against"))
    text = got["changes"][0].pop("diff")
    assert text.startswith("--- a/k8s-master-1/user-data\n+++ b/k8s-master-1/user-data\n@@ "), text
    assert text.endswith('\n packages: ["curl"]\n'), text
    tap.eq(got, {
        "differs": True, "changed": ["k8s-master-1", "k8s-worker-2"], "added": [], "removed": [],
        "new_seed_keys": [], "new_instances": [],
        "documents": [{"document": "user-data", "nodes": 2}],
        "changes": [{"document": "user-data", "kind": "changed", "identical": True,
                     "nodes": ["k8s-master-1", "k8s-worker-2"]}]})
    got = json.loads(world.diff("--json", "--against", ".", status=SAME))
    tap.eq((got["differs"], got["changes"], got["against"]), (False, [], "."))


def test_markdown():
    world = repository()
    world.edit("seed/site.yaml", "Europe/Zurich", "a</b>|`````c")
    tap.eq(world.diff("--markdown"), """\
### Rendered by cloudseed: 2 nodes change

| Document | Nodes in which it changes |
|---|---:|
| <code>user-data</code> | 2 |

<details><summary><code>user-data</code> of <code>k8s-master-1</code> and 1 other</summary>

``````diff
--- a/k8s-master-1/user-data
+++ b/k8s-master-1/user-data
@@ -1,3 +1,3 @@
 #cloud-config
-timezone: "Europe/Zurich"
+timezone: "a</b>|`````c"
 packages: ["curl"]
``````

The same in k8s-worker-2.

</details>
""")
    tap.eq(world.diff("--markdown", "--against", ".", status=SAME),
           "### Rendered by cloudseed: no node changes\n")


def test_markdown_fits_a_comment():
    world = repository()
    world.write("seed/nodes/more.yaml", "".join(
        f"n{i:03}: {{role: worker, cluster: homelab, variables: {{timezone: t{i}}}}}\n" for i in range(900)))
    world.commit()
    world.edit("seed/nodes/more.yaml", "timezone: t", "timezone: new-t")
    out = world.diff("--markdown")
    assert 55000 < len(out.encode()) <= 60000, len(out.encode())
    assert re.search(r"\n\d+ of 900 changes are left out to keep it short: "
                     r"`cloudseed diff` shows them\.\n$", out), out[-200:]
    tap.eq(out.count("<details>"), out.count("</details>"))


def test_colours_on_a_terminal():
    world = repository()
    world.edit("seed/site.yaml", "Europe/Zurich", "Europe/Berlin")
    world.edit(USER_DATA, "#cloud-config", "#cloud-config\n# \x1b[2Jbell \x07")
    status, shown = world.on_terminal("diff", *WHERE, env={**GIT, "TMPDIR": str(world.temporary)})
    tap.eq(status, DIFFERS)
    for part in ('\033[36m@@ -1,3 +1,4 @@\033[0m\n', '\033[31m-timezone: "Europe/Zurich"\033[0m\n',
                 '\033[32m+timezone: "Europe/Berlin"\033[0m\n', "\033[1m--- a/k8s-master-1/user-data",
                 "\033[32m+# \ufffd[2Jbell \ufffd\033[0m\n"):
        tap.contains(shown, part)


# --- Both sides --------------------------------------------------------------------------------

def test_no_paths_and_no_times():
    world = repository()
    world.edit("seed/site.yaml", "Europe/Zurich", "Europe/Berlin")
    for form in ([], ["--json"], ["--markdown"], ["--each"]):
        out = world.diff(*form)
        assert str(world.path) not in out and "/tmp" not in out, out
        assert not re.search(r"\d\d:\d\d:\d\d|20\d\d-\d\d", out), out


def old_tree(world):
    """A copy of the seed tree in another time zone."""
    shutil.copytree(world.path / "seed", world.path / "old" / "seed")
    world.edit("old/seed/site.yaml", "Europe/Zurich", "Etc/UTC")
    return '\n-timezone: "Etc/UTC"\n'


def test_against_a_folder():
    world = repository()
    gone = old_tree(world)
    tap.contains(world.diff("--against", "old"), gone)
    tap.contains(world.diff("--against", "old/seed"), gone)
    for place in ("old/templates", "old/seed/templates"):
        shutil.copytree(world.path / "templates", world.path / place)
        world.edit(f"{place}/k8s/user-data", "timezone:", "time-zone:")
        tap.contains(world.diff("--against", "old/seed"), gone.replace("timezone", "time-zone"))
    tap.contains(world.diff("--against", "tmp", status=1), "tmp: there is no site.yaml in it")


def test_against_a_folder_needs_no_git():
    world = repository()
    gone = old_tree(world)
    shutil.rmtree(world.path / ".git")
    tap.contains(world.diff("--against", "old", env={"GIT_CEILING_DIRECTORIES": "/"}), gone)
    tap.contains(world.diff(status=1), "seed is not in a Git checkout: name the other tree with "
                                       "--against DIR (fatal: not a git repository")


def test_against_revisions():
    world = repository()
    world.edit("seed/site.yaml", "Europe/Zurich", "Europe/Berlin")
    world.commit()
    world.git("tag", "-a", "-m", "x", "v1")
    world.diff("--against", "v1", status=SAME)
    world.diff("--against", "HEAD", status=SAME)
    tap.contains(world.diff("--against", "main~1"), '\n-timezone: "Europe/Zurich"\n')
    for wrong in ("nope", "-x", "main:seed", "/nonexistent"):
        said = world.diff("--against", wrong, status=1)
        tap.contains(said, f"'{wrong}' is neither a folder nor a revision of the checkout ")


def test_a_tree_that_the_revision_lacks():
    world = repository()
    shutil.copytree(world.path / "seed", world.path / "tree")
    said = world.diff(status=1, where=["--seed", "tree", "--templates", "templates"])
    tap.contains(said, "cloudseed: HEAD has no folder tree\n")


def test_templates_elsewhere_are_taken_for_both():
    world = repository()
    elsewhere = tap.enter(cli.World()).path / "templates"
    where = ["--seed", "seed", "--templates", str(elsewhere)]
    world.diff(status=SAME, where=where)
    (elsewhere / "k8s" / "user-data").write_text("other: {{ timezone }}\n")
    world.diff(status=SAME, where=where)
    world.edit("seed/site.yaml", "Europe/Zurich", "Europe/Berlin")
    tap.contains(world.diff(where=where), "\n-other: Europe/Zurich\n+other: Europe/Berlin\n")


def test_the_seed_tree_may_be_the_checkout():
    world = repository()
    shutil.rmtree(world.path / ".git")
    seed = world.path / "seed"
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=seed, env=GIT, check=True)
    world.edit("seed/site.yaml", "Europe/Zurich", "Europe/Berlin")
    tap.contains(world.diff(), '\n-timezone: "Europe/Zurich"\n')


def test_in_a_hook_of_git():
    """Git points its hooks at the repository by variables that mean another folder to us."""
    world = repository()
    world.edit("seed/site.yaml", "Europe/Zurich", "Europe/Berlin")
    env = {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index", "GIT_PREFIX": "x/"}
    tap.contains(world.diff(env=env), "2 nodes change")


def test_which_side_is_faulty():
    world = repository()
    world.write("seed/nodes/bad.yaml", "x: {role: workr}\ny: {role: none}\n")
    world.commit()
    (world.path / "seed" / "nodes" / "bad.yaml").unlink()
    said = world.diff(status=1)
    tap.contains(said, "HEAD:seed/nodes/bad.yaml:1:11: error: role: there is no role 'workr'")
    tap.contains(said, "\n  x: {role: workr}\n            ^\n")
    assert re.search(r"cloudseed: the seed tree of HEAD \([0-9a-f]{12}\) cannot be used: 2 errors",
                     said), said
    assert str(world.temporary) not in said, said
    world.commit()
    world.write("seed/nodes/bad.yaml", "x: {role: workr}\n")
    said = world.diff(status=1)
    tap.contains(said, "\nseed/nodes/bad.yaml:1:11: error: "[1:])
    tap.contains(said, "cloudseed: the seed tree seed cannot be used: 1 error")


def test_warnings_of_the_other_tree_are_past():
    world = repository()
    world.write("seed/nodes/more.txt", "")
    world.commit()
    (world.path / "seed" / "nodes" / "more.txt").unlink()
    world.diff(status=SAME)


def test_a_document_that_cannot_be_rendered():
    world = repository()
    world.write(USER_DATA, "{{ missing }}\n")
    world.commit()
    world.write(USER_DATA, "there\n")
    said = world.diff(status=1)
    tap.contains(said, "HEAD:templates/k8s/user-data:1:4: error: ")
    assert re.search(r"user-data of node 'k8s-master-1' in HEAD \([0-9a-f]+\) cannot be rendered",
                     said), said


def test_nothing_is_left_after_a_signal():
    world = repository()
    world.write("seed/nodes/many.yaml", "".join(f"n{i}: {{role: worker, cluster: homelab}}\n"
                                                for i in range(20000)))
    world.commit()
    world.edit(USER_DATA, "#cloud-config", "#cloud-config {{ node.name * 3 }}")
    def left():
        """ThreadSanitizer's own files, tsan.rodata.PID, are not ours to remove."""
        return [name for name in os.listdir(world.temporary) if not name.startswith("tsan.")]

    env = {**GIT, "TMPDIR": str(world.temporary)}
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen(world.command("diff", *WHERE), cwd=world.path,
                              stderr=subprocess.PIPE, env=env) as process:
            tap.wait_until(left)
            process.send_signal(number)
            tap.eq(process.wait(cli.SECONDS), -number)
            tap.eq(process.stderr.read(), b"")
        tap.eq(left(), [])


def test_without_the_programs():
    world = repository()
    old_tree(world)
    empty = world.path / "bin"
    empty.mkdir()
    tap.contains(world.diff(status=1, env={"PATH": str(empty)}), "git cannot be run")
    tap.contains(world.diff("--against", "old", status=1, env={"PATH": str(empty)}),
                 "diff cannot be run: No such file or directory")


# --- The property ------------------------------------------------------------------------------

def mutate(rng, text):
    """Some lines changed, dropped, doubled or added; some with what is the node's own."""
    lines = text.splitlines(keepends=True)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(lines) + 1)
        new = rng.choice(["x: {{ node.name }}\n", "plain\n", "-- a\n", "++ b\n", "\n", "@@ -1 @@\n",
                          "diff x\n", "{{ node.addresses[0] }}\n", "\\ No\n", "--- a/b\n"])
        lines[at:at + rng.choice([0, 0, 1, 2])] = [new] * rng.choice([0, 1, 2])
    return "".join(lines).rstrip("\n" if rng.random() < 0.2 else "")


def test_the_output_is_a_patch():
    rng = random.Random(20)
    world = repository()
    world.edit("seed/roles/k8s.yaml", "user-data: k8s/user-data",
               "user-data: k8s/user-data, vendor-data: vendor")
    world.write("templates/vendor", "v\n" * 20)
    world.write(USER_DATA, "".join(f"line {i}: {{{{ node.name }}}}\n" for i in range(30)))
    for _ in range(12):
        world.commit()
        old = rendered(world, "out")
        for name in (USER_DATA, "templates/vendor"):
            if rng.random() < 0.8:
                world.write(name, mutate(rng, (world.path / name).read_text()))
        new = rendered(world, "new")
        status = SAME if old == new else DIFFERS
        patch = world.diff("--each", status=status)
        if status == DIFFERS:
            done = subprocess.run(["patch", "-p1", "--no-backup-if-mismatch"], input=patch,
                                  cwd=world.path / "out", text=True, capture_output=True,
                                  timeout=cli.SECONDS, check=False)
            tap.eq(done.returncode, 0, done.stdout + patch)
        got = {str(file.relative_to(world.path / "out")): file.read_text()
               for file in sorted((world.path / "out").rglob("*")) if file.is_file()}
        tap.eq(got, new, patch)
        shutil.rmtree(world.path / "out")
        shutil.rmtree(world.path / "new")


def test_each_change_tells_the_truth_about_all_its_nodes():
    """What JSON calls identical is so: the lines that go and come are the same in every node."""
    rng = random.Random(7)
    world = repository()
    world.write("seed/nodes/more.yaml", "".join(
        f"n{i}: {{role: worker, cluster: homelab, variables: {{timezone: t{i % 2}}}}}\n" for i in range(6)))
    world.write(USER_DATA, "".join(f"line {i}: {{{{ timezone }}}}\n" for i in range(9)))
    for _ in range(6):
        world.commit()
        world.write(USER_DATA, mutate(rng, (world.path / USER_DATA).read_text()))
        if not world.git("status", "--short"):
            continue
        each = {c["nodes"][0]: c["diff"] for c in json.loads(world.diff("--json", "--each"))["changes"]}
        got = json.loads(world.diff("--json"))
        tap.eq(sorted(node for c in got["changes"] for node in c["nodes"]), sorted(each))
        for change in got["changes"]:
            own = [[line for line in each[node].splitlines()[2:] if line[0] not in " @"]
                   for node in change["nodes"]]
            tap.eq(change["identical"], all(lines == own[0] for lines in own))


tap.main()
