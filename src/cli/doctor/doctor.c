/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor/doctor.h"
#include "cli/pve/session.h"

static int run(struct cli *c)
{
    struct doctor_facts facts;
    struct doctor_gather g;
    int status = doctor_gather(c, &facts, &g);
    if (status == CLI_OK) {
        struct finding_list list = {.arena = g.arena};
        const struct value_pair about[] = {
            JSON_VALUE("node", facts.name.n ? value_str(facts.name) : value_none())};
        doctor_walk(&facts, &list);
        status = finding_print(c, &list, about, 1);
    }
    doctor_gather_done(&g);
    return status;
}

const struct command command_doctor = {
    .name = "doctor",
    .operands = "[NODE]",
    .operands_max = 1,
    .flags = FLAGS(FLAG_JSON, FLAG_PVE, FLAG_TOKEN),
    .summary = "find out why a node does not boot or join",
    .help =
        "Checks each step of building a node, in the order in which the node takes them: the\n"
        "server and its addresses for machines, the node's documents, its build window, its VM\n"
        "in Proxmox VE, its boot files, its cluster. Each step is ok, wrong with how to correct\n"
        "it, or not seen with the reason. The first thing to correct is repeated at the end.\n"
        "Without NODE only the server's own steps are checked. Nothing is changed.\n"
        "\n"
        "Run it on the server: there it can also read the seed tree and the assets. To check\n"
        "DHCP run 'cloudseed doctor dhcp' on any host in the machines' network.\n"
        "\n"
        "--json prints {\"node\", \"ok\", \"first\", \"steps\": [{\"step\", \"result\", \"what\", "
        "\"how\"}]};\n"
        "result is ok, wrong or \"not seen\"; first is the first step to correct, or null.\n"
        "\n"
        "Exit status: 0 nothing is wrong, 1 something is, 64 wrong usage.\n"
        "\n"
        "Examples:\n"
        "  cloudseed doctor\n"
        "  cloudseed doctor k8s-worker-2\n"
        "  cloudseed doctor k8s-worker-2 --json | jq -r .first\n",
    .run = run,
};
