#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The description of the running server, as Redocly's linter and OpenAPI's own schema see it."""
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import tap
from daemon import BUILD, SOURCE, Daemon

WEB = BUILD.resolve() / "web"
MODULES = WEB / "node_modules"
# It must ask nobody on the network.
QUIET = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "CI": "true"}
RULES = "extends: [recommended-strict]\n"


def fetch():
    with Daemon(seed=SOURCE / "seed", templates=SOURCE / "templates") as daemon:
        return daemon.admin("GET", "/v1/openapi.json").json


DOCUMENT = fetch()


def lint(document):
    """Its exit status and what it says."""
    (WEB / "openapi.json").write_text(json.dumps(document))
    (WEB / "redocly.yaml").write_text(RULES)
    done = subprocess.run([MODULES / ".bin/redocly", "lint", "openapi.json", "--config", "redocly.yaml"],
                          cwd=WEB, env=QUIET, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300, check=False)
    return done.returncode, done.stdout


def changed(change):
    document = json.loads(json.dumps(DOCUMENT))
    change(document)
    return document


def test_redocly_has_nothing_to_say():
    status, said = lint(DOCUMENT)
    assert status == 0 and "warning" not in said, said


def test_redocly_sees_what_is_wrong():
    status, said = lint(changed(lambda d: d["paths"]["/v1/self"]["get"].pop("summary")))
    assert status != 0 and "summary" in said, said
    status, said = lint(changed(lambda d: d["components"]["schemas"].update(Unused={"type": "object"})))
    assert status != 0 and "Unused" in said, said


def test_the_schema_of_openapi_fits():
    schema = json.loads((MODULES / "@seriousme/openapi-schema-validator/schemas/v3.1/schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    tap.eq([error.message for error in validator.iter_errors(DOCUMENT)], [])
    wrong = changed(lambda d: d["paths"]["/v1/self"]["get"]["responses"]["200"].pop("description"))
    assert list(validator.iter_errors(wrong))


tap.main()
