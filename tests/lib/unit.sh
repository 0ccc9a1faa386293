#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a unit test and mends cmocka's TAP: a skipped test comes as "not ok", without its reason.
set -o pipefail
timeout -k 10 "${TEST_SECONDS:-1800}" "$@" | awk '
    /^# skip: / { reason = substr($0, 9); next }
    /^not ok [0-9]+ # SKIP / { print "ok " $3 " - " $6 " # SKIP " reason; reason = ""; next }
    { print; fflush() }'
