#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed firewall`: the rules for the shipped tree and for odd ones; nftables' in the real nft, on
a router between two namespaces; OPNsense's script against a stand-in of its API.

UPDATE_GOLDEN=1 writes tests/golden/firewall again.
"""
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "lib")]
import cli  # noqa: E402
import daemon  # noqa: E402
import tap  # noqa: E402

MARK = "CLOUDSEED_TEST_NETWORK"
ALONE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
os.environ["PATH"] += ":/usr/sbin:/sbin"


def reason_to_skip():
    for program in ("nft", "ip", "unshare", "nsenter", "curl"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
        return "no network namespace can be made"
    return None


WHY_NOT = reason_to_skip()
if not WHY_NOT and MARK not in os.environ:  # what is made goes away with the test
    os.execvpe("unshare", [*ALONE, sys.executable, "-B", *sys.argv], {**os.environ, MARK: "1"})

WORLD = tap.enter(cli.World())
GOLDEN = cli.SOURCE / "tests" / "golden" / "firewall"
WORLD.write("cloudseedd.yaml", f"""\
socket: none
seed: {WORLD.path}/seed
templates: {WORLD.path}/templates
state: {WORLD.path}/state
assets: {WORLD.path}/assets
tftp: ["10.0.10.5:69"]
tftp_ports: 6900-6999
""")
HOMELAB = ["--seed", cli.SOURCE / "seed", "--templates", cli.SOURCE / "templates"]
PRINTED = {
    "nftables.nft": ["--for", "nftables"],
    "opnsense.sh": ["--for", "opnsense"],
    "plan.json": ["--json"],
}

SITE = """
name: odd
url: http://10.0.10.5:8080
node_url: "https://[fd00:10::5]:443"
networks:
  management: {cidr: 10.0.10.0/24, cidr6: "fd00:10::/64", gateway: 10.0.10.1, gateway6: "fd00:10::1"}
  nodes: {cidr: 10.0.20.0/24, cidr6: "fd00:20::/64", gateway: 10.0.20.1, gateway6: "fd00:20::1"}
  old: {cidr: 10.0.30.0/24, gateway: 10.0.30.1}
  storage: {cidr: 10.0.40.0/24}
