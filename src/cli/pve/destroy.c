/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/act.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TASK_MS (5 * 60 * 1000)

static int confirm(const struct cli *c, const struct pve_vm *vm)
{
    const char *name = c->operands[0];
    char answer[80];
    if (flags_given(&c->flags, "yes"))
        return CLI_OK;
    if (!isatty(STDIN_FILENO))
        return cli_misuse(c, "this removes VM %u with its disks: confirm it with --yes", vm->vmid);
    fprintf(stderr,
            "This removes VM %u on %.*s with its disks. Type the node's name to go on: ", vm->vmid,
            STR_ARG(vm->host));
    if (fgets(answer, sizeof(answer), stdin) && strncmp(answer, name, strlen(name)) == 0 &&
        answer[strlen(name)] == '\n')
        return CLI_OK;
    return cli_fail(c, "not confirmed: nothing was removed");
}

/* Only a VM that `pve create` has made for this node, and that is no part of a running cluster. */
static int check(struct pve_session *s, struct value node, struct pve_vm *ret)
{
    struct value known = value_get(node, STR("vm")), config;
    struct str uid = api_text(node, "uid"), marker, description;
    struct err e;
    if (known.kind != VALUE_MAP)
        return cli_fail(s->cli, "%s: no VM is known of it", s->cli->operands[0]);
    if (str_is(api_text(node, "state"), "ready") && !flags_given(&s->cli->flags, "ready"))
        return cli_fail(s->cli,
                        "%s is ready: drain it and take it out of its cluster first, then "
                        "give --ready",
                        s->cli->operands[0]);
    int status = pve_session_find(s, node, ret);
    if (status != CLI_OK)
        return status;
    if (pve_vm_config(s->pve, ret, &s->arena, &config, &e) < 0)
        return pve_session_fail(s, &e);
    description = value_get_text(config, STR("description"));
    marker = arena_printf(&s->arena, "of cloudseed (uid %.*s)", STR_ARG(uid));
    if (!memmem(description.p, description.n, marker.p, marker.n))
        return cli_fail(s->cli,
                        "VM %u was not made by 'cloudseed pve create' for %s: run 'cloudseed pve "
                        "unregister %s', and remove it in Proxmox",
                        ret->vmid, s->cli->operands[0], s->cli->operands[0]);
    return pve_session_match(s, node, ret, config);
}

static int remove_vm(struct pve_session *s, const struct pve_vm *vm)
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
        status = confirm(c, &vm);
    if (status == CLI_OK)
        status = remove_vm(&s, &vm);
    if (status == CLI_OK)
        status = pve_session_forget(&s, api_text(node, "name"));
    if (status == CLI_OK)
        cli_print_line("%s: VM %u is removed", c->operands[0], vm.vmid);
    pve_session_close(&s);
    return status;
}

const struct command command_pve_destroy = {
    .name = "pve destroy",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags =
        FLAGS({"yes", NULL, "ask nothing"},
              {"ready", NULL, "also a node that is ready in its cluster"}, FLAG_PVE, FLAG_TOKEN),
    .summary = "remove a node's VM with its disks",
    .help =
        "Only a VM that `pve create` has made for this node is removed, and not while the node is\n"
        "ready. The node stays as it is declared, and can be made again.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve destroy k8s-worker-2\n",
    .run = run,
};
