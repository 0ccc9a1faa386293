#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed pve rebuild`: the system disk made again, and nothing else lost, wherever it is cut off.

test_whole_way.py has a rebuild of a node that is Ready in a cluster."""
import functools
import json
import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from pve.desk import EVERY, NODE, PROXMOX, VERSIONS, Desk  # noqa: E402
from pve.machines import decoded  # noqa: E402

REBUILD = ("pve", "rebuild", NODE, "--yes")


class Made(Desk):
    """With the node's VM, which has a disk of data."""

    def __init__(self, version=(9, 2), **more):
        super().__init__(version, **more)
        self.run("pve", "create", NODE)
        self.vm = self.has_one_vm()
        self.add_data()
        self.before = dict(self.vm.config)
        self.api.requests.clear()

    def add_data(self):
        volumes = self.pve.storages["local-lvm"].volumes
        volumes["vm-100-disk-data"] = 7 << 30
        self.vm.config["scsi1"] = "local-lvm:vm-100-disk-data,size=7G"

    def volume(self):
        return self.vm.config["scsi0"].partition(",")[0]

    def is_rebuilt(self, generation=2, last="local-lvm:vm-100-disk-0"):
        """Another system disk, and all that is not the system's as it was."""
        vm, now = self.has_one_vm(), self.vm.config
        assert vm is self.vm and self.volume() != last, self.volume()
        kept = ("net0", "scsi1", "onboot", "name", "boot", "cores")
        tap.eq({k: now.get(k) for k in kept}, {k: self.before.get(k) for k in kept})
        tap.eq(now["description"].split("\n"), [f"Node {NODE} of cloudseed (uid {NODE})",
                                                f"Rebuild: generation {generation} is done"])
        tap.eq(decoded(now["smbios1"])["uuid"], decoded(self.before["smbios1"])["uuid"])
        tap.eq(sorted(self.pve.storages["local-lvm"].volumes),
               sorted(["base-9000-disk-0", "vm-100-disk-data",
                       self.volume().partition(":")[2]]))
        tap.eq(self.pve.storages["local-lvm"].volumes["vm-100-disk-data"], 7 << 30)
        tap.eq([k for k in now if k.startswith("unused")], [])
        node = self.node()
        tap.eq((node["generation"], node["instance_id"]), (generation, f"{NODE}-{generation}"))
        assert node["window"], node
        tap.contains(vm.started_with["scsi0"], self.volume())

    def begin_again(self):
        """As a node that has booted, so that a rebuild is not taken for one that is repeated."""
        self.pve.tasks.wait_all()
        serial = decoded(self.vm.started_with["smbios1"])["serial"]
        key = serial.partition("/s/")[2].split("/")[0]
        tap.eq(self.daemon.request("POST", f"/s/{key}/phone-home", "hostname=x").status, 200)
        self.api.faults.clear()
        self.before = dict(self.vm.config)


def writes(desk):
    return [m for m, _ in desk.api.requests if not m.startswith("GET")]


def test_the_system_disk_is_made_again_and_all_else_stays():
    for version in VERSIONS:
        with Made(version) as desk:
            serial = decoded(desk.vm.config["smbios1"])["serial"]
            out, said = desk.run(*REBUILD)
            tap.contains(out, f"{NODE}: VM 100 on pve1 is built again as generation 2; the build"
                              " window ends 20")
            tap.eq(said, "")
            desk.is_rebuilt()
            assert decoded(desk.vm.started_with["smbios1"])["serial"] != serial  # a new join key


def test_how_the_disk_was_attached_and_how_large_it_was_stays():
    with Made() as desk:
        desk.pve.storages["local-lvm"].volumes["vm-100-disk-0"] = 33 << 30
        desk.vm.config["scsi0"] = "local-lvm:vm-100-disk-0,discard=on,iothread=1,size=33G"
        desk.run(*REBUILD)
        tap.eq(desk.vm.config["scsi0"], desk.volume() + ",discard=on,iothread=1,size=33G")


def test_killed_before_each_request_and_run_again_it_ends_the_same():
    covered, done = 0, False
    with Made() as desk:
        while not done:
            desk.begin_again()
            last, generation = desk.volume(), desk.node()["generation"]
            done = not desk.killed_before(covered * EVERY + 1, *REBUILD)
            covered += not done
            if not done:
                desk.run(*REBUILD)
            desk.is_rebuilt(generation + 1, last)
    print(f"# killed before each of {covered} requests, every {EVERY}th")
    assert covered * EVERY > 20, covered


