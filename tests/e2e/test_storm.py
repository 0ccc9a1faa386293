#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed storm`: a small server that serves its nodes, one that fails, one that is killed, and
one that has nodes which are not a storm's."""
import http.client
import http.server
import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import nodelife  # noqa: E402
import shapes  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD, SECONDS, SOURCE, Daemon  # noqa: E402

NODES = 20
PROGRAM = str(BUILD.resolve() / "cloudseed")


def cloudseed(*words):
    words = [str(w) for w in words]
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=SECONDS,
                          check=False)
    assert "Sanitizer" not in done.stderr, done.stderr
    shapes.printed(words, done.returncode, done.stdout)
    return done


def tree(nodes=NODES):
    folder = world.scratch() / "storm"
    done = cloudseed("storm", "tree", folder, "--nodes", nodes)
    tap.eq((done.returncode, done.stderr), (0, ""))
    (folder / "assets/undionly.kpxe").write_bytes(b"\x7f" * 74000)
    return folder


def serve(folder, **options):
    return Daemon(seed=folder / "seed", templates=SOURCE / "templates", args=[
        "--https", "127.0.0.1:0", "--tftp", "127.0.0.1:0", "--assets", folder / "assets"], **options)


def point(server, folder, url=None):
    """Says in the tree on which ports the server is."""
    site = folder / "seed/site.yaml"
    text = re.sub(r"^url: .*", f"url: {url or server.url}", site.read_text(), flags=re.M)
    site.write_text(re.sub(r"^node_url: .*", f"node_url: https://{server.listening['https']}", text,
                           flags=re.M))
    tap.eq(server.admin("POST", "/v1/reload").status, 200)


def storm(server, *words):
    return cloudseed("storm", "run", "--server", server.socket, "--ramp", "1s", *words)


def by_phase(report):
    return {phase["phase"]: phase for phase in report["phases"]}


def test_all_nodes_boot():
    folder = tree()
    with serve(folder) as server:
        point(server, folder)
        done = storm(server, "--tftp", server.listening["tftp"], "--json")
        tap.eq((done.returncode, done.stderr), (0, ""))
        report = json.loads(done.stdout)
        tap.eq((report["nodes"], report["booted"], report["lost"]), (NODES, NODES, 0))
        tap.eq({name: phase["done"] for name, phase in by_phase(report).items()},
               {"arm": NODES, "loader": NODES, "script": NODES, "seed": 4 * NODES,
                "report": 60 * NODES, "phone-home": NODES, "bootstrap": NODES, "result": NODES})
        tap.eq((report["failures"], report["whole"]["done"]), ([], NODES))
        assert report["server"]["cpu_ms"] > 0, report["server"]
        nodes = nodelife.nodes(server)
        tap.eq({node["boot"]["events"] for node in nodes.values()}, {60})
        tap.eq({node["identity"]["hostname"] for node in nodes.values()}, set(nodes))
        tap.eq(len(server.events("bootstrap-none")), NODES)
        tap.eq(len(server.events("result")), NODES)


def test_nodes_boot_again_and_again():
    folder = tree()
    with serve(folder) as server:
        point(server, folder)
        done = storm(server, "--no-tftp", "--by-phase", "--nodes", 3, "--json")
        report = json.loads(done.stdout)
        tap.eq((done.returncode, report["booted"]), (0, 3))
        assert "loader" not in by_phase(report)
        assert all(p["took_ms"] is not None and p["server_cpu_ms"] is not None for p in report["phases"])
        for seconds in (4, 20, 80):  # until one has booted before the time was over
            done = cloudseed("storm", "run", "--server", server.socket, "--no-tftp", "--rate", 10,
                             "--for", f"{seconds}s", "--json")
            report = json.loads(done.stdout)
            tap.eq((report["booted"] + report["not_started"], report["lost"]), (10 * seconds, 0))
            tap.eq(done.returncode, 1 if report["not_started"] else 0)
            if report["booted"] > NODES:
                break
        assert report["booted"] > NODES, report


