# SPDX-License-Identifier: Apache-2.0
"""cloud-init itself, unpacked from a Debian package and run in place: nothing is installed.

Its Python dependencies are the host's own packages (scripts/deps.sh).
"""
import json
import os
import subprocess
import tempfile

import debian

SECONDS = 60


class Client:
    def __init__(self, suite, folder):
        self.tree = debian.download("cloud-init", suite, folder)
        self.modules = os.path.join(self.tree, "usr/lib/python3/dist-packages")
        self.version = self.python("from cloudinit import version\n"
                                   "answer(version.version_string())")

    def _run(self, arguments, env=None):
        """Runs Debian's Python with this cloud-init in its path; returns what it printed."""
        environment = {**os.environ, **(env or {}), "PYTHONPATH": self.modules}
        return subprocess.run(["/usr/bin/python3", "-B", *arguments], env=environment, text=True,
                              capture_output=True, timeout=SECONDS, check=False)

    def python(self, code, env=None):
        """Runs `code`, which calls answer(x) once; returns that x, by way of JSON."""
        head = ("import json, sys\n"
                "def answer(x):\n"
                "    json.dump(x, sys.stdout, default=lambda b: {'bytes': b.decode()})\n")
        done = self._run(["-c", head + code], env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def command(self, *arguments):
        """Runs the command `cloud-init`; returns (exit status, all that it said)."""
        done = self._run(["-m", "cloudinit.cmd.main", *arguments])
        return done.returncode, done.stdout + done.stderr

    def fetch(self, url):
        """What the datasource gets from that seed: {file: text, or meta-data's mapping}."""
        names = ["meta-data", "user-data", "vendor-data", "network-config"]
        values = self.python("from cloudinit import util\n"
                             f"answer(util.read_seeded({url!r}, timeout=10, retries=0))")
        return {name: value["bytes"] if isinstance(value, dict) and "bytes" in value else value
                for name, value in zip(names, values)}

    def discover(self, cmdline):
        """What it reads from a kernel's command line: {'seedfrom': …, 'dsmode': …}, or None."""
        return self.python("from cloudinit.sources import DataSourceNoCloud as D\n"
                           "found = {}\n"
                           "answer(found if D.load_cmdline_data(found) else None)",
                           {"DEBUG_PROC_CMDLINE": cmdline})

    def validate(self, user_data):
        """Raises unless `cloud-init schema` takes it without a word of complaint."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(user_data)
            f.flush()
            status, said = self.command("schema", "--config-file", f.name)
        assert status == 0 and "deprecat" not in said.lower(), said

    def convert(self, network_config, kind, interfaces):
        """What net-convert makes of it: {path: text}; `interfaces` are (name, mac)."""
        with tempfile.TemporaryDirectory() as out:
            source = os.path.join(out, "network-config")
            with open(source, "w", encoding="utf-8") as f:
                f.write(network_config)
            macs = [part for name, mac in interfaces for part in ("-m", f"{name},{mac}")]
            status, said = self.command(
                "devel", "net-convert", "--network-data", source, "--kind", "yaml",
                "--output-kind", kind, "-d", f"{out}/made", "-D", "debian", *macs)
            assert status == 0, said
            made = {}
            for folder, _, names in os.walk(f"{out}/made"):
                for name in names:
                    path = os.path.join(folder, name)
                    with open(path, encoding="utf-8") as f:
                        made[os.path.relpath(path, f"{out}/made")] = f.read()
            return made
