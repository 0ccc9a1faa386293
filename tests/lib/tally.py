#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sums up what `make check` left in a build folder: tally.py BUILD MAKE_STATUS

Shows the logs of what failed and the reasons of what was skipped. The last line is
"N passed, N failed, N skipped". With CI=true in the environment a skip is a failure.
"""
import os
import re
import sys
from pathlib import Path

RESULT = re.compile(r"^:test-result: (PASS|FAIL|XFAIL|XPASS|SKIP|ERROR)$", re.M)
NAMED = re.compile(r"^(PASS|FAIL|XFAIL|XPASS|SKIP|ERROR): \S+ ?(.*)", re.M)
GOOD = re.compile(r"(PASS: |ok \d+ )")
LOG_LINES_MAX = 200


def read_log(trs):
    log = trs.with_suffix(".log")
    return log.read_text(errors="replace") if log.exists() else ""


def results(trs):
    """[(kind, text)]; the .trs file has the kinds alone, the log has the same with their texts.
    That a test which said 'not ok' also ended with a status is no news."""
    kinds = RESULT.findall(trs.read_text(errors="replace"))
    found = NAMED.findall(read_log(trs))
    if [kind for kind, _ in found] != kinds:
        found = [(kind, "(see its log)") for kind in kinds]
    if any(kind == "FAIL" for kind, _ in found):
        found = [(k, text) for k, text in found
                 if not (k == "ERROR" and text.startswith("- exited with status"))]
    return found


def show_log(trs):
    lines = [line for line in read_log(trs).splitlines() if not GOOD.match(line)] or ["(no log)"]
    if len(lines) > LOG_LINES_MAX:
        lines = lines[:20] + ["…"] + lines[-LOG_LINES_MAX:]
    print("\n".join("    " + line for line in lines))


def main(build, make_status):
    passed, failed, skipped = 0, 0, []
    for trs in sorted(Path(build).rglob("*.trs")):
        found = results(trs)
        name = trs.relative_to(build).with_suffix("")
        bad = [text for kind, text in found if kind in ("FAIL", "XPASS", "ERROR")]
        passed += sum(kind in ("PASS", "XFAIL") for kind, _ in found)
        skipped += [f"{name}: {text}" for kind, text in found if kind == "SKIP"]
        if not found:
            bad = ["no results"]
        failed += len(bad)
        if bad:
            print(f"\nFAILED {name}", *bad, sep="\n  ")
            show_log(trs)
    if make_status and not failed or not passed + failed + len(skipped):
        print(f"make check ended with status {make_status}; its output is in {build}/check.log")
        failed += 1
    if skipped:
        print("\nSkipped:", *skipped, sep="\n  ")
    strict = os.environ.get("CI") == "true" and bool(skipped)
    if strict:
        print("CI=true: a skip is a failure")
    print(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    return 1 if failed or strict else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
