#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs what compares us with a real cluster; prints TAP of several files, and sums it up.

    make check-kube                                              builds and starts a control plane
    make check-kube KUBECONFIG=FILE [KUBEADM=FILE] [API_VERSION=v1beta4]      takes that cluster

KUBECONFIG is the admin's of a test cluster, with a client certificate. KUBEADM is a kubeadm of the
cluster's minor version, API_VERSION what it reads where it is not the usual one. What is made in the
cluster is deleted in the end.

Without KUBECONFIG, and as root, nodes join, too: a cluster of its own for each play of tests/cluster/.
"""
import contextlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE)]
sys.dont_write_bytecode = True
import build  # noqa: E402
import debian  # noqa: E402
import lab  # noqa: E402

FILES = [["test_api.py"], ["test_kubeadm.py"], ["test_adopt.py"]]
WHOLE_WAY = ["../cluster/run.py", "join"]  # makes clusters of its own
SECONDS = 1200  # for each file


def cluster(stack):
    """What tests are told of the cluster, by their environment."""
    given = {name: os.environ[f"CLOUDSEED_{name}"] for name in ("KUBECONFIG", "KUBEADM", "API_VERSION")
             if os.environ.get(f"CLOUDSEED_{name}")}
    if "KUBECONFIG" not in given:
        one = stack.enter_context(lab.Lab())
        given = {"KUBECONFIG": one.kubeconfig, "KUBEADM": one.programs / "kubeadm"}
    return {f"CLOUDSEED_{name}": str(value) for name, value in given.items()}


def passes(file, words, told):
    print(f"# {file}", flush=True)
    command = ["timeout", "-k", "10", str(SECONDS), sys.executable, "-B", str(HERE / file), *words]
    done = subprocess.run(command, env={**os.environ, **told}, check=False)
    return done.returncode == 0


def main():
    files = FILES if os.environ.get("CLOUDSEED_KUBECONFIG") else [*FILES, WHOLE_WAY]
    with contextlib.ExitStack() as stack:
        try:
            told = cluster(stack)
        except (build.CannotBuild, debian.NotDebian) as why:
            sys.exit(f"check-kube: {why}; KUBECONFIG=FILE takes another test cluster")
        failed = [file for file, *words in files if not passes(file, words, told)]
    print(f"# {len(files) - len(failed)} files passed, {len(failed)} failed:", *failed)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
