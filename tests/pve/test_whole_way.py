#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""From a declared node to one that has joined: `pve create` makes its VM, and what the VM's firmware
shows is read by the real cloud-init and by the shipped join script.

The API of Proxmox and that of the cluster are stand-ins, as are kubeadm and kubectl."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / part) for part in ("lib", "join", "e2e", "cloudinit")]
import joining  # noqa: E402  (forks before there are threads)
import client  # noqa: E402
import debian  # noqa: E402
import kubeapi  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402
from joining import WORKER  # noqa: E402
from pve import homelab  # noqa: E402
from pve.machines import decoded  # noqa: E402
from pve.server import StandIn  # noqa: E402

UUID = "4c4c4544-0042-3510-8052-b4c04f4e4432"
SUITES = os.environ.get("CLOUDINIT_SUITES", "bookworm trixie").split()
# The datasource as at a boot, with the firmware's tables in another folder.
BOOT = """
from cloudinit import dmi, helpers, sources, util
from cloudinit.sources import DataSourceNoCloud as module
dmi.DMI_SYS_PATH = {dmi!r}
util.is_container = lambda: False
if hasattr(dmi, "is_container"):
    dmi.is_container = lambda: False
paths = helpers.Paths({{"cloud_dir": {cloud!r}, "run_dir": {run!r}}})
source = module.DataSourceNoCloudNet({{"datasource": {{"NoCloud": {{}}}}}}, None, paths)
source.distro = None
found = source.get_data()
answer([found, source.metadata.get("instance-id"), source.metadata.get("local-hostname"),
        (source.userdata_raw or b"").decode() if isinstance(source.userdata_raw, bytes)
        else source.userdata_raw])
"""


def clients():
    found = []
    for suite in SUITES:
        try:
            found.append(client.Client(suite, str(BUILD / "cloud-init")))
        except (debian.NotDebian, subprocess.SubprocessError, FileNotFoundError) as why:
            if "CI" in os.environ:
                raise
            raise tap.Skip(f"Debian's packages could not be fetched: {why}") from why
    return found


class Site(joining.Site):
    """With a VM for its worker, which has the uuid that Proxmox gives it."""

    def __init__(self, api, **more):
        self.home = world.scratch()
        super().__init__(hold_seconds=50, api=api,
                         proxmox={"template": 9000, "pool": "k8s", "cores": 2})
        self.tree.template("worker-user-data", "#cloud-config\nhostname: {{ node.name }}\n")
        shutil.copytree(SOURCE / "templates", self.tree.templates, dirs_exist_ok=True)
        self.tree.put("roles/roles.yaml", {
            "w": {"bootstrap": "worker", "kubeadm": "sealed/kubeadm",
                  "templates": {"user-data": "worker-user-data"}},
            "m": {"bootstrap": "master", "kubeadm": "sealed/kubeadm"}})
        self.tree.node(WORKER, "w", cluster="homelab", **more)
        self.cloudseed("reload")

    def pve(self, *words, status=0):
        """What it has printed."""
        env = {**os.environ, "HOME": str(self.home), "CLOUDSEED_SERVER": str(self.server.socket),
               "CLOUDSEED_PVE_TOKEN": homelab.TOKEN}
        env.pop("XDG_CONFIG_HOME", None)
        done = subprocess.run([joining.CLI, "pve", *words], env=env, text=True, timeout=300,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False)
        tap.eq(done.returncode, status, done.stderr)
        return done.stdout + done.stderr

    def planned(self, command, *words, status=0):
        return self.pve(command, *words, "--seed", str(self.tree.seed), "--templates",
                        str(self.tree.templates), status=status)

    def create(self, proxmox):
        self.pve("login", proxmox.urls["pve1"], "--name", "home", "--fingerprint",
                 proxmox.fingerprints["pve1"])
        self.planned("create", WORKER)


def powered_on(site, vm):
    """A machine whose firmware shows what the VM was started with."""
    shown = decoded(vm.started_with["smbios1"])
    m = joining.machine.Machine(site, None, pin=joining.OTHER_PIN)
    m.put("/sys/class/dmi/id/product_serial", shown["serial"] + "\n")
    m.put("/sys/class/dmi/id/product_uuid", shown["uuid"].upper() + "\n")
    url = re.search(r"s=(http\S+)", shown["serial"])[1]
    m.settings(node_url=site.node_url, seed_url=url, role="worker")
    return m


def boot(c, m, folder):
    for name in ("cloud", "run"):
        (folder / name).mkdir(exist_ok=True)
    return c.python(BOOT.format(dmi=str(m.file("/sys/class/dmi/id")), cloud=str(folder / "cloud"),
                                run=str(folder / "run")))


def joins(site, api, vm, generation, found):
    """What its firmware shows is read by cloud-init of each release and by the join script."""
    before = set(api.created)
    with powered_on(site, vm) as m:
        for c in found:
            there, instance, name, user_data = boot(c, m, world.scratch())
            tap.eq((there, instance, name), (True, f"{WORKER}-{generation}", WORKER), c.version)
            tap.contains(user_data, f"hostname: {WORKER}")
        ended = m.run()
        tap.eq(ended.status, 0, ended.text)
        assert any(call.startswith("kubeadm join") for call in m.calls("kubeadm")), m.known
    token = next(name for name in api.created if name.startswith("bootstrap-token-")
                 and name not in before)
    node = site.node()
    tap.eq((node["mint"]["token"], node["state"], node["vm"]["vmid"]),
           (token.removeprefix("bootstrap-token-"), "joining", vm.vmid))


def test_what_reaches_the_firmware_boots_cloud_init_and_joins():
    found = clients()
    pve = homelab.world()
    with kubeapi.StandIn() as api, StandIn(pve) as proxmox, Site(api) as site:
        tap.eq(site.adopt(api).status, 200)
        site.create(proxmox)
        vm = next(vm for vm in pve.vms.values() if vm.config.get("name") == WORKER)
        joins(site, api, vm, 1, found)


def test_a_node_that_is_ready_is_rebuilt_once_its_cluster_has_let_it_go():
    pve = homelab.world()
    with kubeapi.StandIn() as api, StandIn(pve) as proxmox, Site(api, uuid=UUID) as site:
        tap.eq(site.adopt(api).status, 200)
        site.create(proxmox)
        vm = next(vm for vm in pve.vms.values() if vm.config.get("name") == WORKER)
        tap.eq(decoded(vm.started_with["smbios1"])["uuid"], UUID)  # that is declared
        joins(site, api, vm, 1, [])
        path = f"{kubeapi.NODES}/{WORKER}"
        api.put(path, kubeapi.node_object(WORKER, ready=True))
        tap.wait_until(lambda: site.node()["state"] == "ready", what="a ready node")
        disk, asked = vm.config["scsi0"], len(proxmox.requests)
        for command in ("rebuild", "destroy"):
            tap.contains(site.planned(command, WORKER, "--yes", status=1),
                         f"kubectl drain {WORKER} --ignore-daemonsets")
        tap.eq([m for m, _ in proxmox.requests[asked:] if not m.startswith("GET")], [])
        api.ask("admin", "DELETE", path)
        tap.wait_until(lambda: not site.node()["kubernetes"]["ready"], what="a node that is gone")
        site.planned("rebuild", WORKER, "--yes")
        assert vm.running and vm.config["scsi0"] != disk, vm.config
        joins(site, api, vm, 2, [])


tap.main()
