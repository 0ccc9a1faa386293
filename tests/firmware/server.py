# SPDX-License-Identifier: Apache-2.0
"""The server that the machines boot from, and its admin's tool."""
import json
import os
import shutil
import subprocess
from pathlib import Path

import disk
import enclosed
import sites
from daemon import BUILD, Daemon
from lan import HERE, SERVER

PORT = 8080
URL = f"http://{SERVER}:{PORT}"
CONFIG = {"tftp_ports": "6900-6999"}
TOOL_SECONDS = 60


def site(folder):
    """The homelab with the machines of site/, which are known by their MAC, too."""
    folder = Path(folder)
    for part in ("seed", "templates"):
        shutil.copytree(sites.SOURCE / part, folder / part)
    for part in ("seed", "templates"):
        shutil.copytree(Path(HERE, "site", part), folder / part, dirs_exist_ok=True)
    settings = folder / "seed/site.yaml"
    text = settings.read_text()
    assert "\nevidence: []\n" in text and f"url: {URL}\n" in text, text
    settings.write_text(text.replace("\nevidence: []\n", "\nevidence: [mac, uuid]\n"))
    return sites.Site(folder / "seed", folder / "templates")


def assets(folder, image, signed):
    """What machines load: iPXE, kernel and initrd, what Secure Boot takes instead of iPXE, and the boot
    loader that an installer writes."""
    tool("asset", "bootloaders", "--assets", folder)
    for name in ("vmlinuz", "initrd.img"):
        tool("asset", "add", os.path.join(image, name), f"debian/{name}", "--assets", folder)
    tool("asset", "add", disk.loader(enclosed.RUN, image, enclosed.CACHE), "loader.img", "--assets",
         folder)
    for name, path in signed.items():
        tool("asset", "add", path, name, "--assets", folder)
    return folder


def tool(*words):
    """What `cloudseed` prints; it must succeed."""
    done = subprocess.run([str(BUILD / "cloudseed"), *map(str, words)], capture_output=True,
                          text=True, timeout=TOOL_SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stderr}"
    return done.stdout


class Server:
    def __init__(self, of, assets_folder, state):
        config = f"{enclosed.RUN}/cloudseedd.yaml"
        with open(config, "w", encoding="utf-8") as f:
            json.dump(CONFIG, f)
        self.daemon = Daemon(seed=of.seed, templates=of.templates, state=state,
                             http=f"{SERVER}:{PORT}",
                             args=["--config", config, "--assets", assets_folder,
                                   "--tftp", f"{SERVER}:69"])
        self.begun = 0

    def stop(self, logs):
        with open(os.path.join(logs, "cloudseedd.log"), "w", encoding="utf-8") as f:
            f.writelines(f"{line}\n" for line in self.daemon.lines)
        self.daemon.stop()

    def tool(self, *words):
        return tool(*words, "--server", self.daemon.socket)

    def arm(self, name):
        """The window's keys, as the tool tells them."""
        return json.loads(self.tool("node", "arm", name, "--json"))[0]["arm"]

    def node(self, name):
        return self.daemon.admin("GET", f"/v1/nodes/{name}").json

    def events(self, name):
        return self.daemon.admin("GET", f"/v1/events?node={name}&limit=1000").json["events"]

    def discovered(self):
        return json.loads(self.tool("node", "discovered", "--json"))

    def wait_ready(self, name, vm, seconds):
        """By the server's stream of events; ends early where the machine does."""
        with subprocess.Popen([str(BUILD / "cloudseed"), "wait", name, "--for", "ready",
                               "--timeout", f"{seconds}s",
                               "--server", str(self.daemon.socket)],
                              stderr=subprocess.PIPE, text=True) as waiting:
            try:
                while waiting.poll() is None:
                    vm.check()
                    try:
                        waiting.wait(1)
                    except subprocess.TimeoutExpired:
                        pass
                told = waiting.stderr.read()
            finally:
                waiting.kill()
        assert waiting.returncode == 0, f"cloudseed wait: {waiting.returncode}\n{told}"
