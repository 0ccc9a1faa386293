# SPDX-License-Identifier: Apache-2.0
"""What is tried with a real cluster and real nodes. A play gets a function that makes its World."""
import hashlib
import json
import re
import signal
import ssl

import kubeapi
import node
import tap
from certs import openssl
from shown import Terminal
from world import ALL, MASTER, WORKERS

STEPS = ["armed", "booting", "up", "joining", "cluster-init", "cluster-standing", "joined", "ready"]


def all_join(make, files=None, **how):
    """Workers ask first and are held; the master makes the cluster, and all become Ready."""
    world = make(**how)
    for name in WORKERS:
        world.switch_on(name)
    for name in WORKERS:
        world.wait_kind(name, "joining")
    assert not any(name in world.nodes[WORKERS[0]].joins() for name in ("kubeadm",)), "it is held"
    world.switch_on(MASTER, files)
    all_ready(world)
    return world


def all_ready(world):
    """The cluster says so, and our server has heard it."""
    world.wait_ready(*ALL)
    for name in ALL:
        world.wait_kind(name, "ready")
        tap.eq(world.known(name)["state"], "ready", name)
        tap.eq(world.kinds(name).count("ready"), 1, name)


def ca_hash(world):
    """As kubeadm's own documentation has it made, by openssl."""
    key = openssl("x509", "-noout", "-pubkey", data=world.api.ca.encode())
    return hashlib.sha256(openssl("pkey", "-pubin", "-outform", "DER", data=key)).hexdigest()


def one_token_each(world):
    """For each worker, with an end."""
    tokens = world.tokens()
    tap.eq(len(tokens), len(WORKERS), list(tokens))
    for fields in tokens.values():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", fields["expiration"]), fields
        assert "k8s-worker-" in fields["description"], fields
    return tokens


def says_no_secret(world, *secrets):
    """Neither the server's log nor its events nor its state have one."""
    said = "\n".join(world.server.lines) + world.cloudseed("events", "--json")
    said += world.cloudseed("cluster", "show", "homelab", "--json")
    for name in ALL:
        said += world.cloudseed("node", "show", name, "--json")
    files = [file.read_bytes() for file in world.state.rglob("*") if file.is_file()]
    for secret in secrets:
        assert secret not in said, f"{secret[:4]}… is said"
        assert not any(secret.encode() in data for data in files), f"{secret[:4]}… is in the state"


def minter_may_nothing_else(world):
    """The accounts are those that the master made by what it was given."""
    world.api.bearers["minter"] = world.api.account_token("cloudseed-minter")
    token = next(iter(world.tokens()))
    secret = f"{kubeapi.SECRETS}/bootstrap-token-{token[:6]}"
    for method, path in (("GET", secret), ("GET", kubeapi.SECRETS), ("DELETE", secret)):
        tap.eq(world.api.ask("minter", method, path).status, 403, f"{method} {path}")
    body = kubeapi.bootstrap_secret(kubeapi.new_token())
    path = kubeapi.SECRETS.replace("kube-system", "default")
    tap.eq(world.api.ask("minter", "POST", path, body).status, 403)


def sees_the_certificate(world):
    """When that of the API server ends, as openssl reads it; and its clock is ours."""
    def shown():
        return json.loads(world.cloudseed("cluster", "show", "homelab", "--json"))

    end = tap.wait_until(lambda: shown()["certificate_end"], what="a look at the API server")
    pem = ssl.get_server_certificate((world.api.host, world.api.port)).encode()
    text = openssl("x509", "-noout", "-enddate", data=pem).decode().strip().removeprefix("notAfter=")
    tap.contains(end, kubeapi.rfc3339(ssl.cert_time_to_seconds(text)).rstrip("Z"))
    tap.eq(shown()["clock_ahead_s"], 0)


def joins(make):
    world = all_join(make, hardened=False)
    tokens = one_token_each(world)
    minter_may_nothing_else(world)
    sees_the_certificate(world)
    keys = [re.search(r"cs=(\w+)", serial)[1] for serial in world.serials.values()]
    says_no_secret(world, *keys, *(token[7:] for token in tokens), "eyJ")
    for name in WORKERS:
        tap.eq(world.nodes[name].text("/run/lab/ca-hashes"), f"sha256:{ca_hash(world)}")


