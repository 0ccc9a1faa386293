#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# check-bare.sh [COMMAND…]: in a bare Debian of this host's release, made by mmdebstrap from this
# host's apt sources, with a compiler and git but nothing of ours: ./run.sh --check and ./test.sh in
# a clean clone of HEAD, or the COMMAND. Needs root. The root is thrown away afterwards, unless
# KEEP=FOLDER names where it shall be made and stay; one that is there already is used again.
set -euo pipefail
cd "$(dirname "$0")/.."

if ((EUID)); then
    echo "check-bare.sh: needs root" >&2
    exit 1
fi
scripts/deps.sh boot
if ! [[ ${UNSHARED:-} ]]; then
    # Mounts of ours end with us.
    exec env UNSHARED=1 unshare --mount --pid --fork --kill-child "$0" "$@"
fi

if [[ ${KEEP:-} ]]; then
    root=$KEEP
else
    root=$(mktemp -d)
    # umount's status is no matter of ours: it counts what was not mounted yet.
    trap 'umount -l -R "$root"/{tmp,sys,dev,proc} 2>/dev/null || true
        rm -rf --one-file-system "$root"' EXIT
fi

if ! [[ -e $root/etc/debian_version ]]; then
    sources=$(PYTHONPATH=tests/lib /usr/bin/python3 -B -c \
        'import debian; print(debian.sources(debian.codename()), end="")')
    release=$(PYTHONPATH=tests/lib /usr/bin/python3 -B -c 'import debian; print(debian.codename())')
    echo "Making a bare $release in $root"
    mmdebstrap --quiet --variant=minbase --include=ca-certificates,gcc,libc6-dev,git \
        --aptopt='Acquire::Check-Valid-Until "false"' "$release" "$root" - <<<"$sources"
fi

clone=$root/srv/cloudseed
if ! [[ -e $clone ]]; then git clone -q . "$clone"; else git -C "$clone" pull -q; fi
chown -R 0:0 "$clone"

mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/tmp"
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true

inside() {
    chroot "$root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        TERM=dumb ${CI:+CI="$CI"} sh -c 'cd /srv/cloudseed && exec "$@"' sh "$@"
}

if (($#)); then
    inside "$@"
    exit
fi
inside ./run.sh --check
inside ./test.sh
