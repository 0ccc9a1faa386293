/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tree/deep.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "cli/common/folder.h"
#include "cli/common/identity_mask.h"
#include "cli/common/progress.h"
#include "cli/common/spawn.h"
#include "model/kubeversion.h"
#include "render/document.h"
#include "tree/overlay.h"

#include <errno.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_BYTES (64 * 1024)
#define THREADS_MAX 16
#define WHOLE_MS (5 * 60 * 1000)
#define ONE_MS (60 * 1000)
#define SAID_MAX 600
#define NETPLAN_FILE "50-cloudseed.yaml"
#define URL "http://cloudseed.invalid/s/abcdefghijklmnopqrstuvwxyza/"

static const struct render_env env = {.seed_url = {URL, sizeof(URL) - 1}};

/* A document to be shown, which stands for `count` of them. */
struct job {
    unsigned program;
    uint64_t masked;         /* hash of the text without names and addresses, and of the program */
    const struct node *node; /* the first that has it */
    struct str name, template, text;
    uint32_t count;
    bool done;
    struct str refusal, deprecation; /* what the program said; in `said`; empty: nothing */
    struct arena said;
};

struct deep {
    struct deep_result *result;
    struct kubeversion kubeadm;
    struct arena *arena;
    struct str folder;
    struct job *jobs;
    uint32_t n, room;
    struct map map;
    uint64_t until_ms;
    atomic_uint_least32_t next, finished;
    struct progress progress;
};

/* --- Programs -------------------------------------------------------------------------------- */

/* The last word of what it prints: "22.4.2" of "/usr/bin/cloud-init 22.4.2". */
static struct str last_word(struct str text)
{
    struct str word = STR("");
    text = str_trim(text);
    while (text.p) {
        struct str next = str_trim(str_cut(&text, ' '));
        word = next.n ? next : word;
    }
    return word;
}

static void refuse_program(struct deep_program *p, const char *why)
{
    p->usable = false;
    p->why_not = why;
}

/* Runs it to see whether it is there; what it prints is appended to `ret`. */
static bool try_program(struct deep_program *p, const char *const *argv, struct arena *a,
                        struct str *ret)
{
    struct spawned s;
    struct err e;
    int r = spawn_run(argv, ONE_MS, &s, &e);
    *ret = r == 0 ? ARENA_JOIN(a, buf_view(&s.out), buf_view(&s.said)) : STR("");
    p->usable = r == 0;
    p->why_not = r == -ENOENT ? "not installed" : r < 0 ? arena_printf(a, "%s", e.msg).p : NULL;
    spawned_done(&s);
    return r == 0;
}

static void find_cloud_init(struct deep *d)
{
    static const char *const argv[] = {"cloud-init", "--version", NULL};
    struct deep_program *p = &d->result->programs[DEEP_CLOUD_INIT];
    struct str said;
    p->name = argv[0];
    if (try_program(p, argv, d->arena, &said))
        p->version = last_word(said);
}

static void find_netplan(struct deep *d)
{
    static const char *const argv[] = {"netplan", "help", NULL};
    struct deep_program *p = &d->result->programs[DEEP_NETPLAN];
    struct str said;
    p->name = argv[0];
    try_program(p, argv, d->arena, &said);
}

/* `config validate` came with 1.26; older ones answer with another help. */
static void find_kubeadm(struct deep *d)
{
    static const char *const argv[] = {"kubeadm", "version", "-o", "short", NULL};
    static const char *const help[] = {"kubeadm", "config", "validate", "--help", NULL};
    struct deep_program *p = &d->result->programs[DEEP_KUBEADM];
    struct str said;
    p->name = argv[0];
    if (!try_program(p, argv, d->arena, &said))
        return;
    p->version = last_word(said);
    if (!kubeversion_parse(p->version, &d->kubeadm))
        refuse_program(p, "its version is not known");
    else if (!try_program(p, help, d->arena, &said) || !strstr(said.p, "kubeadm config validate"))
        refuse_program(p, "too old: it has no 'config validate'");
}

/* --- Documents ------------------------------------------------------------------------------- */

static bool has_line(struct str text, const char *head)
{
    while (text.p) {
        if (str_starts(str_trim(str_cut(&text, '\n')), str_from(head)))
            return true;
    }
    return false;
}