def joins_with_an_ec_key(make):
    """The cluster's CA has a key of its own kind: kubeadm takes what is there."""
    key = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout").decode()
    certificate = openssl("req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=kubernetes",
                          "-days", 10, "-addext", "keyUsage=critical,keyCertSign,digitalSignature",
                          data=key.encode()).decode()
    world = all_join(make, {"/etc/kubernetes/pki/ca.key": key,
                            "/etc/kubernetes/pki/ca.crt": certificate}, hardened=False)
    tap.eq(world.api.ca.strip(), certificate.strip())
    for name in WORKERS:
        tap.eq(world.nodes[name].text("/run/lab/ca-hashes"), f"sha256:{ca_hash(world)}")


def killed_in_a_mint(make):
    """The API server and then ours are killed while a token is there, and not signed yet."""
    world = make(hardened=False)
    world.switch_on(MASTER)
    world.wait_ready(MASTER)
    world.wait_kind(MASTER, "joined")
    before = set(world.tokens())
    world.signal("kube-controller-manager", signal.SIGSTOP)  # which signs
    for name in WORKERS:
        world.switch_on(name)
    tap.wait_until(lambda: len(set(world.tokens()) - before) == len(WORKERS), what="their tokens", pause=0.1)
    minted = set(world.tokens()) - before
    assert not any("kubeadm" in world.nodes[name].joins() for name in WORKERS), "they wait"
    world.api_killed()
    world.server_killed()
    world.server_up()
    world.api_back()
    world.signal("kube-controller-manager", signal.SIGCONT)
    all_ready(world)
    tap.eq(set(world.tokens()) - before, minted, "one token for each claim")


def killed_in_a_watch(make):
    """The API server is away while nodes become Ready, and once more when one is switched off."""
    world = make(hardened=False)
    for name in ALL:
        world.switch_on(name, {node.CNI_FILE: ""})  # without a network none becomes Ready
    for name in WORKERS:
        world.wait_kind(name, "joined")
    tap.eq([world.known(name)["state"] for name in ALL], ["joining"] * len(ALL))
    world.api_killed()
    for name in ALL:
        world.nodes[name].put(node.CNI_FILE, node.CNI)
    world.api_back()
    all_ready(world)
    world.nodes[WORKERS[0]].stop()
    world.wait_kind(WORKERS[0], "not-ready")
    world.api_killed()
    world.server_killed()
    world.server_up()
    world.api_back()
    tap.wait_until(lambda: gone(world, WORKERS[1]), what="that the Node is deleted", pause=0.2)
    world.wait_kind(WORKERS[1], "not-ready")
    tap.contains(world.cloudseed("events", WORKERS[1]), "the cluster has no such node")
    tap.eq(world.known(MASTER)["state"], "ready")


def gone(world, name):
    """Deletes its Node; False while the API server is not there."""
    try:
        return world.api.ask("admin", "DELETE", f"{kubeapi.NODES}/{name}").status == 200
    except OSError:
        return False



def approved_by_us(make):
    """Hardened: our server approves each kubelet's requests for its declared name, also where the API
    server is killed before it could. A worker's token gets no certificate for another name."""
    world = make()
    world.switch_on(MASTER)
    world.wait_kind(MASTER, "ready")
    world.switch_on(WORKERS[0])
    token = tap.wait_until(lambda: world.token_of(WORKERS[0]), what="its token", pause=0.05)
    foreign = world.ask_for(token, MASTER)
    tap.wait_until(lambda: "kubeadm join" in world.nodes[WORKERS[0]].joins(), what="kubeadm", pause=0.05)
    world.server.signal(signal.SIGSTOP)  # so that the request is there, and not approved
    own = tap.wait_until(lambda: world.requests_of(token, WORKERS[0]), what="its own request")
    assert not any(r["status"].get("conditions") for r in own), own
    world.api_killed()
    world.server.signal(signal.SIGCONT)
    world.switch_on(WORKERS[1])
    world.api_back()
    all_ready(world)
    serving = [r for r in world.requests() if r["spec"]["signerName"].endswith("kubelet-serving")]
    tap.wait_until(lambda: all(world.answers(name, 10250) for name in ALL), what="serving certificates")
    assert serving, "no kubelet has asked for a serving certificate"
    tap.eq([r["metadata"]["name"] for r in world.requests() if not r["status"].get("conditions")], [foreign])
    tap.eq([world.known(name)["alarms"] for name in ALL], [1, 0, 0])  # of the one whose name it was
    tap.contains(world.cloudseed("node", "show", MASTER), token[:6])
    shown = json.loads(world.cloudseed("cluster", "show", "homelab", "--json"))
    tap.eq(shown["approval"]["pending"], 1, shown["approval"])


