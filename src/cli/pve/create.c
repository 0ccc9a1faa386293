/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/progress.h"
#include "cli/common/seedtree.h"
#include "cli/node/node.h"
#include "cli/pve/act.h"
#include "cli/pve/disk.h"
#include "crypto/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define IDS_MAX 8                 /* ids that others may be faster with */
#define CLONE_MS (30 * 60 * 1000) /* a full copy of a large disk */
#define SETTLE_MS (60 * 1000)     /* until a clone whose answer was lost is seen */
#define TASK_MS (2 * 60 * 1000)
#define AT_ONCE STR("10") /* seconds that an answer waits for a change */
#define CPU_DEFAULT STR("x86-64-v2-AES")

struct making {
    struct pve_session session;
    const char *name;
    struct value node;          /* our server's answer */
    struct str uid, marker;     /* the line in the VM's description by which it is ours */
    const struct proxmox *plan; /* as the seed tree declares it */
    struct str mac, vlan;       /* of the first card; vlan: empty without one */
    struct pve_vm vm;
    struct value config;
};

/* --- What is declared ------------------------------------------------------------------------- */

/* Locally administered, and the same each time: DHCP may know it before the VM is there. */
static struct str derived_mac(struct str uid, struct arena *a)
{
    char text[DIGEST_TEXT_SIZE];
    struct digest *d = digest_new();
    digest_add(d, STR("cloudseed first card "));
    digest_add(d, uid);
    digest_end(d, text);
    return arena_printf(a, "02:%.2s:%.2s:%.2s:%.2s:%.2s", text, text + 2, text + 4, text + 6,
                        text + 8);
}

static void plan_network(struct making *m, const struct node *n)
{
    struct arena *a = &m->session.arena;
    struct value macs = value_get(m->node, STR("macs"));
    m->mac = macs.kind == VALUE_LIST && macs.n ? value_text(macs.items[0]) : derived_mac(m->uid, a);
    uint16_t vlan = n ? node_access_vlan(n) : 0;
    m->vlan = vlan ? arena_printf(a, "%u", vlan) : STR("");
}

const struct proxmox *pve_plan(const struct tree *t, struct value node)
{
    const struct node *n = tree_find_name(t, api_text(node, "name"));
    const struct role *role = n ? n->role : tree_find_role(t, api_text(node, "role"));
    return n ? n->proxmox : role ? &role->proxmox : NULL;
}

static int read_plan(struct making *m, const struct tree *t)
{
    struct cli *c = m->session.cli;
    m->plan = pve_plan(t, m->node);
    if (!m->plan || !m->plan->template_vmid)
        return cli_fail(c,
                        "%s: the seed tree names no template for its VM: declare 'proxmox' in "
                        "site.yaml, its role or the node",
                        m->name);
    plan_network(m, tree_find_name(t, str_from(m->name)));
    return CLI_OK;
}

/* --- Finding it ------------------------------------------------------------------------------- */

/* Whether the id is taken, by whatever: anybody may ask this. */
static int is_taken(struct making *m, uint32_t vmid, bool *ret, struct err *e)
{
    struct arena *a = &m->session.arena;
    const struct pve_field fields[] = {{"vmid", arena_printf(a, "%u", vmid)}};
    const struct pve_request q = {"GET", STR("/cluster/nextid"), fields, 1};
    struct value answer;
    int r = pve_ask(m->session.pve, &q, a, &answer, e);
    *ret = r == -EINVAL;
    return r == -EINVAL ? 0 : r;
}

enum found {
    FOUND_NOTHING, /* the id is free */
    FOUND_OURS,    /* it is there, as a whole */
    FOUND_OTHER,   /* somebody else's */
    FOUND_HIDDEN   /* taken, but the token does not see it, or it is locked: a clone may go on */
};

