/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/plan.h"

#include "cli/pve/place.h"

#include <errno.h>

#define OURS " of cloudseed (uid " /* in a VM's description, after "Node NAME" */

bool plan_acts(const struct plan_item *at)
{
    return at->action == PLAN_CREATE || at->action == PLAN_FINISH || at->action == PLAN_CHANGE ||
           at->action == PLAN_PRUNE;
}

static struct plan_item *add_item(struct plan *p, struct str name)
{
    struct arena *a = &p->server.arena;
    if (p->n == p->room) {
        struct plan_item *more = arena_zalloc(a, p->room * 2 + 16, sizeof(*more));
        if (p->n)
            memcpy(more, p->items, p->n * sizeof(*more));
        p->items = more;
        p->room = p->room * 2 + 16;
    }
    struct plan_item *at = &p->items[p->n++];
    *at = (struct plan_item){.name = arena_str(a, name)};
    return at;
}

/* --- Hosts ------------------------------------------------------------------------------------ */

static int reach(struct plan *p, struct plan_host *at)
{
    struct pve_session *s = &at->session;
    struct err e;
    int status = pve_session_server(p->cli, s);
    if (status == CLI_OK)
        status = pve_session_host(s, at->name);
    if (status == CLI_OK)
        status = pve_session_url(s, &at->url);
    if (status != CLI_OK)
        return status;
    if (pve_list_resources(s->pve, &s->arena, &at->resources, &e) < 0) {
        at->is_away = true;
        at->why = arena_str(&s->arena, str_from(e.msg));
        at->resources = (struct value){0};
    }
    at->is_known = arena_zalloc(&s->arena, at->resources.n + 1, sizeof(*at->is_known));
    return CLI_OK;
}

/* CLI_FAILED after printing that there is none of that name. */
static int find_place(struct plan *p, struct str name, struct plan_host **ret)
{
    for (size_t i = 0; i < p->hosts_n; i++) {
        *ret = &p->hosts[i];
        if (str_eq((*ret)->name, name) || str_eq((*ret)->session.endpoint.name, name))
            return CLI_OK;
    }
    if (p->hosts_n == PLAN_HOSTS_MAX)
        return cli_fail(p->cli, "the nodes are on more than %d hosts and clusters: name some nodes",
                        PLAN_HOSTS_MAX);
    *ret = &p->hosts[p->hosts_n++];
    (*ret)->name = arena_str(&p->server.arena, name);
    return reach(p, *ret);
}

static bool is_vm(struct value resource, struct arena *a)
{
    return str_is(pve_text(resource, "type", a), "qemu") && !pve_truth(resource, "template");
}

static struct value resource_of(const struct plan_host *at, uint32_t vmid, size_t *ret)
{
    struct arena *a = (struct arena *)&at->session.arena;
    for (uint32_t i = 0; i < at->resources.n; i++) {
        struct value item = at->resources.items[i];
        if (str_is(pve_text(item, "type", a), "qemu") && pve_number(item, "vmid", 0) == vmid) {
            *ret = i;
            return item;
        }
    }
    return (struct value){0};
}

/* --- Where a new VM is made ------------------------------------------------------------------- */

/* With what the VMs of this plan will take. */
static struct str choose_host(const struct plan *p, const struct plan_item *it,
                              const struct pve_vm *template)
{
    struct plan_host *at = it->at;
    struct arena *a = &at->session.arena;
    struct place_given *given = ARENA_ARRAY(a, struct place_given, p->n);
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct plan_item *other = &p->items[i];
        if (other->action == PLAN_CREATE && other->at == at)
            given[n++] =
                (struct place_given){other->host, place_memory(at->resources, other->plan)};
    }
    return place_any(at->session.pve, at->resources, template, given, n, a);
}

