# SPDX-License-Identifier: Apache-2.0
"""The real `cloudseed` in a small world of its own, for the tests of commands, pages and completion.

The world is the one of the man pages' examples: cloudseed-seed(5) has its files.
"""
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import shapes  # noqa: E402

# Tables and times are as on a machine that says nothing about them.
os.environ["TZ"] = "UTC0"
os.environ.pop("COLUMNS", None)

SOURCE = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("CLOUDSEED_BUILD", "."))
PROGRAM = BUILD.resolve() / "cloudseed"
MAN = SOURCE / "docs" / "man"
SECONDS = 300
# What is drawn from the first second on, and wiped away at the end.
PROGRESS = re.compile(r"(?:\r\x1b\[K[^\r\n]*)+\r\x1b\[K")
MISUSED = 64  # the status where the command line is wrong
SECRET = "a:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
DISPLAY = re.compile(r"^\.Bd -literal.*\n((?s:.*?))^\.Ed$", re.M)


def literal(text):
    """What stands in a display of mdoc."""
    return re.sub(r"^\\&", "", text, flags=re.M).replace("\\e", "\\")


def man_files():
    """{path: text} of the example tree in cloudseed-seed(5)."""
    page = (MAN / "cloudseed-seed.5").read_text()
    named = re.compile(r"^\.Pa (\S+) :\n" + DISPLAY.pattern[1:], re.M)
    return {path: literal(text) for path, text in named.findall(page)}


class World:
    """A folder with seed/, templates/, state/ and a configuration that names them."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="cloudseed-test-"))
        for name, text in man_files().items():
            top = "seed" if name.endswith(".yaml") else "templates"
            self.write(f"{top}/{name}", text)
        self.write("state/secret", SECRET).chmod(0o600)
        self.write("cloudseedd.yaml", "socket: none\n" + "".join(
            f"{key}: {self.path}/{key}\n" for key in ("seed", "templates", "state")))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def command(self, *words, config=True):
        where = ["--config", str(self.path / "cloudseedd.yaml")] if config else []
        return [str(PROGRAM), *where, *(str(w) for w in words)]

    def run(self, *words, config=True, env=None, within=(), lies=False, **options):
        """The finished process, with texts. Nothing of ours may ever crash.

        `within` is a command that runs ours, such as unshare. `lies`: its server sends what no
        server of ours does, so that the reference does not have it."""
        options = {"capture_output": True, "text": True, **options}
        done = subprocess.run([*within, *self.command(*words, config=config)], cwd=self.path,
                              timeout=SECONDS, check=False, env={**os.environ, **(env or {})},
                              **options)
        assert done.returncode in (0, 1, 2, MISUSED), f"status {done.returncode}\n{done.stderr}"
        assert "Sanitizer" not in (done.stderr or ""), done.stderr
        if not lies:
            shapes.printed(words, done.returncode, done.stdout)
        return done

    def good(self, *words, **options):
        """Its output; it must succeed and have nothing to complain about."""
        done = self.run(*words, **options)
        assert done.returncode == 0 and not done.stderr, f"{done.returncode}\n{done.stderr}"
        return done.stdout

    def bad(self, status, *words, **options):
        """Its complaint; it must fail so, and print no result."""
        done = self.run(*words, **options)
        assert done.returncode == status, f"status {done.returncode}\n{done.stdout}{done.stderr}"
        assert not done.stdout, done.stdout
        return done.stderr

    def on_terminal(self, *words, env=None):
        """(status, everything that the terminal shows, but for how long it takes)"""
        master, slave = pty.openpty()
        env = {**os.environ, "TERM": "xterm", "NO_COLOR": "", **(env or {})}
        with subprocess.Popen(self.command(*words), cwd=self.path, env=env, stdin=slave,
                              stdout=slave, stderr=slave) as process:
            os.close(slave)
            shown = b""
            while True:
                try:
                    some = os.read(master, 65536)
                except OSError:  # how Linux says that nobody has it open any more
                    break
                if not some:
                    break
                shown += some
            os.close(master)
            status = process.wait(SECONDS)
        return status, PROGRESS.sub("", shown.decode().replace("\r\n", "\n"))
