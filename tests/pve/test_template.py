#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed pve template`: a template of a cloud image, by the API alone."""
import hashlib
import json
import os
import shlex
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


def with_file(desk, size=3 << 20):
    """The command for an image in a file."""
    path = desk.folder / "noble.qcow2"
    with path.open("wb") as file:
        file.write(b"QFI\xfb" + os.urandom(5000))
        file.truncate(size)
    with path.open("rb") as file:  # in pieces: our own memory counts as that of a process we begin
        summed = hashlib.file_digest(file, "sha256").hexdigest()
    return [{URL: str(path), SUM: summed}.get(word, word) for word in COMMAND]


def is_fit(desk, summed=SUM, size="3G"):
    """One template of that name, and nothing else that was made."""
    desk.pve.tasks.wait_all()
    tap.eq([vm.config["name"] for vm in desk.made().values()], ["noble2"])
    vmid, vm = desk.made().popitem()
    assert vm.template and vmid in desk.pve.pools["k8s"] and not vm.lock
    tap.eq({k: vm.config[k] for k in ("serial0", "agent", "cpu", "boot")},
           {"serial0": "socket", "agent": "1", "cpu": "x86-64-v2-AES", "boot": "order=scsi0"})
    tap.contains(vm.config["scsi0"], f"local-lvm:base-{vmid}-disk-")
    tap.contains(vm.config["scsi0"], f"size={size}")
    tap.eq(list(desk.pve.storages["local"].volumes), [f"import/noble2-{summed[:12]}.qcow2"])
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
        desk.run("pve", "template", "x", "--image", "ftp://noble.img", "--sha256", SUM, status=64)


def test_a_file_is_sent_and_made_a_template():
    for version, host in (((9, 2), "pve1"), ((8, 4), "pve2")):
        with desk_with_images(version) as desk:
            command = [host if word == "pve1" else word for word in with_file(desk)]
            summed = command[command.index("--sha256") + 1]
            out, said = desk.run(*command)
            tap.eq((out, said), (f"noble2: VM 100 on {host} is a template\n", ""))
            is_fit(desk, summed, "3M")
            sent = [given for method, given in desk.api.requests if method.endswith("/upload")]
            tap.eq(sent, [{"node": host, "storage": "local"}])
            count = len(writes(desk))
            desk.run(*command)
            tap.eq(len(writes(desk)), count)


def test_a_file_is_not_read_into_memory():
    used = []
    # Otherwise the sanitizer keeps what was freed.
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
    for size in (1 << 20, 100 << 20):
        with desk_with_images() as desk:
            process = desk.start(*with_file(desk, size))
            process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            tap.eq(process.returncode, 0, process.stderr.read())
            used.append(usage.ru_maxrss)
    assert used[1] - used[0] < 20 << 10, used


def test_a_file_that_is_not_that_image_is_not_sent():
    with desk_with_images() as desk:
        command = with_file(desk)
        path = Path(command[command.index("--image") + 1])
        _, said = desk.run(*[SUM if len(w) == 64 else w for w in command], status=1)
        tap.contains(said, "noble.qcow2: its SHA-256 is ")
        path.write_bytes(b"raw")
        _, said = desk.run(*command, status=1)
        tap.contains(said, "noble.qcow2: it is not a qcow2 image: run 'qemu-img convert")
        path.unlink()
        _, said = desk.run(*command, status=1)
        tap.contains(said, "noble.qcow2: No such file or directory")
        tap.eq((writes(desk), desk.made()), ([], {}))


def test_without_the_right_nothing_is_sent():
    with desk_with_images() as desk:
        desk.pve.rights.roles["Images"] = {"Datastore.AllocateSpace"}
        _, said = desk.run(*with_file(desk), status=1)
        tap.contains(said, "/storage/local: the token lacks Datastore.AllocateTemplate: run 'pveum acl modify"
                           " /storage/local --roles PVEDatastoreAdmin --users cloudseed@pve --tokens"
                           " 'cloudseed@pve!t'' as root")
        tap.eq(writes(desk), [])


def test_a_file_for_versions_before_8_4_is_copied_by_root():
    with desk_with_images((7, 4)) as desk:
        command = with_file(desk)
        out, _ = desk.run(*[w.replace("noble.qcow2", "it's.qcow2") for w in command], status=1)
        os.rename(desk.folder / "noble.qcow2", desk.folder / "it's.qcow2")
        out, _ = desk.run(*[w.replace("noble.qcow2", "it's.qcow2") for w in command])
        words = shlex.split(out.splitlines()[0].partition(": ")[2])
        summed = command[command.index("--sha256") + 1]
        tap.eq(words, ["scp", str(desk.folder / "it's.qcow2"),
                       f"root@pve1:/var/tmp/noble2-{summed[:12]}.qcow2"])
        tap.contains(out, f"import-from=/var/tmp/noble2-{summed[:12]}.qcow2,discard=on'")
        assert "wget" not in out


def test_a_dry_run_shows_the_file_and_sends_nothing():
    with desk_with_images() as desk:
        command = with_file(desk)
        out, _ = desk.run(*command, "--dry-run")
        tap.contains(out, "POST /nodes/pve1/storage/local/upload\n    content=import\n    checksum=")
        tap.contains(out, ".qcow2 (3145728 bytes)\n")
        tap.eq(writes(desk), [])


def test_killed_in_the_middle_of_a_file_and_run_again_it_is_one_template():
    with desk_with_images() as desk:
        command = with_file(desk, 20 << 20)
        summed = command[command.index("--sha256") + 1]
        process = desk.start(*command)
        desk.api.on_upload = lambda size: size > (5 << 20) and process.kill()
        process.communicate(timeout=60)
        tap.eq(process.returncode, -9)
        desk.api.on_upload = lambda size: None
        desk.pve.tasks.wait_all()
        tap.eq((desk.pve.storages["local"].volumes, desk.made()), ({}, {}))
        desk.run(*command)
        is_fit(desk, summed, "20M")


def test_killed_before_each_request_of_a_file_and_run_again_it_is_one_template():
    covered, done = 0, False
    with desk_with_images() as desk:
        command = with_file(desk)
        summed = command[command.index("--sha256") + 1]
        while not done:
            begin_again(desk)
            done = not desk.killed_before(covered * EVERY + 1, *command)
            covered += not done
            desk.run(*command)
            is_fit(desk, summed, "3M")
    assert covered * EVERY > 8, covered


def test_a_copy_that_was_cut_off_is_sent_again():
    with desk_with_images() as desk:
        command = with_file(desk)
        summed = command[command.index("--sha256") + 1]
        desk.pve.plan_task("imgcopy", killed_at=2)
        _, said = desk.run(*command, status=1)
        tap.contains(said, "unexpected status")
        tap.eq(list(desk.pve.storages["local"].volumes.values()), [3 << 19])
        desk.run(*command)
        is_fit(desk, summed, "3M")


def test_a_copy_that_goes_on_is_waited_for_wherever_it_runs():
    with desk_with_images() as desk:
        command = [{"pve1": "pve2"}.get(word, word) for word in with_file(desk)]
        summed = command[command.index("--sha256") + 1]
        desk.api.fault("POST .*/upload", "lost")
        desk.pve.plan_task("imgcopy", slower=100)
        desk.run(*command, status=1)
        desk.run(*command)
        is_fit(desk, summed, "3M")
        tap.eq(len([m for m in writes(desk) if m.endswith("/upload")]), 1)


tap.main()
