# SPDX-License-Identifier: Apache-2.0
"""The boots that are tried, as a table, and the plays that its rows name.

A play gets a Stage (see run.py): a machine, the node's seed, the server's switch and a folder for
logs. It returns figures for the table that is printed at the end.
"""
from collections import namedtuple

import evidence
import life
import prepare
import shown
import tap
import told

MASTER, WORKER = "k8s-master-1", "k8s-worker-2"
# Scenarios that are named odd-… take their node from tests/odd, life-… from site/ beside this.
LONG_NAME = "a-node-whose-name-is-as-long-as-a-name-can-be-which-is-63-chars"

# Discovery strings, with URL for the seed's.
OURS = "ds=nocloud;dsmode=net;s=URL"
OLD_NAME = "ds=nocloud-net;s=URL"
BARE = "ds=nocloud;s=URL"
WITH_JOIN = OURS + " cs=AEBAGBAFAYDQQCIKBMGA2DQPCA.n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"

# What cloud-init may say above INFO on a good boot: (pattern, why it is no fault of ours). Nothing
# but this one has been seen; whatever else turns up fails the test.
OLD_NAME_SAID = (r"The 'nocloud-net' datasource name is deprecated in 24\.1",
                 "the admin wrote that name: the table has it to show that it still works")

Scenario = namedtuple("Scenario", "name node place string play suites harmless", defaults=[()])
OLD = evidence.OLD
NEW = ("trixie", "forky")  # 25.1, and what Debian tests for its next release
ALL = OLD + NEW

QUICK_SECONDS = 30  # a reboot that waits for nobody takes 2, on a busy machine more
PATIENCE = 40  # after that a stage that waits is said to hang


def seconds(stages):
    return round(sum(stage["seconds"] for stage in stages), 1)


def comes_up(stage):
    stage.server.arm(stage.node)
    ended = stage.boot("first")
    files = evidence.came_up(stage, "first", ended)
    return {"first boot, s": seconds(ended), "files written": files,
            **network(stage, stage.logs("first"))}


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
    evidence.found_us(logs, stage.url, stage.scenario.harmless)
    tap.eq(evidence.fetches(logs), [], "what it tried to fetch")
    tap.eq(evidence.identity(stage.machine.root), before, "its identity")
    tap.eq(evidence.rendered_network(logs, "final"),
           evidence.rendered_network(stage.logs("first"), "final"), "its network")
    assert seconds(ended) < QUICK_SECONDS, f"it took {seconds(ended)} s"
    return {**figures, "reboot alone, s": seconds(ended)}


def without_cache(stage):
    """A provisioned node whose user-data did not see to the cache."""
    comes_up(stage)
    stage.machine.forget("manual_cache_clean")


def waits_for_us(stage):
    """The counter-proof: such a node's reboot waits for a server that does not answer."""
    without_cache(stage)
    stage.server_away()
    ended = stage.boot("again", PATIENCE)
    tap.eq([s["name"] for s in ended if s["code"] is None], ["init"], "the stage that hangs")
    return {"reboot alone, s": f"hangs (over {PATIENCE})"}


def loses_itself(stage):
    """And where the server's host refuses, it becomes a machine of no name."""
    without_cache(stage)
    before = evidence.identity(stage.machine.root)
    stage.server_down()
    ended = stage.boot("again")
    evidence.lost_us(stage.logs("again"))
    after = evidence.identity(stage.machine.root)
    lost = sorted(name for name in before if before[name] != after.get(name))
    tap.contains(lost, "instance-id")
    tap.contains(lost, "ssh_host_ed25519_key.pub")
    evidence.dhcp_everywhere(stage.logs("again"), "final")
    return {"reboot alone, s": seconds(ended), "lost": " ".join(lost)}


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
    evidence.found_us(stage.logs("first"), stage.url, stage.scenario.harmless)
    return {"first boot, s": seconds(ended), "tries": len(evidence.fetches(stage.logs("first")))}


def finds_nobody(stage):
    """The server's host refuses: it boots with nothing of ours, and finds us at the next boot."""
    stage.server.arm(stage.node)
    stage.server_down()
    ended = stage.boot("first")
    evidence.lost_us(stage.logs("first"))
    stage.server_up()
    evidence.came_up(stage, "again", stage.boot("again"))
    return {"first boot, s": seconds(ended), "tries": len(evidence.fetches(stage.logs("first"))),
            "next boot": "all of it"}