static int look(struct making *m, enum found *ret, struct err *e)
{
    struct arena *a = &m->session.arena;
    bool taken;
    int r = is_taken(m, m->vm.vmid, &taken, e);
    *ret = FOUND_NOTHING;
    if (r < 0 || !taken)
        return r;
    *ret = FOUND_HIDDEN;
    r = pve_vm_config(m->session.pve, &m->vm, a, &m->config, e);
    if (r == -ENOENT && pve_find_vm(m->session.pve, m->vm.vmid, a, &m->vm, e) == 0)
        r = pve_vm_config(m->session.pve, &m->vm, a, &m->config, e); /* it was migrated */
    if (r == -EPERM || r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    if (value_get(m->config, STR("lock")).kind == VALUE_UNDEFINED ||
        !pve_session_owns(&m->session, m->node, m->config))
        *ret = pve_session_owns(&m->session, m->node, m->config) ? FOUND_OURS : FOUND_OTHER;
    return 0;
}

/* Until it is clear what became of the clone. A pool's token sees a VM only at the very end, when
 * it joins the pool. `unsure`: a clone that was asked for may not have begun yet. */
static int settle(struct making *m, bool unsure, enum found *ret, struct err *e)
{
    int r = 0;
    for (unsigned waited = 0; waited < SETTLE_MS; waited += PVE_PAUSE_MS) {
        r = look(m, ret, e);
        if (r < 0 || *ret == FOUND_OURS || *ret == FOUND_OTHER)
            return r;
        if (*ret == FOUND_NOTHING && (!unsure || waited >= SETTLE_MS / 6))
            return 0;
        pve_pause();
    }
    return r;
}

/* --- Cloning ---------------------------------------------------------------------------------- */

/* *ret is the task. */
static int ask_clone(struct making *m, const struct pve_vm *template, struct str *ret,
                     struct err *e)
{
    struct arena *a = &m->session.arena;
    const struct proxmox *p = m->plan;
    struct pve_field fields[8];
    struct value task;
    size_t n = 0;
    fields[n++] = (struct pve_field){"newid", arena_printf(a, "%u", m->vm.vmid)};
    fields[n++] = (struct pve_field){"name", str_from(m->name)};
    fields[n++] = (struct pve_field){"description", m->marker};
    if (p->pool.n)
        fields[n++] = (struct pve_field){"pool", p->pool};
    if (p->storage.n) {
        fields[n++] = (struct pve_field){"full", STR("1")};
        fields[n++] = (struct pve_field){"storage", p->storage};
    }
    if (!str_eq(m->vm.host, template->host))
        fields[n++] = (struct pve_field){"target", m->vm.host};
    const struct pve_request q = {"POST", pve_vm_path(template, "/clone", a), fields, n};
    int r = pve_ask(m->session.pve, &q, a, &task, e);
    if (r == 0)
        *ret = task.kind == VALUE_STR ? value_text(task) : STR("");
    return r;
}

/* 1: with another id, or the same later; 0: it is there; else why it is not. *ret_known: there is
 * no VM of ours with that id, so that it can be forgotten. */
static int clone_once(struct making *m, const struct pve_vm *template, bool *ret_known,
                      struct err *e)
{
    struct str task;
    unsigned warnings;
    enum found found;
    struct err why;
    int r = ask_clone(m, template, &task, e);
    *ret_known = r < 0 && r != -ETIMEDOUT;
    if (r == 0)
        r = pve_wait(m->session.pve, task, CLONE_MS, &warnings, e);
    if (r == -EIO && strstr(e->msg, "already exists"))
        *ret_known = true; /* another client was faster with the id */
    if (*ret_known)
        return r == -EBUSY || strstr(e->msg, "already exists") ? 1 : r;
    if (settle(m, r == -ETIMEDOUT, &found, &why) < 0)
        return err_set(e, -ETIMEDOUT, "%s", why.msg); /* the clone may go on */
    if (found == FOUND_OURS)
        return 0;
    if (found == FOUND_HIDDEN)
        return err_set(
            e, -EINPROGRESS,
            "VM %u is there, but locked or not to be seen: a clone goes on, or was cut "
            "off. Look at its task in Proxmox; root may have to 'qm unlock %u' and put it "
            "into the pool, or remove it",
            m->vm.vmid, m->vm.vmid);
    *ret_known = true;
    return found == FOUND_OTHER || r != -EIO ? 1 : r;
}

/* Which id it is to be is written down before the clone begins, and forgotten where there is none.
 */
static int clone_vm(struct making *m, const struct pve_vm *template)
{
    struct pve_session *s = &m->session;
    struct err e;
    for (unsigned tries = 0; tries < IDS_MAX; tries++) {
        if (tries)
            pve_pause();
        if (pve_next_id(s->pve, &m->vm.vmid, &e) < 0)
            return pve_session_fail(s, &e);
        int status = pve_session_remember(s, str_from(m->name), &m->vm);
        if (status != CLI_OK)
            return status;
        bool known;
        int r = clone_once(m, template, &known, &e);
        if (r == 0)
            return CLI_OK;
        if (known && (status = pve_session_forget(s, str_from(m->name))) != CLI_OK)
            return status;
        if (r < 0)
            return pve_session_fail(s, &e);
    }
    return cli_fail(s->cli, "others were faster with %d ids, or hold the storage: try again later",
                    IDS_MAX);
}

/* Goes on with the VM that an earlier run has begun; else clones one. */
static int make_vm(struct making *m)
{
    struct pve_session *s = &m->session;
    struct value known = value_get(m->node, STR("vm"));
    struct pve_vm template;
    enum found found;
    struct err e;
    if (known.kind == VALUE_MAP) {
        if (!str_eq(api_text(known, "endpoint"), s->endpoint.name))
            return cli_fail(s->cli, "%s has a VM at %.*s", m->name,
                            STR_ARG(api_text(known, "endpoint")));
        m->vm = (struct pve_vm){.vmid = (uint32_t)api_number(known, "vmid", 0),
                                .host = api_text(known, "host")};
        if (settle(m, true, &found, &e) < 0)
            return pve_session_fail(s, &e);
        if (found == FOUND_OURS)
            return CLI_OK;
        if (found != FOUND_NOTHING)
            return cli_fail(
                s->cli,
                "VM %u is taken, and does not say that it is %s's: if it is, register it "
                "with 'cloudseed pve register'",
                m->vm.vmid, m->name);
        int status = pve_session_forget(s, str_from(m->name));
        if (status != CLI_OK)
            return status;
    }
    if (pve_find_vm(s->pve, m->plan->template_vmid, &s->arena, &template, &e) < 0)
        return pve_session_fail(s, &e);
    if (!template.is_template)
        return cli_fail(s->cli, "VM %u is not a template", m->plan->template_vmid);
    m->vm.host = m->plan->host.n ? m->plan->host : template.host;
    return clone_vm(m, &template);
}

/* --- Its options ------------------------------------------------------------------------------ */

#define OPTIONS_MAX 16

struct options {
    struct pve_field list[OPTIONS_MAX];
    size_t n;
    struct value config;
    struct arena *a;
};

/* Only what differs is written, so that a second run changes nothing. */
static void want(struct options *o, const char *name, struct str value)
{
    if (!str_eq(pve_text(o->config, name, o->a), value))
        o->list[o->n++] = (struct pve_field){name, value};
}

static void want_number(struct options *o, const char *name, uint32_t number)
{
    if (number)
        want(o, name, arena_printf(o->a, "%u", number));
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* As Proxmox keeps them: sorted, with semicolons. */
static struct str tags_text(const struct proxmox *p, struct arena *a)
{
    struct str sorted[PROXMOX_TAGS_MAX], text = STR("");
    for (uint32_t i = 0; i < p->tags_n; i++)
        sorted[i] = p->tags[i];
    if (p->tags_n)
        qsort(sorted, p->tags_n, sizeof(*sorted), by_text);
    for (uint32_t i = 0; i < p->tags_n; i++)
        text = ARENA_JOIN(a, text, i ? STR(";") : STR(""), sorted[i]);
    return text;
}

static struct str upper(struct str mac, struct arena *a)
{
    char *text = (char *)arena_str(a, mac).p;
    for (char *at = text; *at; at++)
        *at = *at >= 'a' && *at <= 'f' ? (char)(*at - 32) : *at;
    return str_from(text);
}

/* What the card has beside model, MAC, bridge and VLAN stays. */
static int want_card(struct making *m, struct options *o, struct err *e)
{
    struct str old = value_get_text(o->config, STR("net0"));
    struct props p, made = {.n = 0};
    struct card card;
    int r = props_read(old, &p, e);
    if (r == 0 && card_read(old, &card, e) < 0)
        r = err_set(e, -EINVAL, "the template has no network card net0");
    if (r == 0)
        r = props_set(&made, arena_str(o->a, card.model).p, upper(m->mac, o->a), e);
    for (uint32_t i = 0; r == 0 && i < p.n; i++) {
        struct prop at = p.list[i];
        bool is_first = !at.key.p || str_eq(at.key, card.model);
        if (!is_first && !str_is(at.key, "tag") && !str_is(at.key, "macaddr") &&
            !str_is(at.key, "model"))
            r = props_set(&made, arena_str(o->a, at.key).p, at.value, e);
    }
    if (r == 0 && m->plan->bridge.n)
        r = props_set(&made, "bridge", m->plan->bridge, e);
    if (r == 0 && m->vlan.n)
        r = props_set(&made, "tag", m->vlan, e);
    if (r == 0)
        want(o, "net0", props_text(&made, o->a));
    return r;
}

/* A clone has its template's protection, tags and start at boot: what is ours counts. */
static int plan_options(struct making *m, struct options *o, struct err *e)
{
    const struct proxmox *p = m->plan;
    struct str tags = tags_text(p, o->a);
    want(o, "name", str_from(m->name));
    want_number(o, "cores", p->cores);
    want_number(o, "memory", p->memory_mib);
    want(o, "cpu", p->cpu.n ? p->cpu : CPU_DEFAULT);
    want(o, "onboot", STR("1"));
    if (pve_truth(o->config, "protection"))
        want(o, "protection", STR("0"));
    if (tags.n)
        want(o, "tags", tags);
    int r = want_card(m, o, e);
    if (!tags.n && value_get(o->config, STR("tags")).kind != VALUE_UNDEFINED)
        o->list[o->n++] = (struct pve_field){"delete", STR("tags")};
    return r;
}

static int configure(struct making *m)
{
    struct pve_session *s = &m->session;
    struct options o = {.config = m->config, .a = &s->arena};
    unsigned warnings;
    struct err e;
    if (plan_options(m, &o, &e) < 0)
        return cli_fail(s->cli, "VM %u: %s", m->vm.vmid, e.msg);
    if (!o.n)
        return CLI_OK;
    o.list[o.n++] = (struct pve_field){"digest", pve_text(m->config, "digest", o.a)};
    o.list[o.n++] = (struct pve_field){"background_delay", AT_ONCE};
    const struct pve_request q = {"POST", pve_vm_path(&m->vm, "/config", o.a), o.list, o.n};
    if (pve_do(s->pve, &q, TASK_MS, &warnings, &e) < 0 ||
        pve_vm_config(s->pve, &m->vm, &s->arena, &m->config, &e) < 0)
        return pve_session_fail(s, &e);
    return CLI_OK;
}

/* --- Its disk --------------------------------------------------------------------------------- */

static int grow(struct making *m)
{
    struct pve_session *s = &m->session;
    struct str disk = disk_of_boot(m->config);
    struct err e;
    return disk_grow(s->pve, &m->vm, m->config, disk, m->plan->disk_gib, &e) < 0
               ? pve_session_fail(s, &e)
               : CLI_OK;
}

/* --- All of it -------------------------------------------------------------------------------- */

static int finish(struct making *m)
{
    struct pve_session *s = &m->session;
    struct pve_registered done = {STR(""), false};
    struct err e;
    /* The digest has changed with the disk. */
    if (pve_vm_config(s->pve, &m->vm, &s->arena, &m->config, &e) < 0)
        return pve_session_fail(s, &e);
    int status = pve_register(s, m->node, &m->vm, m->config, &done);
    if (status == CLI_OK && !flags_given(&s->cli->flags, "no-start"))
        status = pve_start(s, &m->vm);
    if (status != CLI_OK)
        return status;
    cli_print_line("%s: VM %u on %.*s is %s; the build window ends %.*s", m->name, m->vm.vmid,
                   STR_ARG(m->vm.host),
                   flags_given(&s->cli->flags, "no-start") ? "made" : "made and runs",
                   STR_ARG(done.ends));
    return CLI_OK;
}

static int make(struct making *m)
{
    struct pve_session *s = &m->session;
    struct progress progress;
    m->uid = api_text(m->node, "uid");
    m->marker =
        arena_printf(&s->arena, "Node %s of cloudseed (uid %.*s)", m->name, STR_ARG(m->uid));
    progress_begin(&progress, m->name);
    int status = make_vm(m);
    if (status == CLI_OK)
        status = configure(m);
    if (status == CLI_OK)
        status = grow(m);
    progress_end(&progress);
    return status == CLI_OK ? finish(m) : status;
}

static int run(struct cli *c)
{
    struct making m = {.name = c->operands[0]};
    struct config config;
    struct tree *tree = NULL;
    int status = seedtree_configure(c, &config);
    if (status == CLI_OK && !(tree = seedtree_load(c, &config, NULL)))
        status = CLI_FAILED;
    if (status == CLI_OK)
        status = pve_session_open(c, &m.session);
    if (status == CLI_OK)
        status = pve_session_node(&m.session, m.name, &m.node);
    if (status == CLI_OK)
        status = read_plan(&m, tree);
    if (status == CLI_OK)
        status = make(&m);
    pve_session_close(&m.session);
    tree_free(tree);
    return status;
}

const struct command command_pve_create = {
    .name = "pve create",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS({"no-start", NULL, "leave the VM off"}, FLAG_WINDOW, FLAG_PVE, FLAG_TOKEN),
    .summary = "make a node's VM, and start it",
    .help =
        "Clones the template that the seed tree declares under 'proxmox', sets what is declared\n"
        "of it and the node's MAC and VLAN, grows its disk, registers and starts it. The VM is\n"
        "known by a line in its description, and by what the server has written down before\n"
        "it was begun: after a failure at any point run the command again, and it goes on.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve create k8s-worker-2 && cloudseed watch k8s-worker-2\n"
        "  cloudseed pve create k8s-worker-2 --no-start --for 4h\n",
    .run = run,
};
