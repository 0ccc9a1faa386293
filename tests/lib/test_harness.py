#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The harness tells failures, crashes and skips as what they are."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LIB = Path(__file__).resolve().parent
sys.path[:0] = [str(LIB)]
import tap  # noqa: E402
from tally import results  # noqa: E402

# The driver that Automake's harness runs each test under.
DRIVER = LIB.parents[1] / "build-aux" / "tap-driver.sh"
PLAIN = {k: v for k, v in os.environ.items() if k != "CI"}


def drive(text, runner):
    """A test program of that text under the TAP driver: what that made of its results."""
    with tempfile.TemporaryDirectory() as folder:
        test = Path(folder, "prog")
        test.write_text(text)
        test.chmod(0o755)
        subprocess.run(["sh", DRIVER, "--test-name", "prog", "--log-file", f"{folder}/prog.log",
                        "--trs-file", f"{folder}/prog.trs", "--", *runner, test], check=True,
                       stdout=subprocess.DEVNULL, timeout=300,
                       env={**PLAIN, "PYTHONPATH": str(LIB), "TEST_SECONDS": "200"})
        return [f"{kind} {text}" for kind, text in results(Path(folder, "prog.trs"))]


def unit(script):
    return drive("#!/bin/bash\n" + script, ["bash", LIB / "unit.sh"])


def python(tests):
    return drive("import tap\n" + tests + "\ntap.main()\n", ["/usr/bin/python3", "-B"])


def tally(files, status=0, **env):
    """(exit status, last line) of tally.py over what tests with these results leave."""
    with tempfile.TemporaryDirectory() as folder:
        for name, lines in files.items():
            kinds = [line.split()[0] for line in lines]
            Path(folder, name + ".trs").write_text("".join(f":test-result: {k}\n" for k in kinds))
            Path(folder, name + ".log").write_text("".join(
                f"{kind}: {name}{line[len(kind):]}\n" for kind, line in zip(kinds, lines)))
        done = subprocess.run(["/usr/bin/python3", "-B", LIB / "tally.py", folder, str(status)],
                              capture_output=True, text=True, timeout=300, check=False,
                              env={**PLAIN, **env})
    return done.returncode, done.stdout.splitlines()[-1]


def test_unit_results_pass_through():
    tap.eq(unit("echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1"),
           ["PASS 1 - a", "FAIL 2 - b"])  # and not its status as one more


def test_unit_skip_is_a_skip_with_its_reason():
    tap.eq(unit("echo 1..1; echo '# skip: no such thing'; echo 'not ok 1 # SKIP name'"),
           ["SKIP 1 - name # SKIP no such thing"])


def test_unit_crash_is_an_error():
    tap.eq(unit("echo 1..2; echo ok 1 - a; kill -SEGV $$")[0], "PASS 1 - a")
    assert "ERROR" in str(unit("echo 1..2; echo ok 1 - a; kill -SEGV $$")[1:])


def test_unit_early_exit_is_an_error():
    assert "ERROR" in str(unit("echo 1..2; echo ok 1 - a; exit 0"))


def test_unit_leak_after_all_passed_is_an_error():
    tap.eq(unit("echo 1..1; echo ok 1 - a; exit 23"),
           ["PASS 1 - a", "ERROR - exited with status 23"])


def test_python_kinds_of_results():
    tap.eq(python("def test_a(): pass\n"
                  "def test_b(): assert False\n"
                  "def test_c(): raise tap.Skip('no root')\n"),
           ["PASS 1 - a", "FAIL 2 - b", "SKIP 3 - c # SKIP no root"])


def test_python_broken_module_is_an_error():
    assert "ERROR" in str(python("import no_such_module"))


def test_python_broken_cleanup_is_an_error():
    assert "ERROR" in str(python("tap.defer(lambda: 1 / 0)\ndef test_a(): pass"))


def test_tally_sums_up():
    tap.eq(tally({"a": ["PASS 1 - x", "PASS 2 - y"], "b": ["SKIP 1 - z # SKIP why"]}),
           (0, "2 passed, 0 failed, 1 skipped"))


def test_tally_counts_a_failure_once():
    tap.eq(tally({"a": ["FAIL 1 - x", "ERROR - exited with status 1"]}, 2),
           (1, "0 passed, 1 failed, 0 skipped"))


def test_tally_counts_an_error_alone():
    tap.eq(tally({"a": ["PASS 1 - x", "ERROR - exited with status 1"]}, 2),
           (1, "1 passed, 1 failed, 0 skipped"))


def test_tally_in_ci_takes_a_skip_for_a_failure():
    tap.eq(tally({"a": ["PASS 1 - x", "SKIP 2 - y"]}, CI="true"),
           (1, "1 passed, 0 failed, 1 skipped"))


def test_tally_without_results_fails():
    tap.eq(tally({}), (1, "0 passed, 1 failed, 0 skipped"))
    tap.eq(tally({"a": []}), (1, "0 passed, 1 failed, 0 skipped"))


def test_tally_tells_that_make_failed():
    tap.eq(tally({"a": ["PASS 1 - x"]}, 2), (1, "1 passed, 1 failed, 0 skipped"))


tap.main()
