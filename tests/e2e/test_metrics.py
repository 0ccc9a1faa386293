#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""GET /metrics, compared with docs/metrics.md, and read by the real promtool."""
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import prometheus  # noqa: E402
import tap  # noqa: E402
import tftp  # noqa: E402
import world  # noqa: E402
from daemon import SOURCE, Daemon  # noqa: E402

PAGE = SOURCE / "docs/metrics.md"
CODE = re.compile(r"`([^`]+)`")


def documented():
    """{metric: (type, labels)} of the page."""
    found = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            name = CODE.findall(cells[0])[0]
            assert name not in found, f"{name} is listed twice"
            found[name] = cells[1], set(CODE.findall(cells[2]))
    return found


def serve(*args):
    return Daemon(seed=SOURCE / "seed", templates=SOURCE / "templates",
                  args=("--tftp", "127.0.0.1:0", *args))


def test_every_metric_is_documented_and_the_other_way_round():
    with serve() as daemon:
        daemon.get("/healthz")
        families = prometheus.families(daemon)
    page = documented()
    tap.eq(sorted(set(families) - set(page)), [], "not in docs/metrics.md")
    tap.eq(sorted(set(page) - set(families)), [], "only in docs/metrics.md")
    for name, family in families.items():
        tap.eq(family.kind, page[name][0], f"type of {name}")
        for labels in family.labels():
            tap.eq(labels, page[name][1], f"labels of {name}")


def test_promtool_finds_no_fault():
    with serve() as daemon:
        daemon.get("/healthz")
        text = daemon.admin("GET", "/metrics").body
    done = subprocess.run([prometheus.program("promtool"), "check", "metrics"], input=text,
                          capture_output=True, timeout=60, check=False)
    tap.eq((done.returncode, done.stdout + done.stderr), (0, b""))


def test_a_request_counts_for_its_row():
    with serve() as daemon:
        for path in ("/healthz", "/healthz", "/nocloud/name/x/meta-data", "/no/such/path"):
            daemon.get(path)
        total = prometheus.families(daemon)["cloudseed_requests_total"]
        tap.eq(total.value(route="/healthz", code="200", method="GET", listener="boot"), 2)
        tap.eq(total.value(route="/nocloud/{evidence}/{value}/{file}", code="403"), 1)
        tap.eq(total.value(route="none", code="404"), 1)
        took = prometheus.families(daemon)["cloudseed_request_duration_seconds"]
        tap.eq(took.value("_count", route="/healthz"), 2)
        total = prometheus.families(daemon)["cloudseed_requests_total"]
        tap.eq(total.value(route="/metrics", listener="socket"), 2)


def test_the_process_is_described():
    with serve() as daemon:
        families = prometheus.families(daemon)
    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_max_fds"):
        assert families[name].value() > 0, name
    assert 5 < families["process_open_fds"].value() < 200
    tap.eq(families["cloudseed_build_info"].value(), 1)


