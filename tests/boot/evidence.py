# SPDX-License-Identifier: Apache-2.0
"""What one boot left behind, and whether it is what the server meant.

Each function looks at one thing and raises AssertionError with both sides shown.
"""
import base64
import glob
import gzip
import json
import os
import re
import stat
import subprocess

import yaml

import tap
from machine import ASKED

OLD = ("bookworm",)  # cloud-init 22.4.2, which does not ask for network-config
FETCHED = ["network-config", "meta-data", "user-data", "vendor-data"]  # each file once
LEVELS = re.compile(r"\[(WARNING|ERROR|CRITICAL|DEPRECATED)\]: (.*)")


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def text(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def complaints(logs, harmless):
    """Lines above INFO in cloud-init's log that no (pattern, reason) of `harmless` knows."""
    found = [m[0] for m in LEVELS.finditer(text(f"{logs}/cloud-init.log"))]
    return [line for line in found if not any(re.search(known, line) for known, _ in harmless)]


def stages_passed(stages):
    tap.eq([s["name"] for s in stages if s["code"] != 0], [], "stages that failed or were killed")


def datasource(logs):
    """As cloud-init names it at the end: 'DataSourceNoCloudNet [seed=dmi,http://…/]…'."""
    return load(f"{logs}/result.json")["v1"]["datasource"]


def found_us(logs, url, harmless):
    name = datasource(logs)
    assert str(name).startswith("DataSourceNoCloudNet "), f"its datasource is {name}"
    tap.contains(name, url)
    tap.eq(load(f"{logs}/result.json")["v1"]["errors"], [], "errors in result.json")
    tap.eq(complaints(logs, harmless), [], "lines above INFO in cloud-init.log")


def lost_us(logs):
    """It ended without us: with the empty datasource, or (22.4.2, thrown away) with none at all."""
    assert datasource(logs) in (None, "DataSourceNone"), datasource(logs)


def fetches(logs):
    """The URLs that it tried to get, in order, with repeats; not what it only posted to."""
    tried = re.findall(r"\[\d+/\d+\] open '(\S+)' with", text(f"{logs}/cloud-init.log"))
    return [url for url in tried if not url.endswith("/phone-home")]


def identity(root):
    """What must outlive a reboot."""
    keys = sorted(glob.glob(f"{root}/etc/ssh/ssh_host_*_key.pub"))
    assert keys, "it made no ssh host keys"
    return {"instance-id": text(f"{root}/var/lib/cloud/data/instance-id").strip(),
            "hostname": text(f"{root}/etc/hostname").strip(),
            **{os.path.basename(key): text(key).split()[1] for key in keys}}


def _wanted_bytes(entry):
    body = entry.get("content", "")
    body = body if isinstance(body, bytes) else body.encode()
    encoding = entry.get("encoding", "text/plain")
    if encoding in ("b64", "base64", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64"):
        body = base64.b64decode(body)
    return gzip.decompress(body) if encoding.startswith("gz") else body


def files_written(root, user_data):
    """Each entry of write_files is there with its content and mode; returns how many there are."""
    entries = (yaml.safe_load(user_data) or {}).get("write_files", [])
    for entry in entries:
        path = root + entry["path"]
        assert os.path.exists(path), f"{entry['path']} is not there"
        with open(path, "rb") as f:
            got = f.read()
        want = _wanted_bytes(entry)
        good = got.endswith(want) if entry.get("append") else got == want
        assert good, f"{entry['path']}\n   got: {got!r}\n  want: {want!r}"
        mode = int(str(entry.get("permissions", "0644")), 8)
        tap.eq(oct(stat.S_IMODE(os.stat(path).st_mode)), oct(mode), f"mode of {entry['path']}")
    return len(entries)


def commands_asked(logs, user_data):
    """Its packages and, of runcmd, the commands that asked.sh stands in for."""
    said = text(f"{logs}/asked.log")
    parsed = yaml.safe_load(user_data) or {}
    installed = " ".join(re.findall(r"^apt-get .*\binstall\b(.*)$", said, re.M)).split()
    names = [p if isinstance(p, str) else p[0] for p in parsed.get("packages", [])]
    tap.eq([name for name in names if name not in installed], [], "packages not installed")
    for command in parsed.get("runcmd", []):
        if isinstance(command, list) and command[0] in ASKED:
            tap.contains(said, " ".join(map(str, command)) + "\n")


def host_keys(root):
    """{kind: public key} of those that it tells the server."""
    return {kind: text(f"{root}/etc/ssh/ssh_host_{kind}_key.pub").strip()
            for kind in ("ecdsa", "ed25519", "rsa")}


def called_back(server, root, name, keys=None):
    """It told of each step, and that it is up; the server knows it by `keys`, else by its own."""
    node = server.node(name)
    tap.eq(node["state"], "ready" if node["bootstrap"] == "none" else "up")
    boot, said = node["boot"], node["identity"]
    tap.eq((boot["stage"], boot["finished"], boot["warnings"]), ("modules-final", True, 0))
    tap.contains([step["stage"] for step in server.progress(name)],
                 "init-network/activate-datasource")
    tap.eq((said["hostname"], said["instance_id"]), (name, identity(root)["instance-id"]))
    tap.eq(said["host_keys"], keys or host_keys(root), "the keys that the server has")


def users_made(root, user_data):
    """Each user is there, and its keys let it in."""
    for user in (yaml.safe_load(user_data) or {}).get("users", []):
        if isinstance(user, dict):
            tap.contains(text(f"{root}/etc/passwd"), f"\n{user['name']}:")
            keys = user.get("ssh_authorized_keys")
            for key in keys or []:
                tap.contains(text(f"{root}/home/{user['name']}/.ssh/authorized_keys"), key)


def rendered_network(logs, stage):
    """The netplan file as it was after that stage."""
    return yaml.safe_load(text(f"{logs}/netplan-after-{stage}/50-cloud-init.yaml"))["network"]


def dhcp_everywhere(logs, stage):
    """The fallback: DHCP on its only interface, and nothing else."""
    interfaces = rendered_network(logs, stage)["ethernets"]
    tap.eq(list(interfaces), ["eth0"])
    tap.eq(interfaces["eth0"]["dhcp4"], True)
    assert "addresses" not in interfaces["eth0"], interfaces


def networkd_units(root, logs):
    """What the image's own netplan makes of the rendered file: {file name: text}."""
    scratch = f"{root}/tmp/netplan"
    os.makedirs(f"{scratch}/etc", exist_ok=True)
    subprocess.run(["cp", "-a", f"{logs}/netplan-after-final", f"{scratch}/etc/netplan"],
                   check=True)
    subprocess.run(["chroot", root, "/usr/sbin/netplan", "generate", "--root-dir", "/tmp/netplan"],
                   check=True, timeout=60, capture_output=True,
                   env={"PATH": "/opt/asked:/usr/sbin:/usr/bin:/sbin:/bin"})
    units = {os.path.basename(path): text(path)
             for path in glob.glob(f"{scratch}/run/systemd/network/*")}
    subprocess.run(["rm", "-r", scratch], check=True)
    return units


def static_addresses(network_config):
    """The addresses that a network-config of version 2 gives, prefix lengths included."""
    parsed = yaml.safe_load(network_config) or {}
    parsed = parsed.get("network", parsed)
    return [a for i in parsed.get("ethernets", {}).values() for a in i.get("addresses", [])]


def came_up(stage, boot, ended, keys=None):
    """That boot found us, did what user-data says, and complained of nothing."""
    logs, root, user_data = stage.logs(boot), stage.machine.root, stage.served["user-data"]
    found_us(logs, stage.url, stage.scenario.harmless)
    stages_passed(ended)
    same = identity(root)
    tap.eq(same["hostname"], stage.node)
    tap.contains(stage.served["meta-data"], same["instance-id"])
    asked = FETCHED[1:] if stage.suite in OLD else FETCHED
    tap.eq(fetches(logs), [stage.url + name for name in asked])
    files = files_written(root, user_data)
    users_made(root, user_data)
    commands_asked(logs, user_data)
    if "\nphone_home:" in user_data:  # a site's own templates may do without
        called_back(stage.server, root, stage.node, keys)
    return files