def test_each_answer_is_lost_once():
    with Made() as desk:
        desk.run(*REBUILD)
        for number in range(0, len(desk.api.requests), EVERY):
            desk.begin_again()
            last, generation = desk.volume(), desk.node()["generation"]
            desk.api.fault(".", "lost", after=number)
            process = desk.start(*REBUILD)
            process.communicate(timeout=300)
            if process.returncode:
                desk.run(*REBUILD)
            desk.is_rebuilt(generation + 1, last)


def test_a_copy_that_fails_leaves_the_old_disk_and_can_be_run_again():
    with Made() as desk:
        desk.pve.storages["local-lvm"].busy = 0
        desk.api.fault("POST .*/config", "busy:no space left on device", after=1)
        _, said = desk.run(*REBUILD, status=1)
        tap.contains(said, "no space left")
        tap.contains(desk.vm.config["scsi0"], "vm-100-disk-0")
        tap.eq((desk.vm.running, desk.vm.config["onboot"]), (False, "0"))
        desk.run(*REBUILD)
        desk.is_rebuilt()


def test_a_template_at_another_host_is_not_taken_from_a_shared_storage():
    with Made() as desk:
        desk.pve.migrate(100, "pve2")
        desk.pve.storages["local-lvm"].hosts = None
        _, said = desk.run(*REBUILD, status=1)
        tap.contains(said, "VM 100 is on pve2, and its template 9000 on the storage local-lvm of pve1, whose"
                           " disks are copied only there (or migrate the VM to it)")
        tap.eq(writes(desk), [])


def test_a_command_that_is_repeated_before_it_has_booted_does_nothing():
    with Made() as desk:
        desk.run(*REBUILD)
        desk.api.requests.clear()
        out, _ = desk.run(*REBUILD)
        tap.contains(out, "VM 100 on pve1 was built again as generation 2, and has not booted yet")
        tap.eq(writes(desk), [])
        desk.begin_again()
        desk.run(*REBUILD)
        desk.is_rebuilt(3, "local-lvm:vm-100-disk-1")


@functools.lru_cache(maxsize=None)
def shared():
    """For what is refused: nothing has changed then."""
    return tap.enter(Made())


def refused(reason, *words, status=1, **config):
    """With this in the VM's configuration."""
    desk = shared()
    desk.vm.config.update(config)
    try:
        _, said = desk.run("pve", "rebuild", NODE, *words, status=status)
    finally:
        desk.vm.config = dict(desk.before)
    tap.contains(said, reason)
    tap.eq((writes(desk), desk.node()["generation"]), ([], 1))


def requests_of(out):
    """METHOD and path of each that a dry run has printed."""
    return [line for line in out.splitlines() if not line.startswith(" ")]


def test_a_dry_run_prints_what_is_then_done_and_changes_nothing():
    with Made() as desk:
        desk.begin_again()
        desk.api.requests.clear()
        before = desk.node()
        out, _ = desk.run("pve", "rebuild", NODE, "--dry-run", "--for", "30m")
        tap.eq((writes(desk), desk.vm.config, desk.node()), ([], desk.before, before))
        vm = "/nodes/pve1/qemu/100"
        tap.eq(requests_of(out),
               [f"POST {vm}/config", f"POST {vm}/status/shutdown",
                f"cloudseedd: POST /v1/nodes/{NODE}/reprovision", f"POST {vm}/config",
                f"PUT {vm}/resize", f"POST {vm}/config", f"cloudseedd: POST /v1/nodes/{NODE}/vm",
                f"cloudseedd: POST /v1/nodes/{NODE}/arm", f"POST {vm}/config",
                f"POST {vm}/status/start", f"POST {vm}/config"])
        for part in ("    scsi0=local-lvm:0,import-from=local-lvm:base-9000-disk-0\n",
                     "    size=20G\n", "    delete=unused0\n", "serial=(masked)"):
            tap.contains(out, part)
        told = json.loads(desk.run(*REBUILD, "--for", "30m", "--json")[0])
        tap.eq((told["name"], told["vmid"], told["host"]), (NODE, 100, "pve1"))
        tap.contains(told["message"], "is built again as generation 2; the build window ends 20")
        pretended = [line.split()[0] for line in requests_of(out) if not line.startswith("cloudseedd")]
        tap.eq([m.split()[0] for m in writes(desk)], pretended)
        told = json.loads(desk.run(*REBUILD, "--json")[0])
        tap.contains(told["message"], "was built again as generation 2, and has not booted yet")


