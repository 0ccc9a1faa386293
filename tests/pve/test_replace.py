#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed pve replace`: a node whose host is lost gets a VM on another one, and the old VM never
runs beside it once a command has seen its host again."""
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from pve.desk import EVERY, NODE, Desk  # noqa: E402
from pve.machines import decoded  # noqa: E402

REPLACE = ("pve", "replace", NODE, "--host", "pve2", "--template", 9001, "--yes")


class Lost(Desk):
    """The node's VM is on pve1, which is lost. The tool's endpoint is pve2."""

    def __init__(self, away=True, **more):
        super().__init__(**more)
        self.pve.add_vm(9001, "pve2", template=True, name="noble", scsi0="local-lvm:4",
                        net0="virtio,bridge=vmbr0", boot="order=scsi0")
        self.pve.pools["k8s"].add(9001)
        self.run("pve", "create", NODE)
        self.old = self.pve.vms[100]
        saved = self.folder / ".config/cloudseed/pve/home.json"
        saved.write_text(saved.read_text().replace(self.api.urls["pve1"], self.api.urls["pve2"]))
        self.pve.hosts["pve1"].up = not away
        self.api.requests.clear()

    def comes_back(self, running=True):
        """Proxmox starts what is to start with its host."""
        self.pve.hosts["pve1"].up = True
        self.old.running = running and self.old.config.get("onboot") == "1"
        self.api.requests.clear()

    def is_replaced(self):
        self.pve.tasks.wait_all()
        made = {i: vm for i, vm in self.made().items() if i not in (100, 9001)}
        tap.eq(list(made), [101])
        new, node = made[101], self.node()
        tap.eq((new.host, new.running, new.config["name"]), ("pve2", True, NODE))
        tap.eq(node["vm"], {"endpoint": "home", "host": "pve2", "vmid": 101})
        tap.eq(node["generation"], 2)
        tap.eq(new.config["net0"].split(",")[0], self.old.config["net0"].split(",")[0])
        tap.contains(decoded(new.started_with["smbios1"])["serial"], "ds=nocloud")
        return new

    def is_disarmed(self):
        tap.eq((self.old.running, self.old.config["onboot"]), (False, "0"))
        tap.contains(self.old.config["net0"], "link_down=1")
        assert "serial" not in decoded(self.old.config["smbios1"]), self.old.config


def writes(desk):
    return [(m, given) for m, given in desk.api.requests if not m.startswith("GET")]


def test_a_node_of_a_lost_host_gets_another_vm():
    with Lost() as desk:
        before = dict(desk.old.config)
        out, _ = desk.run(*REPLACE)
        tap.contains(out, f"{NODE}: VM 101 on pve2 is made and runs")
        desk.is_replaced()
        tap.eq(desk.old.config, before)
        tap.eq(desk.node()["tombstones"],
               [{"endpoint": "home", "host": "pve1", "vmid": 100, "generation": 1}])
        tap.contains(desk.run("pve", "list")[0], "given up")
        kinds = [e["kind"] for e in desk.daemon.admin("GET", f"/v1/events?node={NODE}").json["events"]]
        tap.eq([k for k in kinds if k.startswith("vm") or k == "reprovisioned"],
               ["vm", "vm-lost", "reprovisioned", "vm"])


def test_a_dry_run_prints_what_is_then_done_and_changes_nothing():
    with Lost() as desk:
        before = desk.node()
        out, said = desk.run(*REPLACE[:-1], "--dry-run")
        tap.eq((writes(desk), desk.node(), said), ([], before, ""))
        lines = [line for line in out.splitlines() if not line.startswith(" ")]
        tap.eq(lines[:4], [f"cloudseedd: POST /v1/nodes/{NODE}/{what}"
                           for what in ("vm/lost", "reprovision", "vm")]
               + ["POST /nodes/pve2/qemu/9001/clone"])
        tap.eq(lines[-1], "POST /nodes/pve2/qemu/101/status/start")
        told = json.loads(desk.run(*REPLACE, "--json")[0])
        tap.eq((told["name"], told["vmid"], told["host"]), (NODE, 101, "pve2"))
        desk.is_replaced()
        desk.pve.free(desk.old)  # removed: a dry run does not have the server forget it
        del desk.pve.vms[100]
        out, _ = desk.run(*REPLACE[:-1], "--dry-run")
        tap.contains(out, f"cloudseedd: POST /v1/nodes/{NODE}/vm/buried")
        tap.eq(len(desk.node()["tombstones"]), 1)


def test_the_old_vm_is_unplugged_before_anything_else_when_its_host_returns():
    for command in (("pve", "list"), ("pve", "start", NODE), ("pve", "register", NODE)):
        with Lost() as desk:
            desk.run(*REPLACE)
            desk.comes_back()
            assert desk.old.running
            _, said = desk.run(*command)
            tap.contains(said, "VM 100 on pve1, which was given up, is disarmed")
            first, second = writes(desk)[:2]
            tap.eq((first[0], first[1]["vmid"]), ("POST /nodes/{node}/qemu/{vmid}/config", "100"))
            tap.eq((second[0], second[1]["vmid"]),
                   ("POST /nodes/{node}/qemu/{vmid}/status/stop", "100"))
            desk.is_disarmed()
            assert desk.is_replaced().running
            desk.api.requests.clear()
            _, said = desk.run("pve", "list")  # once
            tap.eq((said, writes(desk)), ("", []))


def test_a_host_that_is_there_is_no_lost_one():
    with Lost(away=False) as desk:
        _, said = desk.run(*REPLACE, status=1)
        tap.contains(said, f"the host pve1 of VM 100 is there: run 'cloudseed pve rebuild {NODE}'")
        desk.old.ha = True
        desk.pve.migrate(100, "pve2")  # as HA does
        desk.pve.hosts["pve1"].up = False
        _, said = desk.run(*REPLACE, status=1)
        tap.contains(said, "the host pve2 of VM 100 is there")
        tap.eq((writes(desk), desk.node()["generation"]), ([], 1))


def test_it_wants_the_admins_word_that_the_host_is_off():
    with Lost() as desk:
        _, said = desk.run(*REPLACE[:-1], status=64)
        tap.contains(said, "this gives up VM 100, whose host pve1 must be switched off")
        tap.eq((writes(desk), desk.node()["tombstones"]), ([], []))
        desk.run("pve", "replace", NODE, "--yes", status=64)


def test_killed_before_each_request_and_run_again_it_ends_the_same():
    covered, done = 0, False
    while not done:
        with Lost() as desk:
            done = not desk.killed_before(covered * EVERY + 1, *REPLACE)
            covered += not done
            if not done:
                desk.run(*REPLACE)
            desk.is_replaced()
            tap.eq(len(desk.node()["tombstones"]), 1)
            desk.comes_back()
            desk.run("pve", "list")
            desk.is_disarmed()
    print(f"# killed before each of {covered} requests, every {EVERY}th")
    assert covered * EVERY > 12, covered


def test_one_that_is_removed_is_forgotten():
    with Lost() as desk:
        desk.run(*REPLACE)
        desk.comes_back()
        desk.run("pve", "list")
        desk.pve.free(desk.old)
        del desk.pve.vms[100]
        desk.run("pve", "list")
        tap.eq(desk.node()["tombstones"], [])


def test_another_vm_that_has_its_id_by_now_is_left_alone():
    with Lost() as desk:
        desk.run(*REPLACE)
        desk.comes_back(running=False)
        del desk.pve.vms[100]
        other = desk.pve.add_vm(100, "pve1", name="database", net0="virtio,bridge=vmbr0", onboot="1")
        desk.pve.pools["k8s"].add(100)
        other.running = True
        before = dict(other.config)
        desk.run("pve", "list")
        tap.eq((other.config, other.running, desk.node()["tombstones"]), (before, True, []))


def test_one_that_cannot_be_disarmed_is_told():
    with Lost() as desk:
        desk.run(*REPLACE)
        desk.comes_back()
        desk.api.fault("POST .*/config", "busy:VM is locked (backup)")
        _, said = desk.run("pve", "list")
        tap.contains(said, f"VM 100 of {NODE} was given up, and could not be disarmed: ")
        tap.contains(said, "VM is locked")
        desk.run("pve", "list", "--json")
        desk.is_disarmed()


def test_a_node_without_a_vm_is_made_and_not_replaced():
    with Desk() as desk:
        _, said = desk.run(*REPLACE, status=1)
        tap.contains(said, f"{NODE} has no VM: run 'cloudseed pve create {NODE}'")


def test_list_has_it_in_json():
    with Lost() as desk:
        desk.run(*REPLACE)
        found = json.loads(desk.run("pve", "list", "--json")[0])
        tap.eq({v["vmid"]: v["state"] for v in found if v["node"] == NODE},
               {100: "given up", 101: "armed"})


tap.main()
