/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/loader.h"

#include "base/log.h"
#include "daemon/report.h"

#include <errno.h>
#include <malloc.h>

#define DEFINITIONS_CHUNK_BYTES (64 * 1024)

void loader_definitions_init(struct loader_definitions *d, const struct fleet *f)
{
    struct fleet_definition from;
    uint32_t count = 0;
    for (uint32_t at = 0; fleet_definition_at(f, &at, &from);)
        count++;
    *d = (struct loader_definitions){.version = fleet_definitions_version(f)};
    arena_init(&d->arena, DEFINITIONS_CHUNK_BYTES);
    d->list = ARENA_ARRAY(&d->arena, struct tree_definition, count);
    for (uint32_t at = 0; fleet_definition_at(f, &at, &from);)
        d->list[d->n++] = (struct tree_definition){arena_str(&d->arena, from.uid),
                                                   arena_str(&d->arena, from.json), from.revision};
}

void loader_definitions_done(struct loader_definitions *d)
{
    arena_done(&d->arena);
    *d = (struct loader_definitions){.n = 0};
}

static int load_tree(const struct secret_loader *l, const struct secrets *secrets,
                     struct faults *faults, struct snapshot **ret)
{
    const struct config *c = l->config;
    size_t before = faults->errors;
    struct tree *tree;
    const struct tree_source from = config_tree(c);
    int r = tree_load(&from, faults, &tree);
    if (r < 0)
        return r;
    struct sealed_values *values = secret_load_values(l, tree, faults);
    if (faults->errors != before) {
        sealed_values_free(values);
        tree_free(tree);
        return -EINVAL;
    }
    sealed_cache_tidy(l->cache);
    *ret = snapshot_new(tree, secrets);
    snapshot_take_values(*ret, values);
    return 0;
}

int loader_load(const struct secret_loader *l, struct faults *faults, struct snapshot **ret)
{
    struct secrets secrets;
    if (secret_load_server(l, faults, &secrets) < 0)
        return -EINVAL;
    secret_load_recovery(l, faults);
    int r = load_tree(l, &secrets, faults, ret);
    secrets_wipe(&secrets);
    malloc_trim(0); /* returns what parsing needed to the system */
    return r;
}

struct snapshot *loader_extend(const struct snapshot *s, const struct loader_definitions *d,
                               struct faults *faults)
{
    struct tree *t = tree_extend(snapshot_tree(s), snapshot_registered(s), d->list, d->n, faults);
    return snapshot_extend(s, t, d->version);
}

/* --- The first snapshot --------------------------------------------------------------------- */

static int load_declared(const struct config *c, struct state *state, struct snapshot **ret,
                         struct err *e)
{
    struct faults faults;
    struct sealed_cache cache;
    const struct secret_loader l = {.config = c, .cache = &cache, .first = true};
    faults_init(&faults);
    sealed_cache_init(&cache, state->fleet, state->sealer);
    int r = loader_load(&l, &faults, ret);
    report_faults(&faults);
    if (r < 0)
        err_set(e, r, "the seed tree or a secret cannot be used: %zu fault%s", faults.errors,
                faults.errors == 1 ? "" : "s");
    else
        record_writer_write(&state->writer, &cache);
    sealed_cache_done(&cache);
    faults_done(&faults);
    return r;
}

static struct snapshot *add_registered(struct snapshot *declared, const struct fleet *f)
{
    struct loader_definitions definitions;
    struct faults faults;
    faults_init(&faults);
    loader_definitions_init(&definitions, f);
    struct snapshot *s = loader_extend(declared, &definitions, &faults);
    uint32_t out = definitions.n - tree_node_count(snapshot_registered(s));
    report_faults(&faults);
    if (out)
        log_error("registered-left-out", LOG_NUMBER("nodes", out),
                  LOG_TEXT("advice", STR("put the seed tree right, or delete them")));
    loader_definitions_done(&definitions);
    faults_done(&faults);
    snapshot_unref(declared);
    return s;
}

int loader_start(const struct config *c, struct state *state, struct snapshot **ret, struct err *e)
{
    struct snapshot *declared;
    int r = load_declared(c, state, &declared, e);
    if (r == 0)
        *ret = add_registered(declared, state->fleet);
    return r;
}
