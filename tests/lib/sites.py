# SPDX-License-Identifier: Apache-2.0
"""A seed tree with its templates, as `cloudseed` sees it, for tests that look at whole sites.

    sites.HOMELAB   the tree and the templates of the source
    sites.odd(DIR) tests/odd/seed; its templates are the source's with tests/odd/templates over them
"""
import functools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import shapes
from daemon import BUILD, SOURCE

ODD = SOURCE / "tests" / "odd"
SECONDS = 300


class Site:
    def __init__(self, seed, templates):
        self.seed, self.templates = Path(seed), Path(templates)
        self.refused = ""

    def run(self, *arguments):
        """The finished process; nothing of ours may ever crash."""
        command = [str(BUILD / "cloudseed"), *(str(a) for a in arguments),
                   "--seed", str(self.seed), "--templates", str(self.templates)]
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        assert done.returncode in (0, 1, 2), f"status {done.returncode}\n{done.stderr}"
        assert "Sanitizer" not in done.stderr, done.stderr
        shapes.printed(arguments, done.returncode, done.stdout)
        return done

    def good(self, *arguments):
        """Its standard output; it must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{' '.join(map(str, arguments))}\n{done.stderr}"
        return done.stdout

    @functools.cached_property
    def nodes(self):
        return self.good("node", "list", "--names").split()

    def show(self, node):
        return json.loads(self.good("node", "show", node, "--json"))

    @functools.cached_property
    def rendered(self):
        """{node: {document: text}} of all that is rendered for anyone."""
        return self.render_all()

    def render_all(self, strict=True):
        """The same; unless it is `strict`, what is refused is not in it: `refused` says why."""
        self.refused = ""
        with tempfile.TemporaryDirectory(prefix="cloudseed-test-") as out:
            done = self.run("render", "--all", f"{out}/all")
            self.refused = done.stderr if done.returncode else ""
            assert not (strict and self.refused), self.refused
            return {node: _texts(Path(out, "all", node)) for node in self.nodes}


def _texts(folder):
    return {str(path.relative_to(folder)): path.read_bytes().decode()
            for path in sorted(folder.rglob("*")) if path.is_file()}


HOMELAB = Site(SOURCE / "seed", SOURCE / "templates")

# Too long to be written down: a line that no editor shows, and many of them.
LONG = """# SPDX-License-Identifier: Apache-2.0
long:
  role: wordy
  cluster: both
  variables:
    final_message: {line}
    words: [{line}, {lines}]
"""


def odd(folder):
    """The odd site, put together in `folder`."""
    folder = Path(folder)
    shutil.copytree(SOURCE / "templates", folder / "templates", dirs_exist_ok=True)
    shutil.copytree(ODD / "templates", folder / "templates", dirs_exist_ok=True)
    shutil.copytree(ODD / "seed", folder / "seed", dirs_exist_ok=True)
    line, lines = json.dumps("x: #'\\ " * 2500), json.dumps("- a\n\tb: \n" * 2000)
    (folder / "seed/nodes/long.yaml").write_text(LONG.format(line=line, lines=lines))
    return Site(folder / "seed", folder / "templates")
