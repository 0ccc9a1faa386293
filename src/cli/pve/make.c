/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/make.h"

#include "cli/pve/disk.h"
#include "cli/pve/place.h"
#include "cli/pve/tomb.h"

#include <errno.h>
#include <stdio.h>

#define IDS_MAX 8                   /* ids that others may be faster with */
#define CLONE_MS (30 * 60 * 1000)   /* a full copy of a large disk */
#define SETTLE_MS (60 * 1000)       /* until a clone whose answer was lost is seen */
#define SETTLE_ENDED_MS (10 * 1000) /* the same, once its task has ended */
#define TASK_MS (2 * 60 * 1000)
#define AT_ONCE STR("10") /* seconds that an answer waits for a change */

static void step(const struct pve_making *m, const char *what)
{
    if (m->step)
        m->step(what);
}

/* --- What is declared ------------------------------------------------------------------------- */

const struct proxmox *pve_plan(const struct tree *t, struct value node)
{
    const struct node *n = tree_find_name(t, api_text(node, "name"));
    const struct role *role = n ? n->role : tree_find_role(t, api_text(node, "role"));
    return n ? n->proxmox : role ? &role->proxmox : NULL;
}

int pve_making_open(struct cli *c, const struct tree *t, const char *name, struct pve_making *ret)
{
    struct pve_session *s = &ret->session;
    struct value node;
    *ret = (struct pve_making){.tree = t, .name = name};
    int status = pve_session_server(c, s);
    if (status == CLI_OK)
        status = pve_session_node(s, name, &node);
    if (status != CLI_OK)
        return status;
    ret->node = node;
    ret->plan = pve_plan_as_asked(&ret->session, pve_plan(t, node));
    if (!ret->plan || !ret->plan->template_vmid)
        return cli_fail(c,
                        "%s: the seed tree names no template for its VM: declare 'proxmox' in "
                        "site.yaml, its role or the node",
                        name);
    ret->marker = arena_printf(&s->arena, "Node %s of cloudseed (uid %.*s)", name,
                               STR_ARG(api_text(node, "uid")));
    status = pve_session_host(s, ret->plan->endpoint);
    if (status == CLI_OK)
        tomb_disarm(s, node);
    return status;
}

void pve_making_close(struct pve_making *m)
{
    pve_session_close(&m->session);
}

/* --- Finding it ------------------------------------------------------------------------------- */

enum found {
    FOUND_NOTHING, /* the id is free */
    FOUND_OURS,    /* it is there, as a whole */
    FOUND_OTHER,   /* somebody else's */
    FOUND_HIDDEN   /* taken, but the token does not see it, or it is locked: a clone may go on */
};

