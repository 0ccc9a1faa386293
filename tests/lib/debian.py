# SPDX-License-Identifier: Apache-2.0
"""Packages of another Debian release, from the mirrors that this host already uses.

Nothing here knows a mirror: the host's own apt sources are read, and its release's name in them is
replaced by the one that is asked for.
"""
import fcntl
import glob
import os
import re
import shutil
import subprocess

# Signatures are checked as ever, but a mirror that stands still for a month is good enough here.
ANY_AGE = 'Acquire::Check-Valid-Until "false"'


class NotDebian(Exception):
    """The host's apt names no Debian release to derive another from."""


def codename():
    """The host's release, as in 'bookworm'."""
    with open("/etc/os-release", encoding="utf-8") as f:
        fields = dict(line.rstrip("\n").split("=", 1) for line in f if "=" in line)
    if fields.get("ID") != "debian":
        raise NotDebian("this host is no Debian: its mirrors have no other Debian release")
    return fields["VERSION_CODENAME"].strip('"')


def _stanzas(text):
    """The stanzas of a deb822 file, as dictionaries with lower-case keys."""
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        fields = dict(re.split(r":\s*", line, maxsplit=1) for line in lines if ":" in line)
        yield {key.lower(): value.strip() for key, value in fields.items()}


def _one_line_form(stanza):
    """What a deb822 stanza says, in lines of the older form: (options, uri, suite, components)."""
    if "deb" not in stanza.get("types", "").split() or stanza.get("enabled") == "no":
        return
    key = stanza.get("signed-by", "")
    options = f"[signed-by={key}] " if key.startswith("/") else ""
    for uri in stanza.get("uris", "").split():
        for suite in stanza.get("suites", "").split():
            yield options, uri, suite, stanza.get("components", "")


def _host_lines():
    for path in glob.glob("/etc/apt/sources.list.d/*.sources"):
        with open(path, encoding="utf-8") as f:
            for stanza in _stanzas(f.read()):
                yield from _one_line_form(stanza)
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*.list")]:
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as f:
            for line in f:
                m = re.match(r"deb\s+(\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
                if m:
                    yield m[1] or "", m[2], m[3], m[4]


def sources(suite):
    """The text of a sources.list for `suite`."""
    here = codename()
    lines = []
    for options, uri, found, components in _host_lines():
        if re.fullmatch(re.escape(here) + r"(-updates|-security)?", found):
            lines.append(f"deb {options}{uri} {found.replace(here, suite, 1)} {components}\n")
    if not lines:
        raise NotDebian(f"no apt source of this host is for {here}")
    return "".join(lines)


def download(package, suite, folder):
    """Fetches PACKAGE_*.deb of `suite` into `folder`, and unpacks it there into PACKAGE-SUITE/.

    Returns that path. What is there already is not fetched again.
    """
    return download_all([package], suite, folder)[0]


def download_all(packages, suite, folder):
    """The same for several packages: a list of paths."""
    folder = os.path.abspath(folder)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests that run beside each other want the same
        trees = [os.path.join(folder, f"{package}-{suite}") for package in packages]
        missing = [(package, tree) for package, tree in zip(packages, trees)
                   if not os.path.isdir(tree)]
        if missing:
            _fetch(missing, suite, folder)
        return trees


def _apt(suite, folder, kind="deb"):
    """Options for apt-get that make it see that release only, with its lists and files in `folder`."""
    apt = os.path.join(folder, f"apt-{suite}" if kind == "deb" else f"apt-{suite}-{kind}")
    for part in ("lists/partial", "debs"):
        os.makedirs(os.path.join(apt, part), exist_ok=True)
    with open(os.path.join(apt, "sources.list"), "w", encoding="utf-8") as f:
        f.write(re.sub("^deb ", f"{kind} ", sources(suite), flags=re.M))
    return apt, [
        "-qq",
        f"-oDir::Etc::sourcelist={apt}/sources.list",
        "-oDir::Etc::sourceparts=-",
        "-oDir::State::status=/dev/null",  # what is installed does not matter
        f"-oDir::State::lists={apt}/lists",
        f"-oDir::Cache={apt}",
        "-oAPT::Sandbox::User=root",
        "-oAcquire::Check-Valid-Until=false",
        "-oAcquire::Languages=none",
    ]


def _fetch(missing, suite, folder):
    apt, options = _apt(suite, folder)
    debs = os.path.join(apt, "debs")
    subprocess.run(["apt-get", *options, "update"], check=True, timeout=300)
    subprocess.run(["apt-get", *options, "download", *(package for package, _ in missing)],
                   check=True, timeout=300, cwd=debs)
    for package, tree in missing:
        found = glob.glob(os.path.join(debs, f"{package}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", found[0], tree + ".part"], check=True)
        os.rename(tree + ".part", tree)


def download_source(package, suite, folder):
    """Fetches the source package into `folder`, and unpacks it, with Debian's patches, as `folder`/PACKAGE.

    apt checks it by the signature of the release. What is there already is not fetched again.
    """
    tree = os.path.join(folder, package)
    if os.path.isdir(tree):
        return tree
    _, options = _apt(suite, folder, "deb-src")
    subprocess.run(["apt-get", *options, "update"], check=True, timeout=300)
    subprocess.run(["apt-get", *options, "source", "--download-only", package], check=True,
                   timeout=900, cwd=folder)
    described = glob.glob(os.path.join(folder, f"{package}_*.dsc"))
    shutil.rmtree(tree + ".part", ignore_errors=True)
    subprocess.run(["dpkg-source", "--no-check", "-x", described[0], tree + ".part"], check=True,
                   stdout=subprocess.DEVNULL)
    os.rename(tree + ".part", tree)
    return tree