/* netplan's file has the document below `network`; cloud-init puts it there where it is missing. */
static struct str for_netplan(struct str text, struct arena *a)
{
    struct buf out;
    if (has_line(text, "network:"))
        return text;
    buf_init(&out, DOCUMENT_MAX_BYTES * 2);
    buf_str(&out, STR("network:\n"));
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        buf_str(&out, STR("  "));
        buf_str(&out, line);
        buf_char(&out, '\n');
    }
    struct str all = arena_str(a, buf_view(&out));
    buf_done(&out);
    return all;
}

/* The program that can be shown a document of this kind, or DEEP_PROGRAMS. */
static unsigned program_for(struct document d)
{
    if (d.kind == DOCUMENT_KUBEADM_INIT || d.kind == DOCUMENT_KUBEADM_JOIN)
        return DEEP_KUBEADM;
    if (d.kind != DOCUMENT_SEED || d.number == SEED_META_DATA)
        return DEEP_PROGRAMS;
    return d.number == SEED_NETWORK_CONFIG ? DEEP_NETPLAN : DEEP_CLOUD_INIT;
}

/* Other forms of user-data, version 1 of network-config, and what only kubeadm of another version,
 * or on the node itself, could judge. */
static bool is_readable(const struct deep *d, unsigned program, const struct node *n,
                        struct str text)
{
    struct kubeversion v;
    if (program == DEEP_CLOUD_INIT)
        return str_starts(text, STR("#cloud-config")) && !str_starts(text, STR("#cloud-config-"));
    if (program == DEEP_NETPLAN)
        return has_line(text, "version: 2");
    return kubeversion_parse(n->cluster->version, &v) && kubeversion_same_minor(v, d->kubeadm) &&
           !has_line(text, "kubeConfigPath:");
}

static struct str masked_key(const void *jobs, uint32_t i)
{
    return (struct str){(const char *)&((const struct job *)jobs)[i].masked, sizeof(uint64_t)};
}

static void add_job(struct deep *d, unsigned program, const struct node *n, struct document doc,
                    struct str text, struct arena *a)
{
    struct buf masked;
    struct identity_mask mask = identity_mask_make(n, n, a);
    buf_init(&masked, DOCUMENT_MAX_BYTES * 2);
    buf_char(&masked, (char)('0' + program));
    identity_mask_apply(&mask, text, &masked);
    d->jobs = mem_grow(d->jobs, d->n, &d->room, sizeof(*d->jobs));
    struct job *job = &d->jobs[d->n];
    *job = (struct job){
        .program = program, .masked = hash64(buf_view(&masked)), .node = n, .count = 1};
    buf_done(&masked);
    uint32_t first = map_put(&d->map, masked_key, d->jobs, d->n);
    if (first != MAP_NONE) {
        d->jobs[first].count++;
        return;
    }
    job->name = arena_str(d->arena, document_name(n, doc, a));
    job->template = template_name(document_template(n, doc));
    job->text = program == DEEP_NETPLAN ? for_netplan(text, d->arena) : arena_str(d->arena, text);
    if (program == DEEP_NETPLAN && job->text.p == text.p)
        job->text = arena_str(d->arena, text);
    d->n++;
}

static void add_document(struct deep *d, const struct scope_tables *tables, const struct node *n,
                         struct document doc, struct arena *a, struct buf *out)
{
    struct template_fault fault;
    unsigned program = program_for(doc);
    if (program == DEEP_PROGRAMS || !d->result->programs[program].usable ||
        !document_template(n, doc))
        return;
    buf_clear(out);
    if (document_render(tables, n, doc, &env, a, out, NULL, &fault) < 0 || out->n == 0)
        return; /* the check has said why */
    if (is_readable(d, program, n, buf_view(out)))
        add_job(d, program, n, doc, buf_view(out), a);
    else
        d->result->programs[program].skipped++;
}

