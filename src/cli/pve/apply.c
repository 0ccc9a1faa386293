/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/seedtree.h"
#include "cli/common/table.h"
#include "cli/node/node.h"
#include "cli/pve/crew.h"
#include "cli/pve/plan.h"

#include <stdio.h>
#include <unistd.h>

static const char *const action_names[] = {"none",    "create", "finish", "change",
                                           "foreign", "left",   "prune",  "unknown"};

/* --- The plan, shown -------------------------------------------------------------------------- */

static struct str join(struct arena *a, struct str text, struct str more)
{
    return text.n && more.n ? ARENA_JOIN(a, text, STR("; "), more) : text.n ? text : more;
}

static bool is_smbios(const struct pve_change *at)
{
    return strcmp(at->name, "smbios1") == 0;
}

static struct str smbios_text(const struct pve_change *at, struct arena *a)
{
    struct smbios from = {STR(""), STR("")}, to = from;
    struct str text = STR("");
    smbios_read(at->from, a, &from, NULL);
    smbios_read(at->to, a, &to, NULL);
    if (!str_eq(from.uuid, to.uuid))
        text = arena_printf(a, "uuid: %.*s -> %.*s", STR_ARG(from.uuid), STR_ARG(to.uuid));
    return str_eq(from.serial, to.serial)
               ? text
               : join(a, text, STR("serial: this server's address of today"));
}

static struct str changes_text(const struct plan_item *it, struct arena *a)
{
    const struct pve_changes *changes = &it->changes;
    struct str text = STR("");
    for (size_t i = 0; i < changes->n; i++) {
        const struct pve_change *at = &changes->list[i];
        struct str part = is_smbios(at) ? smbios_text(at, a)
                                        : arena_printf(a, "%s: %.*s -> %.*s", at->name,
                                                       STR_ARG(at->from.n ? at->from : STR("none")),
                                                       STR_ARG(at->to.n ? at->to : STR("none")));
        if (at->is_cold && it->runs)
            part = ARENA_JOIN(a, part, STR(" (at its next cold start)"));
        text = join(a, text, part);
    }
    for (size_t i = 0; i < changes->grown_n; i++) {
        const struct pve_growth *at = &changes->grown[i];
        text = join(
            a, text,
            arena_printf(a, "%.*s: %u -> %u GiB", STR_ARG(at->disk), at->from_gib, at->to_gib));
    }
    return join(a, text, changes->stays);
}

static struct str plan_text(const struct plan_item *it, struct arena *a)
{
    switch (it->action) {
    case PLAN_NONE: return join(a, STR("as declared"), changes_text(it, a));
    case PLAN_CREATE: return arena_printf(a, "is made from template %u", it->plan->template_vmid);
    case PLAN_FINISH: return join(a, STR("is completed and started"), changes_text(it, a));
    case PLAN_CHANGE: return changes_text(it, a);
    case PLAN_FOREIGN: return STR("not made by cloudseed: is left as it is");
    case PLAN_LEFT:
        return arena_printf(a, "its node is gone; to remove it give --prune %.*s",
                            STR_ARG(it->name));
    case PLAN_PRUNE: return STR("is removed with its disks");
    case PLAN_UNKNOWN: return it->why;
    }
    return STR("");
}

static void print_plan(struct plan *p)
{
    static const char *const heads[] = {"NODE", "VMID", "HOST", "PLAN"};
    struct arena *a = &p->server.arena;
    struct table t;
    table_init(&t, a, 4);
    table_head(&t, heads);
    table_wrap(&t);
    for (size_t i = 0; i < p->n; i++) {
        const struct plan_item *it = &p->items[i];
        table_add(&t, it->name);
        table_add(&t, it->vmid ? arena_printf(a, "%u", it->vmid) : STR(""));
        table_add(&t, it->host);
        table_add(&t, plan_text(it, a));
    }
    table_print(&t, stdout, p->cli->color_out);
}

static struct value change_value(const struct plan_item *it, struct arena *a, const char *name,
                                 struct str from, struct str to, bool is_cold)
{
    const struct value_pair pairs[] = {
        JSON_STR("option", str_from(name)),
        JSON_STR("from", from),
        JSON_STR("to", to),
        JSON_STR("when", is_cold && it->runs ? STR("cold start") : STR("now")),
    };
    return value_copy(a, value_map(pairs, 4));
}

static struct value changes_value(const struct plan_item *it, struct arena *a)
{
    const struct pve_changes *changes = &it->changes;
    struct value *list = arena_alloc(a, (changes->n + changes->grown_n) * sizeof(*list));
    uint32_t n = 0;
    for (size_t i = 0; i < changes->n; i++) {
        const struct pve_change *at = &changes->list[i];
        list[n++] =
            change_value(it, a, at->name, is_smbios(at) ? smbios_shown(at->from, a) : at->from,
                         is_smbios(at) ? smbios_shown(at->to, a) : at->to, at->is_cold);
    }
    for (size_t i = 0; i < changes->grown_n; i++) {
        const struct pve_growth *at = &changes->grown[i];
        list[n++] =
            change_value(it, a, arena_str(a, at->disk).p, arena_printf(a, "%uG", at->from_gib),
                         arena_printf(a, "%uG", at->to_gib), false);
    }
    return value_list(list, n);
}

