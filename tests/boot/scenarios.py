# SPDX-License-Identifier: Apache-2.0
"""The boots that are tried, as a table, and the plays that its rows name.

A play gets a Stage (see run.py): a machine, the node's seed, the server's switch and a folder for
logs. It returns figures for the table that is printed at the end.
"""
from collections import namedtuple

import evidence
import tap

MASTER, WORKER = "k8s-master-1", "k8s-worker-2"

# Discovery strings, with URL for the seed's.
OURS = "ds=nocloud;dsmode=net;s=URL"
OLD_NAME = "ds=nocloud-net;s=URL"
BARE = "ds=nocloud;s=URL"
WITH_JOIN = OURS + " cs=AEBAGBAFAYDQQCIKBMGA2DQPCA.n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"

Scenario = namedtuple("Scenario", "name node place string play suites")
BOTH = ("bookworm", "trixie")

QUICK_SECONDS = 10  # a reboot that waits for nobody
PATIENCE = 40  # after that a stage that waits is said to hang


def seconds(stages):
    return round(sum(stage["seconds"] for stage in stages), 1)


def comes_up(stage):
    """A first boot finds us, does what its user-data says, and complains of nothing."""
    ended = stage.boot("first")
    logs, root = stage.logs("first"), stage.machine.root
    evidence.found_us(logs, stage.url, stage.harmless)
    evidence.stages_passed(ended)
    same = evidence.identity(root)
    tap.eq(same["hostname"], stage.node)
    tap.contains(stage.served["meta-data"], same["instance-id"])
    files = evidence.files_written(root, stage.served["user-data"])
    figures = {"first boot, s": seconds(ended), "files written": files}
    figures.update(network(stage, logs))
    return figures


def network(stage, logs):
    """DHCP comes first; then what network-config says, where the client asks for it at all."""
    evidence.dhcp_everywhere(logs, "init-local")
    asked = f"{stage.url}network-config" in evidence.fetches(logs)
    if not asked:
        tap.eq(evidence.rendered_network(logs, "final"),
               evidence.rendered_network(logs, "init-local"), "the network after the last stage")
        return {"network": "DHCP (network-config not asked for)"}
    units = evidence.networkd_units(stage.machine.root, logs)
    for address in evidence.static_addresses(stage.served["network-config"]):
        tap.contains("".join(units.values()), f"Address={address}\n")
    return {"network": "from network-config"}


def comes_up_again_alone(stage):
    """As comes_up, and then the same machine boots with the server gone and its address too."""
    figures = comes_up(stage)
    before = evidence.identity(stage.machine.root)
    stage.server_away()
    ended = stage.boot("again")
    logs = stage.logs("again")
    evidence.stages_passed(ended)
    evidence.found_us(logs, stage.url, stage.harmless)
    tap.eq(evidence.fetches(logs), [], "what it tried to fetch")
    tap.eq(evidence.identity(stage.machine.root), before, "its identity")
    tap.eq(evidence.rendered_network(logs, "final"),
           evidence.rendered_network(stage.logs("first"), "final"), "its network")
    assert seconds(ended) < QUICK_SECONDS, f"it took {seconds(ended)} s"
    return {**figures, "reboot alone, s": seconds(ended)}


def needs_us_again(stage):
    """The counter-proof: without the cache's switch in user-data a reboot waits for the server."""
    comes_up(stage)
    stage.machine.forget("manual_cache_clean")
    stage.server_away()
    ended = stage.boot("again", PATIENCE)
    tap.eq([s["name"] for s in ended if s["code"] is None], ["init"], "the stage that hangs")
    return {"reboot alone, s": f"hangs (over {PATIENCE})"}


def is_thrown_away(stage):
    """The client fetches everything, and then does nothing with it."""
    ended = stage.boot("first")
    logs = stage.logs("first")
    evidence.lost_us(logs)
    tap.contains(evidence.fetches(logs), f"{stage.url}user-data")
    return {"first boot, s": seconds(ended), "network": "DHCP", "user-data": "lost"}


def is_unknown(stage):
    """A key that the server does not know: 404 at once, and the client asks again ten times."""
    stage.url = stage.url.rstrip("/") + "x/"
    ended = stage.boot("first")
    logs = stage.logs("first")
    evidence.lost_us(logs)
    fetches = evidence.fetches(logs)
    tap.eq(fetches.count(f"{stage.url}meta-data"), 11, "tries for meta-data")
    return {"first boot, s": seconds(ended), "tries": len(fetches)}


def comes_late(stage):
    """The server is not there when the client asks, and is started while it asks again."""
    stage.server_down()
    ended = stage.boot("first", meanwhile=stage.server_up_when_missed)
    evidence.stages_passed(ended)
    harmless = [*stage.harmless, (r"Connection refused", "that is what is tried here")]
    evidence.found_us(stage.logs("first"), stage.url, harmless)
    return {"first boot, s": seconds(ended), "tries": len(evidence.fetches(stage.logs("first")))}


def finds_nobody(stage):
    """The server's host refuses: the client gives up, and boots with nothing of ours."""
    stage.server_down()
    ended = stage.boot("first")
    evidence.lost_us(stage.logs("first"))
    return {"first boot, s": seconds(ended), "tries": len(evidence.fetches(stage.logs("first")))}


TABLE = [
    Scenario("master-serial", MASTER, "serial", WITH_JOIN, comes_up_again_alone, BOTH),
    Scenario("worker-serial", WORKER, "serial", WITH_JOIN, comes_up_again_alone, BOTH),
    Scenario("master-cmdline", MASTER, "cmdline", OURS, comes_up_again_alone, BOTH),
    Scenario("worker-cmdline", WORKER, "cmdline", OURS, comes_up_again_alone, BOTH),
    Scenario("old-name-serial", WORKER, "serial", OLD_NAME, comes_up, BOTH),
    Scenario("old-name-cmdline", WORKER, "cmdline", OLD_NAME, comes_up, BOTH),
    Scenario("bare-serial", WORKER, "serial", BARE, comes_up, ("trixie",)),
    Scenario("bare-cmdline", WORKER, "cmdline", BARE, comes_up, ("trixie",)),
    Scenario("bare-serial", WORKER, "serial", BARE, is_thrown_away, ("bookworm",)),
    Scenario("bare-cmdline", WORKER, "cmdline", BARE, is_thrown_away, ("bookworm",)),
    Scenario("no-cache", WORKER, "serial", OURS, needs_us_again, BOTH),
    Scenario("unknown-key", WORKER, "serial", OURS, is_unknown, BOTH),
    Scenario("late-server", WORKER, "serial", OURS, comes_late, BOTH),
    Scenario("no-server", WORKER, "serial", OURS, finds_nobody, BOTH),
]
