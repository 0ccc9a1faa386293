#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The CA that nodes check the server by: ca.pem and pins, as the join script sees them."""
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "join")]
import certs  # noqa: E402
import daemon  # noqa: E402
import machine  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

JOIN = machine.load_script()
tree = world.Tree(url="http://seed.home.arpa:8080", node_url="https://10.0.10.5:8443",
                  evidence=["mac"])
for name in ("n1", "n2", "n3"):
    tree.node(name)
CLI = str(daemon.BUILD / "cloudseed")


def ca_pem(server):
    answer = server.get("/ca.pem")
    tap.eq((answer.status, answer.headers["Content-Type"], answer.headers["Cache-Control"]),
           (200, "application/x-pem-file", "no-cache"))
    assert len(answer.body) <= 65536
    return answer.text


def cloudseed(server, *words, status=0):
    done = subprocess.run([CLI, *words, "--server", str(server.socket)], text=True,
                          capture_output=True, check=False, timeout=world.SECONDS)
    tap.eq(done.returncode, status, done.stderr)
    return done.stdout if status == 0 else done.stderr


def shown(server):
    return json.loads(cloudseed(server, "ca", "show", "--json"))


def secret_of(serial):
    """The pin, as a node that has this serial reads it."""
    url, secret = JOIN.words(serial)
    assert re.fullmatch(JOIN.SEED_URL, url), url
    return re.fullmatch(JOIN.SECRET, secret)[2]


def accepts(pem, pin):
    """The certificates that a node with this pin trusts."""
    return [one[0] for one in JOIN.trusted(pem, pin)]


def test_a_node_finds_the_ca_by_the_pin_of_its_serial():
    with tree.start() as server:
        serial = server.arm("n1")["serial"]
        assert len(serial) <= 339
        pem, pin = ca_pem(server), secret_of(serial)
        tap.eq(len(accepts(pem, pin)), 1)
        tap.eq(shown(server)["pin"], pin)
        tap.eq(cloudseed(server, "ca", "show", "--pem"), pem)
        JOIN.wait_for_clock(JOIN.trusted(pem, pin))
        try:
            JOIN.trusted(pem, "A" * 43)
            raise AssertionError("another pin is accepted")
        except (JOIN.Refused, JOIN.Later):
            pass
        answer = server.get("/ca.pem")
        again = server.get("/ca.pem", {"If-None-Match": answer.headers["ETag"]})
        tap.eq((again.status, again.body), (304, b""))
        refused = server.request("POST", "/ca.pem", "x")
        tap.eq((refused.status, refused.headers["Allow"]), (405, "GET, HEAD"))


def test_the_serial_is_told_again_while_the_window_is_open():
    with tree.start() as server:
        for words in (["node", "arm", "n1"], ["node", "reprovision", "n1"]):
            serial = cloudseed(server, *words).splitlines()[1]
            tap.eq(cloudseed(server, "node", "url", "n1", "--smbios"), serial + "\n")
        tap.contains(cloudseed(server, "node", "url", "n2", "--smbios", status=1),
                     "no build window is open")
        tap.eq(server.admin("POST", "/v1/nodes/n1/disarm").status, 200)
        tap.eq(server.admin("GET", "/v1/nodes/n1/serial").status, 409)
        join = serial.split("cs=")[1].split(".")[0]
        assert not any(join in line for line in server.lines)


def test_the_join_key_is_in_nothing_that_is_fetched():
    """It would cross the network in clear."""
    made = world.Tree(evidence=["mac"])
    made.role("live", user_data="{{ node }} {{ site }}")
    made.node("n1", "live", macs=["bc:24:11:00:20:0b"])
    with made.start() as server:
        arm = server.arm("n1")
        join = arm["serial"].split("cs=")[1].split(".")[0]
        key = arm["serial"].split("/s/")[1][:27]
        for path in (f"/s/{key}/user-data", f"/s/{key}/meta-data", f"/s/{key}/vendor-data",
                     f"/s/{key}/network-config", "/nocloud/mac/bc:24:11:00:20:0b/user-data",
                     "/ca.pem"):
            answer = server.get(path)
            tap.eq(answer.status, 200, path)
            assert join not in answer.text, f"{path}: {answer.text}"


