#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Several folders of templates: one's own before those of the package."""
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD  # noqa: E402


class Lab:
    """A tree whose node has templates of two folders, `own` before `shipped`."""

    def __init__(self):
        self.folder = world.scratch()
        self.write("seed/site.yaml", {"name": "test", "url": "http://10.0.10.5:8080"})
        self.write("seed/roles/r.yaml", {"plain": {"templates": {"user-data": "user-data"}}})
        self.write("seed/nodes/n.yaml", {"n": {"role": "plain"}})
        self.write("shipped/user-data", "#cloud-config\nruncmd: [{% include 'part' %}]\n")
        self.write("shipped/part", "shipped")
        self.write("own/part", "own")
        self.write("own/more", "more")

    def write(self, name, what):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(what if isinstance(what, str) else json.dumps(what), encoding="utf-8")

    def run(self, *args, templates="own:shipped"):
        return subprocess.run(
            [str((BUILD / "cloudseed").resolve()), *args,
             *(["--templates", templates] if templates else [])],
            cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)

    def render(self, **how):
        return self.run("render", "n", "user-data", "--seed", "seed", **how).stdout


def test_the_first_that_has_a_file_wins():
    lab = Lab()
    tap.eq(lab.render(), "#cloud-config\nruncmd: [own]\n")
    tap.eq(lab.render(templates="shipped:own"), "#cloud-config\nruncmd: [shipped]\n")
    tap.eq(lab.render(templates="own/:shipped//"), "#cloud-config\nruncmd: [own]\n")
    done = lab.run("check", "seed")
    tap.eq((done.returncode, done.stderr), (0, ""))


def test_a_list_in_the_configuration():
    lab = Lab()
    config = {"seed": f"{lab.folder}/seed", "socket": "none",
              "templates": [f"{lab.folder}/own", f"{lab.folder}/shipped"]}
    lab.write("cloudseedd.yaml", config)
    done = lab.run("render", "n", "user-data", "--config", "cloudseedd.yaml", templates=None)
    tap.eq((done.stdout, done.stderr), ("#cloud-config\nruncmd: [own]\n", ""))
    for wrong in ([], ["/a:b"], ["relative"], [["/a"]], {"a": "/b"}):
        lab.write("cloudseedd.yaml", {**config, "templates": wrong})
        done = lab.run("check", "--config", "cloudseedd.yaml", templates=None)
        assert done.returncode == 1, wrong
        tap.contains(done.stderr, "templates: ")


def test_a_daemon_serves_them():
    lab = Lab()
    with world.start(seed=lab.folder / "seed",
                     templates=f"{lab.folder}/own:{lab.folder}/shipped") as server:
        key = world.key_of(server.state, "n")
        tap.contains(server.get(f"/s/{key}/user-data").text, "runcmd: [own]")


def test_a_faulty_override_is_named():
    lab = Lab()
    lab.write("own/part", "{{ no_such }}")
    tap.contains(lab.run("check", "seed").stdout, "own/part:1:4: error")


def mark_of(content):
    return f"{{# overrides {hashlib.sha256(content.encode()).hexdigest()[:16]} #}}"


def test_an_override_whose_original_has_changed_is_warned_of():
    lab = Lab()

    def said():
        done = lab.run("check", "seed")
        tap.eq(done.returncode, 0, done.stderr)
        return done.stderr + done.stdout

    lab.write("own/part", f"{mark_of('shipped')}\nown")
    tap.eq(lab.render(), "#cloud-config\nruncmd: [own]\n")
    os.utime(lab.folder / "own/part", (1, 1))  # as after a checkout of Git
    assert "own/part" not in said(), said()
    lab.write("shipped/part", "newer")
    tap.contains(said(), "own/part:1:1: warning: shipped/part has changed since it was overridden; "
                         "take over what has changed there, then let the first line be "
                         f"{mark_of('newer')}\n")
    lab.write("own/part", f"{mark_of('newer')}\nown, too")
    assert "own/part" not in said(), said()
    for other in ("own", "{# overrides the shipped file #}\nown", mark_of("x").upper() + "\nown"):
        lab.write("own/part", other)
        assert "own/part" not in said(), other


def test_a_mark_is_of_the_next_folder():
    lab = Lab()
    lab.write("own/part", f"{mark_of('middle')}\nown")
    lab.write("middle/part", "middle")
    done = lab.run("check", "seed", templates="own:middle:shipped")
    tap.eq((done.returncode, done.stderr), (0, ""))
    assert "overridden" not in done.stdout, done
    page = lab.run("reference", "templates", templates="own:middle:shipped").stdout
    tap.contains(page, f"| `part` | `own/part` | `middle/part` | `{mark_of('middle')}` |\n"
                       "| `part` | `own/part` | `shipped/part` | - |\n")


def test_a_folder_that_is_missing():
    done = Lab().run("check", "seed", templates="own:elsewhere")
    tap.eq(done.returncode, 1)
    tap.contains(done.stdout, "elsewhere: error: there is no such folder")


def test_reference_lists_what_is_overridden():
    lab = Lab()
    page = lab.run("reference", "templates").stdout
    tap.contains(page, f"| `part` | `own/part` | `shipped/part` | `{mark_of('shipped')}` |\n")
    lab.write("own/part", f"{mark_of('older')}\nown")
    page = lab.run("reference", "templates").stdout
    tap.contains(page, "| `part` | `own/part` | `shipped/part`, changed since | "
                       f"`{mark_of('shipped')}` |\n")
    assert "own/more" not in page
    assert "Overridden" not in lab.run("reference", "templates", templates="shipped").stdout


def test_diff_takes_both_folders_of_a_revision():
    lab = Lab()
    git = ["git", "-C", str(lab.folder), "-c", "user.name=x", "-c", "user.email=x@x.test"]
    for args in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *args], check=True)
    lab.write("own/part", "changed")
    done = lab.run("diff", "--against", "HEAD", "--seed", "seed")
    tap.contains(done.stdout, "-runcmd: [own]\n")
    tap.contains(done.stdout, "+runcmd: [changed]\n")
    (lab.folder / "own/part").unlink()
    tap.contains(lab.run("diff", "--against", "HEAD", "--seed", "seed").stdout,
                 "+runcmd: [shipped]\n")


if __name__ == "__main__":
    tap.main()
