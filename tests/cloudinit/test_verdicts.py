#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `cloudseed check` says of cloud-config, beside what cloud-init's own schemas say.

tests/verdicts/cloud-config/ has small files, and in table.txt the verdict of three releases and
ours on each, with the reason where ours is another. With CLOUDSEED_REWRITE set the verdicts are
written again; reasons stay.
"""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE), str(HERE.parent / "e2e")]

import client  # noqa: E402
import generated  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402
from test_cloudinit import fetched, once  # noqa: E402

SUITES = ("bookworm", "trixie", "forky")
CORPUS = SOURCE / "tests/verdicts/cloud-config"
FILES_AT_LEAST = 100
BATCH = 200  # `cloudseed check` keeps a thousand faults
# Their words for ours.
SAME = {"ok": "ok", "deprecated": "warning", "refused": "error"}


def release(suite):
    return once(fetched, client.Client, suite)


def schema(suite):
    folder = Path(release(suite).modules)
    path = folder / "cloudinit/config/schemas/schema-cloud-config-v1.json"
    return json.loads(path.read_text(encoding="utf-8"))


def ours(texts):
    """Of each: "ok", "warning" or "error"."""
    found = []
    for at in range(0, len(texts), BATCH):
        found += _ours(texts[at:at + BATCH])
    return found


def _ours(texts):
    made = world.Tree()
    for i, text in enumerate(texts):
        made.role(f"r{i}", user_data=text)
        made.node(f"n{i}", f"r{i}")
    done = subprocess.run([str(BUILD / "cloudseed"), "check", "--json", str(made.seed),
                           "--templates", str(made.templates)], capture_output=True, text=True,
                          timeout=300, check=False)
    verdicts = ["ok"] * len(texts)
    for fault in json.loads(done.stdout)["faults"]:
        i = int(fault["node"][1:])
        if verdicts[i] != "error":
            verdicts[i] = fault["severity"]
    return verdicts


def theirs(suite, paths):
    """What `cloud-init schema` of that release says of each file."""
    answers = release(suite).commands([["schema", "--config-file", str(path)] for path in paths])
    return ["refused" if status else "deprecated" if "deprecat" in said.lower() else "ok"
            for status, said in answers]


# --- every key ---

def known_keys():
    text = (SOURCE / "src/render/cloudconfig_table.c").read_text(encoding="utf-8")
    rows = text[text.index("static const struct field keys[]"):]
    return re.findall(r'^    \{"([^"]+)", ', rows, re.M)


def keys(suite):
    whole = schema(suite)
    found = set(whole.get("properties", {}))
    for module in whole["allOf"]:
        if "$ref" in module:
            module = whole["$defs"][module["$ref"].rsplit("/", 1)[1]]
        found |= set(module.get("properties", {}))
    return found


def converted_keys(suite):
    """The older names of apt's settings, which the code still converts."""
    code = Path(release(suite).modules) / "cloudinit/config/cc_apt_configure.py"
    old = re.search(r"mapoldkeys = \{(.*?)\}", code.read_text(encoding="utf-8"), re.S)
    return set(re.findall(r'"(\w+)":', old[1]))


def test_the_table_has_every_key_and_no_other():
    known = set().union(*(keys(suite) | converted_keys(suite) for suite in SUITES))
    tap.eq(known_keys(), sorted(known))


# --- files ---

def table():
    """{file: (verdicts, reason)}"""
    rows = {}
    for line in (CORPUS / "table.txt").read_text(encoding="utf-8").splitlines():
        if line and line[0] != "#":
            name, *verdicts = re.split(r"\s+", line, maxsplit=len(SUITES) + 2)
            rows[name] = (verdicts[:len(SUITES) + 1], "".join(verdicts[len(SUITES) + 1:]))
    return rows


def files():
    return sorted(CORPUS.glob("*.yaml"))


