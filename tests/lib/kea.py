# SPDX-License-Identifier: Apache-2.0
"""Kea of Debian's packages, unpacked into the build folder: its package starts a service."""
import glob
import json
import os
import subprocess
from pathlib import Path

import cli
import debian
import tap

COMMON = ["kea-common", "liblog4cplus-2.0.5", "libmariadb3"]


def trees(server):
    """Fetches what is not there: before a network namespace is entered, since nothing can be fetched
    from there."""
    try:
        return debian.download_all([f"kea-{server}-server", *COMMON], debian.codename(),
                                   str(cli.BUILD / "dhcp"))
    except (debian.NotDebian, subprocess.SubprocessError, FileNotFoundError) as why:
        if "CI" in os.environ:
            raise
        raise tap.Skip(f"Debian's packages could not be fetched: {why}") from why


class Kea:
    """`server` is "dhcp4" or "dhcp6"; what it writes goes to `folder`."""

    def __init__(self, server, folder):
        unpacked = trees(server)
        self.folder = folder
        self.program = f"{unpacked[0]}/usr/sbin/kea-{server}"
        libraries = [path for tree in unpacked[1:] for path in glob.glob(f"{tree}/usr/lib/*-linux-*")]
        self.env = {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries), "KEA_LOCKFILE_DIR": "none",
                    "KEA_PIDFILE_DIR": str(folder), "KEA_LOGGER_DESTINATION": "stdout",
                    "KEA_LFC_EXECUTABLE": f"{unpacked[1]}/usr/sbin/kea-lfc"}

    def accepts(self, file):
        done = subprocess.run([self.program, "-t", str(file)], env=self.env, capture_output=True,
                              text=True, check=False, timeout=300)
        said = done.stdout + done.stderr
        assert done.returncode == 0 and "ERROR" not in said and "WARN" not in said, said

    def argv(self, text, card):
        """To serve as `text` says, but for the interface, and where leases are kept; there are none
        yet."""
        settings = json.loads("".join(line for line in text.splitlines() if not line.startswith("//")))
        server, = settings.values()
        tap.eq(server["interfaces-config"]["interfaces"], ["*"])
        server["interfaces-config"]["interfaces"] = [card]
        leases = Path(self.folder, "kea-leases")
        leases.unlink(missing_ok=True)
        server["lease-database"]["name"] = str(leases)
        for subnet in server.get("subnet6", []):
            tap.eq(subnet["interface"], "")
            subnet["interface"] = card
            server["server-id"] = {"type": "LL", "persist": False}
        file = Path(self.folder, "kea.conf")
        file.write_text(json.dumps(settings), encoding="ascii")
        return [self.program, "-c", str(file)]