def test_no_parameters_and_no_other_methods():
    with serve() as daemon:
        tap.eq(daemon.admin("GET", "/metrics?x=1").status, 400)
        tap.eq(daemon.admin("POST", "/metrics").status, 405)
        tap.eq(daemon.get("/metrics").status, 404)
        head = daemon.admin("HEAD", "/metrics")
        tap.eq((head.status, head.body), (200, b""))
        tap.eq(head.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")


def test_nodes_by_state_and_windows():
    tree = world.Tree()
    tree.node("n1")
    tree.node("n2")
    with tree.start() as daemon:
        begun = time.time()
        daemon.arm("n1")
        found = prometheus.families(daemon)
        nodes = found["cloudseed_nodes"]
        tap.eq(nodes.value(role="plain", cluster="", state="armed"), 1)
        tap.eq(nodes.value(role="plain", cluster="", state="registered"), 1)
        tap.eq(found["cloudseed_windows"].value(), 1)
        oldest = found["cloudseed_window_oldest_timestamp_seconds"].value()
        assert begun - 1 < oldest < time.time() + 1, (begun, oldest)
        tap.eq(found["cloudseed_events_total"].value(kind="armed"), 1)
        assert found["cloudseed_store_commit_duration_seconds"].value("_count") >= 1
        tap.eq(daemon.admin("POST", "/v1/nodes/n1/disarm").status, 200)
        found = prometheus.families(daemon)
        tap.eq(found["cloudseed_nodes"].value(state="armed"), 0)
        tap.eq(found["cloudseed_windows"].value(), 0)
        tap.eq(found["cloudseed_window_oldest_timestamp_seconds"].values(), [])


def test_nodes_after_a_reload_and_a_registration():
    tree = world.Tree()
    tree.role("other")
    for number in range(5):
        tree.node(f"n{number}")
    with tree.start() as daemon:
        daemon.arm("n0")
        tree.node("n0", role="other")
        tree.node("n1", role="other")
        (tree.seed / "nodes/n4.yaml").unlink()
        tap.eq(daemon.admin("POST", "/v1/reload").status, 200)
        tap.eq(daemon.admin("POST", "/v1/nodes", {"name": "w", "role": "other"}).status, 201)
        found = prometheus.families(daemon)
        nodes = found["cloudseed_nodes"]
        tap.eq(nodes.value(role="plain", state="registered"), 2)
        tap.eq(nodes.value(role="other", state="armed"), 1)
        tap.eq(nodes.value(role="other", state="registered"), 2)
        tap.eq(found["cloudseed_reloads_total"].value(), 1)
        tap.eq(found["cloudseed_reload_ok"].value(), 1)
        tree.put("roles/other.yaml", {"other": {"nonsense": 1}})
        tap.eq(daemon.admin("POST", "/v1/reload").status, 409)
        tap.eq(prometheus.families(daemon)["cloudseed_reload_ok"].value(), 0)
        tap.eq(daemon.admin("DELETE", "/v1/nodes/w").status, 204)
        tap.eq(prometheus.families(daemon)["cloudseed_nodes"].value(
            role="other", state="registered"), 1)


def test_nodes_are_counted_again_after_a_restart():
    tree = world.Tree()
    tree.node("n1")
    state = tree.folder / "state"
    with tree.start(state=state) as daemon:
        daemon.arm("n1")
    with tree.start(state=state) as daemon:
        found = prometheus.families(daemon)
        tap.eq(found["cloudseed_nodes"].value(state="armed"), 1)
        tap.eq(found["cloudseed_windows"].value(), 1)


def test_a_node_with_a_problem_has_a_name():
    tree = world.Tree(evidence=["name"])
    tree.role("faulty", user_data="#cloud-config\nusers: 5\n")
    tree.node("n1")
    tree.node("n2", role="faulty")
    with tree.start() as daemon:
        tap.eq(prometheus.families(daemon)["cloudseed_node_problem"].values(node="n1"), [])
        tap.eq(daemon.get("/nocloud/name/n1/meta-data").status, 403)  # no window is open
        daemon.wait_event("checked")
        tap.wait_until(lambda: prometheus.families(daemon)["cloudseed_events_total"].value(
            kind="alarm"))
        found = prometheus.families(daemon)
        problem = found["cloudseed_node_problem"]
        tap.eq(problem.value(node="n1", role="plain", cluster="", kind="alarm"), 1)
        tap.eq(problem.value(node="n2", kind="faulty"), 1)
        tap.eq(found["cloudseed_nodes_checked"].value(verdict="faulty"), 1)
        tap.eq(found["cloudseed_events_total"].value(kind="alarm"), 1)


def test_names_of_problems_are_bounded():
    tree = world.Tree()
    tree.role("faulty", user_data="#cloud-config\nusers: 5\n")
    for number in range(230):
        tree.node(f"n{number}", role="faulty")
    with tree.start() as daemon:
        daemon.wait_event("checked")
        found = prometheus.families(daemon)
        tap.eq(len(found["cloudseed_node_problem"].samples), 200)
        tap.eq(found["cloudseed_node_problems_dropped"].value(), 30)
        tap.eq(found["cloudseed_nodes_checked"].value(verdict="faulty"), 230)


def test_tftp_is_counted():
    assets = world.scratch()
    (assets / "a.bin").write_bytes(b"x" * 3000)
    with serve("--assets", assets) as daemon:
        host, port = daemon.listening["tftp"].rsplit(":", 1)
        tap.eq(tftp.fetch((host, int(port)), "a.bin"), b"x" * 3000)
        daemon.wait_event("tftp")
        found = prometheus.families(daemon)
        tap.eq(found["cloudseed_tftp_transfers_total"].value(outcome="done"), 1)
        tap.eq(found["cloudseed_tftp_sent_bytes_total"].value(), 3000)
        tap.eq(found["cloudseed_requests_total"].value(listener="tftp", code="200"), 1)


def targets(daemon, query=""):
    answer = daemon.admin("GET", f"/v1/sd/prometheus{query}")
    tap.eq((answer.status, answer.headers["Content-Type"]), (200, "application/json"))
    return answer.json


def test_prometheus_finds_the_nodes():
    tree = world.Tree(networks={"four": {"cidr": "10.0.20.0/24"}, "six": {"cidr": "fd00::/64"}})
    tree.role("other")
    tree.node("n1", addresses=["10.0.20.5"])
    tree.node("n2", role="other", addresses=["fd00::5"])
    tree.node("n3")
    with tree.start() as daemon:
        daemon.arm("n2")
        found = targets(daemon)
        tap.eq([t["targets"] for t in found], [["10.0.20.5:9100"], ["[fd00::5]:9100"], ["n3:9100"]])
        tap.eq(found[1]["labels"], {
            "__meta_cloudseed_node": "n2", "__meta_cloudseed_fqdn": "n2",
            "__meta_cloudseed_role": "other", "__meta_cloudseed_cluster": "",
            "__meta_cloudseed_state": "armed"})
        tap.eq([t["targets"][0] for t in targets(daemon, "?state=armed&port=10250")],
               ["[fd00::5]:10250"])
        tap.eq(len(targets(daemon, "?role=plain")), 2)
        tap.eq(targets(daemon, "?cluster=none"), [])
        for query in ("?port=0", "?port=65536", "?state=redy", "?limit=1"):
            tap.eq(daemon.admin("GET", f"/v1/sd/prometheus{query}").status, 400, query)
        head = daemon.admin("HEAD", "/v1/sd/prometheus")
        tap.eq((head.status, head.body), (200, b""))


def test_prometheus_finds_more_nodes_than_fit_an_answer():
    tree = world.Tree()
    tree.put("nodes/all.yaml", {f"n{i:05}": {"role": "plain"} for i in range(6000)})
    with tree.start() as daemon:
        answer = daemon.admin("GET", "/v1/sd/prometheus")
        assert len(answer.body) > 1024 * 1024, len(answer.body)
        tap.eq([t["labels"]["__meta_cloudseed_node"] for t in answer.json],
               [f"n{i:05}" for i in range(6000)])


tap.main()
