#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs in the VM as a service, under systemd: installs, serves, hangs, upgrades. Prints `guest: ok STEP` on
# the serial port for each step, and what failed. /srv/commands has the five of docs/install.md.
set -eu
export HOME=/root DEBIAN_FRONTEND=noninteractive
unset CDPATH
cd /srv/packages
say() { echo "guest: $*"; }
# shellcheck disable=SC2317  # the trap calls it
fail() {
    say "FAILED at line $1"
    systemctl --no-pager status cloudseedd cloudseedd.socket || true
    journalctl --no-pager -q -n 40 || true
    systemctl poweroff -ff
}
trap 'fail $LINENO' ERR
pid() { systemctl show -P MainPID cloudseedd; }

while read -r command; do
    say "\$ $command"
    out=$(bash -c "$command" 2>/srv/errors) || { say "$(cat /srv/errors)"; false; }
    say "${out:0:300}"
done </srv/commands
[[ $out == '#cloud-config'* ]]
say ok five commands to a served seed
url=$(cloudseed node url k8s-worker-2 --url http://localhost:8080)

# Only the sockets: a connection starts the server.
systemctl stop cloudseedd
systemctl -q is-active cloudseedd.socket
curl -sf --max-time 100 "${url}meta-data" >/dev/null
systemctl -q is-active cloudseedd
say ok a connection starts the server

[[ $(stat -c %U "/proc/$(pid)") == cloudseed ]]
score=$(systemd-analyze security --no-pager cloudseedd | sed -n 's/.*exposure level for cloudseedd.service: \([0-9.]*\).*/\1/p')
[[ ${score%.*} -lt 2 ]]
grep -q '^NoNewPrivs:.1$' "/proc/$(pid)/status"
grep -q '^CapEff:.0000000000000000$' "/proc/$(pid)/status"
say ok hardened: exposure "$score"

before=$(pid)
kill -STOP "$before"
for ((i = 0; i < 300; i++)); do
    now=$(pid)
    [[ $now == 0 || $now == "$before" ]] || break
    sleep 1
done
[[ $now != 0 && $now != "$before" ]]
curl -sf --max-time 100 "${url}meta-data" >/dev/null
journalctl -q --no-pager -u cloudseedd | grep -q 'Watchdog timeout'
say ok the watchdog ends a server that hangs, and it is started again

# Each line of the load: status and Retry-After, or 000 where a connection failed.
load() {
    until [[ -e /run/enough ]]; do
        curl -s -o /dev/null --max-time 100 -w '%{http_code} %header{retry-after}\n' "${url}meta-data" || true
    done
}
: >/srv/load
load >>/srv/load &
load >>/srv/load &
for ((i = 0; i < 300; i++)); do [[ $(wc -l </srv/load) -lt 5 ]] || break; sleep 0.2; done
served=$(wc -l </srv/load)
before=$(pid)
apt-get -qq install -y /srv/newer/*.deb >/srv/apt.log 2>&1 || { cat /srv/apt.log; false; }
[[ $(pid) != 0 && $(pid) != "$before" ]]
during=$(wc -l </srv/load)
for ((i = 0; i < 300; i++)); do [[ $(wc -l </srv/load) -lt $((during + 5)) ]] || break; sleep 0.2; done
touch /run/enough
wait
say "load: $(sort /srv/load | uniq -c | tr -s ' \n' ' '), $((during - served)) of them during the upgrade"
[[ $((during - served)) -gt 0 ]]
[[ $(grep -c -v -x -E '200 |503 [0-9]+' /srv/load) == 0 ]]
say ok an upgrade under load loses no request

[[ $(cloudseed node url k8s-worker-2 --url http://localhost:8080) == "$url" ]]
say ok an upgrade keeps the secret
backups=$(ls /var/lib/cloudseed/backups 2>/dev/null || true)
systemctl start cloudseed-backup.service
[[ $(ls /var/lib/cloudseed/backups) != "$backups" ]]
systemctl -q is-active cloudseed-backup.timer
say ok a backup is made, and the timer waits for the next

passphrase=$(cloudseedd --recovery | sed -n 's/^    //p')
cloudseed reload
cloudseed backup /var/lib/cloudseed/drill.db
mkdir /srv/drill
chown cloudseed: /srv/drill
cloudseed restore /var/lib/cloudseed/drill.db --state /srv/drill <<<"$passphrase" >/srv/restored
cmp /srv/drill/secret /var/lib/cloudseed/secret
say ok a backup and the passphrase restore a server in an empty folder

say 'the end'
systemctl poweroff -ff
