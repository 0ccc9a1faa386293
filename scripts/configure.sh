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

is_made() {
    [[ -x configure && -e Makefile.in && -e build-aux/tap-driver.sh ]]
}

is_configured() {
    [[ -e $folder/Makefile && "$(cat "$folder/options" 2>/dev/null)" == "$*" ]]
}

if is_made && is_configured "$@"; then exit; fi
echo "Configuring in $folder/ (half a minute) ..."
is_made || quietly autoreconf -fi
if ! is_configured "$@"; then
    mkdir -p "$folder"
    cd "$folder"
    quietly ../configure -q "$@"
    echo "$*" >options
fi
