/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/progress.h"
#include "cli/common/seedtree.h"
#include "cli/node/node.h"
#include "cli/pve/make.h"

static int make(struct cli *c, const struct tree *tree)
{
    struct pve_making m;
    struct progress progress;
    int status = pve_making_open(c, tree, c->operands[0], &m);
    progress_begin(&progress, c->operands[0]);
    if (status == CLI_OK)
        status = pve_make(&m);
    progress_end(&progress);
    if (status == CLI_OK)
        pve_session_report(&m.session, m.name, &m.vm, m.result);
    pve_making_close(&m);
    return status;
}

static int run(struct cli *c)
{
    struct config config;
    struct tree *tree;
    int status = seedtree_configure(c, &config);
    if (status != CLI_OK)
        return status;
    tree = seedtree_load(c, &config, NULL);
    status = tree ? make(c, tree) : CLI_FAILED;
    tree_free(tree);
    return status;
}

const struct command command_pve_create = {
    .name = "pve create",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS({"no-start", NULL, "leave the VM off"}, FLAG_DRY_RUN, FLAG_WINDOW, FLAG_PVE,
                   FLAG_TOKEN, FLAG_JSON),
    .summary = "make a node's VM, and start it",
    .help =
        "Clones the template that the seed tree declares under 'proxmox', sets the declared\n"
        "values, the node's MAC and VLAN, grows its disk, registers the VM and starts it. The\n"
        "server stores the VM's id before the clone begins, and the VM's description has a line\n"
        "that identifies it: after a failure run the command again to continue. `pve apply`\n"
        "does this for all nodes.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve create k8s-worker-2 && cloudseed watch k8s-worker-2\n"
        "  cloudseed pve create k8s-worker-2 --no-start --for 4h\n",
    .run = run,
};