def begins_anew(stage):
    """'cloud-init clean' is how an admin has a node do its first boot once more. It makes new ssh
    host keys, which count when the admin has accepted them."""
    comes_up(stage)
    before, known = evidence.identity(stage.machine.root), evidence.host_keys(stage.machine.root)
    stage.machine.run("cloud-init", "clean")
    evidence.came_up(stage, "again", stage.boot("again"), keys=known)
    stage.server.ask("POST", f"/v1/nodes/{stage.node}/accept-keys")
    evidence.called_back(stage.server, stage.machine.root, stage.node)
    after = evidence.identity(stage.machine.root)
    kept = sorted(name for name in before if before[name] == after.get(name))
    tap.eq(kept, ["hostname", "instance-id"], "what stays: its ssh host keys do not")
    return {"after clean": "all of it, with new ssh host keys"}


TABLE = [
    Scenario("master-serial", MASTER, "serial", WITH_JOIN, comes_up_again_alone, ALL),
    Scenario("worker-serial", WORKER, "serial", WITH_JOIN, comes_up_again_alone, ALL),
    Scenario("master-cmdline", MASTER, "cmdline", OURS, comes_up_again_alone, ALL),
    Scenario("worker-cmdline", WORKER, "cmdline", OURS, comes_up_again_alone, ALL),
    Scenario("old-name-serial", WORKER, "serial", OLD_NAME, comes_up, ALL, [OLD_NAME_SAID]),
    Scenario("old-name-cmdline", WORKER, "cmdline", OLD_NAME, comes_up, ALL, [OLD_NAME_SAID]),
    Scenario("bare-serial", WORKER, "serial", BARE, comes_up, NEW),
    Scenario("bare-cmdline", WORKER, "cmdline", BARE, comes_up, NEW),
    Scenario("bare-serial", WORKER, "serial", BARE, is_thrown_away, OLD),
    Scenario("bare-cmdline", WORKER, "cmdline", BARE, is_thrown_away, OLD),
    Scenario("no-cache-silence", WORKER, "serial", OURS, waits_for_us, ALL),
    Scenario("no-cache-refused", WORKER, "serial", OURS, loses_itself, ALL),
    Scenario("unknown-key", WORKER, "serial", OURS, is_unknown, ALL),
    Scenario("late-server", WORKER, "serial", OURS, comes_late, ALL),
    Scenario("no-server", WORKER, "serial", OURS, finds_nobody, ALL),
    Scenario("clean", WORKER, "serial", OURS, begins_anew, ALL),
    Scenario("tells-once", WORKER, "serial", OURS, told.tells_once, ALL),
    Scenario("reports-refused", WORKER, "serial", OURS, told.is_refused, ALL),
    Scenario("reports-mute", WORKER, "serial", OURS, told.is_not_answered, NEW),
    Scenario("odd-values", "unicode", "serial", OURS, comes_up, ALL),
    Scenario("odd-controls", "controls", "serial", OURS, comes_up, NEW),
    Scenario("odd-long-name", LONG_NAME, "serial", OURS, comes_up_again_alone, ALL),
    Scenario("odd-dual-stack", "dual", "serial", OURS, comes_up, NEW),
    Scenario("odd-shell", "odd-values", "serial", OURS, comes_up, ALL),
    Scenario("odd-pasted", "k8s-worker-2", "serial", OURS, comes_up, ALL),
    Scenario("life-plain-key", "plain-1", "serial", OURS, life.by_key, ALL),
    Scenario("life-plain-mac", "plain-1", "serial", OURS, life.by_mac, ALL),
    Scenario("life-worker", WORKER, "serial", OURS, life.waits_for_its_cluster, ALL),
    Scenario("life-early", "plain-1", "serial", OURS, life.is_switched_on_too_early, ALL),
    Scenario("life-window-ends", "plain-1", "serial", OURS, life.outlasts_its_window, ALL),
    Scenario("life-never-armed", "plain-1", "serial", OURS, life.was_not_to_be_built, ALL),
    Scenario("life-runcmd", "broken-runcmd", "serial", OURS, life.fails, ALL),
    Scenario("life-bootcmd", "broken-bootcmd", "serial", OURS, life.fails, ALL),
    Scenario("life-timezone", "broken-timezone", "serial", OURS, life.fails, ALL),
    Scenario("life-watched", "plain-1", "serial", OURS, shown.watched, ALL),
    Scenario("life-ssh", "plain-1", "serial", OURS, shown.known_to_ssh, ALL),
    Scenario("life-no-yaml", "broken-yaml", "serial", OURS, life.is_told_nothing, ALL),
    Scenario("prepare-newest", WORKER, "serial", OURS, prepare.installs_and_holds, ALL),
    Scenario("prepare-exact", WORKER, "serial", OURS, prepare.takes_one_version, ALL),
    Scenario("prepare-keys", WORKER, "serial", OURS, prepare.refuses_keys, ALL),
]
