/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/dhcp/dhcp.h"
#include "cli/diff/diff.h"
#include "cli/node/node.h"
#include "cli/tree/check.h"
#include "cli/tree/reference.h"
#include "cli/tree/rendition.h"

const struct command command_tree_table[] = {
    {
        .name = "check",
        .operands = "[DIR]",
        .operands_max = 1,
        .flags = FLAG_BIT(FLAG_JSON),
        .summary = "find everything that is wrong in the seed tree",
        .help = "Reads the seed tree in DIR (or of --seed, or the configured one), compiles the\n"
                "templates, renders every document of every node, and looks at each as cloud-init\n"
                "and netplan will. Every fault is printed with its file, line and column: in the\n"
                "template, where a document is wrong. The server need not run, and no secret is\n"
                "read. A DIR with the folders seed and templates stands for both.\n"
                "\n"
                "Exit status: 0 no errors, 1 errors were found, 64 wrong usage.\n"
                "\n"
                "Examples:\n"
                "  cloudseed check\n"
                "  cloudseed check ./seed --templates ./templates\n"
                "  cloudseed check --json | jq -r '.faults[].message'\n",
        .run = check_run,
    },
    {
        .name = "render",
        .operands = "NODE [DOCUMENT]",
        .operands_max = 2,
        .flags = FLAG_BIT(FLAG_PROVENANCE) | FLAG_BIT(FLAG_ALL) | FLAG_BIT(FLAG_JSON) |
                 FLAG_BIT(FLAG_NAMES),
        .summary = "print a node's documents as it gets them",
        .help =
            "DOCUMENT is one of cloud-init's files: meta-data, user-data, vendor-data and\n"
            "network-config; or, of a node that joins a cluster, what it gets at bootstrap:\n"
            "kubeadm-init, kubeadm-join, sealed/PATH and addons/NAME, with placeholders for\n"
            "tokens and secrets. It is printed byte for byte; without it all are, each below a\n"
            "line with its name. The seed URL in them is the real one where the server's secret\n"
            "can be read, else the key in it is SEED-KEY.\n"
            "\n"
            "--provenance puts the template and its line before each line, and behind values the\n"
            "names that they are made of, each with the place that set it; with --json in pieces.\n"
            "--names prints the names of the node's documents alone.\n"
            "--all renders everything of every node, as DIR/NODE/DOCUMENT. DIR is replaced as a\n"
            "whole, and only if it is new, empty, or made that way; none but you can read it.\n"
            "\n"
            "Examples:\n"
            "  cloudseed render k8s-worker-2\n"
            "  cloudseed render k8s-worker-2 user-data >user-data\n"
            "  cloudseed render k8s-worker-2 user-data --provenance\n"
            "  cloudseed render --all ./rendered\n",
        .run = render_run,
    },
    {
        .name = "diff",
        .operands = "",
        .flags = FLAG_BIT(FLAG_AGAINST) | FLAG_BIT(FLAG_EACH) | FLAG_BIT(FLAG_JSON) |
                 FLAG_BIT(FLAG_MARKDOWN),
        .summary = "show what a change of the tree changes on which nodes",
        .help =
            "Renders everything of every node out of two trees, and prints what differs, as\n"
            "diff -u does. What is the same in several nodes is shown once. The other tree is\n"
            "what HEAD has of the Git checkout that holds the seed folder, or what --against\n"
            "names: a revision, or a folder with site.yaml and templates (or templates beside\n"
            "it), or with seed and templates. A folder wins over a revision of that name; where\n"
            "the other tree has no templates those of this one are taken for both. Keys in URLs\n"
            "are shown as SEED-KEY. git, tar and diff are needed.\n"
            "\n"
            "cloud-init takes user-data once for each instance-id: on a machine that is\n"
            "installed already, a change has no effect before it is installed again.\n"
            "\n"
            "Exit status: 0 nothing changes, 2 something changes, 1 it cannot be told, 64 wrong\n"
            "usage.\n"
            "\n"
            "Examples:\n"
            "  cloudseed diff\n"
            "  cloudseed diff --against origin/main --markdown >comment.md\n"
            "  cloudseed diff --against /srv/old --json | jq -r '.changed[]'\n",
        .run = diff_run,
    },
    {
        .name = "node list",
        .operands = "",
        .flags = FLAG_BIT(FLAG_JSON) | FLAG_BIT(FLAG_NAMES) | FLAG_BIT(FLAG_CHECK),
        .summary = "list the nodes",
        .help =
            "Prints a line for each node, in the order of their names. Where the server's socket\n"
            "answers, these are the nodes that it knows, with their states and for how long they\n"
            "have been so; else, and with --seed, --templates, --check or --server none, those of\n"
            "the seed tree. --json is about the tree, unless --server or CLOUDSEED_SERVER names a\n"
            "server: then it is what that one tells.\n"
            "--check renders and checks all their documents, and adds a column: ok or faulty.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node list\n"
            "  cloudseed node list --names | xargs -n 1 cloudseed node url\n"
            "  cloudseed node list --json | jq -r '.[] | select(.role == \"worker\").name'\n",
        .run = node_list_run,
    },
    {
        .name = "node show",
        .operands = "NODE",
        .operands_min = 1,
        .operands_max = 1,
        .flags = FLAG_BIT(FLAG_JSON),
        .summary = "show all of a node, and where each value comes from",
        .help =
            "Prints what is declared of the node, its templates, and every variable that its\n"
            "templates see, with the file and line that set it, and\n"
            "whether its documents check out, or what is wrong with them. Nearer ones win: the\n"
            "node's over its role's, its cluster's and the site's. Where the server answers, its\n"
            "state and boot follow; whether it is asked is decided as for `node list`.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node show k8s-worker-2\n"
            "  cloudseed node show k8s-worker-2 --json | jq .variables\n",
        .run = node_show_run,
    },
    {
        .name = "node url",
        .operands = "NODE",
        .operands_min = 1,
        .operands_max = 1,
        .flags = FLAG_BIT(FLAG_JSON) | FLAG_BIT(FLAG_DISCOVERY),
        .summary = "print a node's seed URL",
        .help =
            "The URL holds the node's seed key: whoever knows it reads the node's files. It is\n"
            "computed from the server's secret, which root and the user of cloudseedd can read;\n"
            "cloudseedd makes the secret at its first start. --discovery prints what cloud-init\n"
            "looks for in the SMBIOS serial or on the kernel's command line.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node url k8s-worker-2\n"
            "  curl \"$(cloudseed node url k8s-worker-2)user-data\"\n"
            "  cloudseed node url k8s-worker-2 --discovery\n",
        .run = node_url_run,
    },
    {
        .name = "dhcp",
        .operands = "",
        .flags = FLAG_BIT(FLAG_FOR) | FLAG_BIT(FLAG_NETWORK) | FLAG_BIT(FLAG_PROXY) |
                 FLAG_BIT(FLAG_JSON),
        .summary = "print settings for the DHCP server of these networks",
        .help = "Prints what the DHCP server is to say, made from the seed tree: router, DNS and\n"
                "domains of each network, the addresses of the nodes by their MACs, and what a\n"
                "machine loads: iPXE by TFTP or HTTP, as its firmware asks, and then the server's\n"
                "script. --for names the DHCP server: dnsmasq (a file for /etc/dnsmasq.d), kea (a\n"
                "whole kea-dhcp4.conf) or opnsense (what to fill in, and a file for its dnsmasq).\n"
                "How to use it, and what it leaves out, stands at the head of what is printed.\n"
                "\n"
                "--network takes one network alone. --proxy is for a dnsmasq beside another DHCP\n"
                "server. --json prints the same as data, and with --for the text in it. The URL's\n"
                "host must be an IPv4 address; --url gives another one.\n"
                "\n"
                "Examples:\n"
                "  cloudseed dhcp --for dnsmasq >/etc/dnsmasq.d/cloudseed.conf\n"
                "  cloudseed dhcp --for kea --network nodes >kea-dhcp4.conf\n"
                "  cloudseed dhcp --json | jq '.boot'\n",
        .run = dhcp_run,
    },
    {
        .name = "reference",
        .operands = "PAGE",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "print a page of the reference, in Markdown",
        .help =
            "PAGE is seed, the format of the seed tree, config, that of cloudseedd.yaml: every "
            "key\n"
            "with its type, default and an example; or templates: the names that templates see,\n"
            "and every filter, test and method. Made from the tables that the program works by.\n"
            "\n"
            "Examples:\n"
            "  cloudseed reference seed | less\n"
            "  cloudseed reference templates >templates.md\n",
        .run = reference_run,
    },
};

const size_t command_tree_count = sizeof(command_tree_table) / sizeof(command_tree_table[0]);
