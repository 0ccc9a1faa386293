#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# check-tsan.sh [TEST…]: builds with ThreadSanitizer in build-tsan/ and runs those tests: without
# any, the unit tests and the end-to-end tests, since the others start no thread. Ends as test.sh
# does, with a line that sums them up.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/deps.sh build run test
scripts/configure.sh build-tsan --enable-tsan --enable-werror CFLAGS='-O1 -g'

tests=("$@")
if ((${#tests[@]} == 0)); then
    mapfile -t tests < <(find tests/unit -name 'test_*.c' -printf '%p\n' | sed 's/\.c$//' | sort)
    tests+=(tests/e2e/test_*.py tests/odd/test_*.py)
fi

# gcc's ThreadSanitizer does not know the widest layouts of random addresses.
fixed=()
if setarch -R true 2>/dev/null; then fixed=(setarch -R); fi

cd build-tsan
jobs=$(nproc)
status=0
make -s -j"$jobs" all >build.log 2>&1 || status=$?
make -s -j"$jobs" check TESTS= >>build.log 2>&1 || status=$?
if ((status)); then
    grep -v -E '^  [A-Z]+ ' build.log | tail -60
    echo "The build failed; all of its output is in build-tsan/build.log"
    exit 1
fi
find tests -name '*.trs' -delete
"${fixed[@]}" make -k -j"$jobs" check TESTS="${tests[*]}" >check.log 2>&1 || status=$?
exec /usr/bin/python3 -B ../tests/lib/tally.py . "$status"
