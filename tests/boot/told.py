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


def in_order(reports):
    """Each step that starts ends, and ends well, within its stage; stages one after the other."""
    stages = [report["name"].split("/")[0] for report in reports]
    tap.eq(list(dict.fromkeys(stages)), STAGES, "stages that were told of")
    tap.eq((reports[0]["name"], reports[0]["event_type"]),
           ("init-network/activate-datasource", "start"), "the first report")
    tap.eq((reports[-1]["name"], reports[-1]["event_type"], reports[-1]["result"]),
           ("modules-final", "finish", "SUCCESS"), "the last report")
    running = []
    for report in reports:
        if report["event_type"] == "start":
            running.append(report["name"])
        elif report["name"] in running:
            running.remove(report["name"])
            tap.eq(report["result"], "SUCCESS", report["name"])
    tap.eq(running, [], "steps without an end")
    times = [report["timestamp"] for report in reports]
    tap.eq(times, sorted(times), "their times")


def tells_once(stage):
    """The first boot tells all; a later one nothing, though the server is there."""
    first = stage.boot("first")
    front = stage.server.front
    in_order(front.reports())
    count = len(front.reports())
    assert 40 < count < 90, f"{count} reports"
    tap.eq(front.types["report"], {None}, "the type that reports say they have")
    tap.eq(front.types["phone-home"], {"application/x-www-form-urlencoded"})
    tap.eq([kind for _, kind, _ in front.said].count("phone-home"), 1, "phone_home")
    evidence.called_back(front, stage.machine.root, stage.node)
    said = len(front.said)
    again = stage.boot("again")
    evidence.stages_passed(again)
    tap.eq([body for _, _, body in front.said[said:]], [], "what it said at its second boot")
    tap.eq(evidence.fetches(stage.logs("again")), [], "what it fetched at its second boot")
    return {"first boot, s": total(first), "reports": count, "second boot, s": total(again)}


def tells_nobody(stage, replies, limit):
    stage.server.front.replies.update(replies)
    ended = stage.boot("first")
    evidence.stages_passed(ended)
    evidence.found_us(stage.logs("first"), stage.url, NOBODY_HEARS)
    evidence.files_written(stage.machine.root, stage.served["user-data"])
    assert total(ended) < limit, f"it took {total(ended)} s"
    said = [kind for _, kind, _ in stage.server.front.said]
    return {"first boot, s": total(ended), "reports tried": said.count("report"),
            "phone_home tried": said.count("phone-home")}


def is_refused(stage):
    """404 to each: it boots all the same, some seconds later."""
    return tells_nobody(stage, {"report": 404, "phone-home": 404}, REFUSED_SECONDS)


def is_not_answered(stage):
    """Reports are taken, and never answered. (phone_home waits for ever: no such server, please.)"""
    return tells_nobody(stage, {"report": None}, MUTE_SECONDS)