def test_no_serial_is_longer_than_proxmox_takes():
    for length, status in ((339, 200), (340, 409)):
        room = length - len("ds=nocloud;dsmode=net;s=http:///s// cs=.") - 27 - 26 - 43
        made = world.Tree(url="http://" + ("a" * 49 + ".") * 4 + "b" * (room - 200))
        made.node("n1")
        with made.start() as server:
            answer = server.admin("POST", "/v1/nodes/n1/arm")
            tap.eq(answer.status, status, answer.text)
            if status == 200:
                tap.eq(len(answer.json["arm"]["serial"]), length)
            else:
                tap.contains(answer.json["detail"], "would have 340 bytes, and Proxmox takes 339")
                tap.eq(server.admin("GET", "/v1/nodes/n1").json["state"], "registered")


def test_a_renewal_keeps_the_pin():
    with tree.start() as server:
        pin = secret_of(server.arm("n1")["serial"])
        before = ca_pem(server)
        tap.contains(cloudseed(server, "ca", "renew"), pin)
        after = ca_pem(server)
        assert before != after
        tap.eq((len(accepts(before, pin)), len(accepts(after, pin))), (1, 1))


def test_a_rotation_that_no_window_needs_is_over_when_it_is_reported():
    with tree.start() as server:
        first = shown(server)["pin"]
        tap.eq("rotation" in cloudseed(server, "ca", "rotate"), False)
        got = shown(server)
        tap.eq((got["pin"] != first, got["rotation"]), (True, None))
        tap.eq(ca_pem(server).count("BEGIN"), 1)


def test_a_rotation_serves_nodes_with_either_pin():
    with tree.start() as server:
        old = secret_of(server.arm("n1")["serial"])
        cloudseed(server, "ca", "rotate")
        new = secret_of(server.arm("n2")["serial"])
        assert old != new
        pem = ca_pem(server)
        tap.eq([len(accepts(pem, pin)) for pin in (old, new)], [1, 1])
        tap.contains(cloudseed(server, "ca", "show"), "waits for 1 window with the former pin:")
        tap.contains(cloudseed(server, "ca", "rotate", status=1), "a rotation is under way")
        tap.eq(server.admin("POST", "/v1/nodes/n1/disarm").status, 200)
        tap.wait_until(lambda: shown(server)["rotation"] is None, what="the rotation's end")
        tap.eq(accepts(ca_pem(server), new), [ca_pem(server).strip()])
        tap.eq(secret_of(server.arm("n3")["serial"]), new)
        cloudseed(server, "ca", "rotate", "--now")
        assert secret_of(server.arm("n3")["serial"]) not in (old, new)
        tap.eq(shown(server)["rotation"], None)
        tap.contains(cloudseed(server, "node", "url", "n2", "--smbios", status=1),
                     "the pin of a CA that was replaced")


def test_the_ca_lasts_and_travels_in_backups():
    state = world.scratch() / "state"
    backup = world.scratch() / "backup.db"
    killed = tree.start(state=state)
    pin = shown(killed)["pin"]
    tap.eq(killed.admin("POST", "/v1/backup", {"path": str(backup)}).status, 200)
    killed.stop(signal.SIGKILL, -signal.SIGKILL)
    with tree.start(state=state) as server:
        tap.eq(shown(server)["pin"], pin)
    for file in [backup, *state.iterdir()]:
        data = file.read_bytes()
        assert b"PRIVATE KEY" not in data, file
        tap.eq(file.stat().st_mode & 0o077, 0, file)
    restored = world.scratch() / "state"
    user = ["--user", "root"] if os.geteuid() == 0 else []
    done = subprocess.run([daemon.BUILD / "cloudseedd", "--restore", backup, "--state", restored,
                           "--sealing-key", state / "sealing-key", *user], text=True,
                          capture_output=True, check=False, timeout=world.SECONDS)
    tap.eq(done.returncode, 0, done.stderr)
    with tree.start(state=restored) as server:
        tap.eq(shown(server)["pin"], pin)


def provided(folder):
    authority = certs.Authority(folder, "root")
    certificate, key = authority.server("one", "IP:10.0.10.5,DNS:seed.home.arpa")
    key.chmod(0o600)
    chain = folder / "chain.pem"
    chain.write_bytes(certificate.read_bytes())
    return authority, chain, key


# --- Over TLS ------------------------------------------------------------------------------------

def https(server):
    host, port = server.listening["https"].split(",")[0].rsplit(":", 1)
    return host.strip("[]"), int(port)


