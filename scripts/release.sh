#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# release.sh MAKE, in a build folder, by `make release`: the tarball of the version in configure.ac, and
# SHA256SUMS. It refuses a tree with changes, a version without its entry in NEWS or with a tag, and one whose
# checks fail. In the environment: RELEASE_CHECKS, the checks' command, run in the source; RELEASE_TAG=annotated
# or =signed, and then git makes the tag vVERSION at the end. Nothing is pushed.
set -euo pipefail
make=$1
build=$PWD
source=$(cd "$(dirname "$0")/.." && pwd)
checks=${RELEASE_CHECKS:-./test.sh}

refuse() {
    echo "release: $1" >&2
    exit 1
}

must_be_clean() {
    local changes
    changes=$(git -C "$source" status --porcelain)
    [[ -z $changes ]] || refuse "commit or remove these changes first:
$changes"
}

of_configure() {
    sed -n "$1" "$source/configure.ac"
}

version=$(of_configure 's/^AC_INIT(\[cloudseed\], \[\(.*\)\])$/\1/p')
built=$(of_configure 's/.*\[BUILD_DATE=\([0-9]*\)\].*/\1/p')
tag=v$version
case ${RELEASE_TAG:-} in
'' | annotated | signed) ;;
*) refuse "RELEASE_TAG is '$RELEASE_TAG': expected annotated or signed" ;;
esac

git -C "$source" rev-parse --git-dir >/dev/null 2>&1 || refuse "$source is not a checkout of git"
must_be_clean
! git -C "$source" rev-parse -q --verify "refs/tags/$tag" >/dev/null ||
    refuse "the tag $tag exists: raise the version in configure.ac"
first=$(head -n 1 "$source/NEWS")
date=${first#"cloudseed $version, "}
[[ $date != "$first" ]] || refuse "NEWS begins with '$first': expected 'cloudseed $version, DATE'"
[[ $date =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] ||
    refuse "NEWS has no date for $version: write 'cloudseed $version, $(date -u +%F)' in its first line"
[[ $(date -u -d "@$built" +%F) == "$date" ]] ||
    refuse "BUILD_DATE in configure.ac is not the date in NEWS: set it, and BUILT in templates/k8s/join.py, to \
$(date -u -d "$date" +%s)"

commit=$(git -C "$source" rev-parse HEAD)
(cd "$source" && bash -c "$checks") || refuse "the checks failed: $checks"
"$make" distcheck || refuse "make distcheck failed"
[[ $(git -C "$source" rev-parse HEAD) == "$commit" ]] || refuse "the checkout has another commit now: start again"
must_be_clean

cd "$build"
tarball=cloudseed-$version.tar.xz
[[ -e $tarball ]] || refuse "make distcheck left no $tarball: run ./configure again in $build"
sha256sum "$tarball" >SHA256SUMS
case ${RELEASE_TAG:-} in
annotated) git -C "$source" tag -a -m "cloudseed $version" "$tag" "$commit" ;;
signed) git -C "$source" tag -s -m "cloudseed $version" "$tag" "$commit" ;;
esac
echo "$build/$tarball"
echo "$build/SHA256SUMS"
