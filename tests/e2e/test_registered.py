#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes that are registered through the admin interface: they are there as declared ones are, they
outlast the server, and no tree takes their place."""
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD  # noqa: E402

MAC = "bc:24:11:00:00:01"


def tree():
    made = world.Tree(evidence=["name", "mac"])
    made.role("r", user_data="{{ node.name }} {{ rack | default('none') }} {{ seed.url }}",
              network_config="{}\n", vendor_data="v")
    made.node("declared", "r", macs=["bc:24:11:00:00:ff"], addresses=["10.0.20.5"])
    return made


def register(server, name="web", status=201, **more):
    answer = server.admin("POST", "/v1/nodes", {"name": name, "role": "r", **more})
    tap.eq(answer.status, status, answer.text)
    return answer.json


def user_data(server, node, epoch=1):
    key = world.key_of(server.state, node["uid"], epoch)
    answer = server.get(f"/s/{key}/user-data")
    return answer.text if answer.status == 200 else answer.status


def refused(answer, status, *parts):
    tap.eq(answer.status, status, answer.text)
    tap.eq(answer.headers["Content-Type"], "application/problem+json")
    for part in parts:
        tap.contains(json.dumps(answer.json), part)


def test_interfaces_are_the_same_to_the_tool():
    made = tree()
    made.role("i", network_config="{{ node.interfaces | tojson }}", user_data="{{ rack | tojson }}")
    interfaces = {"lan": {"mac": MAC}, "v20": {"vlan": 20, "link": "lan",
                                               "addresses": ["10.0.20.11"]}}
    with made.start() as server:
        node = register(server, role="i", interfaces=interfaces, variables={"rack+": ["x"]})
        tap.eq((node["macs"], node["addresses"], node["interfaces"], node["variables"]),
               ([MAC], ["10.0.20.11"], interfaces, {"rack+": ["x"]}))
        key = world.key_of(server.state, node["uid"])
        for file in ("network-config", "user-data"):
            done = subprocess.run(
                [str(BUILD.resolve() / "cloudseed"), "render", "web", file, "--server",
                 str(server.socket), "--seed", str(made.seed), "--templates", str(made.templates)],
                capture_output=True, text=True, timeout=world.SECONDS, check=False)
            tap.eq(done.stdout, server.get(f"/s/{key}/{file}").text, done.stderr)
        refused(server.admin("PATCH", "/v1/nodes/web", {"interfaces": {"v20": {"link": "wan"}}}),
                422, "this node has no interface 'wan'")


def test_it_fetches_its_files_by_its_seed_key():
    with tree().start() as server:
        tap.eq(server.listening["nodes"], "1")
        answer = server.admin("POST", "/v1/nodes", {
            "name": "web", "role": "r", "macs": [MAC], "addresses": ["10.0.20.11"],
            "variables": {"rack": "é 7"}})
        tap.eq((answer.status, answer.headers["Location"]), (201, "/v1/nodes/web"))
        node = answer.json
        tap.eq((node["declared"], node["state"], len(node["uid"])), (None, "registered", 28))
        key = world.key_of(server.state, node["uid"])
        tap.contains(node["seed_url"], f"/s/{key}/")
        wanted = {"meta-data": 'instance-id: "web-1"\nlocal-hostname: "web"\n',
                  "user-data": f"web é 7 {node['seed_url']}", "network-config": "{}\n",
                  "vendor-data": "v"}
        tap.eq({file: server.get(f"/s/{key}/{file}").text for file in world.FILES}, wanted)
        server.wait_event("checked", nodes=1, count=2)  # it was checked, and it alone
        tap.eq(server.admin("GET", "/v1/nodes/web").json["check"], "faulty")  # user-data of no form
        names = [n["name"] for n in server.admin("GET", "/v1/nodes").json["nodes"]]
        tap.eq(names, ["declared", "web"])
        server.arm("web")
        tap.eq(server.get(f"/nocloud/mac/{MAC}/vendor-data").text, "v")
        tap.eq(server.get("/nocloud/name/web/vendor-data").text, "v")


def test_it_outlasts_the_server():
    made = tree()
    state = world.scratch() / "state"
    with made.start(state=state) as server:
        node = register(server, variables={"rack": 1})
    server = made.start(state=state)
    tap.eq(server.listening["nodes"], "2")
    tap.contains(user_data(server, node), "web 1 ")
    other = register(server, "other")
    server.stop(signal.SIGKILL, status=-signal.SIGKILL)  # right after the answer
    with made.start(state=state) as server:
        tap.contains(user_data(server, other), "other none ")
        tap.contains(user_data(server, node), "web 1 ")


def test_changes():
    with tree().start() as server:
        node = register(server, variables={"rack": 1, "more": {"a": 1, "b": 2}})
        tag = server.admin("GET", "/v1/nodes/web").headers["ETag"]
        patch = {"variables": {"rack": 2, "more": {"b": None}}, "addresses": ["10.0.20.12"]}
        answer = server.admin("PATCH", "/v1/nodes/web", patch, {"If-Match": tag})
        tap.eq(answer.status, 200, answer.text)
        tap.eq(answer.json["variables"], {"rack": 2, "more": {"a": 1}})
        tap.eq((answer.json["addresses"], answer.json["uid"]), (["10.0.20.12"], node["uid"]))
        tap.contains(user_data(server, node), "web 2 ")
        refused(server.admin("PATCH", "/v1/nodes/web", patch, {"If-Match": tag}), 412)
        refused(server.admin("PATCH", "/v1/nodes/web", {"name": "new"}), 422, "a node keeps it")
        refused(server.admin("PATCH", "/v1/nodes/web", {"role": None}), 422, '"member": null')
        refused(server.admin("PATCH", "/v1/nodes/web", {"rolle": "r"}), 400, "did you mean")
        answer = server.admin("POST", "/v1/nodes/web/rekey")
        tap.eq((answer.status, answer.json["key_epoch"]), (200, 2))
        tap.eq(user_data(server, node), 404)
        tap.contains(user_data(server, node, epoch=2), "web 2 ")
        kinds = [e["kind"] for e in server.admin("GET", "/v1/events?node=web").json["events"]]
        tap.eq(kinds, ["created", "changed", "rekeyed"])


def test_deletion():
    with tree().start() as server:
        node = register(server, macs=[MAC])
        tag = server.admin("GET", "/v1/nodes/web").headers["ETag"]
        refused(server.admin("DELETE", "/v1/nodes/web", headers={"If-Match": '"no"'}), 412)
        answer = server.admin("DELETE", "/v1/nodes/web", headers={"If-Match": tag})
        tap.eq((answer.status, answer.body), (204, b""))
        tap.eq(user_data(server, node), 404)
        refused(server.admin("GET", "/v1/nodes/web"), 404)
        refused(server.admin("DELETE", "/v1/nodes/web"), 404)
        again = register(server, macs=[MAC])
        assert again["uid"] != node["uid"]
        tap.eq(user_data(server, node), 404)  # the name alone gives nothing back


def test_what_is_refused():
    with tree().start() as server:
        register(server, macs=[MAC])
        post = lambda body: server.admin("POST", "/v1/nodes", body)  # noqa: E731
        refused(post({"name": "web", "role": "r"}), 409, "registered already")
        refused(post({"name": "declared", "role": "r"}), 409, "declared.yaml:1")
        refused(post({"name": "x", "role": "r", "macs": [MAC]}), 409, '"member": "macs"',
                "the registered node 'web' has it already")
        refused(post({"name": "x", "role": "r", "addresses": ["10.0.20.5"]}), 409,
                "node 'declared' at ", "declared.yaml:1 has it already")
        refused(post({"name": "x", "role": "rr", "uuid": "nonsense"}), 422,
                '"member": "uuid"', "there is no role 'rr'")
        refused(post({"role": "r"}), 422, '"member": "name"')
        refused(post({"name": "No", "role": "r"}), 422, "is not a valid name")
        refused(post({"name": "x", "role": "r", "roles": []}), 400, "there is no member 'roles'")
        refused(post(b"{"), 400, "not JSON")
        refused(post(b"[]"), 400, "not a JSON object")
        for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/rekey")):
            refused(server.admin(method, f"/v1/nodes/declared{path}"), 409, "declared.yaml:1")
        said = server.admin("GET", "/v1/server").json
        tap.eq((said["nodes"], said["registered"]), (2, 1))


def test_of_many_at_once_each_has_its_own():
    with tree().start() as server:
        answers = []

        def ask(i):
            answers.append(server.admin("POST", "/v1/nodes", {
                "name": f"n{i}", "role": "r", "macs": [f"bc:24:11:00:01:{i // 2:02x}"]}).status)

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tap.eq(sorted(answers), [201] * 8 + [409] * 8)
        tap.eq(server.admin("GET", "/v1/server").json["nodes"], 9)


def test_a_tree_that_declares_the_same_is_refused():
    made = tree()
    state = world.scratch() / "state"
    with made.start(state=state) as server:
        node = register(server, macs=[MAC])
        made.node("web", "r")
        refused(server.admin("POST", "/v1/reload"), 409, "registered node 'web'",
                "a node 'web' is declared at ", "web.yaml:1", "take it out there")
        tap.eq(server.wait_event("reload-refused")["faults"], "1")
        tap.contains(user_data(server, node), "web none ")
        made.put("nodes/web.yaml", {})
        made.node("other", "r", macs=[MAC])
        refused(server.admin("POST", "/v1/reload"), 409, "node 'other' at ", "has it already")
        made.put("nodes/other.yaml", {})
        made.role("s")
        made.put("roles/r.yaml", {})
        made.node("declared", "s")
        refused(server.admin("POST", "/v1/reload"), 409, "there is no role 'r'")
        tap.contains(user_data(server, node), "web none ")
    # Without a world to go on with, the declared nodes are served, and nothing is forgotten.
    with made.start(state=state) as server:
        tap.eq(server.wait_event("registered-left-out")["nodes"], "1")
        tap.contains(server.wait_event("fault")["reason"], "there is no role 'r'")
        tap.eq(user_data(server, node), 404)
        answer = server.admin("PATCH", "/v1/nodes/web", {"role": "s"})
        tap.eq((answer.status, answer.json["uid"]), (200, node["uid"]), answer.text)
        tap.eq(user_data(server, node), "")
        tap.eq(server.admin("POST", "/v1/reload").status, 200)


def test_a_reload_keeps_them():
    made = tree()
    with made.start() as server:
        node = register(server)
        made.template("r-user-data", "new {{ node.name }}")
        answer = server.admin("POST", "/v1/reload")
        tap.eq((answer.status, answer.json["nodes"]), (200, 2))
        tap.eq(user_data(server, node), "new web")


def test_reloads_in_between():
    """Whoever was registered while the files were read is in the world that comes of them."""
    made = tree()
    made.put("nodes/many.yaml", {f"many-{i}": {"role": "r"} for i in range(3000)})
    with made.start() as server:
        answers, over = [], threading.Event()

        def reload():
            while not over.is_set():
                answers.append(server.admin("POST", "/v1/reload").status)

        thread = threading.Thread(target=reload)
        thread.start()
        nodes = [register(server, f"n{i}", addresses=[f"10.0.20.{100 + i}"]) for i in range(40)]
        over.set()
        thread.join()
        tap.eq(set(answers), {200})
        tap.eq(server.admin("GET", "/v1/server").json["registered"], 40)
        for node in nodes:
            tap.contains(user_data(server, node), f"{node['name']} none ")


def test_whoever_comes_first_has_the_name():
    """Registered while a tree is read that declares the same, it is refused, or the tree is."""
    made = tree()
    made.put("nodes/many.yaml", {f"many-{i}": {"role": "r"} for i in range(5000)})
    with made.start() as server:
        for _ in range(8):
            made.node("web", "r")
            reloads = []
            thread = threading.Thread(
                target=lambda: reloads.append(server.admin("POST", "/v1/reload")))
            thread.start()
            answer = server.admin("POST", "/v1/nodes", {"name": "web", "role": "r"})
            thread.join()
            tap.contains([(200, 409), (409, 201)], (reloads[0].status, answer.status))
            made.put("nodes/web.yaml", {})
            if answer.status == 201:
                tap.eq(server.admin("DELETE", "/v1/nodes/web").status, 204)
            else:
                tap.contains(answer.text, "web.yaml:1")
            tap.eq(server.admin("POST", "/v1/reload").status, 200)


tap.main()
