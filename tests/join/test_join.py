#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The join script against a strict stand-in server, with stand-ins for kubeadm and kubectl."""
import base64
import copy
import datetime
import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE)]
from machine import JOIN_KEY, SEED_KEY, WINDOW_KEY, Machine  # noqa: E402
import certs  # noqa: E402
import contract  # noqa: E402
import server as stand_in  # noqa: E402
import tap  # noqa: E402
from server import CUT, HELD, answer, later, problem  # noqa: E402

GOLDEN = HERE.parent / "golden/bootstrap"
TOKEN = "cs4xk2.0f8r7q2m5n1w9t3z"

FOLDER = tempfile.mkdtemp(prefix="cloudseed-certs-")
tap.defer(shutil.rmtree, FOLDER)
CA = certs.Authority(FOLDER, "homelab")
OTHER = certs.Authority(FOLDER, "other")
SERVER = stand_in.StandIn(CA.server("server"))
tap.defer(SERVER.end)


def golden(name):
    value = json.loads((GOLDEN / f"answers/200-{name}.json").read_text())
    value["expires"] = stand_in.LATE
    for file in value["files"]:
        file["owner"] = f"{os.getuid()}:{os.getgid()}"
    return value


INIT, WORKER, MASTER, NONE, FIRST = map(
    golden, ("init", "join-worker", "join-master", "none", "init-masters"))
MANIFEST = b"apiVersion: v1\nkind: Namespace\nmetadata: {name: calico-system}\n"


def init_answer(**change):
    value = copy.deepcopy(INIT)
    SERVER.assets["/assets/calico.yaml"] = MANIFEST
    value["addons"][0].update(url=SERVER.url + "/assets/calico.yaml",
                              sha256=hashlib.sha256(MANIFEST).hexdigest())
    return {**value, **change}


def machine(plan, role="worker", **more):
    SERVER.begin(more.pop("key", SEED_KEY), more.pop("bearer", JOIN_KEY), plan, ca=CA.pem)
    more.setdefault("ca", CA)
    return Machine(SERVER, role=role, **({"key": SERVER.key} | more))


def first_master(**change):
    made = machine([], role="master")
    SERVER.plan = [answer(init_answer(**change))]
    return made


def ends(m, status, *parts, **more):
    """Runs the machine, and holds what is always true."""
    ended = m.run(**more)
    tap.eq((ended.status, SERVER.faults), (status, []), ended.text)
    for part in parts:
        tap.contains(ended.text, part)
    claim = SERVER.claim or "no claim"
    secrets = [TOKEN, SERVER.bearer, "eyJhbGci", "BEGIN CERT"] if SERVER.bearer == JOIN_KEY else [TOKEN]
    for secret in [*secrets, claim, bytes(range(32)).hex()]:
        assert secret not in ended.text, f"{secret} in {ended.text}"
    on_disk = [TOKEN, bytes(range(32)).hex(), "eyJhbGci"]
    on_disk += [SERVER.bearer] if SERVER.bearer == JOIN_KEY else []
    tap.eq(m.leaks(*on_disk, *([claim] if status == 0 else [])), [])
    assert not m.file("/run/cloudseed/kubeadm.yaml").exists()
    tap.eq(m.file("/var/lib/cloudseed/joined").exists(), status == 0)
    tap.eq([str(f) for f in m.root.rglob("*.cloudseed")], [], "half-written files")
    return ended


def results():
    return [(r["ok"], r["stage"]) for r in SERVER.of_kind("result")]


# What should be

def test_worker_joins():
    with machine([answer(WORKER)]) as m:
        ends(m, 0, "done: this machine is a part of its cluster")
        asked = SERVER.of_kind("bootstrap")[0]
        golden_request = json.loads((GOLDEN / "requests/bootstrap.json").read_text())
        for name in ("uuid", "machine", "hostname", "kubeadm", "attempt"):
            tap.eq(asked[name], golden_request[name], name)
        tap.eq(m.calls("kubeadm")[1:],
               [f"kubeadm join --config {m.root}/run/cloudseed/kubeadm.yaml"])
        tap.eq(m.calls("kubectl"), [])
        tap.eq(results(), [(True, "done")])
        file = m.file("/etc/kubernetes/registry/auth.json")
        tap.eq((file.read_text(), oct(file.stat().st_mode & 0o7777)), ('{"auths": {}}\n', "0o600"))
        tap.eq(oct(file.parent.stat().st_mode & 0o7777), "0o755")