proxmox: {endpoint: pve1}
"""
CLUSTERS = """
address: {version: "1.29", endpoint: "10.0.20.10:7443", pods: 10.32.0.0/16, services: 10.33.0.0/16}
name: {version: "1.29", endpoint: "k8s.example:6443", pods: 10.34.0.0/16, services: 10.35.0.0/16}
nobody: {version: "1.29", endpoint: "gone.example:6443", pods: 10.36.0.0/16, services: 10.37.0.0/16}
beside: {version: "1.29", endpoint: "10.0.10.9:6443", pods: 10.38.0.0/16, services: 10.39.0.0/16}
"""
NODES = """
m1: {role: m, cluster: name, addresses: [10.0.20.11, "fd00:20::11"]}
w1: {role: w, cluster: name, addresses: [10.0.20.12]}
"""


def odd(site=SITE, proxmox="https://10.0.50.2:8006"):
    WORLD.write("odd/site.yaml", site)
    WORLD.write("odd/clusters/c.yaml", CLUSTERS)
    WORLD.write("odd/roles/r.yaml", "m: {bootstrap: master, kubeadm: k}\n"
                                    "w: {bootstrap: worker, kubeadm: k}\n")
    WORLD.write("odd/nodes/n.yaml", NODES)
    WORLD.write("odd-templates/k", "{}\n")
    if proxmox:
        WORLD.write("config/cloudseed/pve/pve1.json", json.dumps({"url": proxmox, "ca": None}))
    return ["--seed", WORLD.path / "odd", "--templates", WORLD.path / "odd-templates"]


def firewall(*words):
    return WORLD.good("firewall", *words, env={"XDG_CONFIG_HOME": str(WORLD.path / "config")})


def plan(*words):
    return json.loads(firewall("--json", *words))


def short(rules):
    return [(r["protocol"], r["from"], r["from_ports"], r["to"], r["to_ports"]) for r in rules]


# --- what is printed ---

def test_homelab():
    for name, words in PRINTED.items():
        got = WORLD.good("firewall", *words, *HOMELAB)
        if os.environ.get("UPDATE_GOLDEN"):
            (GOLDEN / name).write_text(got)
        tap.eq(got, (GOLDEN / name).read_text(), name)
        if words[0] == "--for":
            tap.eq(plan(*words, *HOMELAB)["text"], got)


def test_each_service_has_its_own_address_and_family():
    got = plan(*odd())
    tap.eq(got["servers"], ["10.0.10.5", "fd00:10::5"])
    to, tftp = ("10.0.10.5", "8080"), "6900-6999"
    tap.eq(short(got["rules"]), [
        ("tcp", "10.0.20.0/24", None, *to),
        ("tcp", "fd00:20::/64", None, "fd00:10::5", "443"),
        ("udp", "10.0.20.0/24", None, "10.0.10.5", "69"),
        ("udp", "10.0.10.5", tftp, "10.0.20.0/24", None),
        ("tcp", "10.0.30.0/24", None, *to),
        ("udp", "10.0.30.0/24", None, "10.0.10.5", "69"),
        ("udp", "10.0.10.5", tftp, "10.0.30.0/24", None),
        ("tcp", "10.0.10.5", None, "10.0.20.10", "7443"),
        ("tcp", "10.0.10.5", None, "10.0.20.11", "6443"),
        ("tcp", "fd00:10::5", None, "fd00:20::11", "6443"),
        ("tcp", "10.0.10.5", None, "10.0.50.2", "8006")])


def test_what_is_left_out_is_told():
    want = ["old: joining, over TLS: the network has no range of IPv6, and the server's address is of that",
            "storage: the network has no gateway, so nothing is routed from it",
            "cluster nobody: the tree has no address for gone.example:6443 of the server's family: "
            "give one as the variable endpoint_address"]
    tap.eq(plan(*odd())["left_out"], want)
    for words in list(PRINTED.values())[:2]:
        for line in want:
            tap.contains(firewall(*words, *odd()), f"# - {line}\n")
    tap.contains(plan(*odd(proxmox="https://pve1.home.arpa:8006"))["left_out"][-1],
                 "pve1.home.arpa:8006: that is a name")
    (WORLD.path / "config/cloudseed/pve/pve1.json").unlink()
    tap.contains(plan(*odd(proxmox=None))["left_out"][-1], "no Proxmox host is known as 'pve1'")


def test_one_network():
    tap.eq([r for r in short(plan("--network", "old", *odd())["rules"]) if "10.0.20.0/24" in r], [])
    tap.contains(WORLD.bad(1, "firewall", "--json", "--network", "node", *odd()),
                 "there is no network 'node'; did you mean 'nodes'?")


def test_any_port_where_tftp_has_no_range():
    done = WORLD.run("firewall", "--json", *HOMELAB, "--config", WORLD.write("bare.yaml", "socket: none\n"))
    tap.contains(done.stderr, "'tftp_ports' is not set")
    tap.contains(done.stdout, '"from_ports": "1024-65535"')
    assert "tftp_ports" not in WORLD.run("firewall", "--json", *HOMELAB).stderr


def test_names_that_a_firewall_cannot_have():
    said = WORLD.bad(1, "firewall", "--json", "--url", "http://seed.home.arpa:8080", *HOMELAB)
    tap.contains(said, "has a name")
    tap.contains(said, "--url http://ADDRESS:PORT")
    named = SITE.replace("[fd00:10::5]", "seed.home.arpa")
    tap.contains(WORLD.bad(1, "firewall", "--json", *odd(named)),
                 "node_url https://seed.home.arpa:443 has a name")


def test_command_lines_that_are_wrong():
    for words, why in [([], "say for which router: --for opnsense or nftables"),
                       (["--for", "nftable"], "did you mean 'nftables'?"),
                       (["--for", "iptables"], "expected opnsense or nftables")]:
        tap.contains(WORLD.bad(cli.MISUSED, "firewall", *words, *HOMELAB), why)


# --- nftables, between two namespaces ---

def run(*words, **options):
    return subprocess.run(list(words), check=True, **options)


class Side:
    """A namespace with one cable to this one, which routes."""

    def __init__(self, name, number):
        self.holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
        tap.defer(self.end)
        tap.wait_until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") !=
                       os.readlink("/proc/self/ns/net"))
        self.inside = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "wire", "netns", str(self.holder.pid))
        for add in (f"10.0.{number}.1/24", f"fd00:{number}::1/64"):
            run("ip", "address", "add", add, "dev", name, *(["nodad"] if ":" in add else []))
        run("ip", "link", "set", name, "up")
        for words in (["address", "add", f"10.0.{number}.5/24", "dev", "wire"],
                      ["address", "add", f"fd00:{number}::5/64", "dev", "wire", "nodad"],
                      "link set wire up".split(), "link set lo up".split(),
                      ["route", "add", "default", "via", f"10.0.{number}.1"],
                      ["-6", "route", "add", "default", "via", f"fd00:{number}::1"]):
            run(*self.inside, "ip", *words)

    def end(self):
        self.holder.stdin.close()
        self.holder.wait()

    def fetch(self, url, seconds="20"):
        """The body, or None."""
        done = subprocess.run([*self.inside, "curl", "-gsSf", "--max-time", seconds, url],
                              capture_output=True, check=False)
        return None if done.returncode else done.stdout


MADE = {}
ALIVE = b"alive\n"


def router():
    """(the server's side, the machines')"""
    if WHY_NOT:
        raise tap.Skip(WHY_NOT)
    if not MADE:
        MADE["sides"] = Side("mgmt", 10), Side("nodes", 20)
        for key in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            Path(f"/proc/sys/net/{key}").write_text("1")
        WORLD.write("assets/undionly.kpxe", "iPXE\n")
    return MADE["sides"]


def load(text):
    file = WORLD.write("rules.nft", text)
    run("nft", "-c", "-f", file)
    run("nft", "-f", file)


def test_a_router_with_these_rules():
    server, machine = router()
    text = firewall("--for", "nftables", *HOMELAB)
    url = "http://10.0.10.5"
    with daemon.Daemon(seed=cli.SOURCE / "seed", templates=cli.SOURCE / "templates",
                       http=("10.0.10.5:8080", "10.0.10.5:8081"), wrapper=server.inside,
                       args=["--config", WORLD.path / "cloudseedd.yaml"]):
        run("nft", "flush", "ruleset")
        tap.eq(machine.fetch(f"{url}:8081/healthz"), ALIVE)  # so that it is the rules that stop it
        load(text)
        for rules in (text, text.replace("policy accept", "policy drop")):
            load(rules)
            tap.eq(machine.fetch(f"{url}:8080/healthz"), ALIVE)
            tap.eq(machine.fetch("tftp://10.0.10.5/undionly.kpxe"), b"iPXE\n")
            tap.eq(machine.fetch(f"{url}:8081/healthz", "0.3"), None)
        load(rules.replace("udp sport 6900-6999", "udp sport 7000"))
        tap.eq(machine.fetch("tftp://10.0.10.5/undionly.kpxe", "1"), None)


def test_a_router_of_ipv6():
    server, machine = router()
    site = SITE.replace("http://10.0.10.5:8080", "http://[fd00:10::5]:8080")
    load(firewall("--for", "nftables", *odd(site)))
    url = "http://[fd00:10::5]"
    with daemon.Daemon(seed=WORLD.path / "odd", templates=WORLD.path / "odd-templates",
                       http=("[fd00:10::5]:8080", "[fd00:10::5]:8081"), wrapper=server.inside,
                       args=["--config", WORLD.write("six.yaml", (WORLD.path / "cloudseedd.yaml").read_text()
                                                     .replace("10.0.10.5", "[fd00:10::5]"))]):
        tap.eq(machine.fetch(f"{url}:8080/healthz"), ALIVE)
        tap.eq(machine.fetch("tftp://[fd00:10::5]/undionly.kpxe"), b"iPXE\n")
        tap.eq(machine.fetch(f"{url}:8081/healthz", "0.3"), None)


# --- OPNsense's API ---

# Fields of a rule and the values of those that have a choice: the model Firewall/Filter.xml of OPNsense.
FIELDS = {"enabled": {"0", "1"}, "action": {"pass", "block", "reject"}, "direction": {"in", "out", "any"},
          "ipprotocol": {"inet", "inet6", "inet46"}, "protocol": {"TCP", "UDP"}, "source_net": None,
          "source_port": None, "destination_net": None, "destination_port": None, "description": None}


class Opnsense(http.server.BaseHTTPRequestHandler):
    refuse = False
    calls = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.calls.append((self.path, self.headers["Authorization"], body))
        answer = {"result": "failed", "validations": {"rule.source_net": "no"}} if self.refuse else {
            "result": "saved"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer, separators=(",", ":")).encode())

    def log_message(self, *_):
        pass


def test_the_script_for_opnsense():
    if WHY_NOT:
        raise tap.Skip(WHY_NOT)
    run("ip", "link", "set", "lo", "up")
    server = http.server.HTTPServer(("127.0.0.1", 0), Opnsense)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    WORLD.write(".netrc", "machine 127.0.0.1 login key password secret\n")
    words = ["sh", WORLD.write("opnsense.sh", firewall("--for", "opnsense", *odd()))]
    env = {**os.environ, "HOME": str(WORLD.path)}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert done.returncode and "OPNSENSE" in done.stderr, done
    env["OPNSENSE"] = f"http://127.0.0.1:{server.server_port}"
    run(*words, env=env)
    *added, last = Opnsense.calls
    tap.eq(last, ("/api/firewall/filter/apply", "Basic a2V5OnNlY3JldA==", {}))
    want = [(protocol.upper(), *rest) for protocol, *rest in short(plan(*odd())["rules"])]
    got = []
    for path, _, body in added:
        rule = body["rule"]
        tap.eq((path, list(body)), ("/api/firewall/filter/addRule", ["rule"]))
        for key, value in rule.items():
            assert FIELDS[key] is None or value in FIELDS[key], (key, value)
        tap.eq(rule["ipprotocol"], "inet6" if ":" in rule["source_net"] else "inet")
        got.append((rule["protocol"], rule["source_net"], rule.get("source_port"), rule["destination_net"],
                    rule.get("destination_port")))
    tap.eq(got, want)
    Opnsense.refuse = True
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    server.shutdown()
    tap.eq(done.returncode, 1)
    tap.contains(done.stderr, "OPNsense refused {")


tap.main()
