/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/act.h"
#include "cli/pve/disk.h"

#define TASK_MS (5 * 60 * 1000)

/* What an admin has added beside the disk that `pve create` has made is not made again. */
int pve_need_no_data(struct pve_session *s, const struct pve_vm *vm, struct value config)
{
    struct str list = STR(""), boot = disk_of_boot(config);
    for (uint32_t i = 0; config.kind == VALUE_MAP && i < config.n; i++) {
        struct str key = value_text(config.pairs[i].key);
        if (disk_has_data(config, key) && !str_eq(key, boot))
            list = ARENA_JOIN(&s->arena, list, list.n ? STR(", ") : STR(""), key);
    }
    if (!list.n || flags_given(&s->cli->flags, "with-data"))
        return CLI_OK;
    return cli_fail(s->cli,
                    "VM %u has disks beside that of the system: %.*s. Give --with-data to remove "
                    "them, too, or detach them in Proxmox",
                    vm->vmid, STR_ARG(list));
}

/* Only a VM that `pve create` has made for this node, and that is no part of a running cluster. */
static int check(struct pve_session *s, struct value node, struct pve_vm *ret)
{
    struct value known = value_get(node, STR("vm")), config;
    struct err e;
    if (known.kind != VALUE_MAP)
        return cli_fail(s->cli, "%s: no VM is known of it", s->cli->operands[0]);
    int status = pve_session_idle(s, node, "ready");
    if (status == CLI_OK)
        status = pve_session_find(s, node, ret);
    if (status != CLI_OK)
        return status;
    if (pve_vm_config(s->pve, ret, &s->arena, &config, &e) < 0)
        return pve_session_fail(s, &e);
    if (!pve_session_owns(s, node, config))
        return cli_fail(s->cli,
                        "VM %u was not made by 'cloudseed pve create' for %s: run 'cloudseed pve "
                        "unregister %s', and remove it in Proxmox",
                        ret->vmid, s->cli->operands[0], s->cli->operands[0]);
    status = pve_session_match(s, node, ret, config);
    return status == CLI_OK ? pve_need_no_data(s, ret, config) : status;
}

int pve_remove(struct pve_session *s, const struct pve_vm *vm)
{
    const struct pve_field fields[] = {{"purge", STR("1")}};
    const struct pve_request q = {"DELETE", pve_vm_path(vm, "", &s->arena), fields, 1};
    unsigned warnings;
    struct err e;
    int status = pve_stop_hard(s, vm);
    if (status != CLI_OK)
        return status;
    return pve_do(s->pve, &q, TASK_MS, &warnings, &e) < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

static int run(struct cli *c)
{
    struct pve_session s;
    struct value node;
    struct pve_vm vm;
    int status = pve_session_open(c, &s);
    if (status == CLI_OK)
        status = pve_session_node(&s, c->operands[0], &node);
    if (status == CLI_OK)
        status = check(&s, node, &vm);
    if (status == CLI_OK)
        status =
            pve_session_confirm(&s, arena_printf(&s.arena, "removes VM %u on %.*s with its disks",
                                                 vm.vmid, STR_ARG(vm.host)));
    if (status == CLI_OK)
        status = pve_remove(&s, &vm);
    if (status == CLI_OK)
        status = pve_session_forget(&s, api_text(node, "name"));
    if (status == CLI_OK)
        pve_session_report(&s, c->operands[0], &vm,
                           arena_printf(&s.arena, "VM %u is removed", vm.vmid));
    pve_session_close(&s);
    return status;
}

const struct command command_pve_destroy = {
    .name = "pve destroy",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAG_YES, {"ready", NULL, "also a node that is ready in its cluster"},
                   {"with-data", NULL, "also remove VMs that have data disks"}, FLAG_DRY_RUN,
                   FLAG_PVE, FLAG_TOKEN, FLAG_JSON),
    .summary = "remove a node's VM and its disks",
    .help =
        "Removes only a VM that `pve create` has made for this node, and not while the node is\n"
        "ready; a VM that has data disks only with --with-data. The node stays declared, and\n"
        "its VM can be made again.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve destroy k8s-worker-2\n",
    .run = run,
};
