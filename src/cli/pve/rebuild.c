/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/seedtree.h"
#include "cli/node/node.h"
#include "cli/pve/act.h"
#include "cli/pve/disk.h"

#include <errno.h>
#include <stdio.h>

#define IMPORT_MS (30 * 60 * 1000) /* a full copy of the template's disk */
#define TASK_MS (2 * 60 * 1000)
#define AT_ONCE STR("10") /* seconds that an answer waits for a change */
/* In the VM's description while it is rebuilt. By it another run knows which disk is the old one.
 */
#define MARK "Rebuild: generation "

struct rebuilding {
    struct pve_session session;
    struct value node; /* our server's answer */
    const struct proxmox *plan;
    struct pve_vm vm;
    struct value config;
    struct str disk;     /* that it boots from: "scsi0" */
    struct str template; /* the template's volume for it */
    uint32_t template_gib;
    bool has_begun; /* by an earlier run, which was cut off */
    bool is_done;   /* the latest one */
    /* What the line in the description says. */
    uint32_t generation;
    struct str old; /* the volume that is replaced */
    uint32_t gib;
};

static struct str volume_of(struct value config, struct str disk)
{
    struct str text = value_get_text(config, disk);
    return str_cut(&text, ',');
}

static bool is_replaced(const struct rebuilding *r)
{
    struct str now = volume_of(r->config, r->disk);
    return now.n && !str_eq(now, r->old);
}

static int reread(struct rebuilding *r)
{
    struct pve_session *s = &r->session;
    struct err e;
    return pve_vm_config(s->pve, &r->vm, &s->arena, &r->config, &e) < 0 ? pve_session_fail(s, &e)
                                                                        : CLI_OK;
}

/* Each change of the configuration: not if another client was faster with one. */
static int change(struct rebuilding *r, const struct pve_field *given, size_t n, uint32_t within_ms)
{
    struct pve_session *s = &r->session;
    struct pve_field fields[8];
    unsigned warnings;
    struct err e;
    memcpy(fields, given, n * sizeof(*given));
    fields[n++] = (struct pve_field){"digest", pve_text(r->config, "digest", &s->arena)};
    fields[n++] = (struct pve_field){"background_delay", AT_ONCE};
    const struct pve_request q = {"POST", pve_vm_path(&r->vm, "/config", &s->arena), fields, n};
    if (pve_do(s->pve, &q, within_ms, &warnings, &e) < 0)
        return pve_session_fail(s, &e);
    return reread(r);
}

/* --- The line in its description -------------------------------------------------------------- */

/* The description without it, in *ret_rest. */
static struct str find_line(struct value config, struct arena *a, struct str *ret_rest)
{
    struct str text = value_get_text(config, STR("description")), line = STR(""), rest = STR("");
    while (text.p && text.n) {
        struct str at = str_cut(&text, '\n');
        if (str_starts(at, STR(MARK)))
            line = at;
        else if (at.n)
            rest = ARENA_JOIN(a, rest, rest.n ? STR("\n") : STR(""), at);
    }
    *ret_rest = rest;
    return line;
}

static struct str line_text(const struct rebuilding *r, struct arena *a)
{
    return arena_printf(a, MARK "%u replaces %.*s of %u GiB", r->generation, STR_ARG(r->old),
                        r->gib);
}

/* The line of one that is done stays, so that a repeated command does not do it twice. */
static struct str done_text(const struct rebuilding *r, struct arena *a)
{
    return arena_printf(a, MARK "%u is done", r->generation);
}

static bool read_line(struct rebuilding *r, struct str line)
{
    struct str rest = str_skip(line, strlen(MARK)), number = str_cut(&rest, ' ');
    struct str word = str_cut(&rest, ' '), old = str_cut(&rest, ' ');
    uint64_t generation, gib = 0;
    if (!str_to_u64(number, UINT32_MAX, &generation) || !old.n)
        return false;
    r->generation = (uint32_t)generation;
    r->is_done = str_is(word, "is") && str_is(old, "done");
    if (r->is_done)
        return true;
    str_cut(&rest, ' '); /* "of" */
    r->has_begun = r->old.n == 0 && str_is(word, "replaces") && rest.p &&
                   str_to_u64(str_cut(&rest, ' '), UINT32_MAX, &gib);
    r->old = old;
    r->gib = (uint32_t)gib;
    return r->has_begun;
}

/* --- Whether it may be ------------------------------------------------------------------------ */

/* Proxmox VE copies a disk only on the host of the VM that owns it, even where the storage is
 * shared.
 */
