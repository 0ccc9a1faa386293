#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds in build/ and serves the seed tree of this folder on the loopback, until Ctrl-C.
#   ./run.sh           on port 8080, or on another one if that is taken
#   ./run.sh --check   on a free port: fetches one node's data, and ends
# Installs what is missing (scripts/deps.sh) when it may. With CLOUDSEED_BUILD=DIR it takes the
# programs that are in DIR, and builds nothing.
set -euo pipefail
cd "$(dirname "$0")"

node=k8s-master-1
check=false
case "$*" in
'') ;;
--check) check=true ;;
*)
    sed -n '4,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

build=${CLOUDSEED_BUILD:-build}
if [[ -z ${CLOUDSEED_BUILD:-} ]]; then
    scripts/deps.sh build run
    scripts/configure.sh build
    make -s -C build -j"$(nproc)" cloudseedd cloudseed
fi

scratch=$(mktemp -d)
log=$scratch/log
pid=
if $check; then run=$scratch; else run=$build/run; fi
mkdir -p "$run/state"
config=$run/cloudseedd.yaml

# A path as YAML takes it: in single quotes, those within doubled; relative ones from here.
yaml_path() {
    local path=$1
    [[ $path == /* ]] || path=$PWD/$path
    printf "'%s'" "${path//\'/\'\'}"
}

write_config() {
    cat >"$config" <<END
# Written by run.sh each time it starts.
seed: $(yaml_path seed)
templates: $(yaml_path templates)
state: $(yaml_path "$run/state")
socket: $(yaml_path "$run/admin.sock")
http: 127.0.0.1:$1
https: 127.0.0.1:$2
url: $url
user: $(id -un)
END
}

# shellcheck disable=SC2317  # the trap calls it
finish() {
    if [[ -n $pid ]]; then
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap finish EXIT

# Starts the server on these ports of the loopback, for HTTP and HTTPS; 1 when one of them is taken.
start() {
    url=http://127.0.0.1:$1
    write_config "$1" "$2"
    # A Ctrl-C is for us alone, who then end the server: it takes a second signal for impatience.
    # tee must outlive it too: what the server says at its end is still to come.
    setsid "$build/cloudseedd" --config "$config" \
        2> >(trap '' INT && exec tee "$log" >&2) &
    pid=$!
    for ((i = 0; i < 600; i++)); do
        if grep -q 'event=listening' "$log" 2>/dev/null; then return 0; fi
        if ! kill -0 "$pid" 2>/dev/null; then break; fi
        sleep 0.05
    done
    kill "$pid" 2>/dev/null || true
    wait "$pid" || true
    pid=
    grep -q -i 'in use' "$log" && return 1
    echo "run.sh: cloudseedd does not start" >&2
    exit 1
}

ports=('8080 8443')
if $check; then ports=(); fi
for ((i = 0; i < 20; i++)); do ports+=("$((20000 + RANDOM)) 0"); done
for pair in "${ports[@]}"; do
    if start "${pair% *}" "${pair#* }"; then break; fi
done
if [[ -z $pid ]]; then
    echo "run.sh: no free port" >&2
    exit 1
fi

seed_url=$("$build/cloudseed" node url "$node" --config "$config")
if $check; then
    curl -fsS --max-time 10 "${seed_url}user-data" >"$scratch/user-data"
    if [[ $(head -n 1 "$scratch/user-data") != '#cloud-config' ]]; then
        echo "run.sh: ${seed_url}user-data is no cloud-config" >&2
        exit 1
    fi
    kill "$pid"
    wait "$pid"
    pid=
    echo "run.sh: $node's user-data was served at ${seed_url}user-data"
    exit
fi

cat <<END

cloudseed serves ./seed at $url. Try this in another terminal:

  curl ${seed_url}user-data
  alias cloudseed='$build/cloudseed --config $config'
  cloudseed node list
  cloudseed render $node user-data
  cloudseed check
  cloudseed ca show

Change something in ./seed, then load it:  kill -HUP $pid
Ctrl-C ends it.

END
# A signal that we catch ends our waiting, not the server: then we wait again for its own status.
asked=true
trap 'asked=true; kill "$pid" 2>/dev/null' INT TERM
while $asked; do
    asked=false
    status=0
    wait "$pid" || status=$?
done
pid=
exit "$status"
