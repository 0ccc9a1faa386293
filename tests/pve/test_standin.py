#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The stand-in for Proxmox VE refuses what the real one refuses: a test for each sentence that is
known of it."""
import hashlib
import http.client
import json
import ssl
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote, urlencode

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from pve.cluster import Pve  # noqa: E402
from pve.homelab import BRIDGE, ROLE, TOKEN, world  # noqa: E402
from pve.machines import decoded  # noqa: E402
from pve.schema import Refused  # noqa: E402
from pve.server import StandIn  # noqa: E402

VERSIONS = ((9, 2), (8, 4), (7, 4))
UUID = "4c4c4544-0042-3510-8052-b4c04f4e4432"
class Answer:
    def __init__(self, response):
        self.status, self.reason, raw = response.status, response.reason, response.read()
        self.raw = raw
        self.body = json.loads(raw) if raw else None
        self.data = (self.body or {}).get("data")


class Client:
    """A request each on a connection of its own, unless a test keeps one."""

    def __init__(self, api, host="pve1", token=TOKEN):
        self.api, self.host, self.token = api, host, token

    def connect(self):
        context = ssl.create_default_context(cadata=self.api.authority.pem)
        port = int(self.api.urls[self.host].rpartition(":")[2])
        return http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)

    def ask(self, verb, path, fields=None, on=None, headers=None, body=None):
        connection = on or self.connect()
        sent = {"Authorization": "PVEAPIToken=" + self.token, **(headers or {})}
        if fields is not None and verb in ("POST", "PUT"):
            body = urlencode(fields, quote_via=quote)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        elif fields:
            path += "?" + urlencode(fields, quote_via=quote)
        connection.request(verb, "/api2/json" + path, body, sent)
        return Answer(connection.getresponse())

    def get(self, at, **fields):
        return self.ask("GET", at, fields or None)

    def post(self, at, **fields):
        return self.ask("POST", at, fields)

    def done(self, answer):
        """Waits for the task; how it ended."""
        tap.eq(answer.status, 200, answer.raw)
        self.api.pve.tasks.wait_all()
        path = f"/nodes/{self.host}/tasks/{quote(answer.data, safe='')}/status"
        return self.get(path).data["exitstatus"]


def clone(client, newid=101, **more):
    return client.post("/nodes/pve1/qemu/9000/clone", newid=newid, pool="k8s", **more)


def cloned(client, newid=101, **more):
    tap.eq(client.done(clone(client, newid, **more)), "OK")
    return client.api.pve.vms[newid]


# --- the HTTP of the API ---

def test_without_a_token_it_is_401_without_a_body_after_3_s():
    with StandIn(world()) as api:
        client, began = Client(api), time.monotonic()
        answer = client.ask("GET", "/version", headers={"Authorization": ""})
        tap.eq((answer.status, answer.reason, answer.raw), (401, "No ticket", b""))
        assert time.monotonic() - began >= 3 / api.pve.hurry


def test_a_wrong_token_looks_like_an_expired_one():
    with StandIn(world()) as api:
        for token in ("cloudseed@pve!t=wrong", "cloudseed@pve!gone=s3cret"):
            answer = Client(api, token=token).get("/version")
            tap.eq((answer.status, answer.reason, answer.raw),
                   (401, "Authentication failed!", b""))


def test_a_cookie_beats_the_token():
    with StandIn(world()) as api:
        answer = Client(api).ask("GET", "/version", headers={"Cookie": "PVEAuthCookie=x"})
        tap.eq(answer.status, 401)


def test_the_message_is_in_the_body_since_8_4_and_in_the_status_line_before():
    for version in VERSIONS:
        with StandIn(world(version)) as api:
            answer = Client(api).get("/nodes/pve1/qemu/555/config")
            tap.eq((answer.status, answer.reason),
                   (403, "Permission check failed (/vms/555, VM.Audit)"))
            tap.eq("message" in answer.body, version >= (8, 4))


def test_an_unknown_parameter_is_refused_by_name():
    with StandIn(world()) as api:
        answer = Client(api).post("/nodes/pve1/qemu/9000/clone", newid=101, colour="red")
        tap.eq(answer.status, 400)
        tap.contains(answer.body["errors"]["colour"], "not defined in schema")


def test_a_body_in_chunks_or_where_none_belongs_is_501():
    with StandIn(world()) as api:
        client = Client(api)
        tap.eq(client.ask("POST", "/nodes/pve1/qemu/9000/config", body=iter([b"cores=2"]),
                          headers={"Transfer-Encoding": "chunked"}).status, 501)
        tap.eq(client.ask("DELETE", "/nodes/pve1/qemu/9000", body=b"purge=1").status, 501)


def test_forms_end_at_semicolons_and_lose_what_is_behind_a_second_equals_sign():
    with StandIn(world()) as api:
        client = Client(api)
        cloned(client)
        answer = client.ask("POST", "/nodes/pve1/qemu/101/config",
                            body=b"description=ds=nocloud;cores=2",
                            headers={"Content-Type": "application/x-www-form-urlencoded"})
        client.done(answer)
        config = api.pve.vms[101].config
        tap.eq((config["description"], config["cores"]), ("ds", "2"))


def test_json_booleans_are_taken_since_8():
    for version in VERSIONS:
        with StandIn(world(version)) as api:
            client = Client(api)
            cloned(client)
            answer = client.ask("POST", "/nodes/pve1/qemu/101/config", body=b'{"onboot": true}',
                                headers={"Content-Type": "application/json"})
            tap.eq(answer.status, 200 if version >= (8, 0) else 400)


def test_a_connection_ends_with_each_refusal_and_after_5_s_of_silence():
    with StandIn(world()) as api:
        client = Client(api)
        connection = client.connect()
        tap.eq(client.ask("GET", "/version", on=connection).status, 200)
        tap.eq(client.ask("GET", "/nodes", on=connection).status, 200)
        client.ask("GET", "/nodes/pve1/qemu/555/config", on=connection)
        tap.eq(connection.sock, None)
        connection = client.connect()
        client.ask("GET", "/version", on=connection)
        tap.eq(connection.sock.recv(1), b"")  # it was silent for as long as it takes


def test_a_hundred_requests_are_the_most_for_a_connection():
    with StandIn(world()) as api:
        client = Client(api)
        connection = client.connect()
        for _ in range(100):
            tap.eq(client.ask("GET", "/version", on=connection).status, 200)
        tap.raises((http.client.RemoteDisconnected, ssl.SSLError, ConnectionError),
                   lambda: client.ask("GET", "/version", on=connection))


def test_bodies_have_a_limit():
    for version, limit in (((9, 2), 512), ((7, 4), 64)):
        with StandIn(world(version)) as api:
            client = Client(api)
            cloned(client)
            text = "x" * ((limit << 10) - len("sshkeys="))
            tap.eq(client.post("/nodes/pve1/qemu/101/config", sshkeys=text).status, 200)
            tap.eq(client.post("/nodes/pve1/qemu/101/config", sshkeys=text + "y").status, 501)


def test_numbers_come_as_numbers_texts_or_with_an_exponent():
    with StandIn(world()) as api:
        kinds = {type(v) for _ in range(30) for i in Client(api).get("/cluster/resources").data
                 if i["type"] == "qemu" for v in (i["maxmem"], i["vmid"])}
        tap.eq(kinds, {int, str, float})


def test_a_description_ends_with_a_line_end():
    with StandIn(world()) as api:
        tap.eq(Client(api).get("/nodes/pve1/qemu/9000/config").data["description"],
               "Ubuntu 24.04\n")


def test_what_belongs_to_a_host_that_is_away_is_595():
    with StandIn(world(pool=False)) as api:
        api.pve.hosts["pve2"].up = False
        tap.eq(Client(api).get("/nodes/pve2/storage").status, 595)
        nodes = {n["node"]: n["status"] for n in Client(api).get("/nodes").data}
        tap.eq(nodes, {"pve1": "online", "pve2": "offline"})


def test_after_30_s_it_is_596_while_work_goes_on():
    with StandIn(world()) as api:
        api.fault("POST .*/clone", 596)
        tap.eq(clone(Client(api)).status, 596)
        tap.wait_until(lambda: 101 in api.pve.vms)


def test_faults_are_before_or_after_the_effect():
    with StandIn(world()) as api:
        client = Client(api)
        for kind, there in (("cut", False), ("lost", True)):
            api.fault("POST .*/clone", kind)
            tap.raises((http.client.RemoteDisconnected, ssl.SSLError, ConnectionError),
                       lambda: clone(client))
            api.pve.tasks.wait_all()
            tap.eq(101 in api.pve.vms, there, kind)


# --- rights ---

def test_a_token_has_only_what_its_user_has_as_well():
    pve = world()
    pve.rights.add_token("cloudseed@pve!full", "s", privsep=False)
    pve.rights.add_token("other@pve!t", "s")
    pve.rights.allow("/", "other@pve!t", "Administrator")
    token = pve.rights.tokens
    assert pve.rights.may(token["cloudseed@pve!t"], "/vms/9000", "VM.Clone")
    assert pve.rights.may(token["cloudseed@pve!full"], "/vms/9000", "VM.Clone")
    assert not pve.rights.may(token["other@pve!t"], "/vms/9000", "VM.Audit")


def test_a_role_with_a_privilege_that_this_version_lacks_is_refused():
    for version, unknown in (((9, 2), "VM.Monitor"), ((8, 4), "VM.GuestAgent.Audit"),
                             ((7, 4), "SDN.Use")):
        why = tap.raises(Refused, Pve(version).rights.add_role, "R", [unknown])
        tap.contains(why.errors["privs"], "invalid privilege")


def test_permissions_of_any_path_can_be_asked_for():
    for version in VERSIONS:
        with StandIn(world(version)) as api:
            path = "/vms/9000"
            rights = Client(api).get("/access/permissions", path=path).data[path]
            assert "VM.Clone" in rights and "Sys.Modify" not in rights, rights
            all_paths = Client(api).get("/access/permissions").data
            assert "/vms/9000" in all_paths and "/vms/1" not in all_paths


def test_a_nearer_entry_replaces_those_above():
    pve = world(pool=False)
    pve.pools["k8s"].clear()
    pve.rights.add_role("None", [])
    pve.rights.allow("/vms/9000", "cloudseed@pve", "None")
    assert not pve.rights.may(pve.rights.tokens["cloudseed@pve!t"], "/vms/9000", "VM.Audit")
    assert pve.rights.may(pve.rights.tokens["cloudseed@pve!t"], "/vms/1", "VM.Audit")


def test_a_clone_without_its_pool_is_a_bare_403():
    with StandIn(world()) as api:
        answer = Client(api).post("/nodes/pve1/qemu/9000/clone", newid=101)
        tap.eq((answer.status, answer.reason), (403, "Permission check failed"))


def test_a_clone_wants_the_network_of_its_template_since_8():
    for version in VERSIONS:
        pve = world(version)
        pve.vms[9000].config["net0"] = "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=20"
        pve.rights.entries = [e for e in pve.rights.entries if e[0] != BRIDGE]
        with StandIn(pve) as api:
            answer = clone(Client(api))
            if version < (8, 0):
                tap.eq(answer.status, 200)
            else:
                tap.eq(answer.reason, f"Permission check failed ({BRIDGE}/20, SDN.Use)")


def test_a_clone_wants_space_on_the_storage():
    pve = world()
    pve.pools["k8s"].discard("local-lvm")
    with StandIn(pve) as api:
        tap.eq(clone(Client(api)).reason,
               "Permission check failed (/storage/local-lvm, Datastore.AllocateSpace)")


def test_each_option_wants_its_privilege():
    for option, value, priv in (
            ("cores", 2, "VM.Config.CPU"), ("memory", 4096, "VM.Config.Memory"),
            ("smbios1", f"uuid={UUID}", "VM.Config.HWType"), ("serial0", "socket", "VM.Config.HWType"),
            ("name", "a", "VM.Config.Options"), ("tags", "a", "VM.Config.Options"),
            ("boot", "order=scsi0", "VM.Config.Disk"), ("scsi1", "local-lvm:8", "VM.Config.Disk"),
            ("net0", "virtio,bridge=vmbr0", "VM.Config.Network")):
        with StandIn(world(role=[p for p in ROLE if p != priv])) as api:
            client = Client(api)
            cloned(client)
            answer = client.post("/nodes/pve1/qemu/101/config", **{option: value})
            tap.eq((answer.status, answer.reason),
                   (403, f"Permission check failed (/vms/101, {priv})"), option)


def test_startup_wants_a_right_on_everything():
    with StandIn(world()) as api:
        client = Client(api)
        cloned(client)
        tap.eq(client.post("/nodes/pve1/qemu/101/config", startup="order=1").reason,
               "Permission check failed (/, Sys.Modify)")


def test_the_certificate_of_secure_boot_can_be_chosen_since_9_2():
    for version in VERSIONS:
        with StandIn(world(version)) as api:
            api.pve.add_vm(101, "pve1", scsi0="local-lvm:4")
            api.pve.pools["k8s"].add(101)
            answer = Client(api).ask("POST", "/nodes/pve1/qemu/101/config", {
                "efidisk0": "local-lvm:1,efitype=4m,pre-enrolled-keys=1,ms-cert=2023"})
            tap.eq(answer.status, 200 if version >= (9, 2) else 400, str(answer.raw))


def test_some_options_are_only_roots():
    with StandIn(world()) as api:
        client = Client(api)
        cloned(client)
        for option, value in (("args", "-x"), ("vmgenid", "1"), ("affinity", "0-1"),
                              ("serial1", "/dev/ttyS0"), ("hookscript", "local:snippets/x")):
            answer = client.post("/nodes/pve1/qemu/101/config", **{option: value})
            tap.eq((answer.status, answer.reason), (403, f"only root can set '{option}' config"))


def test_rng0_is_roots_before_8_4():
    for version in VERSIONS:
        with StandIn(world(version)) as api:
            client = Client(api)
            cloned(client)
            tap.eq(client.post("/nodes/pve1/qemu/101/config", rng0="source=/dev/urandom").status,
                   200 if version >= (8, 4) else 403)


def test_a_cloud_init_drive_wants_two_rights():
    for lacking in ("VM.Config.CDROM", None):
        role = ROLE + ([] if lacking else ["VM.Config.CDROM"])
        with StandIn(world(role=role)) as api:
            client = Client(api)
            cloned(client)
            answer = client.post("/nodes/pve1/qemu/101/config", ide2="local-lvm:cloudinit")
            tap.eq(answer.status, 403 if lacking else 200)


def test_a_changed_card_wants_the_old_network_and_the_new_one():
    with StandIn(world()) as api:
        client = Client(api)
        cloned(client)
        answer = client.post("/nodes/pve1/qemu/101/config", net0="virtio,bridge=vmbr1")
        tap.eq(answer.reason,
               "Permission check failed (/sdn/zones/localnetwork/vmbr1, SDN.Use)")


def test_the_agent_wants_other_rights_in_9():
    for version in VERSIONS:
        extra = ["VM.GuestAgent.Audit"] if version >= (9, 0) else ["VM.Monitor"]
        for role, status in ((ROLE, 403), (ROLE + extra, 500)):
            with StandIn(world(version, role)) as api:
                client = Client(api)
                cloned(client)
                tap.eq(client.get("/nodes/pve1/qemu/101/agent/network-get-interfaces").status,
                       status)


# --- ids, clones, tasks ---

def test_the_next_id_is_a_text_and_reserves_nothing():
    with StandIn(world()) as api:
        client = Client(api)
        tap.eq([client.get("/cluster/nextid").data for _ in range(2)], ["100", "100"])
        answer = client.get("/cluster/nextid", vmid=9000)
        tap.eq((answer.status, answer.body["errors"]), (400, {"vmid": "VM 9000 already exists"}))


def test_a_lost_race_for_an_id_is_seen_at_once_or_in_the_task():
    with StandIn(world()) as api:
        client = Client(api)
        cloned(client)
        tap.eq(clone(client).reason, "unable to create VM 101: config file already exists")
        api.pve.taken.append(102)
        tap.eq(client.done(clone(client, 102)), "unable to create VM 102: config file already exists")
        tap.eq(api.pve.vms[102].config["name"], "rival")


def test_a_clone_joins_its_pool_as_the_very_last_step():
    with StandIn(world()) as api:
        client, gate = Client(api), threading.Event()
        api.pve.plan_task("qmclone", gate=gate, gate_at=5)
        answer = clone(client)
        tap.wait_until(lambda: 101 in api.pve.vms and not api.pve.vms[101].lock
                       and "net0" in api.pve.vms[101].config)
        tap.eq(client.get("/nodes/pve1/qemu/101/config").status, 403)
        gate.set()
        client.done(answer)
        tap.eq(client.get("/nodes/pve1/qemu/101/config").status, 200)


def test_the_upid_of_a_clone_has_the_id_of_its_source():
    with StandIn(world()) as api:
        tap.eq(clone(Client(api)).data.split(":")[5:7], ["qmclone", "9000"])


def test_name_and_description_are_there_with_the_first_disk_and_tags_later():
    with StandIn(world(pool=False)) as api:
        client, gate = Client(api), threading.Event()
        api.pve.plan_task("qmclone", gate=gate, gate_at=3)
        clone(client, name="k8s-worker-2", description="ours")
        config = tap.wait_until(lambda: api.pve.vms.get(101) and api.pve.vms[101].config)
        tap.eq(config, {"name": "k8s-worker-2", "description": "ours"})
        tap.eq(client.post("/nodes/pve1/qemu/101/status/start").status, 200)
        api.pve.tasks.pause = 0
        gate.set()


def test_a_clone_copies_more_than_one_may_want():
    pve = world()
    pve.vms[9000].config.update(onboot="1", protection="1", smbios1=f"serial=YQ==,base64=1,uuid={UUID}")
    with StandIn(pve) as api:
        config = cloned(Client(api)).config
        for option in ("tags", "onboot", "protection", "agent"):
            tap.eq(config[option], pve.vms[9000].config[option])
        tap.eq(config["description"], "Ubuntu 24.04")
        tap.eq(config["name"], "Copy-of-VM-noble")
        assert config["net0"] != pve.vms[9000].config["net0"]
        fields = decoded(config["smbios1"])
        tap.eq(fields["serial"], "a")
        assert fields["uuid"] != UUID
        assert "template" not in config


def test_storage_and_format_are_refused_for_linked_clones():
    with StandIn(world()) as api:
        for name in ("storage", "format"):
            value = {"storage": "ceph", "format": "raw"}[name]
            tap.eq(clone(Client(api), **{name: value}).reason,
                   f"parameter '{name}' not allowed for linked clones")


def test_thick_lvm_has_no_linked_clones():
    pve = world()
    pve.storages["local-lvm"].linked = False
    with StandIn(pve) as api:
        tap.contains(clone(Client(api)).reason, "Linked clone feature is not supported")
        tap.eq(Client(api).done(clone(Client(api), full=1)), "OK")


def test_another_host_wants_every_disk_on_shared_storage():
    with StandIn(world()) as api:
        tap.eq(clone(Client(api), target="pve2").reason,
               "can't clone VM to node 'pve2' (VM uses local storage)")


def test_too_many_clones_at_once_wait_too_long_for_the_storage():
    with StandIn(world()) as api:
        client, gate = Client(api), threading.Event()
        api.pve.plan_task("qmclone", times=3, gate=gate, gate_at=2)
        answers = [clone(client, 101 + i) for i in range(3)]
        tap.wait_until(lambda: api.pve.storages["local-lvm"].busy == 3)
        late = clone(client, 104)
        tap.wait_until(lambda: api.pve.tasks.all[late.data].exit)
        tap.contains(api.pve.tasks.all[late.data].exit, "got timeout")
        gate.set()
        for answer in answers:
            tap.eq(client.done(answer), "OK")
        assert 104 not in api.pve.vms
        tap.eq(client.done(clone(client, 104)), "OK")


def test_a_clone_that_fails_leaves_nothing_and_one_that_is_killed_leaves_a_lock():
    with StandIn(world(pool=False)) as api:
        client = Client(api)
        before = dict(api.pve.storages["local-lvm"].volumes)
        api.pve.plan_task("qmclone", fails_at=4, text="got lock request timeout")
        tap.eq(client.done(clone(client)), "got lock request timeout")
        assert 101 not in api.pve.vms
        tap.eq(api.pve.storages["local-lvm"].volumes, before)
        api.pve.plan_task("qmclone", killed_at=4)
        tap.eq(client.done(clone(client)), "unexpected status")
        tap.eq(client.post("/nodes/pve1/qemu/101/config", cores=2).status, 200)
        api.pve.tasks.wait_all()
        tap.eq(client.get("/nodes/pve1/qemu/101/config").data["lock"], "clone")
        tap.eq(client.done(client.post("/nodes/pve1/qemu/101/status/start")), "VM is locked (clone)")


def test_warnings_are_a_success_with_a_number():
    with StandIn(world()) as api:
        api.pve.plan_task("qmclone", warnings=2)
        tap.eq(Client(api).done(clone(Client(api))), "WARNINGS: 2")
        assert 101 in api.pve.vms


def test_a_task_may_not_be_found_right_after_its_begin():
    with StandIn(world()) as api:
        client = Client(api)
        api.pve.plan_task("qmclone", unseen=1)
        path = f"/nodes/pve1/tasks/{quote(clone(client).data, safe='')}/status"
        answer = client.get(path)
        tap.eq((answer.status, answer.body["errors"]), (400, {"upid": "no such task"}))
        tap.eq(client.get(path).status, 200)


def test_a_task_is_seen_by_its_token_only():
    pve = world()
    pve.rights.add_token("other@pve!t", "s")
    with StandIn(pve) as api:
        answer = clone(Client(api))
        path = f"/nodes/pve1/tasks/{quote(answer.data, safe='')}/status"
        tap.eq(Client(api, token="other@pve!t=s").get(path).status, 403)
        tap.eq(Client(api).get("/cluster/tasks").data, [])
        api.pve.tasks.wait_all()
        seen = Client(api).get("/nodes/pve1/tasks", source="all", vmid=9000).data
        tap.eq([t["upid"] for t in seen], [answer.data])


def test_a_fresh_clone_has_no_name_in_the_resources_for_a_while():
    pve = world()
    pve.hurry = 20
    with StandIn(pve) as api:
        client = Client(api)
        cloned(client, name="k8s-worker-2")
        found = [i for i in client.get("/cluster/resources", type="vm").data
                 if int(i["vmid"]) == 101]
        assert found and "name" not in found[0], found
        tap.eq(client.get("/nodes/pve1/qemu/101/config").data["name"], "k8s-worker-2")
        tap.wait_until(lambda: any(i.get("name") == "k8s-worker-2"
                                   for i in client.get("/cluster/resources").data))


# --- options ---

def test_smbios1_is_at_most_512_characters_with_base64_and_sorted():
    with StandIn(world()) as api:
        client = Client(api)
        cloned(client)
        config = api.pve.vms[101].config
        text = f"uuid={UUID},base64=1,serial=" + "A" * (512 - 28 - len(UUID))
        answer = client.post("/nodes/pve1/qemu/101/config", smbios1=text + "A" * 20)
        tap.contains(answer.body["errors"]["smbios1"], "512 characters")
        client.done(client.post("/nodes/pve1/qemu/101/config", smbios1=f"uuid={UUID},serial=YQ==,base64=1,sku=0"))
        tap.eq(config["smbios1"], f"base64=1,serial=YQ==,uuid={UUID}")
        for wrong in ("serial=ds=nocloud", "serial=a b", "serial=", f"uuid={UUID},uuid={UUID}"):
            tap.eq(client.post("/nodes/pve1/qemu/101/config", smbios1=wrong).status, 400, wrong)


def test_base64_holds_for_every_field():
    tap.eq(decoded(f"uuid={UUID},base64=1,serial=ZHM9bm9jbG91ZA==,sku=Ym94"),
           {"uuid": UUID, "serial": "ds=nocloud", "sku": "box"})


def test_a_running_machine_takes_some_options_only_at_its_next_start():
    with StandIn(world()) as api:
        client = Client(api)
        vm = cloned(client)
        client.done(client.post("/nodes/pve1/qemu/101/status/start"))
        client.done(client.post("/nodes/pve1/qemu/101/config", smbios1=f"uuid={UUID}", cores=4,
                                name="new", tags="b;a"))
        tap.eq((vm.config["name"], vm.config["tags"]), ("new", "a;b"))
        tap.eq(sorted(vm.pending), ["cores", "smbios1"])
        pending = {p["key"]: p for p in client.get("/nodes/pve1/qemu/101/pending").data}
        tap.eq((pending["cores"]["value"], pending["cores"]["pending"]), ("2", "4"))
        at = "/nodes/pve1/qemu/101/config"
        tap.eq((int(client.get(at).data["cores"]), int(client.get(at, current=1).data["cores"])),
               (4, 2))
        client.done(client.post("/nodes/pve1/qemu/101/status/stop"))
        client.done(client.post("/nodes/pve1/qemu/101/status/start"))
        tap.eq((vm.config["cores"], vm.pending), ("4", {}))


def test_a_card_without_a_mac_gets_a_new_one():
    with StandIn(world()) as api:
        client = Client(api)
        vm = cloned(client)
        old = vm.config["net0"]
        client.done(client.post("/nodes/pve1/qemu/101/config", net0="virtio,bridge=vmbr0"))
        assert vm.config["net0"] != old
        client.done(client.post("/nodes/pve1/qemu/101/config",
                                net0="virtio=02:00:00:00:00:01,bridge=vmbr0"))
        tap.eq(vm.config["net0"], "virtio=02:00:00:00:00:01,bridge=vmbr0")


def test_a_digest_of_before_is_refused():
    with StandIn(world()) as api:
        client = Client(api)
        cloned(client)
        digest = client.get("/nodes/pve1/qemu/101/config").data["digest"]
        client.done(client.post("/nodes/pve1/qemu/101/config", cores=4, digest=digest))
        tap.contains(client.post("/nodes/pve1/qemu/101/config", cores=2, digest=digest).reason,
                     "checksum mismatch")


def test_a_boot_order_names_devices_that_exist():
    with StandIn(world()) as api:
        client = Client(api)
        cloned(client)
        answer = client.post("/nodes/pve1/qemu/101/config", boot="order=scsi7")
        tap.contains(client.done(answer), "Parameter verification failed")


def test_tags_are_lower_case_sorted_and_unique():
    with StandIn(world()) as api:
        client = Client(api)
        vm = cloned(client)
        client.done(client.post("/nodes/pve1/qemu/101/config", tags="worker;k8s,worker"))
        tap.eq(vm.config["tags"], "k8s;worker")
        tap.eq(client.post("/nodes/pve1/qemu/101/config", tags="sp ace;-x").status, 400)


def test_background_delay_waits_and_tells_the_failure():
    with StandIn(world()) as api:
        client = Client(api)
        vm = cloned(client)
        tap.eq(client.post("/nodes/pve1/qemu/101/config", cores=4, background_delay=30).data, None)
        tap.eq(vm.config["cores"], "4")
        vm.lock = "backup"
        answer = client.post("/nodes/pve1/qemu/101/config", cores=4, background_delay=30)
        tap.eq((answer.status, answer.reason), (500, "VM is locked (backup)"))
        tap.eq(client.post("/nodes/pve1/qemu/101/config", background_delay=31).status, 400)


def test_resize_is_null_on_7_equal_is_nothing_and_smaller_is_refused():
    for version in VERSIONS:
        with StandIn(world(version)) as api:
            client = Client(api)
            vm = cloned(client)
            at = "/nodes/pve1/qemu/101/resize"
            answer = client.ask("PUT", at, {"disk": "scsi0", "size": "20G"})
            tap.eq(answer.data is None, version < (8, 0))
            api.pve.tasks.wait_all()
            tap.contains(vm.config["scsi0"], "size=20G")
            tap.eq(client.ask("PUT", at, {"disk": "scsi0", "size": "20G"}).status, 200)
            tap.eq(client.ask("PUT", at, {"disk": "scsi0", "size": "5G"}).reason,
                   "shrinking disks is not supported")
            tap.eq(client.ask("PUT", at, {"disk": "scsi0", "size": "20 GB"}).status, 400)


def test_a_pending_option_of_a_disk_undoes_a_resize():
    with StandIn(world()) as api:
        client = Client(api)
        vm = cloned(client)
        client.done(client.post("/nodes/pve1/qemu/101/status/start"))
        volume = vm.config["scsi0"].partition(",")[0]
        client.done(client.post("/nodes/pve1/qemu/101/config", scsi0=f"{volume},ssd=1"))
        client.done(client.ask("PUT", "/nodes/pve1/qemu/101/resize", {"disk": "scsi0", "size": "20G"}))
        tap.contains(vm.config["scsi0"], "size=20G")
        client.done(client.post("/nodes/pve1/qemu/101/status/stop"))
        tap.contains(vm.config["scsi0"], "size=4G")


# --- power, and an end ---

def test_starting_what_runs_fails_in_the_task():
    with StandIn(world()) as api:
        client = Client(api)
        cloned(client)
        start = "/nodes/pve1/qemu/101/status/start"
        tap.eq(client.done(client.post(start)), "OK")
        tap.eq(client.done(client.post(start)), "VM 101 already running")


def test_under_ha_a_start_ends_when_it_is_requested():
    with StandIn(world()) as api:
        client = Client(api)
        vm = cloned(client)
        vm.ha = True
        answer = client.post("/nodes/pve1/qemu/101/status/start")
        tap.eq(answer.data.split(":")[5], "hastart")
        tap.eq(client.done(answer), "OK")
        tap.wait_until(lambda: vm.running)


def test_a_machine_is_found_only_at_its_own_host():
    with StandIn(world()) as api:
        client = Client(api)
        cloned(client)
        api.pve.migrate(101, "pve2")
        tap.eq(client.get("/nodes/pve1/qemu/101/config").reason,
               "Configuration file 'nodes/pve1/qemu-server/101.conf' does not exist")
        tap.eq(client.get("/nodes/pve2/qemu/101/config").status, 200)


def test_what_runs_is_protected_or_under_ha_is_not_destroyed():
    with StandIn(world()) as api:
        client = Client(api)
        vm = cloned(client)
        at = "/nodes/pve1/qemu/101"
        vm.running = True
        tap.contains(client.ask("DELETE", at).reason, "is running")
        vm.running, vm.config["protection"] = False, "1"
        tap.contains(client.ask("DELETE", at).reason, "protection mode enabled")
        vm.config["protection"], vm.ha = "0", True
        tap.contains(client.ask("DELETE", at).reason, "used in HA resources")
        tap.eq(client.done(client.ask("DELETE", at, {"purge": 1})), "OK")
        assert 101 not in api.pve.vms and 101 not in api.pve.pools["k8s"]


def test_a_template_is_made_by_the_api_since_8_4():
    for version in VERSIONS:
        role = ROLE + ["Datastore.AllocateTemplate"]
        pve = world(version, role)
        pve.pools["k8s"].add("local")
        if version >= (8, 1):
            pve.rights.add_role("Fetch", ["Sys.AccessNetwork"])
        else:
            pve.rights.add_role("Fetch", ["Sys.Audit", "Sys.Modify"])
        for who in ("cloudseed@pve", "cloudseed@pve!t"):
            pve.rights.allow("/nodes/pve1" if version >= (8, 1) else "/", who, "Fetch")
        url = "https://images.example/noble.img"
        pve.images[url] = (3 << 30, "ab" * 32)
        with StandIn(pve) as api:
            client = Client(api)
            at = "/nodes/pve1/storage/local/download-url"
            fields = {"content": "import", "url": url, "checksum": "ab" * 32,
                      "checksum-algorithm": "sha256"}
            tap.eq(client.post(at, filename="noble.img", **fields).status, 400)
            answer = client.post(at, filename="noble.qcow2", **fields)
            tap.eq(answer.status, 200 if version >= (8, 4) else 400)
            if version < (8, 4):
                continue
            tap.eq(client.done(answer), "OK")
            wrong = {**fields, "checksum": "cd" * 32}
            tap.contains(client.done(client.post(at, filename="b.qcow2", **wrong)), "checksum mismatch")
            made = client.post("/nodes/pve1/qemu", vmid=9001, pool="k8s", name="noble2",
                               **{"scsi0": "local-lvm:0,import-from=local:import/noble.qcow2"})
            tap.eq(client.done(made), "OK")
            tap.contains(pve.vms[9001].config["scsi0"], "size=3G")
            tap.eq(client.done(client.post("/nodes/pve1/qemu/9001/template")), "OK")
            assert pve.vms[9001].template


def written(client, vmid, **fields):
    return client.done(client.post(f"/nodes/pve1/qemu/{vmid}/config", **fields))


def test_a_disk_that_is_replaced_is_kept_as_unused_until_that_is_deleted():
    with StandIn(world()) as api:
        client = Client(api)
        vm, volumes = cloned(client), api.pve.storages["local-lvm"].volumes
        source = api.pve.vms[9000].config["scsi0"].partition(",")[0]
        tap.eq(source, "local-lvm:base-9000-disk-0")  # as a template's disks are named
        tap.eq(written(client, 101, scsi0=f"local-lvm:0,import-from={source},ssd=1"), "OK")
        tap.eq(vm.config["unused0"], "local-lvm:vm-101-disk-0")
        tap.eq(vm.config["scsi0"], "local-lvm:vm-101-disk-1,size=4G,ssd=1")
        tap.eq(written(client, 101, delete="unused0"), "OK")
        tap.eq(sorted(volumes), ["base-9000-disk-0", "vm-101-disk-1"])
        tap.eq(written(client, 101, delete="scsi0"), "OK")
        tap.eq((vm.config.get("scsi0"), vm.config["unused0"]), (None, "local-lvm:vm-101-disk-1"))
        assert "vm-101-disk-1" in volumes


def test_a_disk_is_imported_with_the_right_to_clone_its_vm_and_at_its_own_host():
    for role, host, status in ((ROLE, "pve1", 200), ([p for p in ROLE if p != "VM.Clone"], "pve1", 403)):
        pve = world(role=role)
        pve.add_vm(101, host, name="a")
        pve.pools["k8s"].add(101)
        with StandIn(pve) as api:
            client = Client(api)
            tap.eq(client.post("/nodes/pve1/qemu/101/config",
                               scsi0="local-lvm:0,import-from=local-lvm:base-9000-disk-0").status, status)
            if status == 200:
                pve.tasks.wait_all()
                pve.migrate(9000, "pve2")
                again = {"scsi1": "local-lvm:0,import-from=local-lvm:base-9000-disk-0"}
                tap.contains(written(client, 101, **again), "does not exist")
                with pve.lock:
                    pve.storages["local-lvm"].hosts = None
                tap.eq(written(client, 101, **again), "owner VM 9000 not on local node")
                pve.migrate(9000, "pve1")
                told = client.post("/nodes/pve1/qemu/101/config", scsi1=again["scsi1"].replace(":0,", ":4,"))
                tap.contains(told.body["errors"]["scsi1"], "requires special syntax")


def test_images_of_a_storage_are_listed_with_a_right_to_use_it():
    with StandIn(world()) as api:
        api.pve.storages["local"].volumes["import/noble.qcow2"] = 3 << 30
        client, at = Client(api), "/nodes/pve1/storage/local/content"
        tap.eq(client.get(at, content="import").status, 403)
        api.pve.pools["k8s"].add("local")
        tap.eq([v["volid"] for v in client.get(at, content="import").data],
               ["local:import/noble.qcow2"])
        found = client.get("/nodes/pve1/storage/local-lvm/content", vmid=9000).data
        tap.eq([v["volid"] for v in found], ["local-lvm:base-9000-disk-0"])


UPLOAD = "/nodes/pve1/storage/local/upload"
SENT = [("content", "import"), ("checksum-algorithm", "sha256"),
        ("checksum", hashlib.sha256(b"QFI\xfb" * 9).hexdigest())]


def multipart(fields, name="filename", file_name="a.qcow2", data=b"QFI\xfb" * 9, after=()):
    def part(key, value, more=""):
        head = f'--b\r\nContent-Disposition: form-data; name="{key}"{more}\r\n\r\n'
        return head.encode() + value + b"\r\n"
    body = b"".join(part(k, v.encode()) for k, v in fields)
    body += part(name, data, f'; filename="{file_name}"')
    return body + b"".join(part(k, v.encode()) for k, v in after) + b"--b--\r\n"


def sender(api):
    for who in ("cloudseed@pve", "cloudseed@pve!t"):
        api.pve.rights.allow("/storage/local", who, "Administrator")
    client = Client(api)
    return client, lambda body, kind="multipart/form-data; boundary=b": client.ask(
        "POST", UPLOAD, body=body, headers={"Content-Type": kind})


def test_a_file_is_sent_as_the_last_part_of_a_form():
    with StandIn(world()) as api:
        client, send = sender(api)
        upid = send(multipart(SENT)).data
        tap.contains(upid, "UPID:pve1:")
        tap.contains(upid, ":imgcopy::cloudseed@pve!t:")
        api.pve.tasks.wait_all()
        tap.eq(api.pve.storages["local"].volumes, {"import/a.qcow2": 36})
        # What follows the file is not looked at.
        told = send(multipart([], after=SENT))
        tap.eq((told.status, told.body["errors"]["content"]),
               (400, "property is missing and it is not optional"))
        tap.eq(send(multipart(SENT, name="file")).status, 501)
        tap.eq(send(multipart(SENT)[:-30] + b"x" * 30).status, 501)
        tap.eq(send(urlencode(SENT), "application/x-www-form-urlencoded").status, 501)
        for bad in (multipart(SENT[:1] + [("checksum", "12")]), multipart(SENT, file_name="a.img"),
                    multipart(SENT[1:]), multipart([("content", "snippets")]),
                    multipart([*SENT, ("url", "http://x")])):
            tap.eq(send(bad).status, 400)
        with api.pve.lock:
            api.pve.storages["local"].content = "iso"
        tap.contains(send(multipart(SENT)).body["message"], "not configured for content-type 'import'")
        del client


def test_a_file_with_another_sum_or_format_is_not_kept():
    with StandIn(world()) as api:
        client, send = sender(api)
        tap.contains(client.done(send(multipart(SENT, data=b"QFI\xfb"))), "checksum mismatch: got '")
        tap.eq(client.done(send(multipart(SENT[:1], data=b"raw"))), "Image is not in qcow2 format")
        tap.eq(api.pve.storages["local"].volumes, {})


def test_the_right_to_send_a_file_is_looked_at_before_it_is_read():
    with StandIn(world()) as api:
        seen = []
        api.on_upload = seen.append
        client = Client(api)
        body = multipart(SENT)
        connection = client.connect()
        connection.putrequest("POST", "/api2/json" + UPLOAD)
        for header in (("Authorization", "PVEAPIToken=" + TOKEN), ("Content-Length", str(len(body))),
                       ("Content-Type", "multipart/form-data; boundary=b")):
            connection.putheader(*header)
        connection.endheaders()
        answer = Answer(connection.getresponse())
        tap.eq((answer.status, answer.reason, seen),
               (403, "Permission check failed (/storage/local, Datastore.AllocateTemplate)", []))


def test_certificates_can_be_asked_for():
    with StandIn(world()) as api:
        found = {c["filename"]: c for c in Client(api).get("/nodes/pve1/certificates/info").data}
        tap.eq(found["pve-root-ca.pem"]["pem"], api.authority.pem)
        nodes = {n["node"]: n["ssl_fingerprint"] for n in Client(api).get("/nodes").data}
        tap.eq(nodes, api.fingerprints)


def test_put_config_and_empty_values_are_told_as_problems():
    with StandIn(world()) as api:
        client = Client(api)
        cloned(client)
        client.ask("PUT", "/nodes/pve1/qemu/101/config", {"description": ""})
        tap.eq(len(api.problems), 2, api.problems)
        api.problems.clear()


tap.main()
