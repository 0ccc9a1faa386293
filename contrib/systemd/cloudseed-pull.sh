#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# From Git to the server: fetches a branch, checks its seed tree, puts it in place of the one before by
# one rename, and reloads the server. A revision with faults, or that the server refuses, is not put in
# place: its faults are printed, and the one before stays in service. cloudseed-pull.service runs this
# as the user cloudseed, with its settings from /etc/cloudseed/pull.conf.
#
#   REPOSITORY   what git fetches: git@git.home.arpa:lab/seed.git
#   BRANCH       main unless it is set
#   SEED         the seed tree's folder in the repository: seed unless it is set
#   TEMPLATES    that of the templates: templates unless it is set; or several, as in
#                templates:/usr/share/cloudseed/templates
#
# In the state folder, `current` is a link to trees/REVISION, and `loaded` to the last that the server took:
# they differ where a run was cut off in between, and the next one goes on. The revision before is kept.
set -eu
umask 022
: "${REPOSITORY:?set it in /etc/cloudseed/pull.conf}" "${STATE_DIRECTORY:?}"
BRANCH=${BRANCH:-main} SEED=${SEED:-seed} TEMPLATES=${TEMPLATES:-templates}
export HOME="$STATE_DIRECTORY" GIT_TERMINAL_PROMPT=0
cd "$STATE_DIRECTORY"

# The number is the priority that systemd's journal takes a line for.
fail() {
    echo "<3>$*" >&2
    exit 1
}

# Called where bash, as sh, does not end at a failure: the revision from before would pass for the branch's.
fetch() {
    [ -e repository/HEAD ] || git init -q --bare repository || return
    git -C repository fetch -q --no-tags --depth=1 "$REPOSITORY" "+refs/heads/$BRANCH:refs/heads/pulled" ||
        return
    git -C repository log -1 --format='%H %h (%s)' refs/heads/pulled
}

# As a whole or not at all: under its name it is complete.
extract() {
    [ ! -d "trees/$1" ] || return 0
    rm -rf trees/part
    mkdir -p trees/part
    git -C repository archive --output="$PWD/trees/part.tar" "$1"
    tar -xf trees/part.tar -C trees/part
    rm trees/part.tar
    mv trees/part "trees/$1"
}

# The template folders, with a tree before those that are in the repository.
templates_of() {
    (
        list='' IFS=:
        for folder in $TEMPLATES; do
            case $folder in /*) ;; *) folder=$1/$folder ;; esac
            list=$list${list:+:}$folder
        done
        echo "$list"
    )
}

check() {
    cloudseed check --server none --seed "$1/$SEED" --templates "$(templates_of "$1")"
}

# The link $1 leads to that revision.
point() {
    ln -sfn "trees/$2" next
    mv -fT next "$1"
}

remove_others() {
    for tree in trees/*; do
        case $tree in "trees/$1" | "trees/$2") ;; *) rm -rf "$tree" ;; esac
    done
}

# Without the password that a URL may have.
found=$(fetch) || fail "cannot fetch $BRANCH of ${REPOSITORY##*@}"
revision=${found%% *} shown=${found#* }
before=$(readlink loaded || true)
before=${before#trees/}
[ "$revision" != "$before" ] || [ "$(readlink current)" != "trees/$before" ] || exit 0

extract "$revision"
check "trees/$revision" || fail "refused $shown: its tree has faults; ${before:-nothing} stays in place"
point current "$revision"
if [ -z "$before" ]; then
    echo "in place: $shown, the first; start the server with" \
        "--seed $PWD/current/$SEED --templates $(templates_of "$PWD/current")"
elif cloudseed reload; then
    echo "in service: $shown"
else
    point current "$before"
    fail "refused $shown: the server did not take it; $before stays in place"
fi
point loaded "$revision"
remove_others "$revision" "$before"
