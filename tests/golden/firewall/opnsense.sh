#!/bin/sh
# Rules for OPNsense. Made by `cloudseed firewall --for opnsense`. Names of fields are taken
# from OPNsense's source; nothing of this was tried on an OPNsense.
#
# Either type these in, each as Action "Pass", Direction "in", on the interface of its
# source (Firewall > Rules):
#
#   Protocol         Source              its port     Destination         its port
#   TCP       IPv4   10.0.20.0/24        any          10.0.10.5           8080
#     nodes: seeds, boot scripts, assets, reports
#   TCP       IPv4   10.0.20.0/24        any          10.0.10.5           8443
#     nodes: joining, over TLS
#   UDP       IPv4   10.0.20.0/24        any          10.0.10.5           69
#     nodes: TFTP, for machines that boot from the network
#   UDP       IPv4   10.0.10.5           6900-6999    10.0.20.0/24        any
#     nodes: answers to TFTP, each file from a port of its own
#   TCP       IPv4   10.0.10.5           any          10.0.20.11          6443
#     cluster homelab: its API server, for tokens and approvals
#
# Or run this file with sh: it adds them by OPNsense's API (Firewall > Automation > Filter,
# or Rules [new]) as rules of all interfaces, and applies them. It adds them each time:
# remove those that begin with "cloudseed:" first. The key and secret of an API user stand
# in ~/.netrc as `machine HOST login KEY password SECRET`; CURL_CA_BUNDLE names the file of
# OPNsense's own CA.
set -eu
: "${OPNSENSE:?set it to the address of OPNsense: https://10.0.10.1}"

call() {
    answer=$(curl -sSf --netrc -H 'Content-Type: application/json' -d "$2" \
        "$OPNSENSE/api/firewall/filter/$1")
    case $answer in
    *'"failed"'*) printf '%s\n' "OPNsense refused $2: $answer" >&2; exit 1 ;;
    esac
}

call addRule '{"rule":{"enabled":"1","action":"pass","direction":"in","ipprotocol":"inet","protocol":"TCP","source_net":"10.0.20.0/24","destination_net":"10.0.10.5","description":"cloudseed: nodes: seeds, boot scripts, assets, reports","destination_port":"8080"}}'
call addRule '{"rule":{"enabled":"1","action":"pass","direction":"in","ipprotocol":"inet","protocol":"TCP","source_net":"10.0.20.0/24","destination_net":"10.0.10.5","description":"cloudseed: nodes: joining, over TLS","destination_port":"8443"}}'
call addRule '{"rule":{"enabled":"1","action":"pass","direction":"in","ipprotocol":"inet","protocol":"UDP","source_net":"10.0.20.0/24","destination_net":"10.0.10.5","description":"cloudseed: nodes: TFTP, for machines that boot from the network","destination_port":"69"}}'
call addRule '{"rule":{"enabled":"1","action":"pass","direction":"in","ipprotocol":"inet","protocol":"UDP","source_net":"10.0.10.5","destination_net":"10.0.20.0/24","description":"cloudseed: nodes: answers to TFTP, each file from a port of its own","source_port":"6900-6999"}}'
call addRule '{"rule":{"enabled":"1","action":"pass","direction":"in","ipprotocol":"inet","protocol":"TCP","source_net":"10.0.10.5","destination_net":"10.0.20.11","description":"cloudseed: cluster homelab: its API server, for tokens and approvals","destination_port":"6443"}}'
call apply '{}'
