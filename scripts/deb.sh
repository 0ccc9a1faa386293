#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# deb.sh TARBALL FOLDER: builds the Debian packages of this release of Debian from a tarball of `make dist`
# into FOLDER, in a scratch folder. The same tarball makes the same bytes: the time in them is the release's
# (BUILD_DATE in configure.ac). Version: the tarball's, then ~deb12 or ~deb13. JOBS is how many compile at
# once, UPSTREAM=VERSION another version, as a test has it.
set -euo pipefail
tarball=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")
# shellcheck source=/dev/null
. /etc/os-release
if [[ $ID != debian || -z ${VERSION_ID:-} ]]; then
    echo "deb.sh: this is no release of Debian: $PRETTY_NAME" >&2
    exit 1
fi
umask 022
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir "$scratch/source"
tar -xf "$tarball" -C "$scratch/source" --strip-components=1
cd "$scratch/source"
cp -r contrib/debian debian
version=${UPSTREAM:-$(sed -n 's/^AC_INIT(\[cloudseed\], \[\(.*\)\])$/\1/p' configure.ac)}
date=$(sed -n 's/.*\[BUILD_DATE=\([0-9]*\)\].*/\1/p' configure.ac)
cat >debian/changelog <<END
cloudseed ($version~deb$VERSION_ID) $VERSION_CODENAME; urgency=medium

  * /usr/share/doc/cloudseed/NEWS.gz, of cloudseed-doc, has what is new.

 -- $(sed -n 's/^Maintainer: //p' debian/control)  $(LC_ALL=C date -u -R -d "@$date")
END

log=$scratch/log
if ! env -u SOURCE_DATE_EPOCH -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
    DEB_BUILD_OPTIONS="noautodbgsym parallel=${JOBS:-$(nproc)}" dpkg-buildpackage -b -us -uc >"$log" 2>&1; then
    tail -40 "$log" >&2
    echo "deb.sh: dpkg-buildpackage failed" >&2
    exit 1
fi
rm -f "$folder"/cloudseed*.deb
cp "$scratch"/*.deb "$folder"
ls "$folder"/cloudseed*.deb