static void print_json(struct plan *p, bool is_plan)
{
    static const char *const results[] = {"ok", "failed", "planned"};
    struct arena *a = &p->server.arena;
    struct cli_list list = {0};
    for (size_t i = 0; i < p->n; i++) {
        const struct plan_item *it = &p->items[i];
        size_t result = it->action == PLAN_UNKNOWN ? 1
                        : is_plan && plan_acts(it) ? 2
                                                   : it->status != CLI_OK;
        const struct value_pair pairs[] = {
            JSON_STR("node", it->name),
            JSON_STR("action", str_from(action_names[it->action])),
            JSON_VALUE("vmid", it->vmid ? value_int(it->vmid) : value_none()),
            JSON_VALUE("host", it->host.n ? value_str(it->host) : value_none()),
            JSON_VALUE("changes", changes_value(it, a)),
            JSON_STR("result", str_from(results[result])),
            JSON_STR("message", it->said.n  ? it->said
                                : it->why.n ? it->why
                                            : it->changes.stays),
        };
        cli_list_item(&list, value_map(pairs, 7));
    }
    cli_list_end(&list);
}

static int confirm(const struct cli *c, size_t n)
{
    char answer[8];
    if (flags_given(&c->flags, "yes"))
        return CLI_OK;
    if (!isatty(STDIN_FILENO))
        return cli_misuse(c, "%zu VM%s would be changed: confirm it with --yes", n,
                          n == 1 ? "" : "s");
    fprintf(stderr, "Go on? [y/N] ");
    if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return CLI_OK;
    return cli_fail(c, "not confirmed: nothing was done");
}

/* --- Doing it --------------------------------------------------------------------------------- */

/* In a job's own process. */
static int prune(struct plan *p, const struct plan_item *it)
{
    struct pve_session s;
    struct pve_vm vm;
    struct value config;
    struct err e;
    int status = pve_session_server(p->cli, &s);
    if (status == CLI_OK)
        status = pve_session_host(&s, it->at->session.endpoint.name);
    if (status == CLI_OK && (pve_find_vm(s.pve, it->vmid, &s.arena, &vm, &e) < 0 ||
                             pve_vm_config(s.pve, &vm, &s.arena, &config, &e) < 0))
        status = pve_session_fail(&s, &e);
    if (status == CLI_OK && !plan_is_left(it->at, config, it->name))
        status = cli_fail(p->cli, "VM %u is not ours any more", it->vmid);
    if (status == CLI_OK)
        status = pve_need_no_data(&s, &vm, config);
    if (status == CLI_OK)
        status = pve_remove(&s, &vm);
    if (status == CLI_OK && !pve_session_is_dry(&s))
        printf("VM %u is removed\n", vm.vmid);
    pve_session_close(&s);
    return status;
}

static int work(void *cls, const struct crew_job *job)
{
    struct plan *p = cls;
    const struct plan_item *it = &p->items[job->index];
    struct pve_making m;
    if (it->action == PLAN_PRUNE)
        return prune(p, it);
    int status = pve_making_open(p->cli, p->tree, it->name.p, &m);
    m.host = it->host;
    m.step = crew_step;
    if (status == CLI_OK)
        status = it->action == PLAN_CHANGE ? pve_adapt(&m) : pve_make(&m);
    if (status == CLI_OK && !pve_session_is_dry(&m.session))
        printf("%.*s\n", STR_ARG(m.result));
    pve_making_close(&m);
    return status;
}

/* What it has said, without the tool's own name before it. */
static struct str said_by(const struct crew_job *job, struct arena *a)
{
    struct str said = str_trim(buf_view(&job->said)), name = STR("cloudseed: ");
    return arena_str(a, str_starts(said, name) ? str_skip(said, name.n) : said);
}

static void on_end(void *cls, const struct crew_job *job)
{
    struct plan *p = cls;
    struct plan_item *it = &p->items[job->index];
    it->status = job->status;
    it->said = said_by(job, &p->server.arena);
    if (job->status != CLI_OK) {
        p->failed++;
        cli_fail(p->cli, "%.*s: %.*s", STR_ARG(it->name),
                 STR_ARG(it->said.n ? it->said : STR("it ended without a word")));
    } else if (!flags_given(&p->cli->flags, "json") && it->said.n) {
        cli_print_line("%.*s: %.*s", STR_ARG(it->name), STR_ARG(it->said));
        fflush(stdout);
    }
}