static void add_all(struct deep *d, const struct tree *t, const struct scope_tables *tables)
{
    struct arena a;
    struct buf out;
    arena_init(&a, ARENA_BYTES);
    buf_init(&out, DOCUMENT_MAX_BYTES);
    for (uint32_t i = 0; i < tree_node_count(t) && !cli_interrupted(); i++) {
        const struct node *n = tree_node(t, i);
        for (uint32_t k = 0; k < document_count(n); k++)
            add_document(d, tables, n, document_at(n, k), &a, &out);
        arena_reset(&a);
    }
    buf_done(&out);
    arena_done(&a);
}

/* --- Showing --------------------------------------------------------------------------------- */

/* The rest of the first line that contains `mark`. */
static struct str line_behind(struct str text, const char *mark)
{
    while (text.p) {
        struct str line = str_trim(str_cut(&text, '\n'));
        const char *at = line.n ? memmem(line.p, line.n, mark, strlen(mark)) : NULL;
        if (at)
            return str_trim(str_skip(line, (size_t)(at - line.p) + strlen(mark)));
    }
    return STR("");
}

/* What a program gives as its reason, without headings, hints and warnings that stand around it. */
static struct str reason_of(struct str text)
{
    while (text.p) {
        struct str line = str_trim(str_cut(&text, '\n'));
        bool warning = line.n > 5 && line.p[0] == 'W' && line.p[1] >= '0' && line.p[1] <= '9';
        if (line.n && !warning && !str_is(line, "Error:") && !str_starts(line, STR("To see ")))
            return line;
    }
    return STR("refused without a reason");
}

static struct str shortened(struct str text, struct arena *a)
{
    return arena_printf(a, "%.*s%s", STR_ARG(str_head(text, SAID_MAX)),
                        text.n > SAID_MAX ? "…" : "");
}

static void take_answer(struct job *job, const struct spawned *s)
{
    struct arena *a = &job->said;
    struct str all = ARENA_JOIN(a, buf_view(&s->said), STR("\n"), buf_view(&s->out));
    static const char *const marks[DEEP_PROGRAMS] = {"schema errors:", NETPLAN_FILE ":", "error:"};
    struct str line = line_behind(all, marks[job->program]);
    if (job->program == DEEP_CLOUD_INIT)
        job->deprecation = shortened(line_behind(all, "schema deprecations:"), a);
    if (s->status != 0)
        job->refusal = shortened(line.n ? line : reason_of(all), a);
}

static int make_folder(const char *path, struct err *e)
{
    return mkdir(path, 0700) < 0 && errno != EEXIST ? err_errno(e, -errno, "%s", path) : 0;
}

/* Writes the document to where the program wants it; *ret is what to name on its command line. */
static int write_document(const struct deep *d, struct job *job, uint32_t i, const char **ret,
                          struct err *e)
{
    struct arena *a = &job->said;
    const char *folder = arena_printf(a, "%s/%u", d->folder.p, i).p;
    const char *at = folder, *name = "document.yaml";
    int r = make_folder(folder, e);
    *ret = folder;
    if (job->program == DEEP_NETPLAN && r == 0) {
        r = make_folder(arena_printf(a, "%s/etc", folder).p, e);
        at = arena_printf(a, "%s/etc/netplan", folder).p;
        name = NETPLAN_FILE;
        r = r < 0 ? r : make_folder(at, e);
    } else {
        *ret = arena_printf(a, "%s/%s", folder, name).p;
    }
    return r < 0 ? r : fs_put(at, str_from(name), job->text, e);
}

static void show(struct deep *d, uint32_t i, unsigned left_ms)
{
    struct job *job = &d->jobs[i];
    struct spawned s;
    struct err e;
    const char *path;
    arena_init(&job->said, 4096);
    int r = write_document(d, job, i, &path, &e);
    if (r == 0) {
        const char *const commands[DEEP_PROGRAMS][6] = {
            [DEEP_CLOUD_INIT] = {"cloud-init", "schema", "--config-file", path, NULL},
            [DEEP_NETPLAN] = {"netplan", "generate", "--root-dir", path, NULL},
            [DEEP_KUBEADM] = {"kubeadm", "config", "validate", "--config", path, NULL},
        };
        r = spawn_run(commands[job->program], left_ms < ONE_MS ? left_ms : ONE_MS, &s, &e);
        if (r == 0)
            take_answer(job, &s);
        spawned_done(&s);
    }
    job->done = r == 0;
}