def ask_as_a_node(server, pem, pin):
    """What the join script gets that has this pin and this ca.pem; its own code does it."""
    context = JOIN.ssl.SSLContext(JOIN.ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = JOIN.ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata="\n".join(accepts(pem, pin)))
    url = f"https://{server.listening['https'].split(',')[0]}/s/{'a' * 27}/bootstrap"
    status, _, body = JOIN.exchange("POST", url, 30, 65536, context=context, body=b"{}",
                                    headers={"Content-Type": "application/json",
                                             "Authorization": "Bearer " + "a" * 26})
    return status, json.loads(body)["reason"]


def refuses(server, pem, pin):
    try:
        ask_as_a_node(server, pem, pin)
    except JOIN.Failed as why:
        return "is not the server that it should be" in str(why)
    return False


def s_client(server, anchors, *more):
    """What openssl says of the server's chain, trusting these certificates and no others."""
    file = world.scratch() / "anchors.pem"
    file.write_text(anchors)
    host, port = https(server)
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    done = subprocess.run(["openssl", "s_client", "-connect", at, "-CAfile", str(file),
                           "-no-CApath", "-no-CAstore", "-verify_return_error", "-verify_ip", host,
                           "-x509_strict", "-showcerts", *more], input="", text=True,
                          capture_output=True, check=False, timeout=world.SECONDS)
    return done.returncode, done.stdout + done.stderr


KNOWN_KEY = (404, "unknown-key")


def test_a_node_reaches_the_server_over_tls():
    for address in ("127.0.0.1:0", "[::1]:0"):
        with tree.start(args=["--https", address]) as server:
            pem = ca_pem(server)
            pin = secret_of(server.arm("n1")["serial"])
            tap.eq(ask_as_a_node(server, pem, pin), KNOWN_KEY)
            status, said = s_client(server, pem)
            tap.eq(status, 0, said)
            tap.contains(said, "Verify return code: 0 (ok)")
            tap.contains(JOIN.exchange("GET", f"https://{server.listening['https']}/ca.pem", 30,
                                       65536, context=JOIN.ssl._create_unverified_context())
                         [2].decode(), pem)
            with tree.start() as other:
                assert refuses(server, ca_pem(other), shown(other)["pin"])


def test_a_rotation_over_tls():
    with tree.start(args=["--https", "127.0.0.1:0"]) as server:
        first = ca_pem(server)
        old = secret_of(server.arm("n1")["serial"])
        cloudseed(server, "ca", "renew")
        tap.eq(ask_as_a_node(server, first, old), KNOWN_KEY)  # it had fetched ca.pem before
        tap.eq(ask_as_a_node(server, ca_pem(server), old), KNOWN_KEY)
        cloudseed(server, "ca", "rotate")
        new, both = secret_of(server.arm("n2")["serial"]), ca_pem(server)
        for pem, pin in ((first, old), (both, old), (both, new)):
            tap.eq(ask_as_a_node(server, pem, pin), KNOWN_KEY)
            status, said = s_client(server, "\n".join(accepts(pem, pin)))
            tap.eq(status, 0, said)
        tap.eq(server.admin("POST", "/v1/nodes/n1/disarm").status, 200)
        tap.wait_until(lambda: shown(server)["rotation"] is None, what="the rotation's end")
        assert refuses(server, first, old) and refuses(server, both, old)
        tap.eq(ask_as_a_node(server, both, new), KNOWN_KEY)
        tap.eq(ask_as_a_node(server, ca_pem(server), new), KNOWN_KEY)


def test_files_are_exchanged_without_a_restart():
    folder = world.scratch()
    authority = certs.Authority(folder, "root")
    tls = {name: str(folder / f"served.{name}") for name in ("certificate", "key")}

    def put(name):
        for source, target in zip(authority.server(name), tls.values()):
            Path(target).write_bytes(source.read_bytes())
            Path(target).chmod(0o600)

    put("one")
    config = {"tls": {**tls, "ca": str(authority.file)}, "https": "127.0.0.1:0"}
    with world.start(config, seed=tree.seed, templates=tree.templates) as server:
        tap.contains(s_client(server, authority.pem)[1], "CN = one")
        tap.eq(ask_as_a_node(server, ca_pem(server), authority.pin), KNOWN_KEY)
        put("two")
        tap.contains(s_client(server, authority.pem)[1], "CN = one")  # not before a reload
        cloudseed(server, "reload")
        tap.contains(s_client(server, authority.pem)[1], "CN = two")
        Path(tls["key"]).write_bytes(authority.key.read_bytes())
        tap.contains(cloudseed(server, "reload", status=1), "key: does not belong")
        tap.contains(s_client(server, authority.pem)[1], "CN = two")
        tap.eq(ask_as_a_node(server, ca_pem(server), authority.pin), KNOWN_KEY)


