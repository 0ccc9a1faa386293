#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds in build/ and serves the seed tree of this folder on the loopback, until Ctrl-C.
#   ./run.sh           on port 8080, or on another one if that is taken
#   ./run.sh --demo    plays two nodes from bare machines to a cluster, without a VM, in a minute
#   ./run.sh --check   on a free port: fetches the first node's data, and ends
# Installs what is missing (scripts/deps.sh) when it may. With CLOUDSEED_BUILD=DIR it takes the
# programs that are in DIR, and builds nothing.
set -euo pipefail
cd "$(dirname "$0")"

mode=serve
case "$*" in
'') ;;
--check) mode=check ;;
--demo) mode=demo ;;
*)
    sed -n '4,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

build=${CLOUDSEED_BUILD:-build}
[[ $build == /* ]] || build=$PWD/$build
run=$build/run
scratch=$(mktemp -d)
log=$scratch/log
pid=
tail=
if [[ $mode == check ]]; then run=$scratch; fi
mkdir -p "$run"

# shellcheck disable=SC2317  # the trap calls it
finish() {
    if [[ -n $pid ]]; then
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap finish EXIT

# One server for each checkout. The server inherits the lock: it is held for as long as it runs.
if [[ $mode == serve ]]; then
    exec 9>>"$run/lock"
    if ! flock -n 9; then
        where=$(cat "$run/address" 2>/dev/null) || where='(it is just starting)'
        echo "run.sh: a server of this checkout runs already: $where" >&2
        echo "Use it, or end it with Ctrl-C in its terminal or by its pid. ./run.sh --demo runs beside it." >&2
        exit 1
    fi
    rm -f "$run/address"
fi

# Shows which file make compiles, and how many of how many: in one line on a terminal, at each tenth
# elsewhere. What else make prints is kept for the case that it fails.
compile() {
    local targets=(cloudseedd cloudseed) total=0 n=0 line
    total=$(make -C build -n V=0 "${targets[@]}" 2>/dev/null | grep -cE 'echo "  CC ') || true
    if ((total)); then
        echo "Compiling (all of it takes two minutes on two cores) ..."
    else
        total=1
    fi
    if ! make -C build -j"$(nproc)" V=0 "${targets[@]}" 2>&1 | while IFS= read -r line; do
        if [[ $line == '  CC '* ]]; then
            n=$((n + 1))
            if [[ -t 1 ]]; then
                printf '\r\033[KCompiling: %d of %d  %.50s' "$n" "$total" "${line##* }"
            elif ((n == total || n * 10 / total > (n - 1) * 10 / total)); then
                echo "Compiling: $n of $total"
            fi
        else
            echo "$line" >>"$scratch/make"
        fi
    done; then
        echo
        tail -n 30 "$scratch/make" >&2
        echo "run.sh: the build failed; above is what make said" >&2
        exit 1
    fi
    if [[ -t 1 ]]; then printf '\r\033[K'; fi
}

if [[ -z ${CLOUDSEED_BUILD:-} ]]; then
    echo "Looking for the Debian packages that cloudseed needs (scripts/deps.sh has the list) ..."
    scripts/deps.sh build run
    scripts/configure.sh build
    compile
fi
if [[ $mode == demo ]]; then
    CLOUDSEED_BUILD=$build exec python3 -B scripts/demo.py
fi

mkdir -p "$run/state" "$run/assets"
config=$run/cloudseedd.yaml

# A path as YAML takes it: in single quotes, those within doubled.
yaml_path() {
    printf "'%s'" "${1//\'/\'\'}"
}

write_config() {
    cat >"$config" <<END
# Written by run.sh each time it starts.
seed: $(yaml_path "$PWD/seed")
templates: $(yaml_path "$PWD/templates")
assets: $(yaml_path "$run/assets")
state: $(yaml_path "$run/state")
socket: $(yaml_path "$run/admin.sock")
http: 127.0.0.1:$1
https: 127.0.0.1:$2
url: $url
user: $(id -un)
END
}

# Starts the server on these ports of the loopback, for HTTP and HTTPS; 1 when one of them is taken.
start() {
    url=http://127.0.0.1:$1
    write_config "$1" "$2"
    : >"$log"
    # A Ctrl-C is for us alone, who then end the server: it takes a second signal for impatience.
    setsid "$build/cloudseedd" --config "$config" 2>"$log" &
    pid=$!
    for ((i = 0; i < 600; i++)); do
        if grep -q 'event=listening' "$log"; then return 0; fi
        if ! kill -0 "$pid" 2>/dev/null; then break; fi
        sleep 0.05
    done
    kill "$pid" 2>/dev/null || true
    wait "$pid" || true
    pid=
    if taken=$(grep -o 'cannot listen on [^ ]*: Address already in use' "$log"); then
        taken=${taken#cannot listen on }
        taken=${taken%%: *}
        return 1
    fi
    cat "$log" >&2
    echo "run.sh: cloudseedd does not start; the lines above say why" >&2
    exit 1
}

ports=('8080 8443')
if [[ $mode == check ]]; then ports=(); fi
for ((i = 0; i < 20; i++)); do ports+=("$((20000 + RANDOM % 12000)) 0"); done
for pair in "${ports[@]}"; do
    if start "${pair% *}" "${pair#* }"; then break; fi
    echo "Port ${taken##*:} is in use by another program (ss -lntp shows which): taking other ports."
done
if [[ -z $pid ]]; then
    echo "run.sh: no free port on 127.0.0.1" >&2
    exit 1
fi
# What the server says goes on to our standard error, and its last words, too.
(trap '' INT && exec tail -n +1 -s 0.1 -f --pid="$pid" "$log") >&2 9>&- &
tail=$!

# Ends the server, or waits for its end; its status.
server_end() {
    status=0
    wait "$pid" || status=$?
    while kill -0 "$pid" 2>/dev/null; do  # a signal that we catch ends our waiting, not the server
        status=0
        wait "$pid" || status=$?
    done
    wait "$tail" || true
    pid=
}

cloudseed=("$build/cloudseed" --config "$config")
# The tree's first node, as an example; empty: it has none.
nodes=$("${cloudseed[@]}" node list --server none --names)
node=${nodes%%$'\n'*}
seed_url=
if [[ -n $node ]]; then seed_url=$("${cloudseed[@]}" node url "$node"); fi

if [[ $mode == check ]]; then
    said="the tree has no nodes; the server answers at $url/healthz"
    if [[ -z $node ]]; then
        curl -fsS --max-time 10 "$url/healthz" >/dev/null
    else
        curl -fsS --max-time 10 "${seed_url}user-data" >"$scratch/user-data"
        if [[ $(head -n 1 "$scratch/user-data") != '#cloud-config' ]]; then
            echo "run.sh: ${seed_url}user-data does not begin with #cloud-config" >&2
            exit 1
        fi
        said="$node's user-data was served at ${seed_url}user-data"
    fi
    kill "$pid"
    server_end
    echo "run.sh: $said"
    exit "$status"
fi

echo "$url (pid $pid)" >"$run/address"
printf -v words '%q ' "${cloudseed[@]}"
words=${words% }
cat <<END

cloudseed serves ./seed at $url. Try this in another terminal:

  alias cloudseed='${words//\'/\'\\\'\'}'
  cloudseed node list
END
if [[ -n $node ]]; then
    cat <<END
  cloudseed node show $node
  cloudseed render $node user-data | less
  curl -s ${seed_url}user-data | head
END
fi
cat <<END
  cloudseed check       # break a line in seed/, and try it again
  cloudseed reload      # serve what you have changed

The server keeps its state in $run.
END
# The demo takes the example of seed/; one's own tree may have replaced it.
plays=
if [[ -t 0 && -t 1 && $nodes == $'k8s-master-1\nk8s-worker-2\nk8s-worker-3' ]]; then plays=yes; fi
if [[ -n $plays ]]; then
    echo "Enter plays two nodes from bare machines to a cluster, in a minute, without a VM."
fi
trap 'kill "$pid" 2>/dev/null' INT TERM
echo "Ctrl-C ends the server."
echo

if [[ -n $plays ]]; then
    while kill -0 "$pid" 2>/dev/null; do
        if read -r -t 1; then
            CLOUDSEED_BUILD=$build python3 -B scripts/demo.py 9>&- || true
            echo "The server of ./run.sh still runs at $url. Enter plays again; Ctrl-C ends it."
        elif (($? <= 128)); then
            break # end of input
        fi
    done
fi
server_end
exit "$status"
