# SPDX-License-Identifier: Apache-2.0
"""What a trace of Chromium says of a page: its long tasks, and how soon what came was drawn.

    browser.traceStart(trace.CATEGORIES)
    ...
    found = trace.read(browser.traceEnd())
    found.tasks_ms, found.latencies_ms
"""
import bisect
from collections import Counter, namedtuple

CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline",
              "disabled-by-default-devtools.timeline.frame", "devtools.timeline.frame", "__metadata"]
Found = namedtuple("Found", "tasks_ms latencies_ms")


def _main_thread(events):
    """(process, thread) of the renderer that has the page: Chromium's own pages have others."""
    calls = Counter((e["pid"], e["tid"]) for e in events if _function(e) and "/ui/" in _function(e)["url"])
    return calls.most_common(1)[0][0]


def _function(event):
    """{'functionName', 'url', …} of a call from outside into a script."""
    return event["name"] == "FunctionCall" and event["args"]["data"]


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def read(events):
    """Found: of the page's main thread each task's time on the processor, which others that run on this
    machine do not make longer, and of each message of the stream the time
    until a frame was drawn that was committed after it."""
    process, thread = _main_thread(events)
    main = [e for e in events if (e["pid"], e["tid"]) == (process, thread)]
    tasks = [e["tdur"] / 1000 for e in main if e["name"] == "RunTask" and "tdur" in e]
    messages = [e["ts"] for e in main if e["name"] == "TimeStamp" and e["args"]["data"]["message"] == "event"]
    commits = sorted(e["ts"] for e in main if e["name"] == "Commit")
    draws = sorted(e["ts"] for e in events if e["pid"] == process and e["name"] == "DrawFrame")
    return Found(tasks, [_drawn(ts, commits, draws) for ts in messages])


def _drawn(ts, commits, draws):
    commit = bisect.bisect_left(commits, ts)
    assert commit < len(commits), "nothing was committed after the last message"
    draw = bisect.bisect_left(draws, commits[commit])
    assert draw < len(draws), "nothing was drawn after the last message"
    return (draws[draw] - ts) / 1000
