#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Machines that are installed, by protocol: what installers ask and say, the commands of the shipped
templates as shells run them, and what cloud-init makes of the disk that they leave.

No installer runs here. In `make check-firmware` a live system installs itself.
"""
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "e2e"), HERE]

import client  # noqa: E402
import debian  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402

SUITES = os.environ.get("CLOUDINIT_SUITES", "bookworm trixie").split()
URL = "http://10.0.10.5:8080"
MACS = {"u1": "bc:24:11:00:30:01", "d1": "bc:24:11:00:30:02", "f1": "bc:24:11:00:30:03"}
FILES = ["meta-data", "user-data", "vendor-data", "network-config"]
PLAIN = {"meta-data": "meta-data", "user-data": "plain/user-data", "vendor-data": "vendor-data",
         "network-config": "network-config"}
ROLES = {
    "ubuntu": {
        "documents": {"install/user-data": {"template": "install/autoinstall"}},
        "boot": {"kind": "install", "kernel": "ubuntu/vmlinuz", "initrd": ["ubuntu/initrd"],
                 "arguments": "ip=dhcp url={{ site.url }}/assets/ubuntu/server.iso "
                              "cloud-config-url=/dev/null autoinstall "
                              "ds=nocloud;dsmode=net;s={{ seed.url }}install/"}},
    "debian": {
        "documents": {"preseed.cfg": {"template": "install/preseed"}},
        "boot": {"kind": "install", "kernel": "debian/linux", "initrd": ["debian/initrd.gz"],
                 "arguments": "auto=true priority=critical url={{ seed.url }}preseed.cfg"}},
    "fedora": {
        "documents": {"ks.cfg": {"template": "install/kickstart"}},
        "variables": {"install_source": "http://mirror.home.arpa/os/"},
        "boot": {"kind": "install", "kernel": "fedora/vmlinuz", "initrd": ["fedora/initrd.img"],
                 "arguments": "inst.ks={{ seed.url }}ks.cfg ip=dhcp"}}}
# Of subiquity's own schema, the facts about what the template uses.
COMMANDS = {"type": "array", "items": {"type": ["string", "array"], "items": {"type": "string"}}}
MIRROR = {"type": "array", "items": {
    "type": "object", "required": ["uri", "arches"], "additionalProperties": False, "properties": {
        "uri": {"type": "string"}, "arches": {"type": "array", "items": {"type": "string"}}}}}
AUTOINSTALL = {
    "type": "object", "additionalProperties": False, "required": ["version"],
    "properties": {
        "version": {"type": "integer", "minimum": 1, "maximum": 1},
        "locale": {"type": "string"},
        "keyboard": {"type": "object", "required": ["layout"], "additionalProperties": False,
                     "properties": {"layout": {"type": "string"}}},
        "network": {"type": "object", "required": ["version"],
                    "properties": {"version": {"type": "integer", "minimum": 2, "maximum": 2},
                                   "ethernets": {"type": "object"}}},
        "storage": {"type": "object"},
        "proxy": {"type": ["string", "null"]},
        "apt": {"type": "object", "additionalProperties": False, "properties": {
            "geoip": {"type": "boolean"}, "primary": MIRROR, "security": MIRROR}},
        "ssh": {"type": "object", "properties": {"install-server": {"type": "boolean"},
                                                 "allow-pw": {"type": "boolean"}}},
        "user-data": {"type": "object"},
        "reporting": {"type": "object", "additionalProperties": {
            "type": "object", "required": ["type"], "properties": {"type": {"type": "string"}}}},
        "late-commands": COMMANDS, "error-commands": COMMANDS,
        "shutdown": {"type": "string", "enum": ["reboot", "poweroff"]}}}


def tree():
    made = world.Tree(evidence=["mac"])
    shutil.copytree(SOURCE / "templates", made.templates, dirs_exist_ok=True)
    made.put("roles/plain.yaml", {"plain": {"templates": PLAIN}})
    made.put("roles/installed.yaml", {name: {"extends": "plain", **role}
                                      for name, role in ROLES.items()})
    return made


def start():
    made = tree()
    for name, role in (("u1", "ubuntu"), ("d1", "debian"), ("f1", "fedora")):
        made.node(name, role, macs=[MACS[name]], addresses=["10.0.20.31"] if name == "u1" else [])
    server = tap.enter(made.start())
    server.tree = made
    return server


SERVER = start()


def fresh(node):
    """Its state does not depend on other tests."""
    SERVER.arm(node)


def state(node):
    return SERVER.admin("GET", f"/v1/nodes/{node}").json["state"]


def becomes(node, wanted):
    """What it fetches is answered before it is noted."""
    tap.wait_until(lambda: state(node) == wanted, what=f"{node} {wanted}")


def script(node):
    answer = SERVER.get(f"/boot.ipxe?mac={MACS[node].replace(':', '-')}")
    tap.eq(answer.status, 200, answer.text)
    return answer.text


def arguments(node):
    """Of the kernel that the machine is given."""
    line = next(one for one in script(node).split("\n") if one.startswith("kernel "))
    return line.removesuffix(" || goto failed").split(" ")[3:]


def path(url):
    assert url.startswith(URL + "/s/"), url
    return url.removeprefix(URL)


def report(seed, name, kind="finish", result="SUCCESS"):
    """Of the system on the disk; of its installer with the seed that ends in install/."""
    body = json.dumps({"name": name, "event_type": kind, "result": result})
    tap.eq(SERVER.request("POST", seed + "report", body).status, 200)


def phone_home(seed, key):
    body = f"pub_key_ed25519=ssh-ed25519+{key}%0A&hostname=n&fqdn=n&instance_id=i"
    tap.eq(SERVER.request("POST", seed + "phone-home", body, {
        "Content-Type": "application/x-www-form-urlencoded"}).status, 200)


def shell(command, disk, tools):
    """As an installer runs it, with the machine's disk in a folder."""
    command = command.replace(URL, SERVER.url).replace("/target/", f"{disk}/")
    command = command.replace("/etc/cloud", f"{disk}/etc/cloud").replace(f"{disk}{disk}", str(disk))
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stderr


