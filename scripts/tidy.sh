#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# tidy.sh [FILE…]: clang-tidy over src/ (or those files of it), by .clang-tidy.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/deps.sh build tidy
if (($# == 0)); then
    mapfile -t files < <(find src -name '*.c' | sort)
    set -- "${files[@]}"
fi
flags=(-std=gnu11 -D_GNU_SOURCE= -Isrc '-DCLOUDSEED_VERSION="0"')
flags+=(-DCLOUDSEED_BUILD_DATE=1)
for name in CONFIG_DIR STATE_DIR RUNTIME_DIR TEMPLATES_DIR; do flags+=("-DCLOUDSEED_$name=\"/\""); done
for file in "$@"; do
    [[ $file == src/base/err.c ]] || printf '%s\0' "$file"
done | xargs -0 -P "$(nproc)" -I '{}' \
    clang-tidy-14 --quiet --warnings-as-errors='*' '{}' -- "${flags[@]}" -include scripts/tidy.h
