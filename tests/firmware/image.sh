#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# image.sh ROOT: mmdebstrap's last hook. Makes of a root file system one that boots out of memory.
set -eu
root=$1
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"

# The kernel is unpacked and not installed: its package would bring initramfs-tools.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[^ ]*\)$/\1/p')
(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$kernel" && dpkg-deb -x ./*.deb unpacked)
version=${kernel#linux-image-}
mv "$work/unpacked/boot/vmlinuz-$version" "$root/../vmlinuz"

# What a virtual machine with a network card and a disk needs of it.
from=$work/unpacked/lib/modules/$version
to=$root/lib/modules/$version
mkdir -p "$to"
cp "$from"/modules.builtin* "$from"/modules.order "$to"
for part in drivers/virtio drivers/net/virtio_net.ko drivers/net/net_failover.ko net/core/failover.ko \
    drivers/block/virtio_blk.ko drivers/net/ethernet/intel/e1000 drivers/char/hw_random drivers/firmware/dmi-sysfs.ko; do
    if [ -e "$from/kernel/$part" ]; then
        mkdir -p "$(dirname "$to/kernel/$part")"
        cp -r "$from/kernel/$part" "$to/kernel/$part"
    fi
done
depmod -b "$root" "$version"

ln -s sbin/init "$root/init"
systemctl --root="$root" -q enable systemd-networkd
: >"$root/etc/machine-id"
# There is no mirror in the network of the test, no disk, and one kind of key is enough.
rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* "$root"/etc/ssh/ssh_host_*
cat >"$root/etc/cloud/cloud.cfg.d/90-image.cfg" <<'END'
apt: {preserve_sources_list: true}
growpart: {mode: 'off'}
resize_rootfs: false
locale: false
ssh_genkeytypes: [ed25519]
END
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/usr/share/locale/* \
    "$root"/usr/share/doc/* "$root"/usr/share/man/*
