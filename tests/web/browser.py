# SPDX-License-Identifier: Apache-2.0
"""A real Chromium, by browser.mjs: each method is one of its calls.

    with Browser() as browser:
        browser.open(url="https://127.0.0.1:8443/ui/", ignoreHTTPSErrors=True)
        browser.run("() => document.title")
"""
import json
import os
import shutil
import subprocess
from pathlib import Path

from daemon import BUILD, SOURCE

HERE = SOURCE / "tests" / "web"
MODULES = Path(os.environ.get("CLOUDSEED_NODE_MODULES", BUILD / "web/node_modules"))
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium"


class Fault(Exception):
    """What the browser could not do."""


class Browser:
    def __enter__(self):
        self.process = subprocess.Popen(
            ["node", str(HERE / "browser.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "CLOUDSEED_NODE_MODULES": str(MODULES.resolve()), "CHROMIUM": CHROMIUM})
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def ask(self, call, *args):
        self.process.stdin.write(json.dumps({"call": call, "args": args}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Fault("the browser ended")
        answer = json.loads(line)
        if "error" in answer:
            raise Fault(f"{call}: {answer['error']}")
        return answer["value"]

    def open(self, **options):
        return self.ask("open", options)

    def __getattr__(self, call):
        return lambda *args: self.ask(call, *args)