def test_further_master_joins():
    with machine([answer(MASTER)], role="master") as m:
        ends(m, 0)
        tap.eq((m.known["joins"], SERVER.of_kind("cluster"), results()), (1, [], [(True, "done")]))


def test_masters_pull_their_images_before_they_ask():
    for made, what in ((first_master, "init"), (lambda: machine([answer(MASTER)], role="master"),
                                                "join")):
        with made() as m:
            m.settings(node_url=SERVER.node_url, seed_url=m.url, role="master",
                       images="registry.home.arpa/k8s")
            steps = ends(m, 0).steps
            assert steps.index("after kubeadm config") < steps.index("POST bootstrap"), what
            tap.contains(m.calls("kubeadm"),
                         "kubeadm config images pull --image-repository=registry.home.arpa/k8s "
                         "--kubernetes-version=v1.29.15 "
                         "--cri-socket=unix:///run/containerd/containerd.sock")


def test_images_that_cannot_be_pulled_stop_nothing():
    with first_master() as m:
        m.order(**{"kubeadm config": [1, f"failed to pull: --token {TOKEN}: 401 Unauthorized"]})
        ends(m, 0, "'kubeadm config' ended with 1: failed to pull: --token [token]: 401",
             "kubeadm pulls what is missing")
        tap.eq(results(), [(True, "done")])
    with first_master() as m:
        m.order(**{"kubeadm version": [99, "broken"]})
        ends(m, 0, "pulling the control plane's images")
        assert not any("--kubernetes-version" in call for call in m.calls("kubeadm"))


def test_certificates_are_uploaded_where_the_answer_says_so():
    with machine([answer(FIRST)], role="master") as m:
        ends(m, 0)
        tap.eq(m.known["uploaded"], bytes(range(32)).hex())
        tap.contains(m.calls("kubeadm"), f"kubeadm init --config {m.root}"
                     "/run/cloudseed/kubeadm.yaml --upload-certs")
    with first_master() as m:
        ends(m, 0)
        tap.eq(m.known["uploaded"], None)


def test_first_master_makes_the_cluster():
    with first_master() as m:
        ends(m, 0, "the cluster stands", "applying addon/calico", "applying addon/limits")
        sent = SERVER.of_kind("cluster")
        tap.eq(len(sent), 1)
        tap.eq((sent[0]["endpoint"], sent[0]["approver"]), ("https://k8s-api.home.arpa:6443", None))
        tap.contains(m.known["objects"], "ServiceAccount/kube-system/cloudseed-minter")
        tap.contains(m.known["objects"], "LimitRange/default/limits")
        waits = [c[8:] for c in m.calls("kubectl") if " wait " in c or " rollout " in c]
        tap.eq(waits, [
            "wait --for=condition=Established crd/ippools.crd.projectcalico.org --timeout=60s",
            "rollout status daemonset/calico-node --namespace=kube-system --timeout=60s",
            "wait --for=condition=Ready node/k8s-worker-2 --timeout=60s"])
        tap.eq([kind for kind, _ in SERVER.taken], ["bootstrap", "cluster", "result"])


def test_hardened_cluster_has_an_approver():
    with first_master(manifests=FIRST["manifests"]) as m:
        ends(m, 0)
        sent = SERVER.of_kind("cluster")[0]
        assert sent["approver"]["token"] != sent["minter"]["token"]


def test_nothing_to_run():
    with machine([answer(NONE)]) as m:
        ends(m, 0)
        assert m.file("/etc/kubernetes/registry/auth.json").exists()
        tap.eq(m.calls("kubeadm"), ["kubeadm version --output=short"])


def test_real_programs_are_found_and_fed():
    with first_master() as m:
        ends(m, 0, programs=True)
        tap.eq(results(), [(True, "done")])


def pythons():
    """/usr/bin/python3, and what JOIN_PYTHONS names besides."""
    return ["/usr/bin/python3", *os.environ.get("JOIN_PYTHONS", "").split()]


def test_it_runs_by_each_python():
    for python in pythons():
        for made, what in ((lambda: machine([answer(WORKER)]), "worker"), (first_master, "init")):
            with made() as m:
                ended = m.run_by(python)
                tap.eq((ended.status, SERVER.faults, results()), (0, [], [(True, "done")]),
                       f"{python} {what}: {ended.text}")
        with machine([problem(403, "clone")]) as m:
            tap.eq(m.run_by(python).status, 2)