static void plan_new(const struct plan *p, struct plan_item *it)
{
    struct arena *a = &it->at->session.arena;
    size_t index;
    struct value found = resource_of(it->at, it->plan->template_vmid, &index);
    struct pve_vm template = {.vmid = it->plan->template_vmid, .host = pve_text(found, "node", a)};
    if (found.kind != VALUE_MAP) {
        it->action = PLAN_UNKNOWN;
        it->why = arena_printf(a, "the token sees no VM %u, which is declared as its template",
                               it->plan->template_vmid);
    } else if (str_is(it->plan->host, "any")) {
        it->host = choose_host(p, it, &template);
    } else {
        it->host = it->plan->host.n ? it->plan->host : template.host;
    }
    if (found.kind == VALUE_MAP)
        it->action = PLAN_CREATE;
}

/* --- One that is there ------------------------------------------------------------------------ */

/* Its window is open, or has never been, and nothing has started it: a run that was cut off. A VM
 * that a backup or a migration has locked is whole: to complete it would arm a node that runs. */
static bool is_unfinished(const struct plan *p, const struct plan_item *it, struct value node,
                          struct value config)
{
    struct str state = api_text(node, "state");
    if (str_is(value_get_text(config, STR("lock")), "clone"))
        return true;
    return !it->runs && (str_is(state, "registered") ||
                         (str_is(state, "armed") && !flags_given(&p->cli->flags, "no-start")));
}

static int compare(struct plan *p, struct plan_item *it, struct value node, struct value config)
{
    struct pve_session *s = &it->at->session;
    struct pve_aim aim = pve_aim(node, tree_find_name(p->tree, it->name), it->plan, &s->arena);
    struct err e;
    int status = pve_serial_wanted(s, it->name.p, config, it->at->url, &aim.smbios1);
    if (status == CLI_OK)
        status = pve_aim_host(s, &aim);
    if (status != CLI_OK)
        return status;
    if (pve_compare(&aim, config, &s->arena, &it->changes, &e) < 0) {
        it->action = PLAN_UNKNOWN;
        it->why = arena_str(&s->arena, str_from(e.msg));
    } else if (is_unfinished(p, it, node, config)) {
        it->action = PLAN_FINISH;
    } else if (it->changes.n || it->changes.grown_n) {
        it->action = PLAN_CHANGE;
    }
    return CLI_OK;
}

static int plan_known(struct plan *p, struct plan_item *it, struct value node)
{
    struct pve_session *s = &it->at->session;
    size_t index;
    struct value resource = resource_of(it->at, it->vmid, &index), config;
    struct pve_vm vm = {.vmid = it->vmid, .host = pve_text(resource, "node", &s->arena)};
    struct err e;
    if (resource.kind != VALUE_MAP) {
        plan_new(p, it);
        return CLI_OK;
    }
    it->at->is_known[index] = true;
    it->host = vm.host;
    it->runs = str_is(pve_text(resource, "status", &s->arena), "running");
    if (pve_vm_config(s->pve, &vm, &s->arena, &config, &e) < 0) {
        it->action = PLAN_UNKNOWN;
        it->why = arena_str(&s->arena, str_from(e.msg));
        return CLI_OK;
    }
    if (!pve_session_owns(s, node, config)) {
        it->action = PLAN_FOREIGN;
        if (!pve_may_be(s, node, config))
            plan_new(p, it);
        return CLI_OK;
    }
    return compare(p, it, node, config);
}

static int plan_node(struct plan *p, const char *name, bool is_named)
{
    struct value node, known;
    p->server.api.about = name;
    int status = pve_session_node(&p->server, name, &node);
    if (status != CLI_OK)
        return status;
    const struct proxmox *plan = pve_plan(p->tree, node);
    if (!plan || !plan->template_vmid)
        return !is_named ? CLI_OK
                         : cli_fail(p->cli,
                                    "%s: the seed tree names no template for its VM: declare "
                                    "'proxmox' in site.yaml, its role or the node",
                                    name);
    struct plan_item *it = add_item(p, str_from(name));
    known = value_get(node, STR("vm"));
    it->plan = plan;
    it->vmid = (uint32_t)api_number(known, "vmid", 0);
    status = find_place(p, it->vmid ? api_text(known, "endpoint") : plan->endpoint, &it->at);
    if (status != CLI_OK)
        return status;
    if (it->at->is_away) {
        it->action = PLAN_UNKNOWN;
        it->why = it->at->why;
        return CLI_OK;
    }
    if (it->vmid)
        return plan_known(p, it, node);
    plan_new(p, it);
    return CLI_OK;
}

