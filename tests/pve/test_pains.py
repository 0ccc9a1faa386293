#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What users of other clients of Proxmox VE's API suffer from: each pain of pains.txt has a test, and
those that no other file has are here."""
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib")]
import tap  # noqa: E402
from pve.desk import NODE, PROXMOX, Desk  # noqa: E402


def test_each_pain_has_its_test():
    count = 0
    for line in (HERE / "pains.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        pain, file, test = re.fullmatch(r"(.+ \([\w, .-]+\)): (test_\w+\.py) (\w+)", line).groups()
        tap.contains((HERE / file).read_text(), f"\ndef test_{test}():\n")
        assert pain
        count += 1
    assert count >= 26, count


def asked(desk, verb):
    return [(m, given) for m, given in desk.api.requests if m.startswith(verb)]


def test_the_template_is_not_taken_for_its_clone():
    with Desk() as desk:
        before = dict(desk.pve.vms[9000].config)
        desk.run("pve", "create", NODE)
        tap.eq({given["vmid"] for _, given in asked(desk, "POST") if "/clone" not in _}, {"100"})
        tap.eq((desk.pve.vms[9000].config, desk.pve.vms[9000].running), (before, False))


def test_nothing_is_deleted_when_an_answer_is_lost():
    for method in ("POST .*/clone", "POST .*/config", "PUT .*/resize", "POST .*/start"):
        with Desk() as desk:
            desk.api.fault(method, "lost")
            process = desk.start("pve", "create", NODE)
            process.communicate(timeout=300)
            desk.run("pve", "create", NODE)
            desk.has_one_vm()
            tap.eq([m for m, _ in asked(desk, "DELETE") if "/tasks/" not in m], [])


def test_a_template_that_is_as_wished_gives_a_vm_that_runs():
    with Desk() as desk:
        desk.pve.vms[9000].config.update(cores="4", memory="4096", cpu="x86-64-v2-AES", onboot="1",
                                         protection="0", tags="k8s;worker")
        desk.run("pve", "create", NODE)
        desk.has_one_vm()


def test_a_token_without_rights_of_its_own_is_told():
    with Desk() as desk:
        rights = desk.pve.rights
        rights.entries = [e for e in rights.entries if e[1] != "cloudseed@pve!t"]
        out, _ = desk.run("pve", "check", "--pool", "k8s", status=1)
        tap.contains(out, "FAIL /pool/k8s: the token lacks VM.Audit VM.Allocate")
        tap.contains(out, "pveum acl modify /pool/k8s --tokens 'cloudseed@pve!t' --roles Cloudseed")


def test_the_network_that_a_token_may_not_use_is_named():
    with Desk(vlan_rights=False) as desk:
        rights = desk.pve.rights
        rights.entries = [e for e in rights.entries if not e[0].startswith("/sdn")]
        out, _ = desk.run("pve", "check", "--bridge", "vmbr0", "--vlan", 20, status=1)
        tap.contains(out, "/sdn/zones/localnetwork/vmbr0/20: the token lacks SDN.Use")
        _, said = desk.run("pve", "create", NODE, status=1)
        tap.contains(said, "Permission check failed (/sdn/zones/localnetwork/vmbr0")
        tap.eq(desk.made(), {})


def test_no_agent_is_waited_for():
    with Desk() as desk:
        desk.run("pve", "create", NODE)
        tap.eq(desk.has_one_vm().config["agent"], "1")
        tap.eq([m for m, _ in desk.api.requests if "/agent/" in m], [])


def test_a_disk_stays_as_large_after_a_cold_start():
    with Desk() as desk:
        desk.run("pve", "create", NODE)
        vm = desk.has_one_vm()
        desk.run("pve", "stop", NODE, "--hard")
        desk.run("pve", "start", NODE)
        tap.contains(vm.started_with["scsi0"], "size=20G")
        tap.eq(vm.pending, {})


def test_a_vm_that_was_moved_is_found_and_not_made_again():
    for ha in (False, True):
        with Desk() as desk:
            desk.run("pve", "create", NODE)
            vm = desk.pve.vms[100]
            vm.ha = ha
            desk.pve.migrate(100, "pve2")
            desk.run("pve", "create", NODE)
            assert vm is desk.has_one_vm() and vm.host == "pve2"


def test_an_edit_keeps_mac_and_vlan():
    with Desk() as desk:
        desk.run("pve", "create", NODE, "--no-start")
        before = desk.pve.vms[100].config["net0"]
        tap.contains(before, "tag=20")
        site = desk.folder / "seed/site.yaml"
        site.write_text(site.read_text().replace(PROXMOX, PROXMOX.replace("cores: 4", "cores: 8")))
        desk.run("pve", "create", NODE, "--no-start")
        tap.eq((desk.pve.vms[100].config["cores"], desk.pve.vms[100].config["net0"]), ("8", before))


def test_a_clone_to_a_host_that_cannot_have_it_leaves_nothing():
    with Desk(more="  host: pve2\n") as desk:
        _, said = desk.run("pve", "create", NODE, status=1)
        tap.contains(said, "can't clone VM to node 'pve2' (VM uses local storage)")
        tap.eq((desk.made(), desk.node()["vm"]), ({}, None))


def test_the_boot_order_of_the_template_stays():
    with Desk() as desk:
        before = desk.pve.vms[9000].config["boot"]
        desk.run("pve", "create", NODE)
        tap.eq(desk.has_one_vm().started_with["boot"], before)


def test_an_id_with_an_exponent_is_an_id():
    with Desk() as desk:
        desk.pve.add_vm(1000000, "pve1", name="k8s-worker-3", net0="virtio,bridge=vmbr0")
        desk.pve.pools["k8s"].add(1000000)
        for _ in range(6):  # each answer has it as a number, a text, or with an exponent
            out, _ = desk.run("pve", "start", "k8s-worker-3")
            tap.contains(out, "VM 1000000 on pve1 is running")


tap.main()