def masters_one_by_one(make):
    """Further masters that ask while the first one makes the cluster join it by the certificates that it
    has uploaded, one after the other is Ready."""
    further = ["k8s-master-4", "k8s-master-5"]
    world = make(masters=further)
    world.switch_on(MASTER)
    world.wait_kind(MASTER, "cluster-init")
    for name in further:
        world.switch_on(name)
    for name in (MASTER, *further):
        world.wait_kind(name, "ready")
    made = [name for name in (MASTER, *further) if "cluster-init" in world.kinds(name)]
    tap.eq(made, [MASTER], "made the cluster")
    standing, ready, turn = map(world.ids, ("cluster-standing", "ready", "cluster-turn"))
    tap.eq(sorted(turn), sorted(further))
    second, third = sorted(further, key=turn.get)
    assert standing[MASTER] < turn[second] < ready[second] < turn[third], (standing, ready, turn)
    nodes = world.api.ask("admin", "GET", kubeapi.NODES).json["items"]
    tap.eq([n["metadata"]["name"] for n in nodes
            if "node-role.kubernetes.io/master" in n["metadata"]["labels"]], [MASTER, *further])
    for name in further:
        tap.wait_until(lambda n=name: world.answers(n, 6443), what=f"{name}'s API server")


class Screen:
    """`cloudseed watch` on a terminal; what it shows is kept in the play's logs."""

    def __init__(self, world):
        self.logs = world.logs
        self.terminal = Terminal(world.folder, world.command("watch", *ALL, "--color", "never"))
        self.until(lambda text: all(name in text for name in ALL))

    def until(self, true):
        tap.wait_until(lambda: true(self.terminal.shows()), what="the screen")

    def keep(self, name):
        with open(f"{self.logs}/screen-{name}", "w", encoding="utf-8") as file:
            file.write(self.terminal.shows())

    def end(self):
        self.terminal.end()


def booted(make):
    """Three declared nodes, three real Nodes Ready: cloud-init fetches its seed, phones home, and runs
    what joins them; an admin watches."""
    world = make(cloud_init=True)
    screen = Screen(world)
    try:
        screen.keep("registered")
        for name in WORKERS:
            world.switch_on(name)
        for name in WORKERS:
            world.wait_kind(name, "joining")
        screen.until(lambda text: text.count(f"waits for {MASTER} to bring up") == len(WORKERS))
        screen.keep("held")
        world.switch_on(MASTER)
        world.wait_kind(MASTER, "cluster-standing")
        screen.until(lambda text: " mint" in text)
        screen.keep("standing")
        all_ready(world)
        screen.until(lambda text: text.count(" ready ") == len(ALL))
        screen.keep("ready")
    finally:
        screen.end()
    for name in ALL:
        kinds = [kind for kind in world.kinds(name) if kind in STEPS]
        tap.eq(kinds, [s for s in STEPS if name == MASTER or "cluster" not in s], name)


PLAYS = {"join": joins, "join-ec": joins_with_an_ec_key, "join-killed-mint": killed_in_a_mint,
         "join-killed-watch": killed_in_a_watch,
         "join-hardened": approved_by_us, "join-masters": masters_one_by_one,
         "boot-three": booted}
