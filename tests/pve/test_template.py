#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed pve template`: a template of a cloud image, by the API alone."""
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from pve.desk import EVERY, Desk  # noqa: E402

SUM = "ab" * 32
URL = "https://images.example/noble.img"
COMMAND = ["pve", "template", "noble2", "--image", URL, "--sha256", SUM, "--pool", "k8s",
           "--host", "pve1", "--storage", "local-lvm"]


def desk_with_images(version=(9, 2)):
    desk = Desk(version)
    rights = desk.pve.rights
    desk.pve.pools["k8s"].add("local")
    rights.add_role("Images", ["Datastore.AllocateTemplate", "Datastore.AllocateSpace"])
    rights.add_role("Fetch", ["Sys.AccessNetwork"] if version >= (8, 1) else ["Sys.Audit"])
    for who in ("cloudseed@pve", "cloudseed@pve!t"):
        rights.allow("/storage/local", who, "Images")
        rights.allow("/nodes/pve1", who, "Fetch")
    desk.pve.images[URL] = (3 << 30, SUM)
    return desk


def is_fit(desk):
    """One template of that name, and nothing else that was made."""
    desk.pve.tasks.wait_all()
    tap.eq([vm.config["name"] for vm in desk.made().values()], ["noble2"])
    vmid, vm = desk.made().popitem()
    assert vm.template and vmid in desk.pve.pools["k8s"] and not vm.lock
    tap.eq({k: vm.config[k] for k in ("serial0", "agent", "cpu", "boot")},
           {"serial0": "socket", "agent": "1", "cpu": "x86-64-v2-AES", "boot": "order=scsi0"})
    tap.contains(vm.config["scsi0"], f"local-lvm:base-{vmid}-disk-")
    tap.contains(vm.config["scsi0"], "size=3G")
    tap.eq([v for v in desk.pve.storages["local"].volumes], [f"import/noble2-{SUM[:12]}.qcow2"])
    desk.run("pve", "check", "--template", vmid)  # which names nothing that is wrong
    return vm


def begin_again(desk):
    """As if nothing had been made."""
    with desk.pve.lock:
        for vmid, vm in desk.made().items():
            desk.pve.free(vm)
            del desk.pve.vms[vmid]
            desk.pve.rights.forget_vm(vmid)
        desk.pve.storages["local"].volumes.clear()
        desk.api.faults.clear()


def writes(desk):
    return [m for m, _ in desk.api.requests if not m.startswith("GET")]


def test_a_template_is_made_of_an_image_once():
    for version in ((9, 2), (8, 4)):
        with desk_with_images(version) as desk:
            out, said = desk.run(*COMMAND)
            tap.eq((out, said), ("noble2: VM 100 on pve1 is a template\n", ""))
            is_fit(desk)
            count = len(writes(desk))
            out, _ = desk.run(*COMMAND, "--json")
            tap.eq(json.loads(out), {"name": "noble2", "vmid": 100, "host": "pve1", "made": False})
            tap.eq(len(writes(desk)), count)


def test_a_template_for_uefi_has_its_rng_and_secure_boots_keys():
    with desk_with_images() as desk:
        desk.run(*COMMAND, "--uefi")
        config = is_fit(desk).config
        tap.eq((config["bios"], config["machine"], config["rng0"]),
               ("ovmf", "q35", "source=/dev/urandom"))
        tap.contains(config["efidisk0"], "pre-enrolled-keys=1")


def test_before_8_4_the_commands_for_root_are_printed():
    with desk_with_images((7, 4)) as desk:
        out, said = desk.run(*COMMAND)
        tap.contains(said, "Proxmox VE 7.4 takes no images over its API")
        tap.contains(out, f"echo '{SUM}  /var/tmp/noble2-{SUM[:12]}.qcow2' | sha256sum -c\n")
        tap.contains(out, " --serial0 'socket'")
        tap.contains(out, "qm template VMID\n")
        tap.eq(writes(desk), [])


def test_a_dry_run_prints_each_request_and_changes_nothing():
    with desk_with_images() as desk:
        out, _ = desk.run(*COMMAND, "--dry-run")
        tap.eq([line for line in out.splitlines() if line[0] != " "],
               ["POST /nodes/pve1/storage/local/download-url", "POST /nodes/pve1/qemu",
                "POST /nodes/pve1/qemu/100/template"])
        tap.contains(out, f"    checksum={SUM}\n")
        tap.eq((writes(desk), desk.made()), ([], {}))


def test_killed_before_each_request_and_run_again_it_is_one_template():
    covered, done = 0, False
    with desk_with_images() as desk:
        while not done:
            begin_again(desk)
            done = not desk.killed_before(covered * EVERY + 1, *COMMAND)
            covered += not done
            desk.run(*COMMAND)
            is_fit(desk)
    print(f"# killed before each of {covered} requests, every {EVERY}th")
    assert covered * EVERY > 8, covered


def test_each_answer_is_lost_once():
    with desk_with_images() as desk:
        desk.run(*COMMAND)
        for number in range(0, len(desk.api.requests), EVERY):
            begin_again(desk)
            desk.api.fault(".", "lost", after=number)
            process = desk.start(*COMMAND)
            process.communicate(timeout=300)
            if process.returncode:
                desk.run(*COMMAND)
            is_fit(desk)


def test_another_image_does_not_replace_it_unasked():
    with desk_with_images() as desk:
        desk.run(*COMMAND)
        other = [SUM[:-1] + "c" if word == SUM else word for word in COMMAND]
        _, said = desk.run(*other, status=1)
        tap.contains(said, "is named noble2, and was not made of this image: choose another name")


def test_an_image_with_another_sum_is_refused_by_the_host():
    with desk_with_images() as desk:
        desk.pve.images[URL] = (3 << 30, "cd" * 32)
        _, said = desk.run(*COMMAND, status=1)
        tap.contains(said, "checksum mismatch")
        tap.eq((desk.made(), desk.pve.storages["local"].volumes), ({}, {}))


def test_an_id_that_another_client_takes_is_left_to_it():
    with desk_with_images() as desk:
        def rival(_n):
            if writes(desk) and writes(desk)[-1] == "POST /nodes/{node}/qemu" \
                    and 100 not in desk.pve.vms:
                desk.pve.add_vm(100, "pve2", name="rival")
        desk.api.before = rival
        out, _ = desk.run(*COMMAND)
        tap.contains(out, "VM 101 on pve1 is a template")
        tap.eq(desk.pve.vms[100].config["name"], "rival")


def test_what_is_not_said_and_not_clear_is_asked_for():
    with desk_with_images() as desk:
        _, said = desk.run(*[w for w in COMMAND if w not in ("--host", "pve1")], status=1)
        tap.contains(said, "choose the template's host with --host: pve1, pve2")
        desk.pve.pools["k8s"].add("ceph")
        _, said = desk.run(*[w for w in COMMAND if w not in ("--storage", "local-lvm")], status=1)
        tap.contains(said, "choose the storage of content 'images' with --storage: local-lvm, ceph")
        desk.pve.storages["local"].content = "iso"
        _, said = desk.run(*COMMAND, status=1)
        tap.contains(said, "no storage that takes content 'import': run 'pvesm set")
        desk.run("pve", "template", "x", "--image", URL, "--sha256", "12", status=64)
        desk.run("pve", "template", "x", "--image", "noble.img", "--sha256", SUM, status=64)


tap.main()
