#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed pve apply`: the VMs of all declared nodes, whatever fails in between.

CLOUDSEED_PVE_EACH=1 kills and loses at every request of every version, which takes minutes; without
it a sample is taken (`make check-pve` sets it).
"""
import base64
import json
import os
import random
import signal
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from pve.desk import VERSIONS, Desk  # noqa: E402
from pve.machines import decoded  # noqa: E402

NODES = ["k8s-master-1", "k8s-worker-2", "k8s-worker-3"]
EACH = "CLOUDSEED_PVE_EACH" in os.environ
SAMPLE = 7


class Fleet(Desk):
    def apply(self, *words, status=0):
        return self.run("pve", "apply", "--yes", *words, status=status)[0]

    def serial_of(self, vm, config="smbios1"):
        return decoded((vm.started_with or vm.config)[config])["serial"]

    def declare(self, old, new):
        site = self.folder / "seed/site.yaml"
        text = site.read_text()
        assert old in text
        site.write_text(text.replace(old, new))

    def reload(self):
        self.daemon.signal(signal.SIGHUP)
        self.daemon.wait_event("reloaded")

    def writes(self):
        return [m for m, _ in self.api.requests if not m.startswith("GET")]

    def is_whole(self, nodes=None):
        """Each node has one VM of its own, complete, and there is nothing else of ours."""
        self.pve.tasks.wait_all()
        ours = {i: vm for i, vm in self.made().items() if vm.config.get("name") != "rival"}
        tap.eq(sorted(vm.config.get("name") for vm in ours.values()), sorted(nodes or NODES))
        for vmid, vm in ours.items():
            name = vm.config["name"]
            known = self.daemon.admin("GET", f"/v1/nodes/{name}").json
            tap.eq((known["vm"]["endpoint"], known["vm"]["vmid"]), ("home", vmid))
            assert vmid in self.pve.pools["k8s"] and vm.running and not vm.lock, vm.config
            tap.contains(vm.config["scsi0"], "size=20G")
            tap.eq((vm.config["memory"], vm.config["tags"]), ("4096", "k8s;worker"))
            tap.contains(vm.config["net0"], known["macs"][0].upper())
            tap.contains(self.serial_of(vm), "/s/")
        tap.eq(self.api.problems, [])
        tap.eq(len({self.serial_of(vm) for vm in ours.values()}), len(ours))


def test_one_command_makes_all_vms():
    for version in VERSIONS:
        with Fleet(version) as fleet:
            out = fleet.apply()
            for name in NODES:
                tap.contains(out, f"{name}: VM 10")
            tap.contains(out, "is made from template 9000")
            tap.contains(out, "3 VMs: 0 as declared, 3 changed, 0 failed")
            fleet.is_whole()
            before = len(fleet.writes())
            tap.contains(fleet.apply(), "3 VMs: 3 as declared, 0 changed, 0 failed")
            tap.eq(len(fleet.writes()), before)
            fleet.is_whole()


def test_from_a_laptop_with_the_token_of_an_operator():
    with Fleet() as fleet:
        fleet.leave_the_server("viewer")
        tap.contains(fleet.run("pve", "apply", "--yes", status=1)[1], "viewer")
        tap.eq(fleet.made(), {})
        fleet.run("token", "revoke", "desk", status=1)
        fleet.daemon.admin("DELETE", "/v1/tokens/desk")
        fleet.leave_the_server("operator")
        tap.contains(fleet.apply(), "3 VMs: 0 as declared, 3 changed, 0 failed")
        fleet.is_whole()
        armed = fleet.daemon.admin("GET", "/v1/events?kind=armed").json["events"]
        tap.eq([e["cause"] for e in armed], ["token desk"] * 3)
        fleet.run("pve", "rebuild", NODES[1], "--yes")
        tap.contains(fleet.apply(), "3 VMs: 3 as declared, 0 changed, 0 failed")
        fleet.is_whole()


def test_a_plan_is_asked_for_and_changes_nothing():
    with Fleet() as fleet:
        _, said = fleet.run("pve", "apply", status=64)
        tap.contains(said, "3 VMs would be changed: confirm it with --yes")
        out, _ = fleet.run("pve", "apply", "--dry-run", status=2)
        tap.contains(out, "POST /nodes/pve1/qemu/9000/clone")
        tap.contains(out, "    memory=4096")
        tap.contains(out, "cloudseedd: POST /v1/nodes/k8s-worker-2/vm")
        tap.contains(out, "POST /nodes/pve1/qemu/100/status/start")
        assert "/s/" not in out and "cs=" not in out and "s3cret" not in out, out
        plan = json.loads(fleet.run("pve", "apply", "--dry-run", "--json", status=2)[0])
        tap.eq([(p["node"], p["action"], p["result"]) for p in plan],
               [(name, "create", "planned") for name in NODES])
        tap.eq((fleet.made(), fleet.writes()), ({}, []))
        tap.eq(fleet.node()["state"], "registered")


def test_only_the_nodes_that_are_named():
    with Fleet() as fleet:
        fleet.apply("k8s-worker-3")
        fleet.is_whole(["k8s-worker-3"])
        _, said = fleet.run("pve", "apply", "--yes", "k8s-worker-9", status=1)
        tap.contains(said, "k8s-worker-9")


def test_what_is_declared_anew_is_changed_and_nothing_else():
    with Fleet() as fleet:
        fleet.apply()
        fleet.declare("memory: 4096", "memory: 6144")
        fleet.declare("disk: 20", "disk: 30")
        fleet.declare("tags: [worker, k8s]", "tags: [k8s]")
        fleet.reload()
        state = fleet.node()["state"]
        out, _ = fleet.run("pve", "apply", "k8s-worker-2", "--dry-run", status=2)
        flat = " ".join(out.split())
        tap.contains(flat, "memory: 4096 -> 6144 (at its next cold start)")
        tap.contains(flat, "tags: k8s;worker -> k8s; ")
        tap.contains(flat, "scsi0: 20 -> 30 GiB")
        before = len(fleet.writes())
        result = json.loads(fleet.apply("k8s-worker-2", "--json"))
        tap.eq([(c["option"], c["to"], c["when"]) for c in result[0]["changes"]],
               [("tags", "k8s", "now"), ("memory", "6144", "cold start"), ("scsi0", "30G", "now")])
        tap.contains(result[0]["message"], "at its next cold start also: memory")
        tap.eq([m.split("/")[-1] for m in fleet.writes()[before:]], ["config", "resize"])
        vm = next(v for v in fleet.made().values() if v.config["name"] == "k8s-worker-2")
        tap.contains(vm.config["scsi0"], "size=30G")
        tap.eq((vm.config["tags"], fleet.node()["state"]), ("k8s", state))
        others = [v.config["memory"] for v in fleet.made().values() if v is not vm]
        tap.eq(others, ["4096", "4096"])


def test_a_vm_that_a_backup_has_locked_is_not_armed_again():
    with Fleet() as fleet:
        fleet.apply("k8s-worker-2")
        fleet.daemon.admin("POST", "/v1/nodes/k8s-worker-2/disarm", {})
        state = fleet.node()["state"]
        for lock in ("backup", "snapshot", "migrate"):
            with fleet.pve.lock:
                fleet.pve.vms[100].lock = lock
            before = len(fleet.writes())
            tap.contains(fleet.apply("k8s-worker-2"), "1 VM: 1 as declared, 0 changed, 0 failed")
            tap.eq((len(fleet.writes()), fleet.node()["state"]), (before, state))


def test_a_declared_uuid_is_written_and_shown():
    uuid = "4c4c4544-0042-3510-8052-b4c04f4e4432"
    with Fleet() as fleet:
        fleet.apply("k8s-worker-2")
        vm = fleet.pve.vms[100]
        own, serial = decoded(vm.config["smbios1"])["uuid"], fleet.serial_of(vm)
        nodes = fleet.folder / "seed/nodes/homelab.yaml"
        nodes.write_text(nodes.read_text().replace("k8s-worker-2:", f"k8s-worker-2:\n  uuid: {uuid}"))
        fleet.reload()
        out, _ = fleet.run("pve", "apply", "k8s-worker-2", "--dry-run", status=2)
        tap.contains(" ".join(out.split()), f"uuid: {own} -> {uuid} (at its next cold start)")
        change, = json.loads(fleet.apply("k8s-worker-2", "--json"))[0]["changes"]
        tap.eq((change["option"], change["to"]), ("smbios1", f"base64=1,serial=(masked),uuid={uuid}"))
        tap.eq(decoded(vm.with_pending()["smbios1"]), {"serial": serial, "uuid": uuid})
        tap.contains(fleet.apply("k8s-worker-2"), "1 VM: 1 as declared, 0 changed")


DISKS = "  disks: [{size: 50, storage: ceph, discard: true}, {size: 8, slot: sata2, backup: false}]\n"


def test_disks_are_made_grown_and_never_taken_away():
    for version in VERSIONS:
        with Fleet(version, more=DISKS) as fleet:
            fleet.pve.pools["k8s"].add("ceph")
            fleet.apply("k8s-worker-2")
            fleet.is_whole(["k8s-worker-2"])
            vm, ceph = fleet.pve.vms[100], fleet.pve.storages["ceph"].volumes
            tap.eq((vm.config["scsi1"], vm.config["sata2"]),
                   ("ceph:vm-100-disk-0,discard=on,size=50G",
                    "local-lvm:vm-100-disk-1,backup=0,size=8G"))
            fleet.declare("{size: 50, storage: ceph, discard: true}", "{size: 60}, {size: 1}")
            fleet.declare("size: 8, slot: sata2", "size: 4, slot: sata2")
            out, _ = fleet.run("pve", "apply", "k8s-worker-2", "--dry-run", status=2)
            flat = " ".join(out.split())
            for part in ("scsi2: none -> local-lvm:1 (at its next cold start)",
                         "scsi1: 50 -> 60 GiB", "sata2 has 8 GiB, and is not made smaller"):
                tap.contains(flat, part)
            out = fleet.apply("k8s-worker-2")
            tap.contains(" ".join(out.split()), "as declared; at its next cold start also: scsi2;"
                                                " sata2 has 8 GiB, and is not made smaller")
            tap.eq((vm.config["scsi1"], ceph), ("ceph:vm-100-disk-0,discard=on,size=60G",
                                                {"vm-100-disk-0": 60 << 30}))
            fleet.declare("{size: 60}, {size: 1}, ", "")
            before = len(fleet.writes())
            out = " ".join(fleet.apply("k8s-worker-2").split())
            tap.contains(out, "scsi1 is not declared, and stays; scsi2 is not declared, and stays")
            tap.contains(out, "1 VM: 1 as declared, 0 changed, 0 failed")
            tap.eq(len(fleet.writes()), before)


def test_data_outlives_a_rebuild_and_wants_a_word_to_be_destroyed():
    with Fleet(more=DISKS) as fleet:
        fleet.pve.pools["k8s"].add("ceph")
        fleet.apply("k8s-worker-2")
        vm, ceph = fleet.pve.vms[100], fleet.pve.storages["ceph"].volumes
        kept = {disk: vm.config[disk] for disk in ("scsi1", "sata2")}
        system = vm.config["scsi0"]
        fleet.run("pve", "rebuild", "k8s-worker-2", "--yes")
        assert vm.config["scsi0"] != system
        tap.eq({disk: vm.started_with[disk] for disk in kept}, kept)
        _, said = fleet.run("pve", "destroy", "k8s-worker-2", "--yes", status=1)
        tap.contains(said, "disks beside that of the system: scsi1, sata2. Give --with-data")
        tap.eq((list(ceph), vm.running), (["vm-100-disk-0"], True))
        fleet.run("pve", "destroy", "k8s-worker-2", "--yes", "--with-data")
        tap.eq((fleet.made(), ceph), ({}, {}))


def test_the_order_of_starting_wants_a_right_that_nothing_else_does():
    with Fleet(more="  startup: {order: 2, up: 30}\n") as fleet:
        lacks = "startup is not set, as the token lacks Sys.Modify on /"
        out = fleet.apply("k8s-worker-2")
        tap.contains(out, "is made and runs; the build window ends 20")
        tap.contains(out, lacks)
        fleet.is_whole(["k8s-worker-2"])
        out = " ".join(fleet.apply("k8s-worker-2").split())
        tap.contains(out, f"as declared; {lacks}")
        tap.contains(out, "1 VM: 1 as declared, 0 changed, 0 failed")
        fleet.pve.rights.add_role("Order", ["Sys.Modify"])
        for who in ("cloudseed@pve", "cloudseed@pve!t"):
            fleet.pve.rights.allow("/", who, "Order", propagate=False)
        tap.contains(" ".join(fleet.apply("k8s-worker-2").split()),
                     "startup: none -> order=2,up=30 ")
        tap.eq(fleet.pve.vms[100].config["startup"], "order=2,up=30")
        tap.contains(fleet.apply("k8s-worker-2"), "1 VM: 1 as declared, 0 changed")


def test_firmware_secure_boot_and_tpm_are_made_once():
    for version in VERSIONS:
        with Fleet(version, more="  firmware: secure-boot\n  tpm: v2.0\n") as fleet:
            fleet.apply("k8s-worker-2")
            fleet.is_whole(["k8s-worker-2"])
            config = fleet.made()[100].config
            tap.eq(config["bios"], "ovmf")
            for part in ("local-lvm:vm-100-", "efitype=4m", "pre-enrolled-keys=1"):
                tap.contains(config["efidisk0"], part)
            tap.eq("ms-cert=2023" in config["efidisk0"], version >= (9, 2))
            tap.contains(config["tpmstate0"], "version=v2.0")
            before = len(fleet.writes())
            fleet.apply("k8s-worker-2")
            tap.eq(len(fleet.writes()), before)


def test_firmware_of_a_vm_that_runs_waits_for_a_cold_start():
    with Fleet() as fleet:
        fleet.apply("k8s-worker-2")
        fleet.declare("  template: 9000", "  template: 9000\n  firmware: ovmf")
        fleet.reload()
        out, _ = fleet.run("pve", "apply", "k8s-worker-2", "--dry-run", status=2)
        tap.contains(" ".join(out.split()), "bios: none -> ovmf (at its next cold start)")
        fleet.apply("k8s-worker-2")
        vm = fleet.made()[100]
        tap.eq((vm.config.get("bios"), vm.with_pending()["bios"]), (None, "ovmf"))
        tap.contains(vm.with_pending()["efidisk0"], "pre-enrolled-keys=0")
        before = len(fleet.writes())
        fleet.apply("k8s-worker-2")
        tap.eq(len(fleet.writes()), before)


def test_firmware_that_there_is_not_is_named_with_its_place():
    with Fleet() as fleet:
        fleet.declare("  template: 9000", "  template: 9000\n  firmware: uefi\n  tpm: v1.2")
        _, said = fleet.run("pve", "apply", "--yes", status=1)
        line = (fleet.folder / "seed/site.yaml").read_text().splitlines().index("  firmware: uefi")
        tap.contains(said, f"site.yaml:{line + 1}:13: ")
        tap.contains(said, "'uefi' is not seabios, ovmf or secure-boot")
        tap.contains(said, f"site.yaml:{line + 2}:8: ")
        tap.eq(fleet.made(), {})


def test_disks_that_there_cannot_be_are_named_with_their_place():
    with Fleet() as fleet:
        fleet.declare("  template: 9000", "  template: 9000\n"
                      "  disks: [{size: 1, slot: scsi31}, {size: 2, format: qed}, {slot: sata0}]")
        _, said = fleet.run("pve", "apply", "--yes", status=1)
        for part in (":27: error: slot: 'scsi31' is not scsi0 to scsi30",
                     ":54: error: format: 'qed' is not raw, ", ":60: error: disk: 'size' is missing"):
            tap.contains(said, part)
        fleet.declare("slot: scsi31}, {size: 2, format: qed}, {slot: sata0}",
                      "slot: scsi2}, {size: 2}, {size: 3, slot: virtio1, ssd: true}")
        _, said = fleet.run("pve", "apply", "--yes", status=1)
        tap.contains(said, ":35: error: slot: two disks are in scsi2; give each its own")
        tap.contains(said, "ssd: Proxmox has it for slots of scsi and sata, not for virtio1")


def test_a_templates_tpm_is_not_cloned_and_its_keys_are_not_invented():
    for option, value, part in (
            ("tpmstate0", "local-lvm:vm-9000-disk-7,version=v2.0", "qm set 9000 --delete tpmstate0"),
            ("efidisk0", "local-lvm:vm-9000-disk-7,efitype=4m", "no keys for Secure Boot")):
        with Fleet(more="  firmware: secure-boot\n  tpm: v2.0\n") as fleet:
            fleet.pve.vms[9000].config[option] = value
            out, said = fleet.run("pve", "apply", "--yes", "k8s-worker-2", status=1)
            tap.contains(out + said, part)
            assert not any(vm.running for vm in fleet.made().values())


def test_a_vm_of_somebody_else_is_left_as_it_is():
    with Fleet() as fleet:
        fleet.apply("k8s-worker-2")
        fleet.pve.vms[100].config.update(description="by hand", memory="1024")
        before = len(fleet.writes())
        out = fleet.apply("k8s-worker-2")
        tap.contains(out, "not made by cloudseed: is left as it is")
        tap.eq((len(fleet.writes()), fleet.pve.vms[100].config["memory"]), (before, "1024"))


def test_a_serial_with_an_old_address_is_written_again():
    with Fleet() as fleet:
        fleet.apply("k8s-worker-2")
        vm = fleet.pve.vms[100]
        serial = fleet.serial_of(vm)
        fleet.daemon.admin("POST", "/v1/nodes/k8s-worker-2/disarm", {})
        url = serial.partition(";s=")[2].partition("/s/")[0]
        old = serial.replace(url, "http://10.9.9.9:8080")
        set_serial(vm.config, old)
        out = fleet.apply("k8s-worker-2")
        tap.contains(" ".join(out.split()), "serial: this server's address of today")
        tap.eq(decoded(vm.pending["smbios1"])["serial"], serial)
        assert fleet.node()["state"] != "armed"


def test_the_vm_of_a_node_that_is_gone_is_removed_only_by_name():
    with Fleet() as fleet:
        fleet.apply()
        gone = next(i for i, v in fleet.made().items() if v.config["name"] == "k8s-worker-3")
        homelab = fleet.folder / "seed/nodes/homelab.yaml"
        homelab.write_text(homelab.read_text().partition("k8s-worker-3:")[0])
        fleet.reload()
        out = fleet.apply()
        tap.contains(" ".join(out.split()), "its node is gone; to remove it give --prune k8s-worker-3")
        fleet.apply("--prune", "k8s-worker-2")  # it is declared
        tap.eq(len(fleet.made()), 3)
        other = fleet.pve.vms[gone].config["smbios1"]
        set_serial(fleet.pve.vms[gone].config, "ds=nocloud;s=http://10.9.9.9:8080/s/x/")
        fleet.apply("--prune", "k8s-worker-3")  # another server's
        assert gone in fleet.made()
        fleet.pve.vms[gone].config["smbios1"] = other
        out = fleet.apply("--prune", "k8s-worker-3")
        tap.contains(out, f"k8s-worker-3: VM {gone} is removed")
        fleet.is_whole(NODES[:2])


def test_a_host_that_is_away_fails_its_own_nodes_only():
    with Fleet(more="  host: pve1\n") as fleet:
        fleet.apply("k8s-worker-2")
        fleet.apply("k8s-worker-3")
        there = next(v for v in fleet.made().values() if v.config["name"] == "k8s-worker-3")
        there.host = "pve2"
        there.config["tags"] = "other"
        fleet.pve.hosts["pve2"].up = False
        out, said = fleet.run("pve", "apply", "--yes", status=1)
        tap.contains(out + said, "k8s-worker-3")
        tap.contains(out, "k8s-master-1: VM 102 on pve1 is made and runs")
        fleet.pve.hosts["pve2"].up = True
        fleet.apply()
        fleet.is_whole()


def test_any_host_is_the_one_with_the_most_memory_left():
    with Fleet(more="  host: any\n  storage: ceph\n") as fleet:
        def planned():
            plan = fleet.run("pve", "apply", "--dry-run", "--json", status=2)[0]
            return [p["host"] for p in json.loads(plan)]
        pve = fleet.pve
        tap.eq(planned(), ["pve1", "pve1", "pve1"])  # only it has the template's disk
        del pve.vms[9000]
        pve.add_vm(9000, "pve1", template=True, name="noble", scsi0="ceph:4",
                   net0="virtio,bridge=vmbr0", boot="order=scsi0;net0")
        pve.pools["k8s"] |= {"ceph", 500}
        tap.eq(planned(), ["pve1", "pve2", "pve1"])  # ties by name
        pve.add_vm(500, "pve1", name="other", memory="6144")
        tap.eq(planned(), ["pve2", "pve2", "pve1"])  # 6:0, 6:4, 6:8 GiB
        pve.rights.add_role("Hosts", ["Sys.Audit"])
        for who in ("cloudseed@pve", "cloudseed@pve!t"):
            pve.rights.allow("/nodes", who, "Hosts")
        pve.hosts["pve2"].used = 13 << 30  # by what the token does not see
        tap.eq(planned(), ["pve1", "pve1", "pve2"])  # 58:51, 54:51, 50:51 GiB are left
        pve.hosts["pve2"].used = 0
        fleet.run("pve", "create", "k8s-master-1")
        tap.eq(pve.vms[100].host, "pve2")  # 58:62
        fleet.apply()
        tap.eq(sorted(v.host for v in fleet.made().values() if v.vmid != 500), ["pve1", "pve2", "pve2"])


def set_serial(config, serial):
    fields = [f for f in config["smbios1"].split(",") if not f.startswith("serial=")]
    text = base64.b64encode(serial.encode()).decode()
    config["smbios1"] = ",".join([*fields, f"serial={text}"])


def numbers(total, seed):
    chosen = range(1, total + 1)
    return chosen if EACH else sorted(random.Random(seed).sample(chosen, min(SAMPLE, total)))


def requests_of(version):
    with Fleet(version) as fleet:
        fleet.apply()
        return len(fleet.api.requests)


def test_killed_before_each_request_and_run_again():
    for version in VERSIONS if EACH else VERSIONS[:1]:
        total = requests_of(version)
        covered = 0
        for number in numbers(total, 1):
            with Fleet(version) as fleet:
                covered += fleet.killed_before(number, "pve", "apply", "--yes")
                fleet.apply()
                fleet.is_whole()
        print(f"# {version[0]}.{version[1]}: killed before {covered} of about {total} requests")
        assert covered


def test_each_answer_is_lost_once():
    for version in VERSIONS if EACH else VERSIONS[:1]:
        total = requests_of(version)
        for number in numbers(total, 2):
            with Fleet(version) as fleet:
                fleet.api.fault(".", "lost", after=number - 1)
                process = fleet.start("pve", "apply", "--yes")
                process.communicate(timeout=300)
                fleet.apply()
                fleet.is_whole()
        print(f"# {version[0]}.{version[1]}: each of {total} answers lost")


def test_a_second_client_that_takes_ids_and_locks():
    for seed in range(12 if EACH else 3):
        with Fleet() as fleet:
            chance = random.Random(seed)
            fleet.pve.taken.extend(chance.sample(range(100, 106), 3))
            for _ in range(chance.randrange(3)):
                fleet.pve.plan_task("qmclone", fails_at=1,
                                    text="can't lock file '/var/lock/pve-manager/pve-storage-"
                                         "local-lvm' - got timeout")
            fleet.start("pve", "apply", "--yes").communicate(timeout=300)
            fleet.apply()
            fleet.is_whole()
            rivals = [v for v in fleet.made().values() if v.config.get("name") == "rival"]
            assert not any(v.running for v in rivals)


def test_two_at_a_time_on_a_storage():
    with Fleet() as fleet:
        gate = threading.Event()
        for _ in NODES:
            fleet.pve.plan_task("qmclone", gate=gate, gate_at=2)
        process = fleet.start("pve", "apply", "--yes")
        tap.wait_until(lambda: len(fleet.made()) == 2)
        tap.eq(len([n for n in NODES if fleet.daemon.admin("GET", f"/v1/nodes/{n}").json["vm"]]), 2)
        gate.set()
        process.communicate(timeout=300)
        tap.eq(process.returncode, 0)
        fleet.is_whole()


tap.main()