def test_it_wants_the_admins_word():
    refused("this erases the system disk scsi0 of VM 100 on pve1: confirm it with --yes", status=64)


def test_only_what_create_has_made_is_rebuilt():
    refused(f"VM 100 was not made by 'cloudseed pve create' for {NODE}", "--yes",
            description="somebody else's")


def test_a_data_disk_that_boots_first_is_not_taken_for_the_systems():
    refused("boots from scsi1, and its template 9000 from scsi0", "--yes", boot="order=scsi1;scsi0")


def test_a_template_at_another_host_is_named():
    desk = shared()
    desk.pve.migrate(100, "pve2")
    try:
        refused("VM 100 is on pve2, and its template 9000 on the storage local-lvm of pve1, which is not"
                " shared: name a template of pve2 with --template", "--yes")
    finally:
        desk.pve.migrate(100, "pve1")


def test_a_template_at_its_host_is_taken_and_what_was_unused_or_a_drive_stays():
    with Made() as desk:
        desk.pve.migrate(100, "pve2")
        desk.pve.add_vm(9001, "pve2", template=True, name="noble", scsi0="local-lvm:4",
                        net0="virtio,bridge=vmbr0", boot="order=scsi0")
        desk.pve.pools["k8s"].add(9001)
        desk.pve.storages["local-lvm"].volumes["vm-100-disk-9"] = 1 << 30
        desk.vm.config.update(boot="order=ide2;scsi0", ide2="local:iso/x.iso,media=cdrom,size=300M",
                              unused0="local-lvm:vm-100-disk-9")
        desk.run(*REBUILD, "--template", 9001)
        started = desk.vm.started_with
        tap.contains(started["scsi0"], "size=20G")
        tap.eq((started["unused0"], started["boot"]), ("local-lvm:vm-100-disk-9", "order=ide2;scsi0"))
        tap.eq([k for k in desk.vm.config if k.startswith("unused")], ["unused0"])
        tap.eq(sorted(v for v in desk.pve.storages["local-lvm"].volumes if v.startswith("vm-")),
               sorted(["vm-100-disk-9", "vm-100-disk-data", desk.volume().partition(":")[2]]))


def test_a_master_that_is_no_member_yet_is_rebuilt():
    with Desk() as desk:
        desk.run("pve", "create", "k8s-master-1")
        desk.api.requests.clear()
        key = decoded(desk.pve.vms[100].config["smbios1"])["serial"].partition("/s/")[2].split("/")[0]
        tap.eq(desk.daemon.request("POST", f"/s/{key}/phone-home", "hostname=x").status, 200)
        desk.run("pve", "rebuild", "k8s-master-1", "--yes")  # it is up only, and no member yet
        tap.eq(desk.daemon.admin("GET", "/v1/nodes/k8s-master-1").json["generation"], 2)


def test_what_is_declared_since_counts():
    uuid = "4c4c4544-0042-3510-8052-b4c04f4e4432"
    with Made() as desk:
        site, nodes = desk.folder / "seed/site.yaml", desk.folder / "seed/nodes/homelab.yaml"
        site.write_text(site.read_text().replace(PROXMOX, PROXMOX.replace("disk: 20", "disk: 30")))
        nodes.write_text(nodes.read_text().replace(f"{NODE}:", f"{NODE}:\n  uuid: {uuid}"))
        desk.daemon.signal(signal.SIGHUP)
        desk.daemon.wait_event("reloaded")
        desk.run(*REBUILD)
        tap.contains(desk.vm.started_with["scsi0"], "size=30G")
        tap.eq(decoded(desk.vm.started_with["smbios1"])["uuid"], uuid)
        tap.contains(decoded(desk.vm.started_with["smbios1"])["serial"], "/s/")


tap.main()