/* --- What is left of nodes that are gone ------------------------------------------------------ */

static bool is_pruned(const struct plan *p, struct str name)
{
    for (size_t i = 0; i < p->cli->flags.n; i++) {
        const struct flag_use *use = &p->cli->flags.uses[i];
        if (strcmp(use->flag->name, "prune") == 0 && str_is(name, use->value))
            return true;
    }
    return false;
}

bool plan_is_left(struct plan_host *at, struct value config, struct str name)
{
    struct arena *a = &at->session.arena;
    struct str text = value_get_text(config, STR("description")),
               line = ARENA_JOIN(a, STR("Node "), name, STR(OURS)),
               url = ARENA_JOIN(a, STR(";s="), at->url, STR("/s/"));
    struct smbios smbios;
    return memmem(text.p, text.n, line.p, line.n) &&
           smbios_read(value_get_text(config, STR("smbios1")), a, &smbios, NULL) == 0 &&
           memmem(smbios.serial.p, smbios.serial.n, url.p, url.n);
}

static int is_gone(struct plan_host *at, struct str name, bool *ret)
{
    struct api *api = &at->session.api;
    struct api_answer answer;
    struct err e;
    if (api_try(api, "GET", api_node(api, arena_str(&at->session.arena, name).p, ""),
                (struct value){0}, STR(""), &answer, &e) < 0)
        return cli_fail(api->cli, "%s", e.msg);
    *ret = answer.status == 404;
    return CLI_OK;
}

static int plan_left(struct plan *p, struct plan_host *at)
{
    struct pve_session *s = &at->session;
    struct arena *a = &s->arena;
    for (uint32_t i = 0; i < at->resources.n; i++) {
        struct value resource = at->resources.items[i], config;
        struct pve_vm vm = {.vmid = (uint32_t)pve_number(resource, "vmid", 0),
                            .host = pve_text(resource, "node", a)};
        struct str name = pve_text(resource, "name", a);
        struct err e;
        bool gone = false;
        if (at->is_known[i] || !is_vm(resource, a) || !name.n ||
            pve_vm_config(s->pve, &vm, a, &config, &e) < 0 || !plan_is_left(at, config, name))
            continue;
        int status = is_gone(at, name, &gone);
        if (status != CLI_OK)
            return status;
        if (!gone)
            continue;
        struct plan_item *it = add_item(p, name);
        it->action = is_pruned(p, name) ? PLAN_PRUNE : PLAN_LEFT;
        it->at = at;
        it->vmid = vm.vmid;
        it->host = vm.host;
    }
    return CLI_OK;
}

int plan_make(struct plan *p)
{
    struct cli *c = p->cli;
    int status = CLI_OK;
    for (size_t i = 0; status == CLI_OK && i < c->operands_n; i++)
        status = plan_node(p, c->operands[i], true);
    if (c->operands_n)
        return status;
    for (uint32_t i = 0; status == CLI_OK && i < tree_node_count(p->tree); i++)
        status = plan_node(p, tree_node(p->tree, i)->name.p, false);
    for (size_t i = 0; status == CLI_OK && i < p->hosts_n; i++)
        status = plan_left(p, &p->hosts[i]);
    return status;
}

void plan_done(struct plan *p)
{
    for (size_t i = 0; i < p->hosts_n; i++)
        pve_session_close(&p->hosts[i].session);
    pve_session_close(&p->server);
}
