#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""run.sh, with what this build made: it serves, tells what to try, and ends cleanly."""
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from daemon import BUILD, SECONDS, SOURCE  # noqa: E402

ENV = {**os.environ, "CLOUDSEED_BUILD": str(BUILD.resolve())}


def test_check_fetches_once_and_ends():
    done = subprocess.run([SOURCE / "run.sh", "--check"], env=ENV, capture_output=True, text=True,
                          timeout=3 * SECONDS, check=False)
    tap.eq(done.returncode, 0, done.stdout + done.stderr)
    tap.contains(done.stdout, "k8s-master-1's user-data was served at http://127.0.0.1:")
    tap.contains(done.stderr, "event=stopped")


def test_check_fails_where_nothing_is_served():
    done = subprocess.run([SOURCE / "run.sh", "--check"], env={**ENV, "CLOUDSEED_BUILD": "/bin"},
                          capture_output=True, text=True, timeout=3 * SECONDS, check=False)
    assert done.returncode != 0
    tap.contains(done.stderr, "cloudseedd does not start")


def test_unknown_argument_shows_the_usage():
    done = subprocess.run([SOURCE / "run.sh", "--frobnicate"], capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    tap.eq(done.returncode, 2)
    tap.contains(done.stderr, "./run.sh --check")


def reading(stream, lines):
    """A thread that gathers the stream's lines."""
    thread = threading.Thread(target=lambda: lines.extend(iter(stream.readline, "")), daemon=True)
    thread.start()
    return thread


def test_foreground_tells_a_curl_that_works_and_ends_by_ctrl_c():
    out, log = [], []
    process = subprocess.Popen([SOURCE / "run.sh"], env=ENV, text=True, start_new_session=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    readers = [reading(process.stdout, out), reading(process.stderr, log)]
    try:
        tap.wait_until(lambda: any("Ctrl-C ends it" in line for line in out), 3 * SECONDS,
                       "run.sh's advice")
        curl = next(line.strip() for line in out if line.strip().startswith("curl "))
        got = subprocess.run([*shlex.split(curl), "-fsS", "--max-time", "10"], timeout=SECONDS,
                             capture_output=True, text=True, check=True).stdout
        assert got.startswith("#cloud-config\n"), got
        tool = shlex.split(re.search(r"alias cloudseed='(.*)'", "".join(out))[1])
        checked = subprocess.run([*tool, "check"], cwd=SOURCE, timeout=SECONDS,
                                 capture_output=True, text=True, check=True).stdout
        tap.contains(checked, "no faults")
        pid = int(re.search(r"kill -HUP (\d+)", "".join(out))[1])
        os.kill(pid, signal.SIGHUP)
        tap.wait_until(lambda: any("event=reloaded" in line for line in log), SECONDS, "reload")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
        tap.eq(process.wait(SECONDS), 0, "".join(log))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    for thread in readers:
        thread.join(SECONDS)
    tap.contains("".join(log), "event=stopped")
    tap.wait_until(lambda: not Path(f"/proc/{pid}").exists(), SECONDS, "the server's end")


tap.main()
