#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Seed keys, computed by hand from the secret file: what the format's page says is what opens."""
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

GOLDEN = daemon.SOURCE / "tests/golden/seed-keys.txt"
PAGE = daemon.SOURCE / "docs/formats/keys.md"
SECRETS = ("7:" + "ff" * 32, "a:" + bytes(range(32)).hex())


def golden():
    for line in GOLDEN.read_text(encoding="ascii").splitlines():
        if line and line[0] != "#":
            yield line.split(" ")


def state(*lines, mode=0o600):
    folder = world.scratch() / "state"
    folder.mkdir()
    (folder / "secret").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    (folder / "secret").chmod(mode)
    return folder


def test_golden_keys_by_hand():
    rows = list(golden())
    assert len(rows) >= 10
    for kid, secret, uid, epoch, key in rows:
        tap.eq(world.seed_key(kid, secret, uid, int(epoch)), key)


def test_golden_keys_open_at_the_daemon():
    kid, secret = "a", bytes(range(32)).hex()
    rows = [(uid, int(epoch), key) for k, s, uid, epoch, key in golden()
            if (k, s) == (kid, secret) and int(epoch) > 0]
    tree = world.Tree()
    opened = 0
    while rows:  # a name once in each tree
        nodes = {uid: (epoch, key) for uid, epoch, key in rows}
        rows = [row for row in rows if row not in
                [(uid, epoch, key) for uid, (epoch, key) in nodes.items()]]
        tree.put("nodes/all.yaml", {uid: {"role": "plain", "key_epoch": epoch}
                                    for uid, (epoch, _) in nodes.items()})
        with tree.start(state=state(f"{kid}:{secret}")) as server:
            for uid, (_, key) in nodes.items():
                answer = server.get(f"/s/{key}/meta-data")
                tap.eq(answer.status, 200, key)
                tap.contains(answer.text, f'local-hostname: "{uid}"')
                opened += 1
    assert opened >= 4


def test_the_pages_example_with_openssl():
    lines = PAGE.read_text(encoding="utf-8").split("$ printf", 1)[1].split("```")[0].splitlines()
    command, want = "printf" + "\n".join(lines[:-1]), lines[-1]
    got = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True)
    tap.eq(got.stdout.strip(), want)
    tap.contains(GOLDEN.read_text(encoding="ascii"), f" k8s-master-1 1 a{want}\n")


def test_the_pages_example_in_python():
    code = PAGE.read_text(encoding="utf-8").split("```python\n", 1)[1].split("```")[0]
    names = {}
    exec(code, names)  # pylint: disable=exec-used
    for kid, secret, uid, epoch, key in golden():
        tap.eq(names["seed_key"](kid, secret, uid, int(epoch)), key)


def test_an_epoch_is_another_key():
    tree = world.Tree()
    tree.node("n1", key_epoch=7)
    folder = state("k:" + "12" * 32)
    with tree.start(state=folder) as server:
        tap.eq(server.get(f"/s/{world.key_of(folder, 'n1', 7)}/meta-data").status, 200)
        for epoch in (1, 6, 8, 70):
            tap.eq(server.get(f"/s/{world.key_of(folder, 'n1', epoch)}/meta-data").status, 404)


def test_two_secrets_both_open():
    tree = world.Tree()
    tree.role("r", user_data="{{ seed.url }}")
    for name in ("n1", "n2", "n3"):
        tree.node(name, "r")
    folder = state(*SECRETS)
    with tree.start(state=folder) as server:
        for name in ("n1", "n2", "n3"):
            for number in (0, 1):
                key = world.key_of(folder, name, number=number)
                tap.contains(server.get(f"/s/{key}/meta-data").text, f'"{name}"')
                # Each node goes on with the key that it came with.
                tap.eq(server.get(f"/s/{key}/user-data").text, f"http://10.0.10.5:8080/s/{key}/")


def test_a_rotation_by_reloads():
    tree = world.Tree()
    tree.node("n1")
    folder = state(SECRETS[1])
    old = world.key_of(folder, "n1")

    def secrets(*lines):
        (folder / "new").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        (folder / "new").chmod(0o600)
        (folder / "new").rename(folder / "secret")

    with tree.start(state=folder) as server:
        secrets(*SECRETS)
        new = world.key_of(folder, "n1")
        tap.eq(server.get(f"/s/{new}/meta-data").status, 404)
        server.signal(1)
        server.wait_event("reloaded")
        tap.eq([server.get(f"/s/{key}/meta-data").status for key in (old, new)], [200, 200])
        secrets(SECRETS[0])
        server.signal(1)
        server.wait_event("reloaded", count=2)
        tap.eq([server.get(f"/s/{key}/meta-data").status for key in (old, new)], [404, 200])


def test_near_misses_open_nothing():
    tree = world.Tree()
    tree.node("n1")
    with tree.start() as server:
        key = world.key_of(server.state, "n1")
        flipped = "b" if key[-1] != "b" else "c"
        for wrong in (key.upper(), key[:-1] + flipped, key[:-1], key + "a", flipped + key[1:],
                      key[1:] + key[0], "a" * 27):
            answer = server.get(f"/s/{wrong}/meta-data")
            tap.eq(answer.status, 404, wrong)
            assert "n1" not in answer.text


tap.main()