static int look(struct pve_making *m, enum found *ret, struct err *e)
{
    struct arena *a = &m->session.arena;
    bool taken;
    int r = pve_id_is_taken(m->session.pve, m->vm.vmid, &taken, e);
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

/* Until it is clear what became of the clone, of which `why` is known. A pool's token sees a VM
 * only at the very end, when it joins the pool. After -ETIMEDOUT the clone may not have begun yet;
 * after -EIO its task has ended. */
static int settle(struct pve_making *m, int why, enum found *ret, struct err *e)
{
    unsigned most = why == -EIO ? SETTLE_ENDED_MS : SETTLE_MS;
    int r = 0;
    for (unsigned waited = 0; waited < most; waited += PVE_PAUSE_MS) {
        r = look(m, ret, e);
        if (r < 0 || *ret == FOUND_OURS || *ret == FOUND_OTHER)
            return r;
        if (*ret == FOUND_NOTHING && (why != -ETIMEDOUT || waited >= SETTLE_ENDED_MS))
            return 0;
        pve_pause();
    }
    return r;
}

/* --- Cloning ---------------------------------------------------------------------------------- */

/* *ret is the task. */
static int ask_clone(struct pve_making *m, const struct pve_vm *template, struct str *ret,
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
static int clone_once(struct pve_making *m, const struct pve_vm *template, bool *ret_known,
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
    if (settle(m, r, &found, &why) < 0)
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

/* What follows is shown as if the clone were there. */
static int pretend_clone(struct pve_making *m, const struct pve_vm *template)
{
    struct pve_session *s = &m->session;
    struct str task;
    struct err e;
    if (pve_next_id(s->pve, &m->vm.vmid, &e) < 0 ||
        pve_vm_config(s->pve, template, &s->arena, &m->config, &e) < 0)
        return pve_session_fail(s, &e);
    int status = pve_session_remember(s, str_from(m->name), &m->vm);
    if (status == CLI_OK && ask_clone(m, template, &task, &e) < 0)
        return pve_session_fail(s, &e);
    m->is_pretended = true;
    return status;
}

/* Which id it is to be is written down before the clone begins, and forgotten where there is none.
 */
static int clone_vm(struct pve_making *m, const struct pve_vm *template)
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

/* A clone's TPM would be a copy, with the keys of its template's. */
static int check_template(struct pve_making *m, const struct pve_vm *template)
{
    struct pve_session *s = &m->session;
    struct value config;
    struct err e;
    if (!template->is_template)
        return cli_fail(s->cli, "VM %u is not a template", template->vmid);
    if (!m->plan->tpm.n)
        return CLI_OK;
    if (pve_vm_config(s->pve, template, &s->arena, &config, &e) < 0)
        return pve_session_fail(s, &e);
    return value_get_text(config, STR("tpmstate0")).n
               ? cli_fail(s->cli,
                          "the template %u has a TPM, and all its clones would have the same: run "
                          "'qm set %u --delete tpmstate0' on its host",
                          template->vmid, template->vmid)
               : CLI_OK;
}

/* Where the plan of `pve apply` has it, else as it is declared, else at the template's. */
static int choose_host(struct pve_making *m, const struct pve_vm *template)
{
    struct pve_session *s = &m->session;
    struct value resources;
    struct err e;
    m->vm.host = m->host.n ? m->host : m->plan->host.n ? m->plan->host : template->host;
    if (!str_is(m->vm.host, "any"))
        return CLI_OK;
    if (pve_list_resources(s->pve, &s->arena, &resources, &e) < 0)
        return pve_session_fail(s, &e);
    m->vm.host = place_any(s->pve, resources, template, NULL, 0, &s->arena);
    return CLI_OK;
}

/* Goes on with the VM that an earlier run has begun; else clones one. */
static int make_vm(struct pve_making *m)
{
    struct pve_session *s = &m->session;
    struct value known = value_get(m->node, STR("vm"));
    struct pve_vm template;
    enum found found;
    struct err e;
    if (known.kind == VALUE_MAP && !pve_would_give_up(s, known)) {
        if (!str_eq(api_text(known, "endpoint"), s->endpoint.name))
            return cli_fail(s->cli, "%s has a VM at %.*s", m->name,
                            STR_ARG(api_text(known, "endpoint")));
        m->vm = (struct pve_vm){.vmid = (uint32_t)api_number(known, "vmid", 0),
                                .host = api_text(known, "host")};
        if (settle(m, -ETIMEDOUT, &found, &e) < 0)
            return pve_session_fail(s, &e);
        if (found == FOUND_OURS)
            return CLI_OK;
        if (found != FOUND_NOTHING &&
            (found == FOUND_HIDDEN || pve_may_be(&m->session, m->node, m->config)))
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
    int status = check_template(m, &template);
    if (status != CLI_OK)
        return status;
    status = choose_host(m, &template);
    if (status != CLI_OK)
        return status;
    return pve_session_is_dry(s) ? pretend_clone(m, &template) : clone_vm(m, &template);
}

/* --- Its options and its disk ----------------------------------------------------------------- */

static int reread(struct pve_making *m)
{
    struct pve_session *s = &m->session;
    struct err e;
    return pve_vm_config(s->pve, &m->vm, &s->arena, &m->config, &e) < 0 ? pve_session_fail(s, &e)
                                                                        : CLI_OK;
}

static int set_options(struct pve_making *m, const struct pve_changes *changes)
{
    struct pve_session *s = &m->session;
    struct pve_field fields[PVE_CHANGES_MAX + 3];
    struct str dropped = STR("");
    unsigned warnings;
    size_t n = 0;
    struct err e;
    for (size_t i = 0; i < changes->n; i++) {
        const struct pve_change *at = &changes->list[i];
        if (at->to.n)
            fields[n++] = (struct pve_field){at->name, at->to};
        else
            dropped =
                ARENA_JOIN(&s->arena, dropped, dropped.n ? STR(",") : STR(""), str_from(at->name));
    }
    if (dropped.n)
        fields[n++] = (struct pve_field){"delete", dropped};
    if (!n)
        return CLI_OK;
    fields[n++] = (struct pve_field){"digest", pve_text(m->config, "digest", &s->arena)};
    fields[n++] = (struct pve_field){"background_delay", AT_ONCE};
    const struct pve_request q = {"POST", pve_vm_path(&m->vm, "/config", &s->arena), fields, n};
    return pve_do(s->pve, &q, TASK_MS, &warnings, &e) < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

int pve_aim_host(struct pve_session *s, struct pve_aim *ret)
{
    struct pve_version version;
    struct value rights;
    struct err e;
    int r = 0;
    if (str_is(ret->plan->firmware, "secure-boot")) {
        r = pve_version(s->pve, &s->arena, &version, &e);
        ret->has_ms_cert =
            r == 0 && (version.major > 9 || (version.major == 9 && version.minor >= 2));
    }
    if (r == 0 && pve_is_ordered(ret->plan)) {
        r = pve_rights(s->pve, STR("/"), &s->arena, &rights, &e);
        ret->may_order = r == 0 && pve_truth(rights, "Sys.Modify");
    }
    return r < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

static int set_shape(struct pve_making *m, struct str smbios1, struct pve_changes *ret)
{
    struct pve_session *s = &m->session;
    const struct node *n = tree_find_name(m->tree, str_from(m->name));
    struct pve_aim aim = pve_aim(m->node, n, m->plan, &s->arena);
    struct err e;
    aim.smbios1 = smbios1;
    int status = pve_aim_host(s, &aim);
    if (status != CLI_OK)
        return status;
    if (pve_compare(&aim, m->config, &s->arena, ret, &e) < 0)
        return cli_fail(s->cli, "VM %u: %s", m->vm.vmid, e.msg);
    status = set_options(m, ret);
    for (size_t i = 0; status == CLI_OK && i < ret->grown_n; i++) {
        const struct pve_growth *at = &ret->grown[i];
        if (disk_grow(s->pve, &m->vm, at->disk, at->from_gib, at->to_gib, &e) < 0)
            status = pve_session_fail(s, &e);
    }
    return status;
}

/* --- All of it -------------------------------------------------------------------------------- */

/* "; scsi1 has 40 GiB, and is not made smaller" */
static struct str stays_text(const struct pve_changes *changes, struct arena *a)
{
    return changes->stays.n ? ARENA_JOIN(a, STR("; "), changes->stays) : STR("");
}

static int register_and_start(struct pve_making *m, const struct pve_changes *changes)
{
    struct pve_session *s = &m->session;
    struct pve_registered done = {STR(""), false};
    bool starts = !flags_given(&s->cli->flags, "no-start");
    int status = pve_register(s, m->node, &m->vm, m->config, &done);
    step(m, "start");
    if (status == CLI_OK && starts)
        status = pve_start(s, &m->vm);
    m->result = arena_printf(&s->arena, "VM %u on %.*s is %s; the build window ends %.*s%.*s",
                             m->vm.vmid, STR_ARG(m->vm.host), starts ? "made and runs" : "made",
                             STR_ARG(done.ends), STR_ARG(stays_text(changes, &s->arena)));
    return status;
}

int pve_make(struct pve_making *m)
{
    struct pve_changes changes;
    step(m, "clone");
    int status = make_vm(m);
    step(m, "configure");
    if (status == CLI_OK)
        status = set_shape(m, STR(""), &changes);
    if (status == CLI_OK && !m->is_pretended)
        status = reread(m); /* the digest has changed */
    return status == CLI_OK ? register_and_start(m, &changes) : status;
}

/* "memory and cpu" */
static struct str cold_text(const struct pve_changes *changes, struct arena *a)
{
    struct str text = STR("");
    for (size_t i = 0; i < changes->n; i++) {
        const struct pve_change *at = &changes->list[i];
        if (at->is_cold)
            text = ARENA_JOIN(a, text, text.n ? STR(", ") : STR(""), str_from(at->name));
    }
    return text;
}

static int find_ours(struct pve_making *m)
{
    struct pve_session *s = &m->session;
    int status = pve_session_find(s, m->node, &m->vm);
    if (status == CLI_OK)
        status = reread(m);
    if (status == CLI_OK && !pve_session_owns(s, m->node, m->config))
        return cli_fail(s->cli, "VM %u was not made by cloudseed for %s: nothing was changed",
                        m->vm.vmid, m->name);
    return status;
}

int pve_adapt(struct pve_making *m)
{
    struct pve_session *s = &m->session;
    struct pve_changes changes;
    struct str url, smbios1, cold;
    step(m, "change");
    int status = find_ours(m);
    if (status == CLI_OK)
        status = pve_session_url(s, &url);
    if (status == CLI_OK)
        status = pve_serial_wanted(s, m->name, m->config, url, &smbios1);
    if (status == CLI_OK)
        status = set_shape(m, smbios1, &changes);
    if (status != CLI_OK)
        return status;
    cold = str_is(m->vm.status, "running") ? cold_text(&changes, &s->arena) : STR("");
    m->result = arena_printf(&s->arena, "VM %u on %.*s is as declared%s%.*s%.*s", m->vm.vmid,
                             STR_ARG(m->vm.host), cold.n ? "; at its next cold start also: " : "",
                             STR_ARG(cold), STR_ARG(stays_text(&changes, &s->arena)));
    return CLI_OK;
}
