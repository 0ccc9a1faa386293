# SPDX-License-Identifier: Apache-2.0
"""Runs many commands of `cloud-init`, each in a process of its own, but imports it only once.

Standard input holds a JSON list of argument lists; standard output gets, for each of them,
[exit status, all that it said]. Run by client.py, with that cloud-init in the path. With --together
all run in this one process, which is far quicker: for commands that leave nothing behind.
"""
import copy
import importlib
import json
import logging
import os
import sys
import tempfile
import traceback

from cloudinit.cmd import main as command
from cloudinit.distros import debian

# What the commands import only when they run: once here is enough.
for _name in ("cloudinit.config.schema", "cloudinit.cmd.devel.net_convert", "jsonschema",
              "cloudinit.distros.debian", "cloudinit.net.netplan", "cloudinit.net.networkd"):
    importlib.import_module(_name)


RENDERERS = copy.deepcopy(debian.Distro.renderer_configs)


def call(arguments):
    """Its exit status; what it says goes where standard output and error go."""
    status = 1
    try:
        status = command.main(["cloud-init", *arguments])
    except SystemExit as end:
        status = end.code
        if isinstance(status, str):
            print(status, file=sys.stderr)
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return status if isinstance(status, int) else 1 if status else 0


def in_child(arguments, out):
    child = os.fork()
    if child == 0:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
        os._exit(call(arguments))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def together(arguments, out):
    kept = os.dup(1), os.dup(2)
    os.dup2(out.fileno(), 1)
    os.dup2(out.fileno(), 2)
    debian.Distro.renderer_configs = copy.deepcopy(RENDERERS)  # net-convert shortens a path in it
    status = call(arguments)
    for to, fd in enumerate(kept, 1):
        os.dup2(fd, to)
        os.close(fd)
    logging.getLogger().handlers.clear()  # each command adds its own
    return status


def run(arguments, how):
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as out:
        status = how(arguments, out)
        out.seek(0)
        return status, out.read()


def main():
    how = together if "--together" in sys.argv else in_child
    json.dump([run(arguments, how) for arguments in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
