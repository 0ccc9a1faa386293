#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check-dist.sh SOURCE TARBALL_FOLDER: the tarball holds what git tracks, and besides that only what
# Autotools make. Says nothing where SOURCE is no git checkout.
set -eu
source=$1
dist=$2
find "$dist" -depth -name __pycache__ -exec rm -r {} +
[ -e "$source/.git" ] && command -v git >/dev/null || exit 0

lists=$(mktemp -d)
trap 'rm -r "$lists"' EXIT
git -C "$source" ls-files | while read -r file; do
    if [ -e "$source/$file" ]; then echo "$file"; fi
done | LC_ALL=C sort >"$lists/tracked"
(cd "$dist" && find . ! -type d | sed 's|^\./||') | grep -v -x -E \
    'build-aux/.*|aclocal\.m4|configure|Makefile\.in' | LC_ALL=C sort >"$lists/packed"

wrong=$(LC_ALL=C comm -3 "$lists/tracked" "$lists/packed" |
    sed 's|^	|  not tracked by git:     |; t; s|^|  missing in the tarball: |')
if [ -n "$wrong" ]; then
    echo "The tarball is not what git tracks:" >&2
    echo "$wrong" >&2
    exit 1
fi
