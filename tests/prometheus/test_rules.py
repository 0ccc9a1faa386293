#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""contrib/prometheus as the real promtool and amtool see it: each alert fires where it should, and not
where all is well or the trouble is short."""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import prometheus  # noqa: E402
import tap  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402

HERE = SOURCE / "contrib/prometheus"
RULES = HERE / "cloudseed.rules.yml"
DAY = 86400
JOB = 'job="cloudseed",instance="s"'


def always(value):
    """Sample values of 12 hours, one a minute."""
    return f"{value}x720"


def problem(kind):
    return f'cloudseed_node_problem{{node="n1",kind="{kind}"}}', always(1)


def one(name, value, labels=""):
    return f"{name}{{{JOB}{labels}}}", always(value)


# alert: (series where it fires, series where it does not, minutes after which both are looked at,
#         labels that the alert must have)
CASES = {
    "CloudseedDown": ([one("up", 0)], [one("up", 1), ('up{job="node"}', always(0))], 6, {}),
    "CloudseedNotReady": ([one("cloudseed_ready", 0)],
                          [(f"cloudseed_ready{{{JOB}}}", "1 1 1 0 0 1x20")], 6, {}),
    "CloudseedInternalError": (
        [(f'cloudseed_requests_total{{{JOB},route="/x",code="500"}}', "0+1x20")],
        [(f'cloudseed_requests_total{{{JOB},route="/x",code="503"}}', "0+1x20")], 12,
        {"route": "/x"}),
    "CloudseedWrongTokens": (
        [(f'cloudseed_requests_total{{{JOB},route="/v1/nodes",code="401"}}', "0+5x20")],
        [(f'cloudseed_requests_total{{{JOB},route="/v1/nodes",code="401"}}', "0+1x20")], 12, {}),
    "CloudseedFewDescriptors": (
        [one("process_open_fds", 900), one("process_max_fds", 1000)],
        [one("process_open_fds", 700), one("process_max_fds", 1000)], 12, {}),
    "CloudseedNodeFailed": ([problem("failed")], [problem("alarm")], 1, {"node": "n1"}),
    "CloudseedNodeAlarm": ([problem("locked")], [problem("failed")], 1, {"node": "n1"}),
    "CloudseedNodeNotReady": (
        [problem("not-ready")],
        [('cloudseed_node_problem{node="n1",kind="not-ready"}', "1x5 stale")], 12, {"node": "n1"}),
    "CloudseedNodeFaulty": ([problem("faulty")], [problem("failed")], 6, {"node": "n1"}),
    "CloudseedProblemsDropped": ([one("cloudseed_node_problems_dropped", 3)],
                                 [one("cloudseed_node_problems_dropped", 0)], 6, {}),
    "CloudseedBootStuck": (
        [one("cloudseed_nodes", 2, ',state="booting"'),
         one("cloudseed_events_total", 7, ',kind="ready"')],
        [one("cloudseed_nodes", 2, ',state="booting"'),
         (f'cloudseed_events_total{{{JOB},kind="ready"}}', "0+1x720")], 150, {}),
    # The tests' clock begins at 1970.
    "CloudseedWindowOpen": ([one("cloudseed_window_oldest_timestamp_seconds", 60)],
                            [one("cloudseed_window_oldest_timestamp_seconds", 5 * 3600)], 400, {}),
    "CloudseedClusterDown": (
        [one("cloudseed_cluster_up", 0, ',cluster="c"')],
        [(f'cloudseed_cluster_up{{{JOB},cluster="c"}}', "0x5 1x20")], 12, {"cluster": "c"}),
    "CloudseedClusterStuck": ([one("cloudseed_cluster_stuck", 1, ',cluster="c"')],
                              [one("cloudseed_cluster_stuck", 0, ',cluster="c"')], 1,
                              {"cluster": "c"}),
    "CloudseedMinterTokenLate": (
        [one("cloudseed_cluster_token_late", 1, ',cluster="c",account="minter"')],
        [one("cloudseed_cluster_token_late", 0, ',cluster="c",account="minter"')], 1,
        {"cluster": "c", "account": "minter"}),
    "CloudseedClusterCertificateEnds": (
        [one("cloudseed_cluster_certificate_end_timestamp_seconds", 29 * DAY, ',cluster="c"')],
        [one("cloudseed_cluster_certificate_end_timestamp_seconds", 31 * DAY, ',cluster="c"')], 1,
        {"cluster": "c"}),
    "CloudseedClusterClock": (
        [one("cloudseed_cluster_clock_ahead_seconds", -90, ',cluster="c"')],
        [one("cloudseed_cluster_clock_ahead_seconds", 59, ',cluster="c"')], 125, {"cluster": "c"}),
    "CloudseedStoreDown": ([one("cloudseed_store_up", 0)], [one("cloudseed_store_up", 1)], 2, {}),
    "CloudseedStateLost": ([one("cloudseed_store_lost", 1)], [one("cloudseed_store_lost", 0)], 1,
                           {}),
    "CloudseedStoreQueue": ([one("cloudseed_store_queue", 5000)],
                            [one("cloudseed_store_queue", 900)], 6, {}),
    "CloudseedStoreSlow": (
        [(f'cloudseed_store_commit_duration_seconds_bucket{{{JOB},le="{le}"}}', f"0+{each}x60")
         for le, each in (("1", 50), ("2.5", 90), ("+Inf", 100))],
        [(f'cloudseed_store_commit_duration_seconds_bucket{{{JOB},le="{le}"}}', f"0+{each}x60")
         for le, each in (("0.1", 100), ("1", 100), ("+Inf", 100))], 20, {}),
    "CloudseedDiskFull": ([one("cloudseed_disk_free_bytes", 5), one("cloudseed_disk_bytes", 100)],
                          [one("cloudseed_disk_free_bytes", 20), one("cloudseed_disk_bytes", 100)],
                          12, {}),
    "CloudseedCertificateEnds": (
        [one("cloudseed_certificate_end_timestamp_seconds", 13 * DAY, ',certificate="server"')],
        [one("cloudseed_certificate_end_timestamp_seconds", 15 * DAY, ',certificate="server"')], 1,
        {"certificate": "server"}),
    "CloudseedSeedRefused": ([one("cloudseed_reload_ok", 0)],
                             [(f"cloudseed_reload_ok{{{JOB}}}", "0x10 1x20")], 16, {}),
    "CloudseedTracesLost": (
        [(f"cloudseed_traces_lost_total{{{JOB}}}", "0 0 3x70")],
        [one("cloudseed_traces_lost_total", 3)], 10, {}),
    "CloudseedTftpLossy": (
        [(f"cloudseed_tftp_blocks_resent_total{{{JOB}}}", "0+600x60"),
         (f"cloudseed_tftp_blocks_total{{{JOB}}}", "0+3000x60")],
        [(f"cloudseed_tftp_blocks_resent_total{{{JOB}}}", "0+60x60"),
         (f"cloudseed_tftp_blocks_total{{{JOB}}}", "0+3000x60")], 30, {}),
}


def alerts():
    return {rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"]
            for rule in group["rules"]}


def run(*words):
    done = subprocess.run([prometheus.program(words[0]), *map(str, words[1:])], timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def case(alert, series, minutes, firing):
    """One of promtool's tests: how many alerts of that name fire, by the labels that matter."""
    labels = CASES[alert][3]
    by = f" by ({', '.join(labels)})" if labels else ""
    text = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    wanted = [{"labels": f"{{{text}}}", "value": 1}]
    query = f'count{by} (ALERTS{{alertname="{alert}",alertstate="firing"}})'
    return {"interval": "1m", "name": f"{alert} {'fires' if firing else 'does not'}",
            "input_series": [{"series": name, "values": values} for name, values in series],
            "promql_expr_test": [{"expr": query, "eval_time": f"{minutes}m",
                                  "exp_samples": wanted if firing else []}]}


