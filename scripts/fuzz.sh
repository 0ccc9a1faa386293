#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fuzz.sh [NAME…]: builds tests/fuzz/fuzz_NAME.c (all of them without a name) with libFuzzer and
# sanitizers in build-fuzz/ and runs each for FUZZ_SECONDS (60). What a run finds to be new grows
# build-fuzz/corpus/NAME; an input that breaks it is left in build-fuzz/. tests/fuzz/NAME.dict, where
# there is one, has words that inputs are made of.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/deps.sh build fuzz
sanitize='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined'
scripts/configure.sh build-fuzz CC=clang-14 CFLAGS="-O1 -g -fno-omit-frame-pointer $sanitize"
make -s -C build-fuzz -j"$(nproc)" libcloudseedd.a libcloudseed.a

if (($# == 0)); then
    for file in tests/fuzz/fuzz_*.c; do
        name=${file##*/fuzz_}
        set -- "$@" "${name%.c}"
    done
fi

libs=$(pkg-config --libs libmicrohttpd gnutls libuv yaml-0.1 jansson libcrypto zlib)
cd build-fuzz
status=0
for name in "$@"; do
    # shellcheck disable=SC2086  # flags and libraries are lists
    clang-14 -std=gnu11 -D_GNU_SOURCE= -O1 -g -I../src -I../tests ${sanitize/fuzzer-no-link/fuzzer} \
        "../tests/fuzz/fuzz_$name.c" ../tests/lib/failing_store.c libcloudseed.a libcloudseedd.a $libs -lm \
        -o "fuzz_$name"
    mkdir -p "corpus/$name" "../tests/fuzz/corpus/$name"
    words=()
    [[ ! -e ../tests/fuzz/$name.dict ]] || words=(-dict="../tests/fuzz/$name.dict")
    echo "fuzz $name: ${FUZZ_SECONDS:-60} s"
    if ! "./fuzz_$name" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=2048 \
        "${words[@]}" -artifact_prefix="$name-" "corpus/$name" "../tests/fuzz/corpus/$name" >"$name.log" 2>&1; then
        tail -40 "$name.log"
        echo "fuzz $name: BROKEN; the input is in build-fuzz/, what was said in $name.log"
        status=1
    else
        tail -1 "$name.log"
    fi
done
exit "$status"
