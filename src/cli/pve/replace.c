/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node.h"
#include "cli/pve/act.h"
#include "cli/pve/tomb.h"

#include <errno.h>

struct replacing {
    struct pve_session session;
    struct value node;  /* our server's answer */
    bool would_give_up; /* --dry-run: that is not done, and what follows is shown as if it were */
};

/* --- Whether its VM is lost ------------------------------------------------------------------- */

/* Where it is now: HA may have moved it to a host that is there. */
static int find_lost(struct replacing *r, struct pve_vm *ret)
{
    struct pve_session *s = &r->session;
    const char *name = s->cli->operands[0];
    struct err e;
    bool is_up;
    int status = pve_session_find(s, r->node, ret);
    if (status != CLI_OK)
        return status;
    if (tomb_host_is_up(s, ret->host, &is_up, &e) < 0)
        return pve_session_fail(s, &e);
    if (is_up)
        return cli_fail(s->cli,
                        "the host %.*s of VM %u is there: run 'cloudseed pve rebuild %s', or move "
                        "the VM in Proxmox",
                        STR_ARG(ret->host), ret->vmid, name);
    return CLI_OK;
}

static int give_up(struct replacing *r)
{
    struct pve_session *s = &r->session;
    const char *name = s->cli->operands[0];
    struct api_answer answer;
    struct pve_vm vm;
    int status = find_lost(r, &vm);
    if (status == CLI_OK)
        status = pve_session_rebuildable(s, r->node);
    if (status == CLI_OK)
        status = pve_session_confirm(
            s, arena_printf(&s->arena,
                            "gives up VM %u, whose host %.*s must be switched off (one that only "
                            "lost its network still runs it, with the same MAC)",
                            vm.vmid, STR_ARG(vm.host)));
    if (status == CLI_OK)
        status = pve_session_tell(s, "POST", api_node(&s->api, name, "vm/lost"), (struct value){0},
                                  &answer);
    r->would_give_up = pve_session_is_dry(s);
    return status == CLI_OK ? pve_session_node(s, name, &r->node) : status;
}

/* --- Its successor ---------------------------------------------------------------------------- */

/* The latest; VALUE_UNDEFINED: none. */
static struct value last_tomb(const struct replacing *r)
{
    struct value list = value_get(r->node, STR("tombstones"));
    return list.kind == VALUE_LIST && list.n ? list.items[list.n - 1] : (struct value){0};
}

/* Once for each VM that was given up. */
static int reprovision(struct replacing *r)
{
    struct pve_session *s = &r->session;
    const char *name = s->cli->operands[0];
    struct api_answer answer;
    struct value body;
    if (!r->would_give_up &&
        api_number(r->node, "generation", 0) > api_number(last_tomb(r), "generation", 0))
        return CLI_OK;
    int status = node_act_window(s->cli, &body);
    if (status == CLI_OK)
        status = pve_session_tell(s, "POST", api_node(&s->api, name, "reprovision"), body, &answer);
    return status == CLI_OK ? pve_session_node(s, name, &r->node) : status;
}

static bool is_at_target(const struct pve_session *s, struct value vm)
{
    return str_is(api_text(vm, "host"), flags_value(&s->cli->flags, "host"));
}

/* An earlier run that was cut off has given the old one up, and may have begun the new one. */
static int prepare(struct replacing *r)
{
    struct pve_session *s = &r->session;
    const char *name = s->cli->operands[0];
    struct value vm = value_get(r->node, STR("vm"));
    bool has_begun =
        last_tomb(r).kind == VALUE_MAP && (vm.kind != VALUE_MAP || is_at_target(s, vm));
    int status = CLI_OK;
    if (!has_begun && vm.kind != VALUE_MAP)
        return cli_fail(s->cli, "%s has no VM: run 'cloudseed pve create %s'", name, name);
    if (!has_begun)
        status = give_up(r);
    return status == CLI_OK ? reprovision(r) : status;
}

bool pve_would_give_up(const struct pve_session *s, struct value vm)
{
    return s->cli->command == &command_pve_replace && pve_session_is_dry(s) && !is_at_target(s, vm);
}

const struct proxmox *pve_plan_as_asked(struct pve_session *s, const struct proxmox *declared)
{
    uint32_t vmid;
    if (!declared || s->cli->command != &command_pve_replace)
        return declared;
    struct proxmox *p = ARENA_NEW(&s->arena, struct proxmox);
    *p = *declared;
    p->host = str_from(flags_value(&s->cli->flags, "host"));
    if (pve_given_id(s->cli, "template", &vmid) == CLI_OK && vmid)
        p->template_vmid = vmid;
    return p;
}

/* Then it is made as any other. */
static int run(struct cli *c)
{
    struct replacing r = {.node = {0}};
    uint32_t vmid;
    if (!flags_given(&c->flags, "host"))
        return cli_misuse(c, "name the host of the new VM with --host");
    int status = pve_given_id(c, "template", &vmid);
    if (status != CLI_OK)
        return status;
    status = pve_session_open(c, &r.session);
    if (status == CLI_OK)
        status = pve_session_node(&r.session, c->operands[0], &r.node);
    if (status == CLI_OK)
        status = prepare(&r);
    pve_session_close(&r.session);
    return status == CLI_OK ? command_pve_create.run(c) : status;
}

const struct command command_pve_replace = {
    .name = "pve replace",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS({"host", "TARGET", "the host of its new VM"}, FLAGS_AGAIN),
    .summary = "build a node again on another host, if its own is lost",
    .help =
        "For a node whose host is lost and switched off: makes a VM on another host, as `pve\n"
        "create` does, with a new id and generation. The old VM is given up: it has the same\n"
        "MAC and must never run again. The server remembers it, and `pve list` shows it. When\n"
        "its host is back, the next pve command that reads the node first disarms it: it no\n"
        "longer starts with its host, its network cards are unplugged, the serial is removed,\n"
        "and it is stopped. Its disks are kept until you remove it in Proxmox; the new VM gets\n"
        "new, empty data disks.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve replace k8s-worker-2 --host pve2 --dry-run\n"
        "  cloudseed pve replace k8s-worker-2 --host pve2\n",
    .run = run,
};
