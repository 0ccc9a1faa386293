#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# pack.sh SOURCE TARBALL_FOLDER, from `make dist`: puts into the tarball whatever git tracks and
# Automake has not put there, and a MANIFEST of it all, by which a tarball makes the next one. What
# is packed but not tracked is an error: it would be missing in the next checkout.
set -eu
source=$1
dist=$2
manifest=$dist/MANIFEST
if [ -e "$source/.git" ]; then
    git -C "$source" ls-files | LC_ALL=C sort >"$manifest"
else
    cp "$source/MANIFEST" "$manifest.new" && mv -f "$manifest.new" "$manifest"
fi

while read -r file; do
    if [ ! -e "$dist/$file" ] && [ ! -L "$dist/$file" ]; then
        mkdir -p "$dist/$(dirname "$file")"
        cp -P -p "$source/$file" "$dist/$file"
    fi
done <"$manifest"

cd "$dist"
untracked=$(find . ! -type d | sed 's|^\./||' | LC_ALL=C sort |
    LC_ALL=C comm -13 MANIFEST - |
    grep -v -x -E 'build-aux/.*|aclocal\.m4|configure|Makefile\.in|MANIFEST' || true)
if [ -n "$untracked" ]; then
    echo "Packed, but not tracked by git:" >&2
    echo "$untracked" >&2
    exit 1
fi