class Faulty(http.server.BaseHTTPRequestHandler):
    """Passes on to the server what it does not fail: the first phone-home of each node by 503, half
    of an answer for each first vendor-data, and all user-data of the third node by 404."""

    def _pass(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        link = http.client.HTTPConnection(self.server.to.host, self.server.to.port, timeout=SECONDS)
        link.request(self.command, self.path, body or None,
                     {k: v for k, v in self.headers.items() if k.startswith("Content-T")})
        answer = link.getresponse()
        text = answer.read()
        link.close()
        return answer.status, text

    def _handle(self):
        key, what = self.path.split("/")[2:4]
        first = (key, what) not in self.server.seen
        self.server.seen.add((key, what))
        if what == "user-data" and key == self.server.refused:
            self._answer(404, b"no such node\n")
        elif what == "phone-home" and first:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(503, b"busy\n", {"Retry-After": "1"})
        elif what == "vendor-data" and first:
            self._answer(200, self._pass()[1], {"Content-Length": "100000"})
        else:
            self._answer(*self._pass())

    do_GET = do_POST = _handle

    def _answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


def test_failures_are_named():
    folder = tree(5)
    with serve(folder) as server, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Faulty) as faulty:
        faulty.to, faulty.seen = server, set()
        faulty.refused = world.key_of(server.state, "storm-00003")
        threading.Thread(target=faulty.serve_forever, daemon=True).start()
        point(server, folder, f"http://127.0.0.1:{faulty.server_address[1]}")
        (folder / "assets/undionly.kpxe").rename(folder / "assets/other")
        done = storm(server, "--no-tftp", "--json")
        report = json.loads(done.stdout)
        found = {(f["phase"], f["kind"]): (f["count"], f["first"]) for f in report["failures"]}
        tap.eq((done.returncode, report["booted"], report["lost"]), (1, 4, 1), report["failures"])
        tap.eq(found.pop(("seed", "status 404")), (1, "storm-00003: no such node"))
        tap.eq(found.pop(("seed", "answer cut off"))[0], 4)
        tap.eq(found.pop(("phone-home", "status 503"))[0], 4)
        tap.eq(found, {})
        done = storm(server, "--tftp", server.listening["tftp"], "--timeout", "3s", "--json")
        report = json.loads(done.stdout)
        tap.eq((done.returncode, report["lost"]), (1, 5))
        tap.eq({(f["phase"], f["kind"]) for f in report["failures"]}, {("loader", "error by TFTP")})
        text = storm(server, "--no-tftp").stdout
        tap.contains(text, "status 404: 1 times, first: storm-00003: no such node")
        faulty.shutdown()


def test_server_is_killed():
    folder = tree()
    server = serve(folder)
    point(server, folder)
    command = [PROGRAM, "storm", "run", "--server", server.socket, "--no-tftp", "--timeout", "6s",
               "--ramp", "1s", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        server.wait_event("reported", count=50)
        server.stop(signal.SIGKILL, -signal.SIGKILL)
        report = json.loads(running.communicate(timeout=SECONDS)[0])
    tap.eq((running.returncode, report["booted"] + report["lost"]), (1, NODES))
    assert report["lost"] > 0, report
    tap.eq(report["server"], None)
    kinds = {f["kind"] for f in report["failures"]}
    assert kinds & {"connection refused", "no such socket"}, kinds


def test_other_nodes_are_left_alone():
    folder = tree(2)
    (folder / "seed/nodes/rack.yaml").write_text(
        'storm-1: {role: storm, cluster: storm, addresses: [10.65.0.1]}\n')
    with serve(folder) as server:
        done = storm(server, "--no-tftp")
        tap.eq((done.returncode, done.stdout), (1, ""))
        tap.contains(done.stderr, "has 1 node that 'cloudseed storm tree' has not made (storm-1)")
        tap.eq(server.events("armed"), [])
        tap.eq({n["state"] for n in nodelife.nodes(server).values()}, {"registered"})


def test_trees_are_new_folders():
    folder = tree(2)
    done = cloudseed("storm", "tree", folder)
    tap.eq(done.returncode, 1)
    tap.contains(done.stderr, "it exists already; name a new folder")
    done = cloudseed("storm", "tree", world.scratch() / "a", "--endpoint", "10.0.20.11:6443",
                     "--url", "http://[::1]:8081")
    tap.eq(done.returncode, 0)
    made = Path(re.search(r"nodes in (.*);", done.stdout).group(1))
    tap.contains((made / "seed/roles/storm.yaml").read_text(), "kubeadm: sealed/kubeadm")
    tap.contains((made / "cloudseedd.yaml").read_text(), 'https: ["[::1]:8443"]')
    done = cloudseed("check", made, "--templates", SOURCE / "templates")
    tap.eq((done.returncode, done.stdout), (0, "1000 nodes, 1 role, 1 cluster: no faults\n"))


def test_misuse():
    for words, why in ((["--for", "5m"], "--for needs --rate"),
                       (["--rate", "0"], "--rate '0': expected"),
                       (["--rate", "2", "--ramp", "5s"], "give either --rate or --ramp"),
                       (["--nodes", "0"], "--nodes '0': expected a whole number"),
                       (["--tftp", "a:1", "--no-tftp"], "give either --tftp or --no-tftp")):
        done = cloudseed("storm", "run", *words)
        tap.eq(done.returncode, 64, words)
        tap.contains(done.stderr, why)


tap.main()
