# SPDX-License-Identifier: Apache-2.0
"""What a node says of itself while it boots, and what it costs it where nobody wants to hear it."""
import evidence
import tap

STAGES = ["init-network", "modules-config", "modules-final"]
# Three failures in each stage, of two tries each, 5 s long and 1 s apart: then it lets go. And ten
# tries to phone home, 3 s apart.
REFUSED_SECONDS, MUTE_SECONDS = 60, 150
NOBODY_HEARS = [(r"Failed posting event", "the server takes no reports here"),
                (r"Multiple consecutive failures in WebHookHandler", "the same"),
                (r"Failed to post phone home data", "nor this")]


def total(stages):
    return round(sum(stage["seconds"] for stage in stages), 1)


def in_order(steps):
    """Each step that starts ends, and ends well, within its stage; stages one after the other."""
    tap.eq(list(dict.fromkeys(step["stage"].split("/")[0] for step in steps)), STAGES,
           "stages that were told of")
    tap.eq((steps[0]["stage"], steps[0]["type"]),
           ("init-network/activate-datasource", "start"), "the first report")
    tap.eq((steps[-1]["stage"], steps[-1]["type"], steps[-1]["result"]),
           ("modules-final", "finish", "SUCCESS"), "the last report")
    running = []
    for step in steps:
        if step["type"] == "start":
            running.append(step["stage"])
        elif step["stage"] in running:
            running.remove(step["stage"])
            tap.eq(step["result"], "SUCCESS", step["stage"])
    tap.eq(running, [], "steps without an end")


def tells_once(stage):
    """The first boot tells all; a later one nothing, though the server is there."""
    stage.server.arm(stage.node)
    first = stage.boot("first")
    steps = stage.server.progress(stage.node)
    in_order(steps)
    assert 40 < len(steps) < 90, f"{len(steps)} reports"
    evidence.called_back(stage.server, stage.machine.root, stage.node)
    last = stage.server.events(stage.node)[-1]["id"]
    again = stage.boot("again")
    evidence.stages_passed(again)
    tap.eq(stage.server.events(stage.node, last), [], "what it said at its second boot")
    tap.eq(evidence.fetches(stage.logs("again")), [], "what it fetched at its second boot")
    return {"first boot, s": total(first), "reports": len(steps), "second boot, s": total(again)}


def tells_nobody(stage, replies, limit):
    stage.server_down()
    stage.server_up(deaf=True)
    front = stage.server.front
    front.replies.update(replies)
    ended = stage.boot("first")
    evidence.stages_passed(ended)
    evidence.found_us(stage.logs("first"), stage.url, NOBODY_HEARS)
    evidence.files_written(stage.machine.root, stage.served["user-data"])
    assert total(ended) < limit, f"it took {total(ended)} s"
    tap.eq(front.types["report"], {None}, "the type that reports say they have")
    said = [kind for _, kind, _ in front.said]
    return {"first boot, s": total(ended), "reports tried": said.count("report"),
            "phone_home tried": said.count("phone-home")}


def is_refused(stage):
    """404 to each: it boots all the same, some seconds later."""
    figures = tells_nobody(stage, {"report": 404, "phone-home": 404}, REFUSED_SECONDS)
    tap.eq(stage.server.front.types["phone-home"], {"application/x-www-form-urlencoded"})
    return figures


def is_not_answered(stage):
    """Reports are taken, and never answered. (phone_home waits for ever: no such server, please.)"""
    return tells_nobody(stage, {"report": None}, MUTE_SECONDS)
