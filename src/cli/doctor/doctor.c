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
    .summary = "find what is wrong on a node's way",
    .help =
        "Looks at each step of a node's way, in the order in which the node takes them: the\n"
        "server and what machines reach of it, the node's documents, its build window, its VM\n"
        "in Proxmox VE, what it boots, its cluster. Each is ok, wrong with what mends it, or\n"
        "was not seen, with the reason. What to mend first is repeated at the end.\n"
        "Without NODE only the server's own steps. Nothing is changed anywhere.\n"
        "\n"
        "Run it on the server: then it also reads the seed tree and the assets. What DHCP\n"
        "answers is for 'cloudseed doctor dhcp', on any host of the machines' network.\n"
        "\n"
        "--json prints {\"node\", \"ok\", \"first\", \"steps\": [{\"step\", \"result\", \"what\",\n"
        "\"how\"}]}; result is ok, wrong or \"not seen\"; first is the step to mend first, or "
        "null.\n"
        "\n"
        "Exit status: 0 nothing is wrong, 1 something is, 64 wrong usage.\n"
        "\n"
        "Examples:\n"
        "  cloudseed doctor\n"
        "  cloudseed doctor k8s-worker-2\n"
        "  cloudseed doctor k8s-worker-2 --json | jq -r .first\n",
    .run = run,
};
