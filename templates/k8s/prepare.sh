#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes this machine ready for kubeadm: kernel, swap, Kubernetes' packages, containerd. Each step
# looks first whether it is done already, so this may be run again at any time. It does not upgrade
# Kubernetes: that is kubeadm's work. What it is to install stands in /etc/cloudseed/prepare.conf.
set -eu
umask 022
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8

# shellcheck source=/dev/null
. /etc/cloudseed/prepare.conf
APT_REPOSITORY=${APT_REPOSITORY%/}/v$KUBERNETES_MINOR/deb/
EMBEDDED_KEY=/etc/cloudseed/kubernetes-apt.asc
KEYRING=/etc/apt/keyrings/kubernetes-apt-keyring.gpg

say() { printf 'cloudseed-prepare: %s\n' "$*"; }

refuse() {
    say "refused: $*" >&2
    exit 1
}

# Mirrors and networks have their moments: five tries, with more patience each time.
patiently() {
    for pause in 2 5 15 30; do
        if "$@"; then
            return
        fi
        say "failed: $*; trying again in $pause s" >&2
        sleep "$pause"
    done
    "$@" || refuse "given up after five tries: $*"
}

# put FILE: makes it hold what comes on standard input; fails if it held that already.
put() {
    cat >"$scratch/put" || refuse "no room in $scratch"
    if cmp -s "$scratch/put" "$1"; then
        return 1
    fi
    # Beside the file and renamed: nobody reads half of it.
    { mkdir -p "${1%/*}" && cp "$scratch/put" "$1.new" && mv "$1.new" "$1"; } ||
        refuse "$1 cannot be written"
    say "wrote $1"
}

apt() { apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$@"; }

# The version of an installed package, or nothing.
version_of() {
    # shellcheck disable=SC2016  # dpkg-query expands it
    dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | sed -n 's/^installed //p'
}

prepare_kernel() {
    modprobe -a overlay br_netfilter
    sysctl -q -p /etc/sysctl.d/99-kubernetes.conf
}

# kubelet does not start beside swap: now, and after each boot.
swap_off() {
    swapoff -a
    if [ -e /etc/fstab ]; then
        sed -E 's/^[^#[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+swap[[:space:]]/# &/' \
            /etc/fstab >"$scratch/fstab"
        put /etc/fstab <"$scratch/fstab" || true
    fi
    systemctl mask -q swap.target
}

fetch_key() {
    # apt's own fetcher: it is there on every image, and goes by the proxies that apt goes by.
    /usr/lib/apt/apt-helper -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 \
        -o APT::Sandbox::User=root download-file "${APT_REPOSITORY}Release.key" "$scratch/key"
}

# The fingerprints of the primary keys in a file.
fingerprints_in() {
    gpg --batch --quiet --show-keys --with-colons "$1" |
        awk -F: '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { print $10; primary = 0 }'
}

# apt trusts every key in the keyring: only the one that the site names gets into it.
trust_key() {
    found=$(fingerprints_in "$scratch/key" | tr '\n' ' ')
    wanted=$(printf %s "$APT_FINGERPRINT" | tr -d ' ' | tr '[:lower:]' '[:upper:]')
    if [ -z "$found" ]; then
        refuse "what came from $1 is no OpenPGP key"
    fi
    if [ -n "$wanted" ] && ! fingerprints_in "$scratch/key" | grep -qx "$wanted"; then
        refuse "the key from $1 has the fingerprint ${found% }, and the site says $wanted:" \
            "nothing was installed"
    fi
    gpg --batch --quiet --import "$scratch/key"
    # shellcheck disable=SC2086  # without a fingerprint: all of them
    gpg --batch --quiet --export $wanted >"$scratch/keyring"
    put "$KEYRING" <"$scratch/keyring" || true
    [ -n "$wanted" ] || say "trusts ${found% } unchecked: kubernetes_apt.fingerprint would check it"
}

add_repository() {
    if [ -e "$EMBEDDED_KEY" ]; then
        cp "$EMBEDDED_KEY" "$scratch/key"
        trust_key "this node's user-data"
    else
        case $APT_REPOSITORY in
        https://*) ;;
        *) [ -n "$APT_FINGERPRINT" ] ||
            refuse "$APT_REPOSITORY is not https: kubernetes_apt.fingerprint or .key must be set" ;;
        esac
        patiently fetch_key
        trust_key "${APT_REPOSITORY}Release.key"
    fi
    echo "deb [signed-by=$KEYRING] $APT_REPOSITORY /" |
        put /etc/apt/sources.list.d/kubernetes.list || true
}

