# SPDX-License-Identifier: Apache-2.0
"""Nodes' lives as the server knows them, from what the real cloud-init tells of its boots."""
import shutil
import subprocess
from pathlib import Path

import evidence
import server
import sites
import tap
from machine import HERE, LEASE

PEER = LEASE.split("/", maxsplit=1)[0]
QUICK_SECONDS = 30  # a boot that waits for nobody takes 2 to 4, on a busy machine more
FAILED_STEP = {"broken-runcmd": "modules-final/config-scripts-user",
               "broken-bootcmd": "init-network/config-bootcmd",
               "broken-timezone": "modules-config/config-timezone"}


def site(folder):
    """The homelab with the machines of site/, known by their MAC too, put together in `folder`."""
    folder = Path(folder)
    for part in ("seed", "templates"):
        shutil.copytree(sites.SOURCE / part, folder / part)
        shutil.copytree(Path(HERE, "site", part), folder / part, dirs_exist_ok=True)
    settings = folder / "seed/site.yaml"
    text = settings.read_text()
    made = sites.Site(folder / "seed", folder / "templates")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", admin_key(made)],
                   check=True)
    public = Path(admin_key(made) + ".pub").read_text().strip()
    for old, new in (("\nevidence: []\n", "\nevidence: [mac]\n"),
                     ("ssh_authorized_keys: []", f'ssh_authorized_keys: ["{public}"]')):
        tap.contains(text, old)
        text = text.replace(old, new, 1)
    settings.write_text(text)
    return made


def admin_key(of):
    """The private key that opens the machines of that site to their admin."""
    return str(of.seed.parent / "admin-key")


def total(stages):
    return round(sum(stage["seconds"] for stage in stages), 1)


def know_by_mac(stage):
    stage.url = f"{server.URL}/nocloud/mac/{stage.machine.mac}/"


def asking(stage, moment, method="GET", action=""):
    """A command that asks the server for the node, or to do something with it."""
    url = f"http://localhost/v1/nodes/{stage.node}{action}"
    return ["curl", "-sSf", "-X", method, "-o", f"{stage.logs('first')}/node-{moment}.json",
            "--unix-socket", str(stage.server.daemon.socket), url]


def in_state(stage, state, window):
    node = stage.server.node(stage.node)
    tap.eq((node["state"], bool(node["window"])), (state, window), "state, and whether it is open")
    return node


def news(stage, after=0):
    """What happened to it, without each step of its boots."""
    return [event for event in stage.server.events(stage.node, after)
            if event["kind"] != "progress"]


def kinds(events):
    return [event["kind"] for event in events]


def explained(stage, after, by_mac):
    """The events of a build tell what it went through, in order, and who brought it about."""
    events = stage.server.events(stage.node, after)
    ids, times = [e["id"] for e in events], [e["at"] for e in events]
    tap.eq((ids, times), (sorted(set(ids)), sorted(times)))
    tap.eq(kinds(events)[-2:], ["progress", "ready"])
    armed, booting, up, ready = [e for e in events if e["kind"] not in ("progress",
                                                                        "reprovisioned")]
    tap.eq(kinds([armed, booting, up, ready]), ["armed", "booting", "up", "ready"])
    tap.eq([e["data"]["from"] for e in (booting, up, ready)], ["armed", "booting", "up"])
    tap.eq((armed["cause"], armed["peer"]), ("uid 0", None))
    tap.eq({(e["cause"], e["peer"]) for e in events[events.index(armed) + 1:]}, {("node", PEER)})
    tap.eq(booting["data"].get("evidence"), "mac" if by_mac else None)
    tap.eq(sorted(up["data"]["host_keys"]), ["ecdsa", "ed25519", "rsa"])
    tap.eq((ready["data"]["result"], ready["data"]["warnings"]), ("SUCCESS", 0))


