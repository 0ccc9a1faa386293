#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed pve …` against a real cloudseedd and the stand-in for Proxmox VE."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from certs import Authority  # noqa: E402
from daemon import BUILD, SOURCE, Daemon  # noqa: E402
from pve.homelab import ROLE, TOKEN, world  # noqa: E402
from pve.machines import decoded  # noqa: E402
from pve.server import StandIn  # noqa: E402

VERSIONS = ((9, 2), (8, 4), (7, 4))
UUID = "4c4c4544-0042-3510-8052-b4c04f4e4432"
NODE, VMID = "k8s-worker-2", 102


def mac_of(name):
    text = (SOURCE / "seed" / "nodes" / "homelab.yaml").read_text()
    part = text[text.index(name):]
    return part[part.index("bc:24:11"):][:17]


class Desk:
    """An admin's machine: a home, the server, and a Proxmox VE with the node's VM."""

    def __init__(self, version=(9, 2), role=None, login=True, **options):
        self.home = Path(tempfile.mkdtemp(prefix="cloudseed-test-"))
        self.pve = world(version, role)
        vm = {"name": NODE, "net0": f"virtio={mac_of(NODE)},bridge=vmbr0",
              "scsi0": "local-lvm:4", "smbios1": f"uuid={UUID}", **options}
        self.pve.add_vm(VMID, "pve1", **vm)
        self.pve.pools["k8s"].add(VMID)
        self.api = StandIn(self.pve)
        self.daemon = Daemon(seed=SOURCE / "seed", templates=SOURCE / "templates",
                             args=["--https", "127.0.0.1:0"])
        self.token = self.home / "token"
        self.token.write_text(TOKEN + "\n")
        self.token.chmod(0o600)
        if login:
            self.run("pve", "login", self.api.urls["pve1"], "--name", "home", "--token-file",
                     self.token, "--fingerprint", self.api.fingerprints["pve1"])

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        self.daemon.__exit__(kind, *rest)
        self.api.__exit__(kind, *rest)
        shutil.rmtree(self.home)

    def run(self, *words, status=0, env=None):
        """(standard output, standard error)"""
        env = {**os.environ, "HOME": str(self.home), "CLOUDSEED_SERVER": str(self.daemon.socket),
               **(env or {})}
        env.pop("XDG_CONFIG_HOME", None)
        done = subprocess.run([str(BUILD / "cloudseed"), *map(str, words)], env=env, timeout=300,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        tap.eq(done.returncode, done.returncode if status is None else status,
               f"{words}\n{done.stdout}{done.stderr}")
        assert TOKEN.partition("=")[2] not in done.stdout + done.stderr
        return done.stdout, done.stderr

    def serial(self):
        return decoded(self.pve.vms[VMID].config["smbios1"]).get("serial")

    def asked(self, verb):
        return [method for method, _ in self.api.requests if method.startswith(verb)]


# --- login ---

def test_login_wants_the_fingerprint_to_be_confirmed():
    with Desk(login=False) as desk:
        url, right = desk.api.urls["pve1"], desk.api.fingerprints["pve1"]
        login = ["pve", "login", url, "--name", "home", "--token-file", desk.token]
        _, said = desk.run(*login, status=1)
        tap.contains(said, right)
        tap.contains(said, "--fingerprint")
        _, said = desk.run(*login, "--fingerprint", right[:-1] + "x", status=1)
        tap.contains(said, "that is not it: the host's certificate has the SHA-256 fingerprint " + right)
        tap.eq(desk.api.requests, [])  # and the token was not sent to it
        out, _ = desk.run(*login, "--fingerprint", right.lower())
        tap.contains(out, "home is Proxmox VE 9.2 at " + url)
        saved = desk.home / ".config/cloudseed/pve/home.json"
        tap.eq(json.loads(saved.read_text())["ca"], desk.api.authority.pem)
        told = json.loads(desk.run(*login, "--fingerprint", right, "--json")[0])
        tap.eq(told, {"name": "home", "url": url, "version": "9.2", "file": str(saved),
                      "trusts": "the cluster's CA"})
        tap.eq([oct(p.stat().st_mode & 0o777) for p in sorted(saved.parent.iterdir())],
               ["0o600", "0o600"])


def test_the_clusters_own_ca_outlives_a_renewed_certificate():
    with Desk() as desk:
        desk.run("pve", "list")
        renewed = StandIn.__new__(StandIn)  # the same CA, another certificate
        del renewed
        certificate, key = desk.api.authority.server("renewed")
        desk.api._contexts["pve1"].load_cert_chain(certificate, key)  # pylint: disable=protected-access
        desk.run("pve", "list")


def test_another_server_in_its_place_is_not_trusted():
    with Desk() as desk, StandIn(world(), Authority(desk.home, "another")) as other:
        desk.api._contexts["pve1"] = other._contexts["pve1"]  # pylint: disable=protected-access
        _, said = desk.run("pve", "list", status=1)
        tap.contains(said, "pve login")
        tap.eq(len(other.requests), 0)


def test_tokens_are_in_files_that_others_cannot_read():
    with Desk() as desk:
        desk.token.chmod(0o644)
        _, said = desk.run("pve", "list", "--token-file", desk.token, status=1)
        tap.contains(said, "others can read it: run 'chmod 600 ")
        desk.token.chmod(0o600)
        desk.token.write_text("secret\n")
        _, said = desk.run("pve", "list", "--token-file", desk.token, status=1)
        tap.contains(said, "not an API token: it looks like USER@REALM!ID=SECRET")
        desk.run("pve", "list", env={"CLOUDSEED_PVE_TOKEN": TOKEN})
        _, said = desk.run("pve", "list", env={"CLOUDSEED_PVE_TOKEN": TOKEN + "x"}, status=1)
        tap.contains(said, "home: 401: the API token is not valid")


def test_without_a_host_the_error_says_how_to_name_one():
    with Desk(login=False) as desk:
        for command in (["list"], ["register", NODE], ["start", NODE], ["check"]):
            _, said = desk.run("pve", *command, status=1)
            tap.contains(said, "run 'cloudseed pve login URL'")


# --- register ---

def test_register_writes_the_serial_of_the_window_and_keeps_everything_else():
    for version in VERSIONS:
        with Desk(version, smbios1=f"uuid={UUID},manufacturer=Ym94,base64=1") as desk:
            out, said = desk.run("pve", "register", NODE, "--vmid", VMID)
            tap.contains(out, f"{NODE}: VM 102 on pve1 is registered; the build window ends 20")
            tap.eq(said, "")
            fields = decoded(desk.pve.vms[VMID].config["smbios1"])
            tap.eq((fields["uuid"], fields["manufacturer"]), (UUID, "box"))
            tap.eq(fields["serial"],
                   desk.daemon.admin("GET", f"/v1/nodes/{NODE}/serial").json["serial"])


def test_fields_in_plain_are_encoded_where_the_serial_must_be():
    with Desk(smbios1=f"sku=Ym94,uuid={UUID}") as desk:
        desk.run("pve", "register", NODE)
        tap.eq(decoded(desk.pve.vms[VMID].config["smbios1"])["sku"], "Ym94")


def test_register_again_changes_nothing():
    with Desk() as desk:
        desk.run("pve", "register", NODE)
        before, count = desk.pve.vms[VMID].config["smbios1"], len(desk.asked("POST"))
        desk.run("pve", "register", NODE)
        tap.eq((desk.pve.vms[VMID].config["smbios1"], len(desk.asked("POST"))), (before, count))


def test_a_machine_that_runs_takes_the_serial_at_its_next_cold_start():
    with Desk() as desk:
        desk.run("pve", "start", NODE)
        out, _ = desk.run("pve", "register", NODE)
        tap.contains(out, f"run 'cloudseed pve stop {NODE}', then 'cloudseed pve start {NODE}'")
        tap.eq(desk.serial(), None)
        desk.run("pve", "stop", NODE)
        desk.run("pve", "start", NODE)
        tap.contains(desk.serial(), "ds=nocloud;dsmode=net;s=http")


def test_the_server_knows_which_vm_is_the_nodes():
    with Desk() as desk:
        def known():
            return desk.daemon.admin("GET", f"/v1/nodes/{NODE}").json["vm"]
        desk.run("pve", "register", NODE)
        tap.eq(known(), {"endpoint": "home", "host": "pve1", "vmid": VMID})
        desk.pve.add_vm(555, "pve2", name=NODE, net0=f"virtio={mac_of(NODE)},bridge=vmbr0")
        desk.pve.pools["k8s"].add(555)
        _, said = desk.run("pve", "register", NODE, "--vmid", 555, status=1)
        tap.contains(said, "it has the VM 102 of home: remove or unregister that first")
        tap.eq(len(desk.asked("POST")), 1)  # nothing was written to the other one
        out, _ = desk.run("pve", "start", NODE)  # though two have its name
        tap.contains(out, "VM 102 on pve1 is running")
        desk.pve.migrate(VMID, "pve2")
        desk.run("pve", "register", NODE)
        tap.eq(known()["host"], "pve2")
        desk.run("pve", "unregister", NODE)
        tap.eq(known(), None)


def test_a_vm_that_is_not_the_nodes_is_left_alone():
    for options, part in (({"name": "other"}, "is named 'other', not k8s-worker-2"),
                          ({"net0": "virtio=BC:24:11:99:99:99,bridge=vmbr0"},
                           "has no network card with the MAC")):
        with Desk(**options) as desk:
            _, said = desk.run("pve", "register", NODE, "--vmid", VMID, status=1)
            tap.contains(said, part)
            tap.eq(desk.asked("POST"), [])
            tap.eq(desk.daemon.admin("GET", f"/v1/nodes/{NODE}").json["state"], "registered")


def test_a_template_is_never_registered():
    with Desk() as desk:
        _, said = desk.run("pve", "register", NODE, "--vmid", 9000, status=1)
        tap.contains(said, "is a template: every clone would get this node's serial")


def test_a_vm_is_found_by_its_name_if_that_is_the_only_one():
    with Desk() as desk:
        desk.pve.add_vm(555, "pve2", name=NODE)
        desk.pve.pools["k8s"].add(555)
        _, said = desk.run("pve", "register", NODE, status=1)
        tap.contains(said, "2 VMs are named k8s-worker-2: choose one with --vmid")
        _, said = desk.run("pve", "register", "k8s-worker-3", status=1)
        tap.contains(said, "no VM that the token sees is named k8s-worker-3")


def test_it_is_found_wherever_it_was_migrated_to():
    with Desk() as desk:
        desk.pve.migrate(VMID, "pve2")
        out, _ = desk.run("pve", "register", NODE)
        tap.contains(out, "VM 102 on pve2 is registered")


def test_a_serial_that_does_not_fit_is_refused_with_its_length():
    with Desk(smbios1=f"uuid={UUID},base64=1,product=" + "YWFh" * 70) as desk:
        _, said = desk.run("pve", "register", NODE, status=1)
        tap.contains(said, "characters, and Proxmox takes 512")


def test_a_lost_answer_is_looked_up_by_running_it_again():
    for kind in ("lost", "cut", 596):
        with Desk() as desk:
            desk.api.fault("POST .*/config", kind)
            _, said = desk.run("pve", "register", NODE, status=1)
            tap.contains(said, "run the command again")
            desk.pve.tasks.wait_all()
            desk.run("pve", "register", NODE)
            tap.contains(desk.serial(), "ds=nocloud")


def test_another_clients_change_in_between_is_seen():
    with Desk() as desk:
        def meddle(_number):
            if desk.asked("POST"):
                desk.pve.vms[VMID].config["cores"] = "8"
        desk.api.before = meddle
        _, said = desk.run("pve", "register", NODE, status=1)
        tap.contains(said, "checksum mismatch")
        tap.eq(desk.serial(), None)


def test_a_right_that_is_missing_is_named():
    with Desk(role=[p for p in ROLE if p != "VM.Config.HWType"]) as desk:
        _, said = desk.run("pve", "register", NODE, status=1)
        tap.contains(said, "Permission check failed (/vms/102, VM.Config.HWType)")


def test_unregister_removes_only_what_is_ours():
    with Desk(smbios1=f"uuid={UUID},manufacturer=Ym94,base64=1") as desk:
        desk.run("pve", "register", NODE)
        desk.run("pve", "unregister", NODE)
        tap.eq(decoded(desk.pve.vms[VMID].config["smbios1"]),
               {"uuid": UUID, "manufacturer": "box"})
        desk.pve.vms[VMID].config["smbios1"] = f"base64=1,serial=Ym94,uuid={UUID}"
        _, said = desk.run("pve", "unregister", NODE, status=1)
        tap.contains(said, "a serial that is not cloudseed's: 'box'")


def test_what_the_serial_says_is_where_the_node_is_served():
    with Desk() as desk:
        desk.run("pve", "register", NODE)
        url = desk.serial().partition("s=")[2].split()[0]
        path = "/s/" + url.partition("/s/")[2]
        tap.contains(desk.daemon.get(path + "user-data").text, "#cloud-config")


# --- power, list, check ---

def test_start_and_stop_wait_for_the_machine_also_under_ha():
    for ha in (False, True):
        with Desk() as desk:
            desk.pve.vms[VMID].ha = ha
            out, _ = desk.run("pve", "start", NODE)
            tap.eq(out, "k8s-worker-2: VM 102 on pve1 is running\n")
            assert desk.pve.vms[VMID].running
            desk.run("pve", "start", NODE)  # it runs already
            desk.run("pve", "stop", NODE, "--hard")
            assert not desk.pve.vms[VMID].running


def test_a_start_that_somebody_else_was_faster_with_is_no_failure():
    with Desk() as desk:
        desk.pve.plan_task("qmstart", fails_at=0, text="VM 102 already running")
        desk.api.before = lambda _n: desk.asked("POST") and setattr(
            desk.pve.vms[VMID], "running", True)
        desk.run("pve", "start", NODE)


def test_a_task_that_fails_or_warns_is_told_in_its_own_words():
    with Desk() as desk:
        desk.pve.plan_task("qmstart", fails_at=0, text="no such bridge 'vmbr7'")
        _, said = desk.run("pve", "start", NODE, status=1)
        tap.contains(said, "no such bridge 'vmbr7'")
        desk.pve.plan_task("qmstart", warnings=1, unseen=2)
        _, said = desk.run("pve", "start", NODE)
        tap.contains(said, "the task has 1 warning")


def test_list_shows_nodes_beside_vms():
    with Desk() as desk:
        desk.run("pve", "register", NODE)
        out, _ = desk.run("pve", "list")
        lines = {line.split()[0]: line.split() for line in out.splitlines()}
        tap.eq(lines[NODE], [NODE, "armed", "102", NODE, "pve1", "stopped", "set"])
        tap.eq(lines["k8s-master-1"], ["k8s-master-1", "registered", "-", "-", "-", "-", "-"])
        found = json.loads(desk.run("pve", "list", "--json")[0])
        tap.eq([f["vmid"] for f in found if f["node"] == NODE], [102])


def test_list_goes_on_where_a_host_is_away():
    with Desk() as desk:
        desk.pve.add_vm(555, "pve2", name="k8s-worker-3")
        desk.pve.pools["k8s"].add(555)
        desk.pve.hosts["pve2"].up = False
        out, _ = desk.run("pve", "list")
        tap.contains(out, NODE)


def test_check_prints_what_is_missing_as_commands():
    for version in VERSIONS:
        role = [p for p in ROLE if p != "VM.Clone"]
        with Desk(version, role) as desk:
            out, _ = desk.run("pve", "check", "--pool", "k8s", "--bridge", "vmbr0", status=1)
            tap.contains(out, "FAIL /pool/k8s: the token lacks VM.Clone")
            command = next(line for line in out.splitlines() if "pveum role add" in line)
            desk.pve.rights.add_role("Cloudseed", command.partition("'")[2].strip("'").split())
            tap.contains(out, "pveum acl modify /pool/k8s --tokens 'cloudseed@pve!t'")
            out, _ = desk.run("pve", "check", "--pool", "k8s", "--bridge", "vmbr0")
            assert "FAIL" not in out, out


def test_check_looks_at_a_template():
    with Desk() as desk:
        vm = desk.pve.vms[9000]
        vm.config.update(serial0="socket")
        out, _ = desk.run("pve", "check", "--template", 9000)
        tap.eq(out.count("ok  "), out.count("\n"), out)
        vm.config.update(protection="1", ide2="local-lvm:vm-9000-cloudinit,media=cdrom",
                         smbios1=f"uuid={UUID},base64=1,serial=YQ==", bios="ovmf")
        out, _ = desk.run("pve", "check", "--template", 9000, status=1)
        for part in ("SMBIOS serial", "cloud-init drive", "protected", "VirtIO RNG"):
            tap.contains(out, part)
        tap.eq(out.count("FAIL"), 4, out)


# --- snippets ---

def snippets(desk):
    folder = desk.home / "snippets"
    folder.mkdir(exist_ok=True)
    return "--via", "cicustom", "--snippets", folder


def desk_with_snippets(version=(9, 2), role=None):
    """A token that may not write SMBIOS, and a VM with a cloud-init drive."""
    role = role or [p for p in ROLE if p != "VM.Config.HWType"]
    desk = Desk(version, role=role, ide2="local-lvm:cloudinit")
    desk.pve.add_storage("nfs", "nfs", content="snippets")
    desk.pve.pools["k8s"].add("nfs")
    return desk


def test_a_seed_as_snippets_needs_no_smbios():
    for version in VERSIONS:
        with desk_with_snippets(version) as desk:
            before = dict(desk.pve.vms[VMID].config)
            out, _ = desk.run("pve", "register", NODE, *snippets(desk))
            tap.contains(out, f"{NODE}: VM 102 on pve1 is registered; the build window ends 20")
            config = desk.pve.vms[VMID].config
            tap.eq(config["smbios1"], before["smbios1"])
            tap.eq(config["cicustom"], ",".join(f"{part}=nfs:snippets/cloudseed-{NODE}-{part}.yaml"
                                                for part in ("meta", "network", "user", "vendor")))
            files = {f.name: f for f in (desk.home / "snippets").iterdir()}
            tap.eq(sorted(files), [f"cloudseed-{NODE}-{part}.yaml"
                                   for part in ("meta", "network", "user", "vendor")])
            tap.eq({f.stat().st_mode & 0o777 for f in files.values()}, {0o600})
            text = {name.split("-")[-1][:-5]: f.read_text() for name, f in files.items()}
            tap.contains(text["meta"], f'instance-id: "{NODE}-1"')
            tap.contains(text["network"], "version: 2")
            assert text["user"].startswith("#cloud-config") or "jinja" in text["user"][:30]
            judged = json.loads(desk.run("doctor", NODE, "--json", status=None)[0])
            steps = {s["step"]: s for s in judged["steps"]}
            tap.contains(steps["drives"]["what"], "its snippets are those of 'pve register")
            tap.contains(steps["serial"]["what"], "it needs none")
            # By the window's key the node reports and joins, and its seed key is not in the files.
            node = desk.daemon.admin("GET", f"/v1/nodes/{NODE}").json
            tap.eq((node["state"], node["vm"]["vmid"]), ("armed", VMID))
            key = re.search(r"/s/([a-z2-7]{26,32})/", text["user"])[1]
            tap.eq(desk.daemon.get(f"/s/{key}/meta-data").status, 200)
            serial = desk.daemon.admin("GET", f"/v1/nodes/{NODE}/serial").json["serial"]
            assert key not in serial and serial.partition("/s/")[2][:26] not in "".join(text.values())


def test_snippets_are_written_again_with_a_new_window():
    with desk_with_snippets() as desk:
        desk.run("pve", "register", NODE, *snippets(desk))
        user = desk.home / "snippets" / f"cloudseed-{NODE}-user.yaml"
        before, writes = user.read_text(), len(desk.asked("POST"))
        desk.run("pve", "register", NODE, *snippets(desk))
        assert user.read_text() != before
        tap.eq(len(desk.asked("POST")), writes)  # cicustom stays


def test_snippets_are_taken_away():
    with desk_with_snippets() as desk:
        desk.run("pve", "register", NODE, *snippets(desk))
        _, said = desk.run("pve", "unregister", NODE, status=64)
        tap.contains(said, "VM 102 has snippets: give their folder with --snippets")
        folder = snippets(desk)[2:]
        desk.run("pve", "unregister", NODE, *folder)
        tap.eq(desk.pve.vms[VMID].config.get("cicustom"), None)
        tap.eq(list((desk.home / "snippets").iterdir()), [])


def test_what_snippets_need_is_named_before_a_window_opens():
    with desk_with_snippets() as desk:
        way = snippets(desk)
        desk.run("pve", "register", NODE, "--via", "floppy", status=64)
        desk.run("pve", "register", NODE, *way[:2], status=64)
        _, said = desk.run("pve", "register", NODE, *way[:3], desk.home / "x", status=1)
        tap.contains(said, "x is not a folder")
        config = desk.pve.vms[VMID].config
        config["cicustom"] = "user=nfs:snippets/mine.yaml"
        _, said = desk.run("pve", "register", NODE, *way, status=1)
        tap.contains(said, "snippets that are not cloudseed's: run 'qm set 102 --delete cicustom'")
        del config["cicustom"]
        desk.pve.add_storage("more", "nfs", content="snippets,iso")
        desk.pve.pools["k8s"].add("more")
        _, said = desk.run("pve", "register", NODE, *way, status=1)
        tap.contains(said, "the token sees 2 storages of content 'snippets' on pve1: name the one")
        drive = config.pop("ide2")
        _, said = desk.run("pve", "register", NODE, *way, status=1)
        tap.contains(said, "has no cloud-init drive to put snippets on: run 'qm set 102 --ide2")
        config["ide2"] = drive
        tap.eq(desk.daemon.admin("GET", f"/v1/nodes/{NODE}").json["state"], "registered")
        desk.run("pve", "register", NODE, *way, "--storage", "more", "--dry-run")
        tap.eq(list((desk.home / "snippets").iterdir()), [])
        desk.run("pve", "register", NODE, *way, "--storage", "more")
        tap.contains(config["cicustom"], "user=more:snippets/")


tap.main()
