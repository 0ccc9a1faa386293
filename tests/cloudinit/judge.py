# SPDX-License-Identifier: Apache-2.0
"""Asks cloud-init's schema about many configurations in one process.

Standard input holds a JSON list of them; standard output gets, for each, "ok", "deprecated" or
"refused". Run by client.py, with that cloud-init in the path. It is the call that `cloud-init
schema` makes, without the reading of a file.
"""
import json
import logging
import sys

from cloudinit.config import schema


def judge(config, whole):
    try:
        schema.validate_cloudconfig_schema(config, whole, strict=True)
    except schema.SchemaValidationError as why:
        return "refused" if why.has_errors() else "deprecated"
    return "ok"


def main():
    logging.disable(logging.CRITICAL)
    whole = schema.get_schema()
    json.dump([judge(config, whole) for config in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
