#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds with sanitizers in build-test/ and runs all tests. The last line sums them up; with CI=true
# a skipped test is a failure. Installs what is missing (scripts/deps.sh) when it may.
set -euo pipefail
cd "$(dirname "$0")"

scripts/deps.sh build run test
scripts/configure.sh build-test --enable-asan --enable-ubsan --enable-werror CFLAGS='-O1 -g'

cd build-test
jobs=$(nproc)
status=0
make -s -k -j"$jobs" all >build.log 2>&1 || status=$?
make -s -k -j"$jobs" check TESTS= >>build.log 2>&1 || status=$?
if ((status)); then
    grep -v -E '^  [A-Z]+ ' build.log | tail -60
    echo "The build failed; all of its output is in build-test/build.log"
    echo '0 passed, 1 failed, 0 skipped'
    exit 1
fi
find tests -name '*.trs' -delete
# All that they say is in check.log.
make -k -j"$jobs" check >check.log 2>&1 || status=$?
exec /usr/bin/python3 -B ../tests/lib/tally.py . "$status"
