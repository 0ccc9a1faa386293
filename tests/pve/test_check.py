#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed pve check` of what the declared nodes need: rights for each path, templates, storages
and bridges."""
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from pve.desk import PROXMOX, VERSIONS, Desk  # noqa: E402
from pve.homelab import ROLE  # noqa: E402


def fit(desk):
    """As `pve template` makes it."""
    desk.pve.vms[9000].config.update(serial0="socket", protection="0")


def checked(desk, *words, status=0):
    out, _ = desk.run("pve", "check", *words, status=status)
    return out


def faults(out):
    return [line for line in out.splitlines() if line.startswith("FAIL")]


def test_what_declared_nodes_need_is_checked_without_options():
    for version in VERSIONS:
        with Desk(version) as desk:
            fit(desk)
            out = checked(desk)
            tap.eq(faults(out), [])
            for part in ("/pool/k8s: all rights", "/vms/9000: all rights", "the guest agent",
                         "its disk scsi0 on local-lvm can be linked to", "/storage/local-lvm: all"):
                tap.eq(out.count(part), 1, out)
            tap.eq(out.count("/sdn/zones/localnetwork/vmbr0/20: all"), version >= (8, 0), out)
            tap.contains(out, "pve1 has the bridge vmbr0, for this token")
            tap.eq([m for m, _ in desk.api.requests if not m.startswith("GET")], [])


def test_each_path_of_a_right_that_is_missing_is_named_once():
    with Desk(vlan_rights=False) as desk:
        fit(desk)
        rights = desk.pve.rights
        rights.entries = [e for e in rights.entries if not e[0].startswith("/sdn")]
        rights.add_role("Cloudseed", [p for p in ROLE if p not in ("VM.Clone", "VM.Config.CPU")])
        out = checked(desk, status=1)
        tap.eq([line.split(":")[0] for line in faults(out)],
               ["FAIL /pool/k8s", "FAIL /vms/9000", "FAIL /sdn/zones/localnetwork/vmbr0",
                "FAIL pve1 has the bridge vmbr0, for this token",
                "FAIL /sdn/zones/localnetwork/vmbr0/20"])
        tap.contains(out, "FAIL /pool/k8s: the token lacks VM.Clone VM.Config.CPU")
        tap.contains(out, "pveum acl modify /sdn/zones/localnetwork/vmbr0/20 --users"
                          " 'cloudseed@pve' --roles CloudseedNetwork")


def test_what_is_printed_is_enough():
    """Roles and entries as they stand there, for each major version."""
    for version in VERSIONS:
        with Desk(version) as desk:
            fit(desk)
            rights = desk.pve.rights
            rights.entries = [e for e in rights.entries if not e[0].startswith("/sdn")]
            rights.add_role("Cloudseed", ["VM.Audit", "Pool.Audit"])
            for _ in range(3):  # what cannot be seen yet is found later
                out = checked(desk, status=None)
                for line in out.splitlines():
                    words = [w.strip("'") for w in line.split()]
                    if words[:3] == ["pveum", "role", "add"]:
                        rights.add_role(words[3], line.split("'")[1].split())
                    if words[:3] == ["pveum", "acl", "modify"]:
                        rights.allow(words[3], words[5], words[7])
            tap.eq(faults(checked(desk)), [])
            desk.run("pve", "create", "k8s-worker-2")
            desk.has_one_vm()


def test_a_template_that_cannot_be_linked_to_wants_a_storage_for_copies():
    with Desk() as desk:
        fit(desk)
        desk.pve.storages["local-lvm"].kind = "lvm"
        out = checked(desk, status=1)
        tap.eq(faults(out), ["FAIL its disk scsi0 on local-lvm can be linked to"])
        tap.contains(out, "declare 'storage' under 'proxmox', for full copies")
        site = desk.folder / "seed/site.yaml"
        site.write_text(site.read_text().replace(PROXMOX, PROXMOX + "  storage: ceph\n"))
        desk.pve.pools["k8s"].add("ceph")
        tap.contains(checked(desk), "ok   the storage ceph of pve1 takes disks")
        desk.pve.storages["ceph"].content = "iso"
        tap.contains(checked(desk, status=1), "     pvesm set ceph --content iso,images")


def test_a_template_whose_disks_the_declared_host_does_not_have():
    with Desk(more="  host: pve2\n") as desk:
        fit(desk)
        out = checked(desk, status=1)
        tap.eq(faults(out), ["FAIL its disk scsi0 on local-lvm is shared with pve2"])
        tap.contains(out, "make a template on pve2")


def test_a_bridge_that_a_host_does_not_have():
    with Desk(more="  bridge: vmbr7\n") as desk:
        fit(desk)
        out = checked(desk, status=1)
        tap.contains(out, "FAIL pve1 has the bridge vmbr7, for this token")
        tap.contains(out, "FAIL /sdn/zones/localnetwork/vmbr7/20: the token lacks SDN.Use")


def test_a_template_without_an_agent_or_out_of_the_pool():
    with Desk() as desk:
        fit(desk)
        del desk.pve.vms[9000].config["agent"]
        out = checked(desk, status=1)
        tap.eq(faults(out), ["FAIL it has the guest agent switched on"])
        tap.contains(out, "qm set 9000 --agent 1")
        desk.pve.pools["k8s"].remove(9000)
        tap.contains(checked(desk, status=1), "     pveum pool modify k8s --vms 9000")


def test_what_only_disks_and_the_order_of_starting_need():
    more = "  disks: [{size: 5, storage: ceph}]\n  startup: {order: 1}\n"
    with Desk(more=more) as desk:
        fit(desk)
        out = checked(desk, status=1)
        tap.eq(faults(out), ["FAIL /storage/ceph: the token lacks Datastore.AllocateSpace",
                             "FAIL the storage ceph of pve1 takes disks"])
        desk.pve.pools["k8s"].add("ceph")
        out = checked(desk)
        tap.contains(out, "warn /: the token lacks Sys.Modify\n     pveum role add CloudseedStartup")
        found = [f for f in json.loads(checked(desk, "--json")) if not f["ok"]]
        tap.eq([(f["what"], f["needed"]) for f in found], [("/: the token lacks Sys.Modify", False)])


def test_any_host_names_the_right_to_see_their_memory():
    with Desk(more="  host: any\n") as desk:
        fit(desk)
        out = checked(desk)
        tap.contains(out, "warn /nodes: the token lacks Sys.Audit\n")
        tap.contains(out, "pve1 has the bridge vmbr0, for this token")


def test_options_narrow_it_down():
    with Desk() as desk:
        out = checked(desk, "--pool", "k8s", "--json")
        tap.eq([f["ok"] for f in json.loads(out)], [True, True])
        tap.eq(faults(checked(desk, "--storage", "local-lvm", "--host", "pve1")), [])
        checked(desk, "--storage", "local-lvm", status=64)


tap.main()