def test_each_alert_fires_where_it_should_and_only_there():
    tap.eq(sorted(CASES), sorted(alerts()))
    tests = [case(alert, series, minutes, firing)
             for alert, (bad, good, minutes, _) in CASES.items()
             for firing, series in ((True, bad), (False, good))]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}, file)
        file.flush()
        status, said = run("promtool", "test", "rules", file.name)
    assert status == 0, said


def test_the_rules_are_well_formed():
    status, said = run("promtool", "check", "rules", "--lint-fatal", RULES)
    assert status == 0, said
    for name, rule in alerts().items():
        tap.eq(sorted(rule["annotations"]), ["description", "summary"], name)
        assert rule["labels"]["severity"] in ("critical", "warning"), name


def test_their_metrics_are_documented():
    page = (SOURCE / "docs/metrics.md").read_text()
    for name, rule in alerts().items():
        for metric in re.findall(r"\b(?:cloudseed|process)_\w+", rule["expr"]):
            plain = re.sub("_bucket$", "", metric)
            assert f"`{plain}`" in page, (name, metric)


def test_the_commands_that_they_advise_exist():
    found = re.findall("`cloudseed ([^`]*)`", RULES.read_text())
    assert len(found) > 10, found
    for command in found:
        words = re.split(r" (?=--|\{|[A-Z])", command)[0].split()
        done = subprocess.run([BUILD / "cloudseed", *words, "--help"], capture_output=True, text=True,
                              timeout=60, check=False)
        tap.eq(done.returncode, 0, command)
        for option in re.findall(r"--[a-z-]+", command):
            tap.contains(done.stdout, option)


def test_amtool_takes_the_example():
    status, said = run("amtool", "check-config", HERE / "alertmanager.yml")
    assert status == 0, said


def test_promtool_takes_the_example():
    status, said = run("promtool", "check", "config", "--syntax-only", HERE / "prometheus.yml")
    assert status == 0, said


tap.main()