def judged():
    """{file: [verdict of each release, ours]}"""
    paths = files()
    columns = [theirs(suite, paths) for suite in SUITES]
    columns.append(ours([path.read_text(encoding="utf-8") for path in paths]))
    return {path.name: list(row) for path, *row in zip(paths, *columns)}


def write_table(rows, reasons):
    head = [line for line in (CORPUS / "table.txt").read_text(encoding="utf-8").splitlines()
            if line.startswith("#")]
    lines = [f"{name:33}" + "".join(f"{v:11}" for v in verdicts) + reasons.get(name, "")
             for name, verdicts in rows.items()]
    text = "\n".join(line.rstrip() for line in head + lines) + "\n"
    (CORPUS / "table.txt").write_text(text, encoding="utf-8")


def test_every_file_gets_the_verdicts_of_the_table():
    rows = once(judged)
    if "CLOUDSEED_REWRITE" in os.environ:
        write_table(rows, {name: why for name, (_, why) in table().items()})
    tap.eq({name: verdicts for name, (verdicts, _) in table().items()}, rows)
    assert len(rows) >= FILES_AT_LEAST, len(rows)


def test_every_difference_has_its_reason():
    for name, (verdicts, why) in table().items():
        differs = any(SAME[verdict] != verdicts[-1] for verdict in verdicts[:-1])
        assert not differs or why, f"{name}: {verdicts} without a reason"


# --- what the schema allows and forbids, key by key ---

# What of cloud-config is checked only for the type of its top key.
LOOSE = re.compile(r"(chef|puppet|mcollective|salt_minion|rh_subscription|spacewalk|fan|rpi|cloud_\w+"
                   r"|merge_\w+|autoinstall|system_info|zypper\.config)\b")
NOTHING = r"null|\[\]|\{\}"
X = r'"x"|\["x"\]'
# (path, value that was tried, the newest schema's verdict, ours, why they differ)
EXPLAINED = [
    # What works all the same.
    (r".*", r"null", "refused", "warning", "an empty value is as good as none to its code"),
    (r"[^.]+|apt\..*|ntp\.config|(users\[\]|user)\.\w.*|snap\.\w+|ca.certs\.trusted|groups.*"
     r"|packages.*|wireguard\.interfaces|chpasswd.*|yum_repos\.\*\.baseurl|zypper\.repos",
     NOTHING, "refused", "warning", "an empty list or mapping is as good as none to its code"),
    (r"(bootcmd|runcmd|mounts)\[\](\[\])?", r"\[7\]|true", "refused", "warning",
     "its code makes texts of these"),
    (r"growpart\.devices|(users\[\]\.|user\.)?ssh.import.id|ssh_publish_hostkeys\.blacklist", '"x"',
     "refused", "warning", "its code takes one text for a list of one"),
    (r"fs_setup\[\]\.partition", "7", "refused", "warning",
     "its documentation and code take a number"),
    (r"(users\[\]|user)\.groups(\.\*)?", r".*", "refused", "warning",
     "its code takes a mapping for the list of its keys"),
    (r"snap\.commands\[\]\[\]", "null", "refused", "ok",
     "its documentation and code take a first word of null for: another program than snap"),
    (r"(users\[\]|user)\.snapuser", r".*", "refused", "warning", "its code takes both names"),
    # What does nothing.
    (r"(bootcmd|runcmd)\[\]", r"\[\]", "ok", "warning", "a command without a word runs nothing"),
    (r"disk_setup\.\*(\.layout)?|swap", NOTHING, "ok", "warning", "without these it does nothing"),
    (r"(users\[\]|user)\.groups", r"\{\}", "ok", "warning", "a mapping is deprecated since 23.1"),
    (r"users?", r".*", "ok", "warning", "its code reports them as deprecated since 22.2"),
    # What fails on the node.
    (r"(apt|yum_repos|zypper|write_files|phone_home)\b.*\.(uri|search|baseurl|metalink|mirrorlist|url)",
     X, "ok", "error", "not a URI: jsonschema only looks with a package that distributions leave out"),
    (r"apt\..*\.keyid", X, "ok", "error", "gpg knows no key by it"),
    (r"timezone", X, "ok", "warning", "no time zone of the machine that checks"),
    (r"apt\..*\.key|ca_certs\.trusted|ssh_authorized_keys|resolv_conf\.nameservers", X, "ok", "error",
     "neither a key, a certificate nor an address"),
    (r"(users\[\]|user)\.(ssh_authorized_keys|homedir|shell)", X, "ok", "error",
     "neither a key nor a path"),
    (r"(users\[\]|user)\.(ssh-authorized-keys|uid|sudo)", rf"{X}|true", "deprecated", "error",
     "neither a key, a number nor a rule of sudo's"),
    (r"ca-certs\.trusted", X, "deprecated", "error", "not a certificate"),
    (r"resolv_conf\.\w+", r"\[7\]", "ok", "error", "the schema does not look into these lists"),
    (r"fs_setup\[\](\.(extra_opts|cmd))?", rf"{X}|{NOTHING}", "ok", "error",
     "its code stops: no device, options as a text, a command as a list"),
    (r"grub-dpkg", r".*", "deprecated", "error", "the schema does not look into the old name"),
    (r"swap\.filename|ntp\.config\.confpath|yum_repo_dir|write_files\[\]\.path|"
     r"wireguard\.interfaces\[\]\.config_path", X, "ok", "error", "not an absolute path"),
    (r"snap\.commands\[\]", r"\[\]", "ok", "error", "its code stops"),
    (r"ssh_pwauth|chpasswd\.list", X, "deprecated", "error",
     "its code passes over the word, and stops at a line without a colon"),
    (r"wireguard.*", r".*", "ok", "error", "its code stops: it needs name, config_path and content"),
    (r"write_files\[\]\.(permissions|encoding)", r'"(x|b64|base64)"', "ok", "error",
     "not a mode; content that is not base64"),
]