def test_second_run_does_nothing():
    with first_master() as m:
        ends(m, 0)
        taken, calls = len(SERVER.taken), len(m.known["calls"])
        ends(m, 0, "has joined already")
        tap.eq((len(SERVER.taken), len(m.known["calls"])), (taken, calls))


def test_second_start_beside_the_first_is_refused():
    with machine([answer(WORKER)]) as m:
        with open(m.put("/run/cloudseed/lock", ""), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            ends(m, 1, "another start of this script")
            tap.eq(SERVER.taken, [])
        ends(m, 0)


# Patience

def test_waits_for_its_turn():
    with machine([later(seconds="7"), later(seconds="7"), answer(WORKER)]) as m:
        ended = ends(m, 0, "waiting for our turn: not yet: waits for k8s-master-1")
        tap.eq([m["attempt"] for m in SERVER.of_kind("bootstrap")], [1, 2, 3])
        tap.eq(ended.text.count("not yet"), 1, "the same is said once")
        tap.eq(len(ended.slept), 2)
        assert all(7 <= s <= 8.4 for s in ended.slept), ended.slept


def test_retry_after_has_limits():
    for given, least, most in (("0", 1, 1.2), ("999999999", 300, 360), ("soon", 1, 1.2),
                               ("-5", 1, 1.2)):
        with machine([later(seconds=given), answer(WORKER)]) as m:
            slept = ends(m, 0).slept
            assert least <= slept[0] <= most, (given, slept)


def test_back_off_grows_to_half_a_minute():
    plan = [problem(500, "busy")] * 8 + [problem(429, "busy"), HELD, CUT, answer(WORKER)]
    with machine(plan) as m:
        slept = ends(m, 0, "because").slept
        want = [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30]
        tap.eq(len(slept), len(want))
        assert all(w <= s <= 1.2 * w for s, w in zip(slept, want)), slept


def test_whatever_is_waited_for_is_waited_for():
    files = sorted((GOLDEN / "answers").glob("503-*.json"))
    assert len(files) >= 6, files
    for file in files:
        detail = json.loads(file.read_text())["detail"]
        with machine([(503, {"Retry-After": "9"}, file.read_bytes()), answer(WORKER)]) as m:
            tap.eq(len(ends(m, 0, f"waiting for our turn: not yet: {detail}").slept), 1)


def ending(m, seconds, value=WORKER):
    """That answer, which ends so many seconds after the run began."""
    end = datetime.datetime.fromtimestamp(m.clock + seconds, datetime.timezone.utc)
    return answer({**value, "expires": end.strftime("%Y-%m-%dT%H:%M:%SZ")})


def test_answer_that_has_ended_is_not_acted_upon():
    with machine([]) as m:
        SERVER.plan = [ending(m, -1), ending(m, 0), answer(WORKER)]
        ended = ends(m, 0, "not yet: the answer was good until", "clock says")
        tap.eq((len(ended.slept), len(SERVER.of_kind("bootstrap"))), (2, 3))
        tap.eq(m.known["joins"], 1)
    with machine([]) as m:
        SERVER.plan = [ending(m, -1)]
        ends(m, 1, "gave up after 7200 s")
        tap.eq((m.calls("kubeadm")[1:], results()), ([], []))


def test_answer_that_ends_while_kubeadm_is_undone_is_asked_for_again():
    with machine([]) as m:
        m.order(**{"kubeadm join": [1, "broken"]})
        SERVER.plan = [answer(WORKER)]
        ends(m, 1)
        m.slow = {"kubeadm reset": 240}
        SERVER.plan = [ending(m, 200), answer(WORKER)]
        ends(m, 0, "the answer was good until", "asking again")
        tap.eq([call.split()[1] for call in m.calls("kubeadm")[2:]],
               ["version", "reset", "version", "join"])
        tap.eq(results(), [(False, "kubeadm"), (True, "done")])


def test_gives_up_after_two_hours():
    with machine([later(seconds="300")]) as m:
        ended = ends(m, 1, "failed: waiting for our turn: gave up after 7200 s")
        assert 6800 < sum(ended.slept) <= 7200, sum(ended.slept)
        tap.eq(oct(m.file("/run/cloudseed/claim").stat().st_mode & 0o7777), "0o600")


def test_refused_connections_are_survived():
    with machine([answer(WORKER)]) as m:
        SERVER.stop_tls()
        slept = []

        def on_sleep(seconds):
            slept.append(seconds)
            if len(slept) == 3:
                SERVER.start_tls()
        ends(m, 0, "Connection refused", on_sleep=on_sleep)
        tap.eq((len(slept), results()), (3, [(True, "done")]))


def test_lost_results_are_sent_again():
    with first_master() as m:
        SERVER.cluster_plan = [HELD, later(), stand_in.TAKEN]
        SERVER.result_plan = [problem(500, "busy"), CUT, stand_in.TAKEN]
        ends(m, 0)
        tap.eq((len(SERVER.of_kind("cluster")), len(results())), (3, 3))


def test_result_that_nobody_hears_changes_nothing():
    for plan in ([problem(410, "window-over")], [HELD]):
        with machine([answer(WORKER)]) as m:
            SERVER.result_plan = plan
            ends(m, 0, "the result could not be reported")


# Refusals

def test_refusals_stop_it_with_one_plain_line():
    for file in sorted((GOLDEN / "answers").glob("4*.json")):
        detail = json.loads(file.read_text())
        with machine([(detail["status"], {}, file.read_bytes())]) as m:
            ended = ends(m, 2)
            tap.eq(ended.said, [f"stopped: the server refuses ({detail['status']}): "
                                f"{detail['detail']}"])
            tap.eq((m.calls("kubeadm")[1:], results()), ([], []))


def test_refusal_without_words():
    for body in (b"<html>", b'{"detail": 7}', b"[]", b"\xff", b"null"):
        with machine([(404, {}, body)]) as m:
            ends(m, 2, "the server refuses (404)")


def test_foreign_text_stays_one_line():
    with machine([problem(403, "clone", "a\nb\x1b[31m" + "x" * 5000)]) as m:
        ended = ends(m, 2)
        tap.eq(len(ended.said), 1)
        tap.contains(ended.text, "a b [31m")
        assert "\x1b" not in ended.text and len(ended.text) < 900


def test_redirects_are_not_followed():
    with machine([(302, {"Location": SERVER.node_url + "/x"}, b"")]) as m:
        ends(m, 2, "(302)")


def broken_answers():
    def change(**members):
        return {**WORKER, **members}
    yield b"{", b"[]", b"null", b"\xff"
    file, addon = WORKER["files"][0], INIT["addons"][1]
    bad = [change(action="reset"), change(kubeadm=None), change(more=1), change(manifests="x"),
           change(files=None), change(upload_certs=None), change(upload_certs=True),
           change(expires="2096-11-22T10:19:99Z"),
           {**NONE, "kubeadm": "x"}, {**INIT, "manifests": None},
           {**INIT, "addons": [{**addon, "url": "http://x/"}]},
           {**INIT, "addons": [{**addon, "manifest": None}]}]
    bad += [change(files=[{**file, **wrong}]) for wrong in (
        {"path": "etc/x"}, {"path": "/"}, {"mode": "4755"}, {"mode": 384}, {"owner": "root"},
        {"content": "#"}, {"more": 1})]
    bad += [{**INIT, "addons": [{**addon, "wait": [wait]}]} for wait in (
        "crd", "crd/-x", "node/x", "pod/a/b", "deployment/x", "crd/--all", "crd/a b")]
    for one in bad:
        assert contract.check("answer", one), one
        yield json.dumps(one).encode(),


def test_answers_that_break_the_contract_run_nothing():
    for bodies in broken_answers():
        for body in bodies:
            with machine([(200, {}, body)], role="master") as m:
                ended = m.run()
                tap.eq(ended.status, 2, f"{body}: {ended.text}")
                tap.contains(ended.text, "of different versions")
                tap.eq({call.split()[1] for call in m.calls("kubeadm")}, {"version", "config"})


# Whom to trust

def test_wrong_pin_keeps_it_from_saying_a_word():
    with machine([answer(WORKER)], ca=OTHER) as m:
        ended = ends(m, 1, "no certificate with the pin", "gave up after 1800 s")
        tap.eq(SERVER.taken, [])
        assert 1700 < sum(ended.slept) <= 1800, sum(ended.slept)


def test_forged_ca_is_asked_for_again():
    """In plain HTTP anybody can answer: what is forged once costs a second."""
    for forged in (OTHER.pem, "<html>", "", CA.ended()):
        with machine([answer(WORKER)]) as m:
            SERVER.ca_plan = [(200, {}, forged.encode())]
            tap.eq(len(ends(m, 0, "fetching ca.pem: not yet").slept), 1)


def test_ca_with_the_pin_is_found_among_others():
    with machine([answer(WORKER)]) as m:
        SERVER.ca = OTHER.pem + "text between\n" + CA.pem
        ends(m, 0)


def test_renewed_ca_with_the_same_key_is_trusted():
    renewed = certs.Authority(FOLDER, "homelab", key=CA.key)
    with machine([answer(WORKER)]) as m:
        SERVER.ca = renewed.pem + CA.pem
        ends(m, 0)


def test_damaged_ca_is_refused():
    lines = CA.pem.splitlines()
    body = base64.b64decode("".join(lines[1:-1]))
    damaged = [b"", b"\x30", body[:-200], body[:4] + b"\x31" + body[5:], b"\x30\x84" + body[2:],
               body[:60], b"\0" * 100]
    texts = ["", "no certificate"]
    for one in damaged:
        block = base64.encodebytes(one).decode()
        texts.append(f"-----BEGIN CERTIFICATE-----\n{block}-----END CERTIFICATE-----\n")
    for text in texts:
        with machine([answer(WORKER)]) as m:
            SERVER.ca = text
            ends(m, 1, "ca.pem holds no certificate", "gave up after 1800 s")


def test_ca_is_fetched_patiently():
    with machine([answer(WORKER)]) as m:
        SERVER.ca_plan = [(503, {}, b""), (404, {}, b""), (200, {}, b"x" * 70000)]
        tap.eq(len(ends(m, 0, "fetching ca.pem: not yet: HTTP status 503").slept), 3)


def test_server_of_another_ca_is_not_talked_to():
    for certificate, why in ((OTHER.server("impostor"), "unable to get local issuer"),
                             (CA.server("elsewhere", "IP:127.0.0.2"), "IP address mismatch"),
                             (CA.server("expired", days=-1), "expired")):
        with machine([answer(WORKER)]) as m:
            SERVER.stop_tls()
            SERVER.start_tls(certificate)
            try:
                ends(m, 1, "is not the server that it should be", why)
                tap.eq(SERVER.taken, [])
            finally:
                SERVER.stop_tls()
                SERVER.start_tls()


def test_it_speaks_ipv6():
    six = stand_in.Listener(SERVER, certificate=CA.server("six", "IP:::1"), host="::1")
    try:
        with machine([answer(WORKER)]) as m:
            m.settings(node_url=f"https://[::1]:{six.server_port}", seed_url=m.url, role="worker")
            SERVER.stop_tls()
            ends(m, 0)
    finally:
        SERVER.start_tls()
        six.end()


def test_window_key_stands_for_join_key_and_pin():
    with machine([answer(WORKER)], key=WINDOW_KEY, bearer=WINDOW_KEY, word=False) as m:
        ends(m, 0, "trusting at first use the CA with the pin " + CA.pin)


def test_settings_know_the_url_where_the_serial_does_not():
    for serial in ("Not Specified\n", "ds=nocloud;s=http://127.0.0.1:1/nocloud/name/x/"):
        with machine([answer(WORKER)], key=WINDOW_KEY, bearer=WINDOW_KEY, word=False) as m:
            m.put("/sys/class/dmi/id/product_serial", serial)
            ends(m, 0)


def test_command_line_may_have_it():
    with machine([answer(WORKER)]) as m:
        serial = m.file("/sys/class/dmi/id/product_serial")
        m.put("/proc/cmdline", 'quiet "' + serial.read_text().strip().replace(" ", '" ') + " x\n")
        serial.unlink()
        ends(m, 0)


def test_damaged_serial_is_told():
    with machine([]) as m:
        m.put("/sys/class/dmi/id/product_serial", "ds=nocloud;s=http://x/s/abc/ cs=abc.def\n")
        ends(m, 2, "is damaged")


def test_machine_that_knows_nothing_says_so():
    with machine([]) as m:
        m.settings(node_url=SERVER.node_url, seed_url="http://x/nocloud/mac/1/", role="worker")
        m.put("/sys/class/dmi/id/product_serial", "0\n")
        ends(m, 2, "nor join.json has a seed URL")


def test_settings_are_read_strictly():
    good = {"node_url": "https://h:1", "seed_url": "http://h/s/x/", "role": "worker"}
    for change in ({"role": "none"}, {"node_url": "http://h"}, {"x": 1},
                   {"node_url": "https://h/p"}, {"images": ""}, {"images": "--x"}):
        with machine([]) as m:
            m.settings(**{**good, **change})
            ends(m, 2, "join.json must hold")
    with machine([]) as m:
        m.put("/etc/cloudseed/join.json", "{")
        ends(m, 2, "join.json")


def test_what_is_unknown_is_null():
    for machine_id in ("", "uninitialized\n", "0" * 32 + "\n", "0" * 31 + "\n"):
        with machine([answer(NONE)]) as m:
            m.put("/sys/class/dmi/id/product_uuid", "Not Settable\n")
            m.put("/etc/machine-id", machine_id)
            m.order(**{"kubeadm version": [9, "broken"]})
            ends(m, 0)
            asked = SERVER.of_kind("bootstrap")[0]
            tap.eq((asked["uuid"], asked["machine"], asked["kubeadm"]), (None, None, None))


# The clock

def test_clock_of_1970_is_waited_for():
    with machine([answer(WORKER)]) as m:
        m.jumps, m.clock = [[20, m.clock]], 5
        ended = ends(m, 0, "the clock says 1970-01-01", "the clock must be later than")
        assert 20 <= sum(ended.slept) < 30, ended.slept


def test_clock_that_is_never_set_ends_it():
    with machine([answer(WORKER)]) as m:
        m.clock = 5
        ended = ends(m, 1, "gave up after 600 s")
        tap.eq(SERVER.taken, [])
        assert 590 < sum(ended.slept) <= 600


def test_ca_that_has_ended_is_told():
    with machine([answer(WORKER)]) as m:
        m.clock += 40 * 86400
        ends(m, 1, "the CA in ca.pem ended before")


# What fails

def check_failing_kubeadm(m, command):
    said = f"[preflight] x\nkubeadm join --token {TOKEN} --certificate-key {'0f' * 32} eyJa.b.c"
    m.order(**{command: [1, said + "\n" + "y" * 5000 + "\n\0 [ERROR Swap]"]})
    ends(m, 1, f"failed: '{command}' ended with 1", "[ERROR Swap]")
    report = SERVER.of_kind("result")[0]
    tap.eq((report["ok"], report["stage"]), (False, "kubeadm"))
    tap.contains(report["log"], "[ERROR Swap]")
    ends(m, 0)
    tap.eq((m.known["resets"], results()), (1, [(False, "kubeadm"), (True, "done")]))


def test_failing_kubeadm_is_reported_and_undone():
    with machine([answer(WORKER)]) as m:
        check_failing_kubeadm(m, "kubeadm join")
    with first_master() as m:
        check_failing_kubeadm(m, "kubeadm init")


def test_secrets_are_struck_out_of_a_short_log():
    with machine([answer(WORKER)]) as m:
        said = f"--token {TOKEN} sha256:{'ab' * 32} {'0f' * 32} {JOIN_KEY}"
        m.order(**{"kubeadm join": [1, said]})
        ends(m, 1)
        tap.contains(SERVER.of_kind("result")[0]["log"],
                     f"--token [token] sha256:{'ab' * 32} [key] [key]")


def test_token_that_kubeadm_left_is_removed():
    with machine([answer(WORKER)]) as m:
        m.order(**{"late kubeadm join": [1, "error execution phase kubelet-start"]})
        ends(m, 1, "kubelet-start")
        ends(m, 0)


def test_log_is_cut_between_characters():
    with machine([answer(WORKER)]) as m:
        m.order(**{"kubeadm join": [1, "\u00fc" * 5000 + "xy"]})
        ends(m, 1)
        log = SERVER.of_kind("result")[0]["log"]
        tap.eq((len(log.encode()), set(log[:-3])), (4095, {"\u00fc"}))


def test_missing_kubeadm_is_told():
    with machine([answer(WORKER)]) as m:
        ends(m, 1, "'kubeadm join' cannot be run: No such file", programs=str(m.folder))
        tap.eq(SERVER.of_kind("bootstrap")[0]["kubeadm"], None)
        tap.eq(results(), [(False, "kubeadm")])


def test_mismatching_addon_is_not_applied():
    with first_master() as m:
        SERVER.assets["/assets/calico.yaml"] = MANIFEST + b"# changed\n"
        ends(m, 1, "nothing was applied")
        tap.eq(results(), [(False, "addon/calico")])
        assert "Namespace//calico-system" not in m.known["objects"]
        SERVER.assets["/assets/calico.yaml"] = MANIFEST
        ends(m, 0)
        tap.eq((m.known["inits"], m.known.get("resets")), (1, None))


def test_missing_addon_is_told_and_a_busy_server_waited_for():
    with first_master() as m:
        SERVER.assets["/assets/calico.yaml"] = (404, {}, b"")
        ends(m, 1, "HTTP status 404")
        SERVER.assets["/assets/calico.yaml"] = (302, {"Location": SERVER.url + "/assets/there"}, b"")
        SERVER.assets["/assets/there"] = MANIFEST
        ends(m, 0)


def test_api_server_that_comes_and_goes_is_waited_for():
    with first_master() as m:
        m.order(**{"kubectl get --raw=/readyz --request-timeout=5s": [3, "connection refused"],
                   "kubectl apply": [2, "etcdserver: leader changed"],
                   "kubectl wait": [2, "Error from server (NotFound)"]})
        ends(m, 0, "waiting for the API server: not yet: connection refused")


def test_addon_that_never_comes_ends_in_time():
    with first_master() as m:
        m.order(**{"kubectl wait": [99999, "error: timed out waiting for the condition"]})
        ends(m, 1, "gave up after 600 s")
        tap.eq(results(), [(False, "addon/calico")])


def test_member_of_another_cluster_makes_none():
    with first_master() as m:
        m.put("/etc/kubernetes/kubelet.conf", "x")
        ends(m, 1, "no master")
        tap.eq((results(), m.calls("kubeadm")[1:]), ([(False, "kubeadm")], []))


def test_member_is_left_alone():
    with machine([answer(WORKER)]) as m:
        m.put("/etc/kubernetes/kubelet.conf", "x")
        ends(m, 0, "is a member already")
        tap.eq(m.calls("kubeadm")[1:], [])


# Files

def with_file(**change):
    file = {**WORKER["files"][0], **change}
    return [answer({**WORKER, "files": [file]})]


def test_file_has_its_mode_and_replaces_what_was_there():
    with machine(with_file(path="/srv/a/b", mode="0440")) as m:
        secret = m.put("/outside", "untouched")
        m.put("/srv/a/.b.cloudseed", "left by a start that was killed")
        m.file("/srv/a/b").symlink_to(secret)
        ends(m, 0)
        file = m.file("/srv/a/b")
        assert not file.is_symlink()
        tap.eq((oct(file.stat().st_mode & 0o7777), secret.read_text()), ("0o440", "untouched"))


def test_files_reach_the_disk_before_their_names():
    with machine([answer(WORKER)]) as m:
        steps = [s.split()[0] for s in ends(m, 0).steps]
        renamed = [i for i, step in enumerate(steps) if step == "replace"]
        assert len(renamed) >= 6, steps
        for i in renamed:
            tap.eq((steps[i - 1], steps[i + 1]), ("fsync", "fsync"))


def test_links_lead_no_file_astray():
    for link in ("/srv", "/srv/a"):
        with machine(with_file(path="/srv/a/b")) as m:
            m.file("/elsewhere/a").mkdir(parents=True)
            m.file(link).parent.mkdir(parents=True, exist_ok=True)
            m.file(link).symlink_to(m.file("/elsewhere"))
            ends(m, 1, "/srv/a/b cannot be written")
            tap.eq(results(), [(False, "files")])
            tap.eq([f for f in m.file("/elsewhere").rglob("*") if f.is_file()], [])
            tap.eq(m.calls("kubeadm")[1:], [])


def test_unwritable_files_are_reported():
    for change in ({"path": "/etc/cloudseed"}, {"owner": "no-such-user:0"}, {"owner": "0:no-such"}):
        with machine(with_file(**change)) as m:
            ends(m, 1, "cannot be written")
            tap.eq(results(), [(False, "files")])


def test_paths_that_climb_are_refused():
    wrong = {**WORKER["files"][0], "path": "/srv/../etc/x"}
    body = json.dumps({**WORKER, "files": [wrong]}).encode()
    with machine([(200, {}, body)]) as m:
        ends(m, 1, "not normal")
        assert not m.file("/etc/x").exists()


tap.main()
