# SPDX-License-Identifier: Apache-2.0
"""Runs many commands of `cloud-init`, each in a process of its own, but imports it only once.

Standard input holds a JSON list of argument lists; standard output gets, for each of them,
[exit status, all that it said]. Run by client.py, with that cloud-init in the path.
"""
import importlib
import json
import os
import sys
import tempfile
import traceback

from cloudinit.cmd import main as command

# What the commands import only when they run: once here is enough.
for _name in ("cloudinit.config.schema", "cloudinit.cmd.devel.net_convert", "jsonschema",
              "cloudinit.distros.debian", "cloudinit.net.netplan", "cloudinit.net.networkd"):
    importlib.import_module(_name)


def in_child(arguments, out):
    os.dup2(out.fileno(), 1)
    os.dup2(out.fileno(), 2)
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
    os._exit(status if isinstance(status, int) else 1 if status else 0)


def run(arguments):
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as out:
        child = os.fork()
        if child == 0:
            in_child(arguments, out)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        return status, out.read()


def main():
    json.dump([run(arguments) for arguments in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