static void *show_jobs(void *cls)
{
    struct deep *d = cls;
    uint32_t i;
    while ((i = atomic_fetch_add(&d->next, 1)) < d->n) {
        uint64_t now_ms = clock_boot_ms();
        if (now_ms >= d->until_ms || cli_interrupted())
            break;
        show(d, i, (unsigned)(d->until_ms - now_ms));
        progress_count(&d->progress, atomic_fetch_add(&d->finished, 1) + 1);
    }
    return NULL;
}

static void show_all(struct deep *d)
{
    pthread_t threads[THREADS_MAX];
    cpu_set_t set;
    unsigned cores = sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
    unsigned n = cores < THREADS_MAX ? cores : THREADS_MAX, running = 0;
    progress_begin(&d->progress, "asking cloud-init, netplan and kubeadm");
    progress_total(&d->progress, d->n);
    while (running + 1 < n && running + 1 < d->n &&
           pthread_create(&threads[running], NULL, show_jobs, d) == 0)
        running++;
    show_jobs(d);
    while (running)
        pthread_join(threads[--running], NULL);
    progress_end(&d->progress);
}

/* --- What was said --------------------------------------------------------------------------- */

static void report(const struct deep *d, const struct config *config, const struct job *job,
                   struct str said, bool warning, struct faults *faults)
{
    const struct deep_program *p = &d->result->programs[job->program];
    struct place at = {overlay_find(config->templates_dir, job->template, d->arena), 0, 0};
    const char *more =
        job->count > 1 ? arena_printf(d->arena, ", and %u more like it", job->count - 1).p : "";
    faults->owner = job->node->name.p;
    faults->part = job->name.p;
    void (*add)(struct faults *, struct place, const char *, ...) =
        warning ? fault_warn : fault_add;
    add(faults, at, "%s%s%.*s: %.*s (%.*s of node '%.*s'%s)", p->name, p->version.n ? " " : "",
        STR_ARG(p->version), STR_ARG(said), STR_ARG(job->name), STR_ARG(job->node->name), more);
    faults->owner = faults->part = NULL;
}

static void report_all(struct deep *d, const struct config *config, struct faults *faults)
{
    for (uint32_t i = 0; i < d->n; i++) {
        struct job *job = &d->jobs[i];
        struct deep_program *p = &d->result->programs[job->program];
        if (!job->done) {
            d->result->unfinished++;
            continue;
        }
        p->documents++;
        p->refused += job->refusal.n > 0;
        if (job->refusal.n)
            report(d, config, job, job->refusal, false, faults);
        if (job->deprecation.n)
            report(d, config, job, job->deprecation, true, faults);
    }
}

/* --- The whole ------------------------------------------------------------------------------- */

static bool is_any_usable(const struct deep_result *r)
{
    for (unsigned i = 0; i < DEEP_PROGRAMS; i++) {
        if (r->programs[i].usable)
            return true;
    }
    return false;
}

static int show_documents(struct deep *d, const struct config *config, struct faults *faults,
                          struct err *e)
{
    int r = folder_make_temporary(d->arena, &d->folder, e);
    if (r < 0)
        return r;
    show_all(d);
    folder_remove(d->folder.p, NULL);
    report_all(d, config, faults);
    return 0;
}

int deep_check(struct cli *c, const struct config *config, const struct tree *t,
               const struct scope_tables *tables, struct faults *faults, struct deep_result *ret,
               struct err *e)
{
    struct deep d = {.result = ret, .arena = &c->arena, .until_ms = clock_boot_ms() + WHOLE_MS};
    *ret = (struct deep_result){.unfinished = 0};
    cli_signals_hold();
    find_cloud_init(&d);
    find_netplan(&d);
    find_kubeadm(&d);
    int r = is_any_usable(ret) ? 0
                               : err_set(e, -ENOENT,
                                         "none of cloud-init, netplan and kubeadm can be asked "
                                         "here; install one of them, or leave --deep out");
    if (r == 0) {
        add_all(&d, t, tables);
        r = show_documents(&d, config, faults, e);
    }
    for (uint32_t i = 0; i < d.n; i++)
        arena_done(&d.jobs[i].said);
    free(d.jobs);
    map_done(&d.map);
    cli_signals_release();
    return r;
}
