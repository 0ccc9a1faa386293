# SPDX-License-Identifier: Apache-2.0
"""cloud-init itself, unpacked from a Debian package and run in place: nothing is installed.

Its Python dependencies are the host's own packages (scripts/deps.sh).
"""
import json
import os
import subprocess

import debian

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 600


class Client:
    def __init__(self, suite, folder):
        self.tree = debian.download("cloud-init", suite, folder)
        self.modules = os.path.join(self.tree, "usr/lib/python3/dist-packages")
        self.version = self.python("from cloudinit import version\n"
                                   "answer(version.version_string())")

    def _run(self, arguments, env=None, text_in=""):
        """Runs Debian's Python with this cloud-init in its path; returns what it printed."""
        environment = {**os.environ, **(env or {}), "PYTHONPATH": self.modules}
        return subprocess.run(["/usr/bin/python3", "-B", *arguments], env=environment, text=True,
                              input=text_in, capture_output=True, timeout=SECONDS, check=False)

    def python(self, code, env=None):
        """Runs `code`, which calls answer(x) once; returns that x, by way of JSON."""
        head = ("import json, sys\n"
                "def answer(x):\n"
                "    json.dump(x, sys.stdout, default=lambda b: {'bytes': b.decode()})\n")
        done = self._run(["-c", head + code], env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def commands(self, jobs, *how):
        """Runs `cloud-init` with each of these lists of arguments: [(status, what it said)].

        `how` may be "--together": in one process.
        """
        done = self._run([os.path.join(HERE, "batch.py"), *how], text_in=json.dumps(jobs))
        assert done.returncode == 0, done.stderr
        return [tuple(answer) for answer in json.loads(done.stdout)]

    def judge(self, configs):
        """What its schema says of each of these: "ok", "deprecated" or "refused"."""
        done = self._run([os.path.join(HERE, "judge.py")], text_in=json.dumps(configs))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

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

    def validate(self, paths, kind="cloud-config"):
        """What `cloud-init schema` has against each of these files: {path: text}."""
        # 22.4.2 knows but one kind of schema, and has no option to say so.
        how = [] if kind == "cloud-config" else ["--schema-type", kind]
        jobs = [["schema", *how, "--config-file", path] for path in paths]
        answers = zip(paths, self.commands(jobs))
        return {path: said for path, (status, said) in answers
                if status or "deprecat" in said.lower() or not said.startswith("Valid ")}

    def convert(self, jobs, out):
        """net-convert of each (network-config's path, output kind, [(interface, MAC)]).

        Returns, for each, {path: text} of what it made; it may say nothing but that it did.
        """
        commands = [["devel", "net-convert", "--network-data", path, "--kind", "yaml",
                     "--output-kind", kind, "-d", f"{out}/{i}", "-D", "debian",
                     *(part for name, mac in macs for part in ("-m", f"{name},{mac}"))]
                    for i, (path, kind, macs) in enumerate(jobs)]
        for job, (status, said) in zip(jobs, self.commands(commands)):
            words = [line for line in said.splitlines()
                     if line and not line.startswith(("Read input format", "Wrote output format"))]
            assert status == 0 and not words, f"{job}\n{said}"
        return [_texts(f"{out}/{i}") for i in range(len(jobs))]


def _texts(top):
    made = {}
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as f:
                made[os.path.relpath(path, top)] = f.read()
    return made