def disk():
    folder = Path(tempfile.mkdtemp(prefix="cloudseed-disk-"))
    tap.defer(shutil.rmtree, folder, True)
    (folder / "etc/cloud/cloud.cfg.d").mkdir(parents=True)
    (folder / "tools").mkdir()
    # Debian's installer runs what follows in the installed system.
    (folder / "tools/in-target").write_text('#!/bin/sh\nexec "$@"\n')
    (folder / "tools/in-target").chmod(0o755)
    return folder


def client_of(suite):
    try:
        return client.Client(suite, str(BUILD / "cloud-init"))
    except (debian.NotDebian, subprocess.SubprocessError, FileNotFoundError) as why:
        if "CI" in os.environ:
            raise
        raise tap.Skip(f"Debian's packages could not be fetched: {why}") from why


def boots_from(folder, suite):
    """What the datasource of the installed system finds: [network stage, meta-data, user-data]."""
    config = folder / "etc/cloud/cloud.cfg.d/94-cloudseed.cfg"
    found = client_of(suite).python(f"""
import tempfile, yaml
from cloudinit import helpers
from cloudinit.sources import DataSourceNoCloud as D, DEP_NETWORK, DEP_FILESYSTEM, list_sources
config = yaml.safe_load(open({str(config)!r}).read().replace({URL!r}, {SERVER.url!r}))
D._get_devices = lambda *_: []
D.DataSourceNoCloud._get_devices = lambda *_: []
D.dmi.read_dmi_data = lambda *_: None
found = []
with tempfile.TemporaryDirectory() as scratch:
    paths = helpers.Paths({{"cloud_dir": scratch, "run_dir": scratch}})
    for kind in (D.DataSourceNoCloud, D.DataSourceNoCloudNet):
        ds = kind(config, None, paths)
        found.append([ds._get_data(), ds.metadata, ds.userdata_raw])
answer([config["datasource_list"], config.get("network")] + found)
""", {"DEBUG_PROC_CMDLINE": "ro quiet"})
    listed, network, local, net = found
    tap.eq((listed, local[0], net[0]), (["NoCloud", "None"], False, True))
    user_data = net[2]["bytes"] if isinstance(net[2], dict) else net[2]
    return network, net[1], user_data