def is_built(stage, by_mac=False):
    """Registered, armed, booting, up and ready; what the server knows at each step is looked at."""
    node = in_state(stage, "registered", window=False)
    tap.eq((node["boot"], node["identity"], node["generation"]), (None, None, 1))
    stage.server.arm(stage.node)
    in_state(stage, "armed", window=True)
    ended = stage.boot("first", after={name: [asking(stage, name)] for name in ("init", "config")})
    for moment in ("init", "config"):
        seen = evidence.load(f"{stage.logs('first')}/node-{moment}.json")
        tap.eq((seen["state"], bool(seen["window"])), ("booting", True), f"after {moment}")
        tap.contains(seen["boot"]["stage"], "init-network" if moment == "init" else "modules-")
    evidence.came_up(stage, "first", ended)
    in_state(stage, "ready", window=False)
    explained(stage, 0, by_mac)
    return ended


def known(stage):
    """All that the server knows of it, but what it makes of its documents: that comes by itself."""
    node = stage.server.node(stage.node)
    del node["check"]
    return node


def reboots(stage, name):
    """From its cache, telling nothing: for the server it is the same node. Returns its seconds."""
    before, was = evidence.identity(stage.machine.root), known(stage)
    last = stage.server.events(stage.node)[-1]["id"]
    if name == "alone":
        stage.server_away()
    ended = stage.boot(name)
    evidence.stages_passed(ended)
    tap.eq(evidence.identity(stage.machine.root), before, "its identity")
    if name == "alone":
        stage.server_back()
    tap.eq(known(stage), was, "what the server knows of it")
    tap.eq(stage.server.events(stage.node, last), [])
    assert total(ended) < QUICK_SECONDS, f"it took {total(ended)} s"
    return total(ended)


def is_built_anew(stage, by_mac=False):
    """Another generation: all is done again, and its new ssh host keys are the ones that count."""
    before, last = evidence.host_keys(stage.machine.root), stage.server.events(stage.node)[-1]["id"]
    node = stage.server.ask("POST", f"/v1/nodes/{stage.node}/reprovision")
    tap.eq((node["state"], node["generation"], node["instance_id"]),
           ("armed", 2, f"{stage.node}-2"))
    tap.eq(node["identity"]["host_keys"], {})
    reboots(stage, "cached")  # its disk is the old one, and it asks nobody
    in_state(stage, "armed", window=True)
    stage.machine.run("cloud-init", "clean")
    ended = stage.boot("anew")
    stage.served["meta-data"] = server.seeds(stage.key_url)["meta-data"]
    tap.contains(stage.served["meta-data"], f"{stage.node}-2")
    evidence.came_up(stage, "anew", ended)
    in_state(stage, "ready", window=False)
    explained(stage, last, by_mac)
    after = evidence.host_keys(stage.machine.root)
    tap.eq([kind for kind in before if before[kind] == after[kind]], [], "keys that it kept")


def whole(stage, by_mac):
    first = is_built(stage, by_mac)
    figures = {"first boot, s": total(first), "reports": len(stage.server.progress(stage.node)),
               "reboot, s": reboots(stage, "again"), "alone, s": reboots(stage, "alone")}
    if by_mac:
        is_known_no_more(stage)
    is_built_anew(stage, by_mac)
    return figures


def by_key(stage):
    return whole(stage, by_mac=False)


def by_mac(stage):
    know_by_mac(stage)
    return whole(stage, by_mac=True)


def is_known_no_more(stage):
    """The window closed: weak evidence opens nothing, and whoever tries it is noted."""
    last = stage.server.events(stage.node)[-1]["id"]
    tap.eq([server.status(stage.url + "user-data") for _ in range(3)], [403, 403, 403])
    tap.wait_until(lambda: news(stage, last), what="an alarm")
    tap.eq([(e["kind"], e["data"]["detail"]) for e in news(stage, last)], [("alarm", "mac")])
    tap.eq(in_state(stage, "ready", window=False)["alarms"], 1)