static void do_all(struct plan *p, size_t n)
{
    struct crew crew = {.work = work, .ended = on_end, .cls = p};
    struct arena *a = &p->server.arena;
    crew.jobs = arena_zalloc(a, n, sizeof(*crew.jobs));
    for (size_t i = 0; i < p->n; i++) {
        const struct plan_item *it = &p->items[i];
        if (!plan_acts(it))
            continue;
        struct str storage = it->plan ? it->plan->storage : STR("");
        crew.jobs[crew.n++] = (struct crew_job){
            .name = it->name.p,
            .group =
                ARENA_JOIN(a, it->at->session.endpoint.name, STR("/"), it->host, STR("/"), storage),
            .index = i,
        };
    }
    crew_run(&crew);
    crew_done(&crew);
}

/* What the requests would be, one node after the other. */
static int show_requests(struct plan *p)
{
    int status = CLI_OK;
    for (size_t i = 0; i < p->n; i++) {
        const struct crew_job job = {.index = i};
        if (!plan_acts(&p->items[i]))
            continue;
        cli_print_line("# %.*s", STR_ARG(p->items[i].name));
        if (work(p, &job) != CLI_OK)
            status = CLI_FAILED;
    }
    return status;
}

static void summarize(const struct plan *p, size_t n)
{
    size_t unknown = 0;
    for (size_t i = 0; i < p->n; i++)
        unknown += p->items[i].action == PLAN_UNKNOWN;
    cli_print_line("%zu VM%s: %zu as declared, %zu changed, %zu failed", p->n, p->n == 1 ? "" : "s",
                   p->n - n - unknown, n - p->failed, p->failed + unknown);
}

static int end_status(const struct plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->items[i].action == PLAN_UNKNOWN)
            return CLI_FAILED;
    }
    return p->failed ? CLI_FAILED : CLI_OK;
}

static int apply(struct plan *p)
{
    const struct flags *f = &p->cli->flags;
    bool is_json = flags_given(f, "json"), is_dry = flags_given(f, "dry-run");
    size_t n = 0;
    if (!p->n)
        return cli_fail(p->cli, "the seed tree names no template for any VM: declare 'proxmox' in "
                                "site.yaml, a role or a node");
    for (size_t i = 0; i < p->n; i++)
        n += plan_acts(&p->items[i]);
    if (!is_json)
        print_plan(p);
    if (is_dry && is_json)
        print_json(p, true);
    if (is_dry) {
        int status = is_json ? CLI_OK : show_requests(p);
        return status != CLI_OK || end_status(p) != CLI_OK ? CLI_FAILED : n ? CLI_DIFFERS : CLI_OK;
    }
    int status = n ? confirm(p->cli, n) : CLI_OK;
    if (status != CLI_OK)
        return status;
    do_all(p, n);
    if (is_json)
        print_json(p, false);
    else
        summarize(p, n);
    return end_status(p);
}

static int run(struct cli *c)
{
    struct plan p = {.cli = c};
    struct config config;
    struct tree *tree = NULL;
    int status = seedtree_configure(c, &config);
    if (status == CLI_OK && !(tree = seedtree_load(c, &config, NULL)))
        status = CLI_FAILED;
    p.tree = tree;
    if (status == CLI_OK)
        status = pve_session_server(c, &p.server);
    if (status == CLI_OK)
        status = plan_make(&p);
    if (status == CLI_OK)
        status = apply(&p);
    plan_done(&p);
    tree_free(tree);
    return status;
}

const struct command command_pve_apply = {
    .name = "pve apply",
    .operands = "[NODE...]",
    .operands_max = UINT8_MAX,
    .flags = FLAGS(FLAG_YES, {"no-start", NULL, "leave new VMs off"},
                   {"prune", "NAME", "remove the VM of this node, which is gone from the tree"},
                   {"with-data", NULL, "also remove VMs that have data disks"}, FLAG_DRY_RUN,
                   FLAG_WINDOW, FLAG_PVE, FLAG_TOKEN, FLAG_JSON),
    .summary = "make and change the VMs of all declared nodes",
    .help = "Compares the VMs with what the seed tree declares under 'proxmox', prints the\n"
            "plan, and carries it out after a confirmation: missing VMs are made, registered\n"
            "and started, those that differ are changed. No VM is stopped or restarted:\n"
            "changes that need a power-off take effect after the next shutdown and start.\n"
            "Disks are created and enlarged, never shrunk or removed. At most two VMs at a\n"
            "time are made on the same host and storage; if a host is down, only its own\n"
            "nodes fail. After a failure run the command again to continue.\n"
            "\n"
            "The VM of a node that is no longer declared is shown, and removed only if --prune\n"
            "names it.\n"
            "\n"
            "Exit status: 0 all VMs are as declared, 1 something failed, 2 --dry-run found\n"
            "something to do.\n"
            "\n"
            "Examples:\n"
            "  cloudseed pve apply && cloudseed watch\n"
            "  cloudseed pve apply k8s-worker-2 --dry-run\n"
            "  cloudseed pve apply --yes --json | jq '.[] | select(.result == \"failed\")'\n",
    .run = run,
};
