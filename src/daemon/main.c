/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/log.h"
#include "daemon/certificates.h"
#include "daemon/listeners.h"
#include "daemon/loader.h"
#include "daemon/options.h"
#include "daemon/privileges.h"
#include "daemon/recovery_run.h"
#include "daemon/reload.h"
#include "daemon/report.h"
#include "daemon/restore.h"
#include "daemon/service.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>

#define CONFIG_ARENA_BYTES 4096
/* glibc's own value. Set, it does not rise with the first large block that is freed: a tree that a
 * reload has replaced goes back to the system at once, and leaves no holes among small blocks. */
#define MAPPED_BLOCK_BYTES (128 * 1024)

/* Faults of the configuration are logged in the format that the flags ask for. */
static void begin_log(const struct options *o)
{
    struct config c = {.log = {.format = LOG_LOGFMT, .level = LOG_INFO}};
    options_apply(o, &c);
    log_init(c.log.format, c.log.level);
}

static int read_config(const struct options *o, struct arena *arena, struct config *ret)
{
    struct faults faults;
    begin_log(o);
    faults_init(&faults);
    int r = config_load(o->config, &faults, arena, ret);
    if (r == 0) {
        options_apply(o, ret);
        log_init(ret->log.format, ret->log.level);
    }
    report_faults(&faults);
    faults_done(&faults);
    return r;
}

static uint64_t descriptors_for(const struct config *c)
{
    return c->limits.connections + (c->tftp_n ? 2 * (uint64_t)c->limits.tftp_transfers : 0);
}

static void raise_descriptors(const struct config *c)
{
    uint64_t have = privileges_raise_descriptors(descriptors_for(c));
    if (have < descriptors_for(c))
        log_warning("few-descriptors", LOG_NUMBER("have", have),
                    LOG_NUMBER("connections", c->limits.connections),
                    LOG_TEXT("advice", STR("raise LimitNOFILE or lower limits.connections")));
}

/* The order matters: sockets may need root, and what is read from disk must be readable by the user
 * that reads it again at a reload. */
static int serve(const struct config *c, struct err *e)
{
    struct listeners listeners = {.n = 0};
    struct state state = {.lock = -1};
    struct snapshot *first;
    umask(S_IRWXG | S_IRWXO);
    raise_descriptors(c);
    int r = listeners_open(c, &listeners, e);
    if (r == 0)
        r = privileges_drop(c->user, c->group, e);
    privileges_hide_memory();
    if (r == 0)
        r = state_open(&state, c, e);
    if (r == 0)
        r = loader_start(c, &state, &first, e);
    if (r == 0)
        r = service_run(c, first, &state, &listeners, e);
    state_close(&state);
    free(listeners.names);
    return r;
}

static int check_nodes(const struct tree *t, struct faults *faults, struct check_result *ret)
{
    const struct check_run run = {0};
    struct scope_tables *tables = scope_tables_new(t);
    int r = check_tree(t, tables, &run, faults, ret);
    scope_tables_free(tables);
    return r < 0 ? r : ret->faulty ? -EINVAL : 0;
}

static int check(const struct config *c)
{
    struct faults faults;
    struct check_result result = {0};
    struct certificate provided;
    struct tree *tree = NULL;
    faults_init(&faults);
    const struct tree_source from = config_tree(c);
    int r = tree_load(&from, &faults, &tree);
    if (r == 0)
        secret_check(c, tree, &faults);
    if (r == 0)
        tree_check_assets(tree, c->assets_dir.p, &faults);
    if (r == 0)
        r = check_nodes(tree, &faults, &result);
    certificates_read(c, &faults, &provided);
    certificate_done(&provided);
    if (faults.errors)
        r = -EINVAL;
    report_faults(&faults);
    if (tree)
        log_notice("checked", LOG_NUMBER("nodes", tree_node_count(tree)),
                   LOG_NUMBER("faulty", result.faulty));
    tree_free(tree);
    faults_done(&faults);
    return r;
}

static int restore(const struct config *c, const struct options *o)
{
    struct err e;
    int r = restore_run(c, o->restore, o->sealing_key, &e);
    if (r < 0)
        fprintf(stderr, "cloudseedd: nothing was restored: %s\n", e.msg);
    return r;
}

static int recovery(const struct config *c)
{
    struct err e;
    int r = recovery_run(c, &e);
    if (r < 0)
        fprintf(stderr, "cloudseedd: no recovery passphrase was made: %s\n", e.msg);
    return r;
}

static int run(const struct config *c, const struct options *o, struct err *e)
{
    if (o->restore)
        return restore(c, o);
    if (o->recovery)
        return recovery(c);
    return o->check ? check(c) : serve(c, e);
}

int main(int argc, char **argv)
{
    struct options options;
    struct config config;
    struct arena arena;
    struct err e = {0};
    mallopt(M_MMAP_THRESHOLD, MAPPED_BLOCK_BYTES);
    fs_fill_standard();
    privileges_hide_memory();
    reload_hold_signal(true);
    enum options_verdict verdict = options_parse(argc, argv, &options);
    if (verdict != OPTIONS_RUN)
        return verdict == OPTIONS_DONE ? EXIT_SUCCESS : EX_USAGE; /* as cloudseed */
    bool serves = !options.check && !options.restore && !options.recovery;
    if (!serves)
        reload_hold_signal(false);
    arena_init(&arena, CONFIG_ARENA_BYTES);
    int r = read_config(&options, &arena, &config);
    if (r == 0)
        r = run(&config, &options, &e);
    if (e.code)
        log_error("start-failed", LOG_TEXT("reason", str_from(e.msg)));
    else if (r == 0 && serves)
        log_notice("stopped", LOG_TEXT("reason", STR("asked to")));
    log_drain();
    arena_done(&arena);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
