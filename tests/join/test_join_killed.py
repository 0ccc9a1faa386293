#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The join script killed (SIGKILL) before each of its steps, then started again."""
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE)]
from machine import JOIN_KEY, SEED_KEY, Machine  # noqa: E402
import certs  # noqa: E402
import server as stand_in  # noqa: E402
import tap  # noqa: E402

GOLDEN = HERE.parent / "golden/bootstrap"
TOKEN = "cs4xk2.0f8r7q2m5n1w9t3z"

FOLDER = tempfile.mkdtemp(prefix="cloudseed-certs-")
tap.defer(shutil.rmtree, FOLDER)
CA = certs.Authority(FOLDER, "homelab")
SERVER = stand_in.StandIn(CA.server("server"))
tap.defer(SERVER.end)


def golden(name):
    value = json.loads((GOLDEN / f"answers/200-{name}.json").read_text())
    value["expires"] = stand_in.LATE
    value["addons"] = [a for a in value["addons"] if a["url"] is None]
    for file in value["files"]:
        # In a folder that 'kubeadm reset' empties.
        file.update(owner=f"{os.getuid()}:{os.getgid()}", path="/etc/kubernetes/pki/extra")
    return value


def machine(name, role):
    SERVER.begin(SEED_KEY, JOIN_KEY, [stand_in.answer(golden(name))], ca=CA.pem)
    return Machine(SERVER, CA, role=role)


def close_window_after_result():
    """As the real one does: once the result is known nobody may ask any more."""
    if any(m["ok"] for m in SERVER.of_kind("result")):
        SERVER.plan = [stand_in.problem(410, "window-over")]
        SERVER.result_plan = SERVER.cluster_plan = SERVER.plan


def check_end(m, where, files, master):
    what = f"killed {where}: {m.known.get('calls')}"
    tap.eq(SERVER.faults, [], what)
    assert m.file("/var/lib/cloudseed/joined").exists(), what
    assert m.file("/etc/kubernetes/kubelet.conf").exists(), what
    assert m.file("/etc/kubernetes/manifests/etcd.yaml").exists() == master, what
    assert all(m.file(f["path"]).exists() for f in files), what
    assert any(r["ok"] for r in SERVER.of_kind("result")), what
    assert not any(not r["ok"] for r in SERVER.of_kind("result")), what
    tap.eq(m.leaks(TOKEN, JOIN_KEY, SERVER.claim, "eyJhbGci", "certificateKey"), [], what)
    tap.eq([str(f) for f in m.root.rglob("*.cloudseed")], [], what)
    assert not m.file("/run/cloudseed/kubeadm.yaml").exists(), what


def killed_at(name, role, kill_at):
    """One life: killed there, then run to its end. Says how often kubeadm was run to its end."""
    with machine(name, role) as m:
        first = m.run(kill_at=kill_at)
        tap.eq(first.status, -9, first.text)
        where = f"before step {kill_at} {(m.known.get('calls') or [''])[-1]}"
        cluster_known = bool(SERVER.of_kind("cluster"))
        before = len(m.calls("kubeadm"))
        close_window_after_result()
        second = m.run()
        tap.eq(second.status, 0, f"killed {where}: {second.text}")
        check_end(m, where, golden(name)["files"], role == "master")
        if cluster_known:
            later = [c for c in m.calls("kubeadm")[before:]
                     if c.split()[1] not in ("version", "config")]
            tap.eq(later, [], f"killed {where}: kubeadm run after the cluster was reported")
        return m.known.get("resets", 0)


def kill_everywhere(name, role):
    with machine(name, role) as m:
        whole = m.run()
        tap.eq(whole.status, 0, whole.text)
        check_end(m, "never", golden(name)["files"], role == "master")
    resets = [killed_at(name, role, step) for step in range(1, len(whole.steps) + 1)]
    print(f"# {name}: killed at {len(resets)} steps, kubeadm undone after {sum(map(bool, resets))}")
    assert len(resets) > 40, whole.steps
    return resets


def test_worker_killed_at_every_step():
    resets = kill_everywhere("join-worker", "worker")
    assert 0 < sum(resets) < len(resets) / 2, resets


def test_further_master_killed_at_every_step():
    kill_everywhere("join-master", "master")


def test_first_master_killed_at_every_step():
    kill_everywhere("init", "master")


def test_machine_without_work_killed_at_every_step():
    with machine("none", "worker") as m:
        steps = len(m.run().steps)
    for step in range(1, steps + 1):
        with machine("none", "worker") as m:
            tap.eq(m.run(kill_at=step).status, -9)
            close_window_after_result()
            tap.eq(m.run().status, 0)
            tap.eq(SERVER.faults, [])


def test_terminated_machine_forgets_its_token_at_once():
    with machine("join-worker", "worker") as m:
        steps = m.run().steps
    with machine("join-worker", "worker") as m:
        ended = m.run(kill_at=steps.index("after kubeadm join"), by=signal.SIGTERM)
        tap.eq(ended.status, 1)
        tap.eq(m.leaks(TOKEN, JOIN_KEY), [])
        tap.eq(m.run().status, 0)
        tap.eq(SERVER.faults, [])


def test_configuration_is_gone_as_soon_as_kubeadm_has_ended():
    with machine("init", "master") as m:
        steps = m.run().steps
    with machine("init", "master") as m:
        tap.eq(m.run(kill_at=steps.index("kubectl get")).status, -9)
        assert not m.file("/run/cloudseed/kubeadm.yaml").exists()


def test_half_a_configuration_is_forgotten_by_the_next_start():
    with machine("join-worker", "worker") as m:
        steps = m.run().steps
    half = next(s for s in steps if s.startswith("replace") and "kubeadm.yaml" in s)
    with machine("join-worker", "worker") as m:
        tap.eq(m.run(kill_at=1 + steps.index(half)).status, -9)
        assert m.leaks(TOKEN)
        SERVER.plan = [stand_in.problem(410, "window-over")]
        tap.eq(m.run().status, 2)
        tap.eq(m.leaks(TOKEN), [])


def test_claim_is_kept_within_a_boot_and_new_in_the_next():
    with machine("join-worker", "worker") as m:
        SERVER.plan = [stand_in.later(seconds="300")]
        tap.eq(m.run().status, 1)
        first = SERVER.claim
        tap.eq(oct(m.file("/run/cloudseed/claim").stat().st_mode & 0o7777), "0o600")
        tap.eq(m.run().status, 1)  # the stand-in would have seen another
        tap.eq(SERVER.faults, [])
        shutil.rmtree(m.file("/run"))
        SERVER.begin(SEED_KEY, JOIN_KEY, [stand_in.answer(golden("none"))], ca=CA.pem)
        tap.eq(m.run().status, 0)
        assert SERVER.claim != first


tap.main()
