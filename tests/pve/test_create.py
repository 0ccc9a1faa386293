#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed pve create` and `destroy`: one VM for each node, whatever fails in between."""
import json
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from pve.desk import EVERY, NODE, PROXMOX, VERSIONS, Desk  # noqa: E402

# Every other request is killed, and the answers of the others are lost.
STEP = min(EVERY, 2)


def test_a_declared_node_becomes_a_vm_that_runs():
    for version in VERSIONS:
        with Desk(version) as desk:
            out, said = desk.run("pve", "create", NODE)
            tap.contains(out, f"{NODE}: VM 100 on pve1 is made and runs; the build window ends 20")
            tap.eq(said, "")
            tap.eq(desk.node()["state"], "armed")
            vm = desk.has_one_vm()
            tap.contains(vm.config["net0"], "virtio=BC:24:11:")
            tap.contains(vm.config["net0"], "bridge=vmbr0,tag=20")


def test_what_becomes_of_it_as_json():
    with Desk() as desk:
        for word, ends in (("create", "made and runs"), ("stop", "stopped"), ("start", "running"),
                           ("destroy", "is removed")):
            more = {"destroy": ["--yes"], "stop": ["--hard"]}.get(word, [])
            told = json.loads(desk.run("pve", word, NODE, "--json", *more)[0])
            tap.eq((told["name"], told["vmid"], told["host"]), (NODE, 100, "pve1"))
            tap.contains(told["message"], ends)


def test_it_can_be_run_again():
    with Desk() as desk:
        desk.run("pve", "create", NODE)
        count = len([m for m, _ in desk.api.requests if not m.startswith("GET")])
        desk.run("pve", "create", NODE)
        tap.eq(len([m for m, _ in desk.api.requests if not m.startswith("GET")]), count)
        desk.has_one_vm()


def kill_in_turn(desk, step):
    """Yields each VM that was made at last."""
    covered, done = 0, False
    while not done:  # how often a task is asked about differs from run to run
        desk.empty()
        done = not desk.killed_before(covered * step + 1, "pve", "create", NODE)
        covered += not done
        if not done:
            desk.run("pve", "create", NODE)
        yield desk.has_one_vm()
    print(f"# killed before each of {covered} requests, every {step}th")
    assert covered * step > 12, covered


def test_killed_before_each_request_and_run_again_it_ends_the_same():
    with Desk() as desk:
        for _ in kill_in_turn(desk, STEP):
            tap.eq(sorted(desk.pve.storages["local-lvm"].volumes),
                   ["base-9000-disk-0", "vm-100-disk-0"])


def test_firmware_and_tpm_are_made_once_wherever_it_is_killed():
    with Desk(more="  firmware: secure-boot\n  tpm: v2.0\n") as desk:
        for vm in kill_in_turn(desk, EVERY):
            found = [vm.config[disk].split(",")[0] for disk in ("scsi0", "efidisk0", "tpmstate0")]
            tap.eq(sorted(found), [f"local-lvm:vm-100-disk-{i}" for i in range(3)])
            tap.eq(len(desk.pve.storages["local-lvm"].volumes), 4)
            tap.eq((vm.started_with["bios"], vm.pending), ("ovmf", {}))


def test_each_answer_is_lost_once():
    with Desk() as desk:
        desk.run("pve", "create", NODE)
        total = len(desk.api.requests)
        for number in range(STEP - 1, total, STEP):
            desk.empty()
            desk.api.fault(".", "lost", after=number)
            process = desk.start("pve", "create", NODE)
            process.communicate(timeout=300)
            if process.returncode:
                desk.run("pve", "create", NODE)
            desk.has_one_vm()


def test_a_host_that_goes_away_in_the_middle():
    for stays_away in (False, True):
        with Desk() as desk:
            gate = threading.Event()
            desk.pve.plan_task("qmclone", gate=gate, gate_at=3)
            process = desk.start("pve", "create", NODE)
            tap.wait_until(lambda: 100 in desk.pve.vms and desk.pve.vms[100].config)
            desk.pve.hosts["pve1"].up = False
            gate.set()
            desk.pve.tasks.wait_all()
            if stays_away:
                _, said = process.communicate(timeout=300)
                tap.eq(process.returncode, 1)
                tap.contains(said, "run the command again")
                tap.eq(desk.node()["vm"]["vmid"], 100)
            desk.pve.hosts["pve1"].up = True
            if stays_away:
                desk.run("pve", "create", NODE)
            else:
                tap.eq(process.communicate(timeout=300)[0].count("is made and runs"), 1)
            desk.has_one_vm()


