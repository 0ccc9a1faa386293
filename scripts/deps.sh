#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# deps.sh [--missing] GROUP…: installs the Debian packages of the groups named that are missing, or prints them.
# This is the one list of what cloudseed needs.
set -euo pipefail

build=(gcc libc6-dev make autoconf automake pkg-config
    libmicrohttpd-dev libgnutls28-dev libuv1-dev libyaml-dev libjansson-dev libssl-dev libxxhash-dev zlib1g-dev
    libsqlite3-dev libcurl4-openssl-dev)
run=(curl openssl python3 python3-yaml)  # the demo plays machines and an API server
unit=(libcmocka-dev openssl)
test=(libcmocka-dev openssl openssh-client python3 python3-yaml python3-jinja2 ansible-core ansible-lint git patch
    systemd tftp-hpa atftp busybox ipxe
    clang-14 clang-format-14 shellcheck pyflakes3 mandoc jq zsh fish gpg gpg-agent python3-fusepy
    # A store is tested with a real one:
    etcd-server
    # DHCP servers take our settings; Kea is unpacked, and needs libpq5:
    dnsmasq-base nftables iproute2 util-linux libpq5
    # A load balancer takes our example, and passes clients on:
    haproxy
    # What the real cloud-init needs, which tests/cloudinit unpacks and runs in place:
    python3-configobj python3-jsonpatch python3-jsonschema python3-netifaces python3-oauthlib
    python3-requests python3-serial
    # And netplan, which is unpacked beside it:
    libglib2.0-0
    # HashiCorp's own parser reads contrib/terraform:
    golang-go golang-github-hashicorp-hcl-v2-dev)
boot=(curl gnupg iproute2 mmdebstrap openssh-client tmux util-linux
    # Real firmware, and the network that it boots from:
    qemu-system-x86 qemu-system-data seabios ovmf ipxe ipxe-qemu dnsmasq-base nftables
    cpio kmod zstd)
# Debian 12's Go builds a Kubernetes to test against (tests/kube/build.py); it needs openssl beside it.
kube=(golang-go dpkg-dev openssl util-linux)
fuzz=(clang-14 libclang-rt-14-dev)
# tftpd-hpa and atftpd are unpacked by bench/against_tftpd.py: installed, they would start.
bench=(curl dnsmasq-base iproute2 nginx-light wrk python3 util-linux)
tidy=(clang-tidy-14)
tls=(openssl python3 testssl.sh)
package=("${build[@]}" debhelper dpkg-dev fakeroot pkg-config systemd
    # A fresh Debian to install them in, and to boot:
    mmdebstrap util-linux qemu-system-x86 qemu-system-data cpio kmod zstd)
web=(chromium nodejs npm openssl python3 python3-jsonschema)

only_print=
if [[ ${1:-} == --missing ]]; then
    only_print=yes
    shift
fi

wanted=()
for group in "$@"; do
    case $group in
    build) wanted+=("${build[@]}") ;;
    run) wanted+=("${run[@]}") ;;
    unit) wanted+=("${unit[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    boot) wanted+=("${boot[@]}") ;;
    kube) wanted+=("${kube[@]}") ;;
    fuzz) wanted+=("${fuzz[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    tidy) wanted+=("${tidy[@]}") ;;
    tls) wanted+=("${tls[@]}") ;;
    package) wanted+=("${package[@]}") ;;
    web) wanted+=("${web[@]}") ;;
    *)
        echo "deps.sh: no group '$group': build, run, unit, test, boot, kube, fuzz, bench, tidy, tls, package or web" >&2
        exit 2
        ;;
    esac
done

if ! command -v dpkg-query >/dev/null; then
    echo "deps.sh: not a Debian: make sure that you have what these packages hold: ${wanted[*]}" >&2
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    # shellcheck disable=SC2016  # dpkg-query expands it
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
    [[ $status == installed ]] || missing+=("$package")
done
# Others' packages of Node.js bring npm along, and then Debian's cannot be installed.
if command -v npm >/dev/null; then
    for at in "${!missing[@]}"; do
        [[ ${missing[at]} != npm ]] || unset "missing[at]"
    done
fi
((${#missing[@]})) || exit 0
if [[ $only_print ]]; then
    printf '%s\n' "${missing[@]}"
    exit
fi

as_root=()
if ((EUID)); then
    if ! command -v sudo >/dev/null; then
        echo "deps.sh: as root, run: apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
install=("${apt[@]}" install -y --no-install-recommends "${missing[@]}")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"${install[@]}" >"$log" 2>&1 </dev/null && exit
# The lists may be missing or out of date.
"${apt[@]}" update >"$log" 2>&1 && "${install[@]}" >>"$log" 2>&1 </dev/null && exit
tail -30 "$log" >&2
echo "deps.sh: the packages could not be installed" >&2
exit 1