static int need_same_host(struct rebuilding *r, const struct pve_vm *template)
{
    struct pve_session *s = &r->session;
    struct str rest = r->template, storage = str_cut(&rest, ':');
    bool shared;
    struct err e;
    if (str_eq(template->host, r->vm.host))
        return CLI_OK;
    if (pve_is_shared(s->pve, r->vm.host, storage, &shared, &e) < 0)
        return pve_session_fail(s, &e);
    return cli_fail(s->cli,
                    "VM %u is on %.*s, and its template %u on the storage %.*s of %.*s, %s: name a "
                    "template of %.*s with --template",
                    r->vm.vmid, STR_ARG(r->vm.host), template->vmid, STR_ARG(storage),
                    STR_ARG(template->host),
                    shared ? "whose disks are copied only there (or migrate the VM to it)"
                           : "which is not shared",
                    STR_ARG(r->vm.host));
}

static int template_id(const struct rebuilding *r, uint32_t *ret)
{
    const struct cli *c = r->session.cli;
    int status = pve_given_id(c, "template", ret);
    if (status == CLI_OK && !*ret && r->plan)
        *ret = r->plan->template_vmid;
    return status != CLI_OK || *ret
               ? status
               : cli_fail(c,
                          "the seed tree names no template for %s: declare 'proxmox', or give "
                          "--template",
                          c->operands[0]);
}

/* The template's system disk must be where the VM has its own: no other one is ever replaced. */
static int find_template(struct rebuilding *r)
{
    struct pve_session *s = &r->session;
    struct pve_vm template;
    struct value config;
    struct err e;
    uint32_t vmid;
    int status = template_id(r, &vmid);
    if (status != CLI_OK)
        return status;
    if (pve_find_vm(s->pve, vmid, &s->arena, &template, &e) < 0 ||
        pve_vm_config(s->pve, &template, &s->arena, &config, &e) < 0)
        return pve_session_fail(s, &e);
    if (!template.is_template)
        return cli_fail(s->cli, "VM %u is not a template", vmid);
    if (!str_eq(disk_of_boot(config), r->disk))
        return cli_fail(s->cli,
                        "VM %u boots from %.*s, and its template %u from %.*s: which disk is the "
                        "system's is not clear, so nothing was changed",
                        r->vm.vmid, STR_ARG(r->disk), vmid, STR_ARG(disk_of_boot(config)));
    r->template = volume_of(config, r->disk);
    r->template_gib = disk_gib(value_get_text(config, r->disk));
    return need_same_host(r, &template);
}

static int look(struct rebuilding *r)
{
    struct pve_session *s = &r->session;
    struct str rest, line;
    struct err e;
    int status = pve_session_find(s, r->node, &r->vm);
    if (status != CLI_OK)
        return status;
    if (pve_vm_config(s->pve, &r->vm, &s->arena, &r->config, &e) < 0)
        return pve_session_fail(s, &e);
    if (!pve_session_owns(s, r->node, r->config))
        return cli_fail(s->cli,
                        "VM %u was not made by 'cloudseed pve create' for %s: nothing was "
                        "changed",
                        r->vm.vmid, s->cli->operands[0]);
    status = pve_session_match_made(s, r->node, &r->vm, r->config);
    line = find_line(r->config, &s->arena, &rest);
    if (status == CLI_OK && line.n && !read_line(r, line))
        status = cli_fail(s->cli, "VM %u: its description has a line that was changed: '%.*s'",
                          r->vm.vmid, STR_ARG(line));
    r->disk = disk_of_boot(r->config);
    return status;
}

/* --- Its steps, each of which may have been done by an earlier run -----------------------------
 */

/* Off at the host's boot, too: nothing but this starts it until it is done. */
static int begin(struct rebuilding *r)
{
    struct pve_session *s = &r->session;
    struct str rest;
    uint32_t gib = disk_gib(value_get_text(r->config, r->disk));
    if (r->has_begun)
        return CLI_OK;
    r->generation = (uint32_t)api_number(r->node, "generation", 1) + 1;
    r->old = volume_of(r->config, r->disk);
    r->gib = r->plan && r->plan->disk_gib > gib ? r->plan->disk_gib : gib;
    find_line(r->config, &s->arena, &rest);
    const struct pve_field fields[] = {
        {"description", ARENA_JOIN(&s->arena, rest, STR("\n"), line_text(r, &s->arena))},
        {"onboot", STR("0")},
    };
    return change(r, fields, 2, TASK_MS);
}

