#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A backup of the server's state into FOLDER, of which only the KEEP newest stay. cloudseed-backup.service runs
# this as the user cloudseed, with settings from /etc/cloudseed/backup.conf.
#
#   FOLDER   where, on a disk that the server may write to: /var/lib/cloudseed/backups unless it is set
#   KEEP     how many: 14 unless it is set
set -eu
: "${STATE:?}"
FOLDER=${FOLDER:-$STATE/backups} KEEP=${KEEP:-14}
case $KEEP in '' | *[!0-9]* | 0*)
    echo "<3>KEEP: '$KEEP' is not a number above 0: correct backup.conf" >&2
    exit 1
    ;;
esac
umask 077
mkdir -p "$FOLDER"
cloudseed backup "$FOLDER/state-$(date -u +%Y-%m-%dT%H%M%SZ).db"

# The names sort by their times.
set -- "$FOLDER"/state-*.db
while [ $# -gt "$KEEP" ]; do
    rm -f "$1"
    shift
done
