/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/node/node.h"
#include "cli/watch/watch.h"

#define DEFINITION_FLAGS                                                                          \
    (FLAG_BIT(FLAG_ROLE) | FLAG_BIT(FLAG_CLUSTER) | FLAG_BIT(FLAG_MAC) | FLAG_BIT(FLAG_ADDRESS) | \
     FLAG_BIT(FLAG_UUID) | FLAG_BIT(FLAG_SERIAL) | FLAG_BIT(FLAG_VAR) | FLAG_BIT(FLAG_JSON))

const struct command command_server_table[] = {
    {
        .name = "node add",
        .operands = "NODE",
        .operands_min = 1,
        .operands_max = 1,
        .flags = DEFINITION_FLAGS | FLAG_BIT(FLAG_ARM) | FLAG_BIT(FLAG_FOR),
        .summary = "register a node with the server",
        .help =
            "The node is kept in the server's state, beside those that the seed tree declares.\n"
            "--arm opens its build window at once, as `node arm` does. The value of --var is "
            "JSON,\n"
            "or text where it is none: --var rack=2 --var 'disks=[\"sda\"]' --var zone=north.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node add k8s-worker-4 --role worker --cluster homelab \\\n"
            "    --mac bc:24:11:00:20:0e --address 10.0.20.14 --arm\n"
            "  cloudseed node add lab-1 --role plain --uuid 6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1\n",
        .run = node_add_run,
    },
    {
        .name = "node discovered",
        .operands = "",
        .flags = FLAG_BIT(FLAG_JSON) | FLAG_BIT(FLAG_NAMES),
        .summary = "list machines that asked to boot and are no node's",
        .help =
            "Machines that asked the server for their boot script since it was started, the one\n"
            "seen last first: MAC, the address it asked from, what it says of its make and its\n"
            "firmware, how often it asked, how long ago, and its UUID. Anyone on the network can\n"
            "say such things. The server keeps 512 of them. --names prints the MACs alone.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node discovered\n"
            "  cloudseed node discovered --json | jq -r '.[].mac'\n",
        .run = node_discovered_run,
    },
    {
        .name = "node adopt",
        .operands = "MAC NODE",
        .operands_min = 2,
        .operands_max = 2,
        .flags = FLAG_BIT(FLAG_ROLE) | FLAG_BIT(FLAG_CLUSTER) | FLAG_BIT(FLAG_ADDRESS) |
                 FLAG_BIT(FLAG_VAR) | FLAG_BIT(FLAG_JSON) | FLAG_BIT(FLAG_ARM) | FLAG_BIT(FLAG_FOR),
        .summary = "register a node for a machine that was discovered",
        .help =
            "As `node add` does, with the MAC and the UUID that the machine told: the next time "
            "it\n"
            "asks, it gets what is the node's. MAC is one that `node discovered` lists, written\n"
            "with colons, with dashes or without. What the machine is to be known by is changed\n"
            "with `node set`.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node adopt bc:24:11:00:20:0e k8s-worker-4 --role worker \\\n"
            "    --cluster homelab --address 10.0.20.14 --arm\n",
        .run = node_adopt_run,
    },
    {
        .name = "node set",
        .operands = "NODE",
        .operands_min = 1,
        .operands_max = 1,
        .flags = DEFINITION_FLAGS | FLAG_BIT(FLAG_UNSET),
        .summary = "change a node that is registered with the server",
        .help =
            "What is not named stays. --mac and --address replace the whole list. --unset drops\n"
            "macs, addresses, cluster, uuid, serial, or the variable of that name. Nodes of the\n"
            "seed tree are changed in their files.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node set k8s-worker-4 --var rack=3 --unset zone\n"
            "  cloudseed node set k8s-worker-4 --mac bc:24:11:00:20:0e --mac bc:24:11:00:20:0f\n",
        .run = node_set_run,
    },
    {
        .name = "node rm",
        .operands = "NODE...",
        .operands_min = 1,
        .operands_max = UINT8_MAX,
        .flags = FLAG_BIT(FLAG_JSON),
        .summary = "remove nodes that are registered with the server",
        .help =
            "Their seed keys open nothing any more. Nodes of the seed tree are removed from its\n"
            "files.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node rm k8s-worker-4\n",
        .run = node_rm_run,
    },
    {
        .name = "node arm",
        .operands = "NODE...",
        .operands_min = 1,
        .operands_max = UINT8_MAX,
        .flags = FLAG_BIT(FLAG_FOR) | FLAG_BIT(FLAG_JSON),
        .summary = "open nodes' build windows",
        .help =
            "For two hours, or as long as --for says, the machine may be built: it may identify\n"
            "itself by its MAC or UUID, and its reports move it on. Prints the SMBIOS serial\n"
            "that the machine is to have, and how Proxmox is told. That is the only time that\n"
            "the window's keys are told; with --json they are under arm.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node arm k8s-worker-2\n"
            "  cloudseed node arm k8s-worker-2 k8s-worker-3 --for 30m\n"
            "  cloudseed node arm k8s-worker-2 --json | jq -r '.[].arm.serial'\n",
        .run = node_arm_run,
    },
    {
        .name = "node disarm",
        .operands = "NODE...",
        .operands_min = 1,
        .operands_max = UINT8_MAX,
        .flags = FLAG_BIT(FLAG_JSON),
        .summary = "close nodes' build windows",
        .help = "Examples:\n"
                "  cloudseed node disarm k8s-worker-2\n",
        .run = node_disarm_run,
    },
    {
        .name = "node unlock",
        .operands = "NODE...",
        .operands_min = 1,
        .operands_max = UINT8_MAX,
        .flags = FLAG_BIT(FLAG_JSON),
        .summary = "lift the locks that alarms have put on nodes",
        .help = "Where the site says `alarms: lock`, an alarm refuses all but the seed key until\n"
                "this, or `node arm`. `cloudseed events NODE --kind alarm` tells what it was for.\n"
                "\n"
                "Examples:\n"
                "  cloudseed node unlock k8s-worker-2\n",
        .run = node_unlock_run,
    },
    {
        .name = "node rekey",
        .operands = "NODE...",
        .operands_min = 1,
        .operands_max = UINT8_MAX,
        .flags = FLAG_BIT(FLAG_JSON),
        .summary = "give registered nodes new seed keys",
        .help = "The old key opens nothing any more: the machine's serial must be set anew before\n"
                "it boots. For nodes of the seed tree, raise key_epoch in their file.\n"
                "\n"
                "Examples:\n"
                "  cloudseed node rekey k8s-worker-4\n",
        .run = node_rekey_run,
    },
    {
        .name = "node reprovision",
        .operands = "NODE...",
        .operands_min = 1,
        .operands_max = UINT8_MAX,
        .flags = FLAG_BIT(FLAG_FOR) | FLAG_BIT(FLAG_JSON),
        .summary = "let nodes be built again from nothing",
        .help =
            "Each gets a new instance-id, so that cloud-init runs as on a new machine, and its\n"
            "build window is opened as by `node arm`.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node reprovision k8s-worker-2\n",
        .run = node_reprovision_run,
    },
    {
        .name = "watch",
        .operands = "[NODE...]",
        .operands_max = UINT8_MAX,
        .summary = "show what nodes are doing, as it happens",
        .help =
            "A table of the nodes, or of all: state, stage of the boot, how far it is, since "
            "when,\n"
            "and the latest news. How far is told by how long earlier boots of the role took; a\n"
            "mark that moves stands where there were none. Those that boot come first. q or\n"
            "Ctrl-C ends it. Where standard output is no terminal, each event is a line.\n"
            "\n"
            "Examples:\n"
            "  cloudseed watch\n"
            "  cloudseed watch k8s-worker-2 k8s-worker-3\n"
            "  cloudseed watch >>boot.log\n",
        .run = watch_run,
    },
    {
        .name = "wait",
        .operands = "NODE...",
        .operands_min = 1,
        .operands_max = UINT8_MAX,
        .flags = FLAG_BIT(FLAG_FOR) | FLAG_BIT(FLAG_TIMEOUT),
        .summary = "wait until nodes are ready",
        .help =
            "Waits until all of them are ready, or in the state that --for names: booting, up,\n"
            "joining, ready, where a node that is further has been there; or armed, failed,\n"
            "registered. Each state that they come to is told on standard error.\n"
            "\n"
            "Exit status: 0 they are, 1 one has failed, 3 --timeout is over, 64 wrong usage.\n"
            "\n"
            "Examples:\n"
            "  cloudseed wait k8s-worker-2 --timeout 20m\n"
            "  cloudseed wait k8s-worker-2 k8s-worker-3 --for up\n",
        .run = wait_run,
    },
    {
        .name = "events",
        .operands = "[NODE]",
        .operands_max = 1,
        .flags = FLAG_BIT(FLAG_KIND) | FLAG_BIT(FLAG_FOLLOW) | FLAG_BIT(FLAG_SINCE) |
                 FLAG_BIT(FLAG_JSON),
        .summary = "print what happened, from the server's journal",
        .help =
            "Prints the latest 50 events, the newest last: time, number, node, kind, and what it\n"
            "was. --since prints all that are kept after that number. --follow goes on until it\n"
            "is interrupted, and over a restart of the server; with --json it prints one event\n"
            "a line.\n"
            "\n"
            "Examples:\n"
            "  cloudseed events k8s-worker-2\n"
            "  cloudseed events --kind failed\n"
            "  cloudseed events --follow --json | jq -r 'select(.kind == \"ready\").node'\n",
        .run = events_run,
    },
    {
        .name = "known-hosts",
        .operands = "[HOST]",
        .operands_max = 1,
        .summary = "print nodes' ssh host keys, for ssh's KnownHostsCommand",
        .help =
            "A line for each key of the node whose name, fully qualified name or address is HOST,\n"
            "as known_hosts has them; of all nodes without HOST. The keys are those that the\n"
            "machine told when it was up. For a host that is no node nothing is printed.\n"
            "\n"
            "Examples:\n"
            "  cloudseed known-hosts >>~/.ssh/known_hosts\n"
            "  cloudseed known-hosts 10.0.20.12\n"
            "  ssh -o 'KnownHostsCommand /usr/bin/cloudseed known-hosts %H' k8s-worker-2\n",
        .run = known_hosts_run,
    },
    {
        .name = "reload",
        .operands = "",
        .flags = FLAG_BIT(FLAG_JSON),
        .summary = "let the server read its seed tree anew",
        .help =
            "Waits until the tree is in force. One with faults is not taken: they are printed as\n"
            "`check` prints them, and the tree before stays.\n"
            "\n"
            "Examples:\n"
            "  cloudseed check && cloudseed reload\n",
        .run = reload_run,
    },
    {
        .name = "backup",
        .operands = "FILE",
        .operands_min = 1,
        .operands_max = 1,
        .flags = FLAG_BIT(FLAG_JSON),
        .summary = "let the server write a copy of its state",
        .help =
            "The server writes FILE, and must be allowed to: it is a folder of the server's\n"
            "machine. It goes on serving meanwhile. The copy has the nodes, their events and\n"
            "the server's secret, sealed with the sealing key, which is not in it: keep a copy\n"
            "of that file elsewhere.\n"
            "\n"
            "Examples:\n"
            "  cloudseed backup /var/lib/cloudseed/backup-$(date +%F).db\n",
        .run = backup_run,
    },
    {
        .name = "restore",
        .operands = "FILE",
        .operands_min = 1,
        .operands_max = 1,
        .flags = FLAG_BIT(FLAG_SEALING_KEY),
        .summary = "make the server's state folder of a backup",
        .help =
            "On the server's machine, as root or the server's user, while no server uses the\n"
            "folder and no state is in it: `cloudseedd --restore`, which this calls, refuses it\n"
            "else. It needs the sealing key that the server had, in place or by --sealing-key; a\n"
            "backup does not hold it.\n"
            "\n"
            "Examples:\n"
            "  cloudseed restore /srv/backup/cloudseed.db --sealing-key /root/sealing-key\n",
        .run = restore_command_run,
    },
};

const size_t command_server_count = sizeof(command_server_table) / sizeof(command_server_table[0]);
