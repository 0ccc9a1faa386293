#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# configure.sh FOLDER OPTION…: makes ./configure where it is missing, and configures FOLDER with it,
# unless that was done with these very options.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT

quietly() {
    if ! "$@" >"$log" 2>&1; then
        tail -30 "$log" >&2
        exit 1
    fi
}

[[ -x configure && -e Makefile.in && -e build-aux/tap-driver.sh ]] || quietly autoreconf -fi
mkdir -p "$folder"
cd "$folder"
if [[ ! -e Makefile || "$(cat options 2>/dev/null)" != "$*" ]]; then
    quietly ../configure -q "$@"
    echo "$*" >options
fi