def test_a_rival_that_takes_the_id_gets_to_keep_its_vm():
    with Desk() as desk:
        desk.pve.taken.append(100)
        desk.run("pve", "create", NODE)
        desk.has_one_vm()
        tap.eq(desk.pve.vms[100].config, {**desk.pve.vms[100].config, "name": "rival"})
        assert not desk.pve.vms[100].running


def test_a_storage_that_is_busy_is_tried_again():
    with Desk() as desk:
        desk.pve.plan_task("qmclone", fails_at=1,
                           text="can't lock file '/var/lock/pve-manager/pve-storage-local-lvm' -"
                                " got timeout")
        desk.run("pve", "create", NODE)
        desk.has_one_vm()


def test_a_clone_that_fails_is_forgotten_with_its_id():
    with Desk() as desk:
        desk.pve.plan_task("qmclone", fails_at=3, text="lvcreate error: no space left")
        _, said = desk.run("pve", "create", NODE, status=1)
        tap.contains(said, "no space left")
        tap.eq((desk.node()["vm"], desk.made()), (None, {}))
        desk.pve.add_vm(100, "pve1", name="somebody's")
        desk.run("pve", "create", NODE)
        tap.eq(desk.pve.vms[100].config["name"], "somebody's")


def test_a_clone_that_was_killed_is_told_and_not_repeated():
    with Desk() as desk:
        desk.pve.plan_task("qmclone", killed_at=4)
        process = desk.start("pve", "create", NODE)
        _, said = process.communicate(timeout=300)
        tap.eq(process.returncode, 1, said)
        tap.contains(said, "'qm unlock 100'")
        tap.eq(sorted(desk.made()), [100])


def test_warnings_lose_no_vm():
    with Desk() as desk:
        desk.pve.plan_task("qmclone", warnings=1)
        desk.run("pve", "create", NODE)
        desk.has_one_vm()


def test_what_a_template_brings_beside_it_stays_and_the_mac_is_ours():
    with Desk() as desk:
        desk.pve.vms[9000].config["net0"] = "virtio=BC:24:11:00:00:99,bridge=vmbr0,firewall=1,mtu=1450"
        desk.run("pve", "create", NODE)
        net = desk.has_one_vm().config["net0"]
        tap.contains(net, "firewall=1")
        tap.contains(net, "mtu=1450")
        tap.contains(net, "tag=20")


def test_a_node_without_a_template_is_told_where_to_declare_it():
    with Desk() as desk:
        text = (desk.folder / "seed/site.yaml").read_text()
        (desk.folder / "seed/site.yaml").write_text(text.replace(PROXMOX, ""))
        _, said = desk.run("pve", "create", NODE, status=1)
        tap.contains(said, "declare 'proxmox' in site.yaml, its role or the node")
        tap.eq(desk.made(), {})


def test_destroy_takes_only_what_create_has_made():
    with Desk() as desk:
        desk.run("pve", "create", NODE)
        _, said = desk.run("pve", "destroy", NODE, status=64)
        tap.contains(said, "confirm it with --yes")
        desk.pve.vms[100].config["description"] = "somebody else's\n"
        _, said = desk.run("pve", "destroy", NODE, "--yes", status=1)
        tap.contains(said, "was not made by 'cloudseed pve create'")
        desk.pve.vms[100].config["description"] = f"Node {NODE} of cloudseed (uid {NODE})"
        before = len(desk.pve.storages["local-lvm"].volumes)
        desk.run("pve", "destroy", NODE, "--yes")
        tap.eq((desk.made(), desk.node()["vm"]), ({}, None))
        tap.eq(len(desk.pve.storages["local-lvm"].volumes), before - 1)
        _, said = desk.run("pve", "destroy", NODE, "--yes", status=1)
        tap.contains(said, "no VM is known of it")
        desk.run("pve", "create", NODE)
        desk.has_one_vm()


def test_destroy_wants_a_word_for_disks_of_data():
    with Desk() as desk:
        desk.run("pve", "create", NODE)
        vm, volumes = desk.has_one_vm(), desk.pve.storages["local-lvm"].volumes
        volumes.update({"vm-100-disk-7": 1 << 30, "vm-100-disk-8": 1 << 30})
        vm.config.update(scsi1="local-lvm:vm-100-disk-7,size=1G", unused0="local-lvm:vm-100-disk-8",
                         ide2="local:iso/x.iso,media=cdrom", scsihw="virtio-scsi-single")
        _, said = desk.run("pve", "destroy", NODE, "--yes", status=1)
        tap.contains(said, "has disks beside that of the system: scsi1, unused0. Give --with-data")
        assert vm.running
        desk.run("pve", "destroy", NODE, "--yes", "--with-data")
        tap.eq((desk.made(), sorted(volumes)), ({}, ["base-9000-disk-0"]))


tap.main()