def waits_for_its_cluster(stage):
    """A node whose role bootstraps stays up, its window open; a reboot changes nothing either."""
    stage.server.arm(stage.node)
    ended = stage.boot("first")
    evidence.came_up(stage, "first", ended)
    in_state(stage, "up", window=True)
    tap.eq(kinds(news(stage)), ["armed", "booting", "up"])
    return {"first boot, s": total(ended), "reboot, s": reboots(stage, "again")}


def is_switched_on_too_early(stage):
    """Known by its MAC alone and not armed: it is refused, and boots as what its image is."""
    know_by_mac(stage)
    ended = stage.boot("early")
    evidence.lost_us(stage.logs("early"))
    node = in_state(stage, "registered", window=False)
    tap.eq((kinds(news(stage)), node["alarms"]), (["alarm"], 1))
    stage.server.arm(stage.node)
    evidence.came_up(stage, "first", stage.boot("first"))
    in_state(stage, "ready", window=False)
    return {"too early, s": total(ended), "tries": len(evidence.fetches(stage.logs("early")))}


def outlasts_its_window(stage):
    """All that it has to tell by is the window's key, and the window is closed while it boots."""
    know_by_mac(stage)
    stage.server.arm(stage.node)
    ended = stage.boot("first", after={"init": [asking(stage, "closed", "POST", "/disarm")]})
    evidence.came_up(stage, "first", ended)
    tap.eq(kinds(news(stage)), ["armed", "booting", "disarmed", "up", "ready"])
    return {"first boot, s": total(ended)}


def was_not_to_be_built(stage):
    """Nobody armed it: it boots as ever, for its key is good, and what it tells is an alarm."""
    ended = stage.boot("first")
    evidence.stages_passed(ended)
    evidence.found_us(stage.logs("first"), stage.url, stage.scenario.harmless)
    node = in_state(stage, "registered", window=False)
    tap.eq((node["boot"], node["identity"]), (None, None))
    tap.eq(set(kinds(stage.server.events(stage.node))), {"alarm"})
    return {"first boot, s": total(ended), "alarms": node["alarms"]}


def fails(stage):
    """A step fails. cloud-init goes on, phones home, and ends; the node is not what it shall be."""
    stage.server.arm(stage.node)
    ended = stage.boot("first")
    node, step = in_state(stage, "failed", window=True), FAILED_STEP[stage.node]
    tap.eq(node["failure"]["stage"], step)
    tap.eq((node["boot"]["finished"], node["boot"]["warnings"]), (True, 1))
    tap.eq(kinds(news(stage)), ["armed", "booting", "up", "failed"])
    results = {p["stage"]: p["result"] for p in stage.server.progress(stage.node)
               if p["type"] == "finish"}
    bad = {stage for stage, result in results.items() if result != "SUCCESS"}
    tap.eq(bad, {step, step.split("/", maxsplit=1)[0]}, "what cloud-init says went wrong")
    tap.eq({results[name] for name in bad}, {"FAIL"})
    wrong = evidence.load(f"{stage.logs('first')}/result.json")["v1"]["errors"]
    tap.eq(len(wrong), 1, wrong)
    if stage.node != "broken-bootcmd":  # bootcmd runs, and fails, at every boot
        reboots(stage, "again")
    return {"first boot, s": total(ended)}


def is_told_nothing(stage):
    """user-data that is no YAML: cloud-init drops it with a warning, and reports that all is well.

    Such a node never phones home; its documents' check is what tells.
    """
    stage.server.arm(stage.node)
    evidence.stages_passed(stage.boot("first"))
    node = in_state(stage, "ready", window=False)
    tap.eq((node["identity"], node["boot"]["warnings"]), (None, 0))
    tap.eq(kinds(news(stage)), ["armed", "booting", "ready"])
    tap.wait_until(lambda: stage.server.node(stage.node)["check"] == "faulty", what="the check")
    return {}