static int reprovision(struct rebuilding *r)
{
    struct pve_session *s = &r->session;
    struct api_answer answer;
    struct value body;
    const char *name = s->cli->operands[0];
    if ((uint32_t)api_number(r->node, "generation", 0) >= r->generation)
        return CLI_OK;
    int status = node_act_window(s->cli, &body);
    if (status == CLI_OK)
        status = pve_session_tell(s, "POST", api_node(&s->api, name, "reprovision"), body, &answer);
    return status == CLI_OK ? pve_session_node(s, name, &r->node) : status;
}

/* "local-lvm:0,import-from=…" and how the old one was attached. */
static int disk_text(struct rebuilding *r, struct str *ret, struct err *e)
{
    struct arena *a = &r->session.arena;
    struct str old = r->old, storage = str_cut(&old, ':');
    struct props was, text = {.n = 1};
    int status = props_read(value_get_text(r->config, r->disk), &was, e);
    text.list[0] = (struct prop){{NULL, 0}, ARENA_JOIN(a, storage, STR(":0"))};
    if (status == 0)
        status = props_set(&text, "import-from", r->template, e);
    for (uint32_t i = 0; status == 0 && i < was.n; i++) {
        struct prop at = was.list[i];
        if (at.key.p && !str_is(at.key, "size") && !str_is(at.key, "file"))
            status = props_set(&text, arena_str(a, at.key).p, at.value, e);
    }
    *ret = props_text(&text, a);
    return status;
}

static int replace_disk(struct rebuilding *r)
{
    struct pve_session *s = &r->session;
    struct str text;
    struct err e;
    if (is_replaced(r))
        return CLI_OK;
    if (disk_text(r, &text, &e) < 0)
        return cli_fail(s->cli, "VM %u: %s", r->vm.vmid, e.msg);
    const struct pve_field field[] = {{arena_str(&s->arena, r->disk).p, text}};
    int status = change(r, field, 1, IMPORT_MS);
    if (status == CLI_OK && !is_replaced(r) && !pve_session_is_dry(s))
        return cli_fail(s->cli, "VM %u still has its old disk %.*s: run the command again",
                        r->vm.vmid, STR_ARG(r->old));
    return status;
}

static int grow(struct rebuilding *r)
{
    struct pve_session *s = &r->session;
    uint32_t has = pve_session_is_dry(s) && !is_replaced(r)
                       ? r->template_gib
                       : disk_gib(value_get_text(r->config, r->disk));
    struct err e;
    if (disk_grow(s->pve, &r->vm, r->disk, has, r->gib, &e) < 0)
        return pve_session_fail(s, &e);
    return reread(r);
}

/* Where Proxmox keeps the volume that was replaced: "unused0"; empty: it is gone. */
static struct str place_of_old(const struct rebuilding *r)
{
    for (uint32_t i = 0; r->config.kind == VALUE_MAP && i < r->config.n; i++) {
        struct str key = value_text(r->config.pairs[i].key);
        if (str_starts(key, STR("unused")) && str_eq(volume_of(r->config, key), r->old))
            return key;
    }
    return STR("");
}

/* Where it would be kept. */
static struct str place_for_old(struct rebuilding *r)
{
    unsigned n = 0;
    struct str key;
    do
        key = arena_printf(&r->session.arena, "unused%u", n++);
    while (value_get(r->config, key).kind != VALUE_UNDEFINED);
    return key;
}

/* Only the volume that was replaced, by its name. */
static int drop_old(struct rebuilding *r)
{
    struct str key = place_of_old(r);
    if (!key.n && pve_session_is_dry(&r->session) && !is_replaced(r))
        key = place_for_old(r);
    const struct pve_field field[] = {{"delete", key}};
    return key.n ? change(r, field, 1, TASK_MS) : CLI_OK;
}

/* The bootstrap of a machine with another uuid than the declared one is refused. */
static int set_uuid(struct rebuilding *r)
{
    struct pve_session *s = &r->session;
    struct str old = value_get_text(r->config, STR("smbios1")), text;
    struct err e;
    if (smbios_set_uuid(old, api_text(r->node, "uuid"), &s->arena, &text, &e) < 0)
        return cli_fail(s->cli, "VM %u: %s", r->vm.vmid, e.msg);
    const struct pve_field field[] = {{"smbios1", text}};
    return str_eq(text, old) ? CLI_OK : change(r, field, 1, TASK_MS);
}

/* A machine that has left its window runs as it should: nothing is opened again for it. */
static int register_and_start(struct rebuilding *r, struct pve_registered *ret)
{
    struct pve_session *s = &r->session;
    struct str state = api_text(r->node, "state");
    bool is_new = str_is(state, "armed") || str_is(state, "registered");
    if (!is_new && !pve_session_is_dry(s))
        return pve_start(s, &r->vm);
    int status = pve_register(s, r->node, &r->vm, r->config, ret);
    if (status == CLI_OK && ret->pending)
        status = pve_stop_hard(s, &r->vm);
    return status == CLI_OK ? pve_start(s, &r->vm) : status;
}