def explained(path, tried, verdict, our):
    return [why for where, what, theirs_, ours_, why in EXPLAINED
            if (theirs_, ours_) == (verdict, our) and re.fullmatch(where, path)
            and re.fullmatch(what, json.dumps(tried))]


def test_every_key_is_taken_as_the_newest_schema_takes_it():
    tried = [row for row in generated.configurations(schema(SUITES[-1]))
             if not LOOSE.match(row[0])]
    assert len(tried) > 4000, len(tried)
    newest = release(SUITES[-1]).judge([whole for _, _, whole in tried])
    mine = ours([f"#cloud-config\n{json.dumps(whole)}\n" for _, _, whole in tried])
    wrong = [f"{path} = {json.dumps(value)}: {verdict}, ours {our}"
             for (path, value, _), verdict, our in zip(tried, newest, mine)
             if SAME[verdict] != our and not explained(path, value, verdict, our)]
    tap.eq(wrong, [])


# --- cloud-init's own examples ---

def examples(suite):
    top = Path(release(suite).tree) / "usr/share/doc/cloud-init/examples"
    return [path for path in sorted(top.glob("*.txt"))
            if path.read_bytes().startswith(b"#cloud-config\n")]


# What is wrong in them: keys that are there twice, and base64 that was cut short.
WRONG_EXAMPLES = {"cloud-config-add-apt-repos.txt", "cloud-config-disk-setup.txt",
                  "cloud-config-write-files.txt"}


def test_cloud_inits_examples_are_taken():
    for suite in SUITES:
        paths = [path for path in examples(suite) if "{{" not in path.read_text(encoding="utf-8")
                 and path.name not in WRONG_EXAMPLES]
        assert len(paths) > 10, suite
        verdicts = ours([path.read_text(encoding="utf-8") for path in paths])
        refused = {path.name for path, our in zip(paths, verdicts) if our == "error"}
        # 22.4.2's example for ansible has 'packages_update', which no release knows.
        tap.eq(refused, {"cloud-config-ansible-pull.txt"} if suite == "bookworm" else set(), suite)


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    tap.main()