def comes_up(node, folder):
    """From its disk, by what the installer has left there."""
    for suite in SUITES:
        network, meta_data, user_data = boots_from(folder, suite)
        tap.eq(meta_data["instance-id"], f"{node}-{generation(node)}")
        assert user_data.startswith("#cloud-config\n"), user_data
        tap.contains(user_data, "phone_home:")
    seed = path(yaml.safe_load(user_data)["phone_home"]["url"].removesuffix("phone-home"))
    report(seed, "init-network/activate-datasource", "start")
    tap.eq(state(node), "booting")
    phone_home(seed, "disk")
    tap.eq(state(node), "up")
    report(seed, "modules-final")
    tap.eq(state(node), "ready")
    told = SERVER.admin("GET", f"/v1/nodes/{node}").json
    tap.eq((told["window"], list(told["identity"]["host_keys"].values())),
           (None, ["ssh-ed25519 disk"]))
    return network


def generation(node):
    return SERVER.admin("GET", f"/v1/nodes/{node}").json["generation"]


ONCE = "was installed in this build window: 'cloudseed node arm' installs it again"


def boots_disk(node, why):
    text = tap.wait_until(lambda: (got := script(node)) and "\ngoto local\n" in got and got,
                          what=f"{node} boots its disk")
    tap.contains(text, f"echo {node} {why}\n")
    assert "\nkernel " not in text, text


# --- Values ---------------------------------------------------------------------------------------

NASTY = "a: b\n# 'c' \"d\" $(reboot) `e` {{ f }}\t\\"
VARIABLES = ["install_locale", "install_keyboard", "timezone", "apt_proxy", "install_mirror",
             "install_mirror_directory", "install_disk", "install_source", "proxy"]