static int end(struct rebuilding *r)
{
    struct arena *a = &r->session.arena;
    struct str rest;
    int status = reread(r);
    if (status != CLI_OK)
        return status;
    find_line(r->config, a, &rest);
    const struct pve_field fields[] = {
        {"description", ARENA_JOIN(a, rest, STR("\n"), done_text(r, a))},
        {"onboot", STR("1")},
    };
    return change(r, fields, 2, TASK_MS);
}

/* --- All of it -------------------------------------------------------------------------------- */

/* It was done just now, and the machine has not begun to boot: a command that was repeated. */
static bool is_repeated(const struct rebuilding *r)
{
    return r->is_done && str_is(api_text(r->node, "state"), "armed") &&
           (uint32_t)api_number(r->node, "generation", 0) == r->generation;
}

static int rebuild(struct rebuilding *r)
{
    struct pve_session *s = &r->session;
    struct pve_registered done = {STR(""), false};
    int status = begin(r);
    if (status == CLI_OK && !is_replaced(r))
        status = pve_shut_down(s, &r->vm);
    if (status == CLI_OK)
        status = reprovision(r);
    if (status == CLI_OK)
        status = replace_disk(r);
    if (status == CLI_OK)
        status = grow(r);
    if (status == CLI_OK)
        status = drop_old(r);
    if (status == CLI_OK)
        status = set_uuid(r);
    if (status == CLI_OK)
        status = register_and_start(r, &done);
    if (status == CLI_OK)
        status = end(r);
    if (status == CLI_OK)
        pve_session_report(
            s, s->cli->operands[0], &r->vm,
            arena_printf(&s->arena, "VM %u on %.*s is built again as generation %u%s%.*s",
                         r->vm.vmid, STR_ARG(r->vm.host), r->generation,
                         done.ends.n ? "; the build window ends " : "", STR_ARG(done.ends)));
    return status;
}

static int check_and_confirm(struct rebuilding *r)
{
    struct pve_session *s = &r->session;
    int status = look(r);
    if (status == CLI_OK && is_repeated(r)) {
        pve_session_report(
            s, s->cli->operands[0], &r->vm,
            arena_printf(&s->arena,
                         "VM %u on %.*s was built again as generation %u, and has not booted yet",
                         r->vm.vmid, STR_ARG(r->vm.host), r->generation));
        return CLI_OK;
    }
    if (status == CLI_OK && !r->has_begun)
        status = pve_session_rebuildable(s, r->node);
    if (status == CLI_OK && !(r->has_begun && is_replaced(r)))
        status = find_template(r);
    if (status == CLI_OK && !r->has_begun)
        status = pve_session_confirm(
            s, arena_printf(&s->arena, "erases the system disk %.*s of VM %u on %.*s",
                            STR_ARG(r->disk), r->vm.vmid, STR_ARG(r->vm.host)));
    return status;
}

static int run(struct cli *c)
{
    struct rebuilding r = {.plan = NULL};
    struct config config;
    struct tree *tree = NULL;
    int status = seedtree_configure(c, &config);
    if (status == CLI_OK && !(tree = seedtree_load(c, &config, NULL)))
        status = CLI_FAILED;
    if (status == CLI_OK)
        status = pve_session_open(c, &r.session);
    if (status == CLI_OK)
        status = pve_session_node(&r.session, c->operands[0], &r.node);
    if (status == CLI_OK) {
        r.plan = pve_plan(tree, r.node);
        status = check_and_confirm(&r);
    }
    if (status == CLI_OK && !is_repeated(&r))
        status = rebuild(&r);
    pve_session_close(&r.session);
    tree_free(tree);
    return status;
}

const struct command command_pve_rebuild = {
    .name = "pve rebuild",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAGS_AGAIN),
    .summary = "build a node again in its VM",
    .help =
        "cloud-init does not set up an installed disk a second time. So the VM is shut down,\n"
        "its system disk is made again as a full copy of the template's, and it is started with\n"
        "a new generation and a new build window. Its id, MACs and other disks are kept. Only a\n"
        "VM that `pve create` has made is rebuilt, and not while the node is Ready in its\n"
        "cluster. After a failure run the command again to continue. The token needs VM.Clone\n"
        "for the template, in addition to the rights for `pve create`.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve rebuild k8s-worker-2 --dry-run\n"
        "  cloudseed pve rebuild k8s-worker-2 && cloudseed wait k8s-worker-2\n",
    .run = run,
};