# --- Provided in files ---------------------------------------------------------------------------

def test_what_the_listener_does_not_take_is_refused_by_reload_and_check():
    folder = world.scratch()
    authority, chain, key = provided(folder)
    good = chain.read_bytes(), key.read_bytes()
    config = {"tls": {"certificate": str(chain), "key": str(key), "ca": str(authority.file)}}
    file = folder / "cloudseedd.yaml"
    file.write_text(json.dumps(config), encoding="utf-8")

    def self_signed(*kind):
        certs.openssl("req", "-x509", "-newkey", *kind, "-nodes", "-keyout", key, "-out", chain,
                      "-subj", "/CN=seed", "-addext", "subjectAltName=IP:10.0.10.5")
        authority.file.write_bytes(chain.read_bytes())

    with world.start(config, seed=tree.seed, templates=tree.templates) as server:
        first, root = ca_pem(server), authority.file.read_bytes()

        def refused(text):
            tap.contains(cloudseed(server, "reload", status=1), text)
            tap.eq(ca_pem(server), first)
            checked = subprocess.run(
                [daemon.BUILD / "cloudseedd", "--check", "--config", file, "--seed", tree.seed,
                 "--templates", tree.templates], text=True, check=False, capture_output=True,
                timeout=world.SECONDS)
            tap.eq(checked.returncode, 1)
            tap.contains(checked.stderr, text)

        self_signed("rsa:1024")
        refused("tls: the certificate's key is RSA of 1024 bits: use ")
        self_signed("ec", "-pkeyopt", "ec_paramgen_curve:P-521")
        refused("tls: the certificate's key is EC/ECDSA of ")
        authority.file.write_bytes(root)
        chain.write_bytes(good[0] * 2)
        key.write_bytes(good[1])
        refused("tls: the certificate chain is not in order")
        chain.write_bytes(good[0])
        key.write_bytes(b"\x30\x82\xff")
        refused("tls: key (a private key in PEM): the value is not UTF-8")
        key.write_bytes(good[1])
        cloudseed(server, "reload")
        tap.eq(ca_pem(server), first)


def test_a_certificate_of_the_admins_own():
    folder = world.scratch()
    authority, chain, key = provided(folder)
    config = {"tls": {"certificate": str(chain), "key": str(key), "ca": str(authority.file)}}
    with world.start(config, seed=tree.seed, templates=tree.templates) as server:
        tap.eq(ca_pem(server).strip(), authority.pem.strip())
        tap.eq(secret_of(server.arm("n1")["serial"]), authority.pin)
        got = shown(server)
        tap.eq((got["provided"], got["warnings"], got["until"]), (True, [], None))
        tap.contains(cloudseed(server, "ca", "rotate", status=1), "provided in files")
        good = chain.read_bytes()
        chain.write_bytes(good[:200])
        tap.contains(cloudseed(server, "reload", status=1), "tls: certificate")
        tap.eq(ca_pem(server).strip(), authority.pem.strip())
        other, other_key = authority.server("two", "IP:10.0.10.6")
        chain.write_bytes(other.read_bytes())
        key.write_bytes(other_key.read_bytes())
        cloudseed(server, "reload")
        tap.contains(cloudseed(server, "ca", "show"), "is not among the names of the certificate")
        server.wait_event("certificate-warning")
    chain.write_text("nothing")
    args = ["--check", "--config", world.scratch() / "cloudseedd.yaml", "--seed", tree.seed,
            "--templates", tree.templates]
    args[2].write_text(json.dumps(config), encoding="utf-8")
    checked = subprocess.run([daemon.BUILD / "cloudseedd", *args], text=True, check=False,
                             capture_output=True, timeout=world.SECONDS)
    tap.eq(checked.returncode, 1)
    tap.contains(checked.stderr, "tls: certificate: contains no certificate")
    refused = world.start(config, seed=tree.seed, templates=tree.templates, wait=False)
    tap.eq(refused.wait(), 1)
    tap.contains("\n".join(refused.lines), "the certificate for TLS cannot be used")


tap.main()