# What of Kubernetes is missing, as apt-get takes it. Another version than the cluster's is refused.
missing_packages() {
    for name in kubelet kubeadm kubectl; do
        have=$(version_of "$name")
        # shellcheck disable=SC2254  # it is a pattern
        case $have in
        "") echo "$name=$KUBERNETES_VERSION" ;;
        $KUBERNETES_VERSION) ;;
        *)
            refuse "$name $have is installed, and the cluster has $KUBERNETES_VERSION:" \
                "upgrade it by kubeadm"
            ;;
        esac
    done
}

install_packages() {
    missing=$(missing_packages)
    [ -n "$(version_of "$CONTAINERD")" ] || missing="$missing $CONTAINERD"
    if [ -n "$missing" ]; then
        patiently dpkg --configure -a
        command -v gpg >/dev/null || {
            patiently apt update
            patiently apt install --no-install-recommends gnupg ca-certificates
        }
        add_repository
        patiently apt update
        # shellcheck disable=SC2086  # words
        patiently apt install --no-install-recommends $missing
    fi
    patiently apt-mark hold kubelet kubeadm kubectl >/dev/null
    say "kubelet $(version_of kubelet), kubeadm $(version_of kubeadm)"
}

# containerd's whole configuration, for its major version: 2.x has other names for all of this.
# certs.d holds a folder for each registry that has a mirror, a CA or credentials of its own.
containerd_config() {
    if [ "$1" -ge 2 ]; then
        cat <<END
version = 3

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '$2'
[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = '/etc/containerd/certs.d'
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dir = '/opt/cni/bin'
  conf_dir = '/etc/cni/net.d'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = true
END
    else
        cat <<END
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$2"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/opt/cni/bin"
  conf_dir = "/etc/cni/net.d"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true
END
    fi
}

configure_containerd() {
    # "containerd github.com/containerd/containerd/v2 v2.1.4 …": the third word, v or no v.
    version=$(containerd --version | awk '{ sub(/^v/, "", $3); print $3 }')
    # kubeadm knows which sandbox image it goes with; asked with a version, it asks nobody else.
    pause=$(kubeadm config images list --kubernetes-version "$(kubeadm version -o short)" \
        --image-repository "$IMAGE_REPOSITORY" | grep '/pause:') ||
        refuse "'kubeadm config images list' names no pause image"
    mkdir -p /etc/containerd/certs.d
    systemctl enable -q --now containerd.service
    if containerd_config "${version%%.*}" "$pause" | put /etc/containerd/config.toml; then
        systemctl restart containerd.service
    fi
    echo 'runtime-endpoint: unix:///run/containerd/containerd.sock' | put /etc/crictl.yaml || true
    say "containerd $version, sandbox image $pause"
}

# Only now: a node that could not be prepared does not ask to join. It waits for cloud-init's end.
start_join() {
    if [ -e /etc/systemd/system/cloudseed-join.service ]; then
        systemctl daemon-reload
        systemctl enable -q --now --no-block cloudseed-join.service
    fi
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
GNUPGHOME=$scratch/gnupg
export GNUPGHOME
mkdir -m 0700 "$GNUPGHOME"

prepare_kernel
swap_off
install_packages
configure_containerd
say "ready for kubeadm"
start_join