def rendered(variables, made=None):
    """{document: text} of a machine of each role."""
    made = SERVER.tree if made is None else made
    for name, role in (("u2", "ubuntu"), ("d2", "debian"), ("f2", "fedora")):
        made.node(name, role, macs=[MACS[name[0] + "1"].replace(":30:", ":31:")],
                  variables=variables)
    out = world.scratch() / "all"
    done = subprocess.run([str(BUILD / "cloudseed"), "render", "--all", str(out), "--seed",
                           str(made.seed), "--templates", str(made.templates)],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return {name: (out / name).read_text() for name in (
        "u2/install/user-data", "d2/preseed.cfg", "f2/ks.cfg")}


def test_values_stay_in_their_lines():
    """A value never changes the document around it, whatever is in it."""
    plain = rendered({name: f"plain-{name}" for name in VARIABLES})
    odd = rendered({name: NASTY for name in VARIABLES})
    for name, text in plain.items():
        tap.eq(odd[name].count("\n"), text.count("\n"), name)
    flat = " ".join(NASTY.split())
    tap.contains(odd["d2/preseed.cfg"], f"\nd-i time/zone string {flat}\n")
    for line in odd["f2/ks.cfg"].split("%packages")[0].split("\n")[1:]:
        words = shlex.split(line)
        assert "reboot" not in line or len(words) <= 3, line
    tap.contains(shlex.split(odd["f2/ks.cfg"].split("\nurl ")[1].split("\n")[0]), f"--url={flat}")
    got = yaml.safe_load(odd["u2/install/user-data"])["autoinstall"]
    tap.eq((got["locale"], got["proxy"], got["user-data"]), (NASTY, NASTY, {"timezone": NASTY}))
    for variables in ({"extra_late_commands": "one"}, {"extra_late_commands": ["one", ["two", "3"]]},
                      {"extra_preseed": "d-i a b c"}, {"extra_kickstart": ["skipx"]}):
        texts = rendered({"install_source": "http://m/", **variables})
    tap.contains(texts["f2/ks.cfg"], "\nskipx\n")


def like_golden(name, text):
    path = SOURCE / "tests/golden/install" / name
    if "CLOUDSEED_REWRITE" in os.environ:
        path.write_text(text)
    tap.eq(text, path.read_text())


MIRRORS = {"primary": "https://mirror.home.arpa:8443/debian", "security": "http://10.0.10.9/security"}
PROXIES = {"http": "http://proxy.home.arpa:3128", "https": "http://proxy.home.arpa:3129"}
SOURCES = {"install_source": "http://mirror.home.arpa/os/"}


def test_mirrors_and_proxies():
    texts = rendered({"apt_mirrors": MIRRORS, "proxy": PROXIES, **SOURCES})
    for name, text in texts.items():
        like_golden(name.split("/", 1)[1].replace("/", "-"), text)
    jsonschema.validate(yaml.safe_load(texts["u2/install/user-data"])["autoinstall"], AUTOINSTALL)
    done = subprocess.run(["debconf-set-selections", "-c"], input=texts["d2/preseed.cfg"], text=True,
                          capture_output=True, timeout=60, check=False)
    tap.eq((done.returncode, done.stderr + done.stdout), (0, ""))
    for variables in ({"proxy": "http://one.lab:1"}, {"apt_proxy": "http://one.lab:1", "proxy": PROXIES}):
        texts = rendered({**SOURCES, **variables})
        got = yaml.safe_load(texts["u2/install/user-data"])["autoinstall"]
        tap.eq((got["proxy"], "apt" in got), ("http://one.lab:1", False))
        tap.contains(texts["d2/preseed.cfg"], "\nd-i mirror/http/proxy string http://one.lab:1\n")
        one = variables["proxy"] if variables["proxy"] != PROXIES else PROXIES["http"]
        tap.contains(texts["f2/ks.cfg"], f"\nurl --url={SOURCES['install_source']} --proxy={one}\n")
    texts = rendered({**SOURCES, "install_mirror": "other.lab", "install_mirror_directory": "/x",
                      "apt_mirrors": {"primary": "http://mirror.lab/"}})
    for line in ("http/hostname string other.lab", "http/directory string /x", "http/proxy string "):
        tap.contains(texts["d2/preseed.cfg"], f"\nd-i mirror/{line}\n")
    assert "security_host" not in texts["d2/preseed.cfg"]


def warnings(**variables):
    """{node: what `check` says of its installer's document} without the Internet."""
    made = tree()
    rendered({"offline": True, **SOURCES, **variables}, made)
    done = subprocess.run([str(BUILD / "cloudseed"), "check", "--json", "--seed", str(made.seed),
                           "--templates", str(made.templates), "--server", "none"],
                          capture_output=True, text=True, timeout=60, check=False)
    found = {}
    for fault in json.loads(done.stdout)["faults"]:
        what, _, rest = fault["message"].partition(" (line ")
        if "'offline'" in what and " user-data of " not in rest:
            found.setdefault(rest.split("'")[1], []).append(what)
    return found


def test_without_the_internet():
    given = "and 'offline' is set: give 'apt_mirrors' a primary"
    tap.eq(warnings(), {
        "u2": [f"the installer uses Ubuntu's mirrors on the Internet, {given} one"],
        "d2": [f"the installer uses {host}, which is on the Internet, {given} and a security one"
               for host in ("security.debian.org", "deb.debian.org")]})
    tap.eq(warnings(apt_mirrors=MIRRORS), {})
    tap.eq(warnings(apt_proxy="http://cache.home.arpa:3142"), {})
    tap.eq(warnings(apt_mirrors={"primary": MIRRORS["primary"]}),
           {"d2": [f"the installer uses security.debian.org, which is on the Internet, {given} and a "
                   "security one"]})
    said = warnings(apt_mirrors=MIRRORS, install_source="http://mirror.example.org/os/")
    tap.eq(list(said), ["f2"])
    tap.contains(said["f2"][0], "http://mirror.example.org/os/ is on the Internet")


# --- Ubuntu ---------------------------------------------------------------------------------------

def autoinstall(node):
    """The installer's document; its live system has fetched its whole seed."""
    discovery = arguments(node)[-1]
    assert discovery.startswith("ds=nocloud;dsmode=net;s="), discovery
    seed = path(discovery.split(";s=")[1])
    for suite in SUITES:
        told = client_of(suite).discover(f"ro {discovery}")
        tap.eq((told["seedfrom"], told["dsmode"]), (URL + seed, "net"))
    texts = {}
    for name in FILES:
        answer = SERVER.get(seed + name)
        tap.eq(answer.status, 200, name)
        texts[name] = answer.text
    tap.eq((texts["vendor-data"], texts["network-config"]), ("", ""))
    assert texts["user-data"].startswith("#cloud-config\n"), texts["user-data"]
    wanted = yaml.safe_load(texts["user-data"])["autoinstall"]
    tap.eq(path(wanted["reporting"]["cloudseed"]["endpoint"]), seed + "report")
    return seed, texts["user-data"]


def live_system(seed):
    """Its cloud-init, from the first stage to the last."""
    for stage in ("init-network", "modules-config", "modules-final"):
        report(seed, stage, "start")
        report(seed, stage, "finish", "FAIL" if stage == "modules-config" else "SUCCESS")


def installs(node, live):
    """Up to the report of its end; the disk that it leaves, and where its live system reports to."""
    fresh(node)
    seed, text = autoinstall(node)
    reports = seed if live == "install" else seed.removesuffix("install/")
    becomes(node, "installing")
    # The live system has a cloud-init of its own, which ends long before the installer does.
    live_system(reports)
    report(seed, "subiquity/Install/install/postinstall", "start")
    tap.eq(state(node), "installing")
    folder = disk()
    left = [folder / "etc/cloud/cloud.cfg.d/99-installer.cfg",
            folder / "etc/cloud/cloud-init.disabled"]
    for file in left:
        file.write_text("")
    for command in yaml.safe_load(text)["autoinstall"]["late-commands"]:
        if live != "silent" or "install/report" not in command:
            shell(command, folder, folder / "tools")
    tap.eq([file.exists() for file in left], [False, False])
    return folder, reports


def test_ubuntu():
    folder, live = installs("u1", "install")
    tap.eq(state("u1"), "booting")
    report(live, "subiquity/Shutdown/shutdown", "start")
    live_system(live)  # slower than its installer: nothing of it is the disk's
    tap.eq(state("u1"), "booting")
    for _ in range(2):
        boots_disk("u1", ONCE)
    tap.eq(comes_up("u1", folder), None)
    boots_disk("u1", "is built already")


def test_a_live_system_that_reports_at_the_url_of_the_disk():
    """Of a document that an older version rendered, or whose template is a copy of that."""
    folder, live = installs("u1", "disk")
    phone_home(live, "live")
    report(live, "modules-final")
    told = SERVER.admin("GET", "/v1/nodes/u1").json
    tap.eq((told["state"], told["identity"]["host_keys"], bool(told["window"])),
           ("booting", {}, True))
    boots_disk("u1", ONCE)
    tap.eq(comes_up("u1", folder), None)


def test_the_disk_boots_after_an_installer_that_said_nothing():
    folder, _ = installs("u1", "silent")
    tap.eq(state("u1"), "installing")
    tap.eq(comes_up("u1", folder), None)


def test_a_fetch_by_mac_is_no_installer():
    fresh("u1")
    arguments("u1")
    becomes("u1", "installing")
    tap.eq(SERVER.get(f"/nocloud/mac/{MACS['u1']}/install/user-data").status, 200)
    vm = {"endpoint": "lab", "host": "pve1", "vmid": 1}  # changes are written one after the other
    tap.eq(SERVER.admin("POST", "/v1/nodes/u1/vm", vm).status, 200)
    tap.contains(arguments("u1"), "autoinstall")
    tap.eq(SERVER.admin("DELETE", "/v1/nodes/u1/vm").status, 200)


def test_ubuntu_fails():
    fresh("u1")
    _, text = autoinstall("u1")
    for command in yaml.safe_load(text)["autoinstall"]["error-commands"]:
        shell(command, disk(), "/")
    node = SERVER.admin("GET", "/v1/nodes/u1").json
    tap.eq((node["state"], node["failure"]["stage"], node["failure"]["reason"]),
           ("failed", "install", "the installer has failed"))
    boots_disk("u1", ONCE)
    fresh("u1")
    tap.contains(arguments("u1"), "autoinstall")


def test_what_subiquity_and_cloud_init_say_of_the_document():
    fresh("u1")
    _, text = autoinstall("u1")
    document = yaml.safe_load(text)
    jsonschema.validate(document["autoinstall"], AUTOINSTALL)
    tap.eq(document["autoinstall"]["network"],
           yaml.safe_load(SERVER.get(f"/nocloud/mac/{MACS['u1']}/network-config").text))
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        for suite in SUITES:
            tap.eq(client_of(suite).validate([file.name]), {}, suite)


# --- Debian ---------------------------------------------------------------------------------------

def preseed(node):
    url = next(word for word in arguments(node) if word.startswith("url=")).removeprefix("url=")
    answer = SERVER.get(path(url))
    tap.eq(answer.status, 200)
    return answer.text


def test_debian():
    fresh("d1")
    text = preseed("d1")
    becomes("d1", "installing")
    done = subprocess.run(["debconf-set-selections", "-c"], input=text, text=True,
                          capture_output=True, timeout=60, check=False)
    tap.eq((done.returncode, done.stderr + done.stdout), (0, ""))
    late = next(line for line in text.split("\n") if line.startswith("d-i preseed/late_command"))
    folder = disk()
    shell(late.removeprefix("d-i preseed/late_command string "), folder, folder / "tools")
    tap.eq(state("d1"), "booting")
    boots_disk("d1", ONCE)
    tap.eq(comes_up("d1", folder), {"config": "disabled"})


def test_an_installer_that_cannot_report():
    """The machine asks what to boot again: it is not installed twice."""
    fresh("d1")
    preseed("d1")
    boots_disk("d1", ONCE)
    becomes("d1", "booting")


# --- Fedora ---------------------------------------------------------------------------------------

def sections(text):
    """{"%post": lines} of a kickstart."""
    found, inside = {}, None
    for line in text.split("\n"):
        if line == "%end":
            inside = None
        elif line.startswith("%"):
            inside = found.setdefault(line.split(" ")[0], [])
        elif inside is not None:
            inside.append(line)
    return found


def test_kickstart():
    fresh("f1")
    url = arguments("f1")[0].removeprefix("inst.ks=")
    text = SERVER.get(path(url)).text
    becomes("f1", "installing")
    tap.contains(text, "\nurl --url=http://mirror.home.arpa/os/\n")
    tap.contains(text, f" --device={MACS['f1']} ")
    tap.contains(sections(text)["%packages"], "cloud-init")
    for line in text.split("\n"):
        assert line.startswith("#") or shlex.split(line) is not None
    folder = disk()
    shell("\n".join(sections(text)["%post"]), folder, "/")
    tap.eq(state("f1"), "booting")
    tap.eq(comes_up("f1", folder), {"config": "disabled"})
    fresh("f1")
    again = SERVER.get(path(arguments("f1")[0].removeprefix("inst.ks="))).text
    shell("\n".join(sections(again)["%onerror"]), folder, "/")
    tap.eq(state("f1"), "failed")


tap.main()
