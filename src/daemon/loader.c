/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/loader.h"

#include "daemon/secret_loader.h"
#include "daemon/state.h"

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

/* --- The server's secret -----------------------------------------------------------------------
 */

#define SECRET STR("secret")

/* A new one would be another for every node: what the state has comes first. */
static int make_secrets(const struct loader *w, const char *path, struct faults *faults,
                        struct secrets *ret, struct err *e)
{
    struct str kept;
    bool created;
    int r = sealed_cache_get(w->cache, OWN_SERVER, SECRET, &kept);
    if (r == -ENOENT)
        return secrets_load_or_create(path, ret, &created, e);
    if (r < 0)
        return err_set(
            e, r,
            "%s is missing, and the sealing key does not open the copy in the state: put "
            "back the file, or the sealing key that belongs to the state",
            path);
    r = secrets_restore(path, kept, e);
    if (r < 0)
        return r;
    fault_warn(faults, (struct place){0}, "%s was missing; it was put back as the state has it",
               path);
    return secrets_load(path, ret, e);
}

static void keep_secrets(const struct loader *w, const struct secrets *s, struct faults *faults)
{
    struct str kept;
    if (sealed_cache_get(w->cache, OWN_SERVER, SECRET, &kept) == -EBADMSG)
        fault_warn(
            faults, (struct place){0},
            "the sealing key is not the one that the state was sealed with: windows that are "
            "open and last good values of secrets are lost");
    sealed_cache_put(w->cache, OWN_SERVER, SECRET, secrets_text(s, &w->cache->arena));
}

static int load_secrets(const struct loader *w, struct faults *faults, struct secrets *ret)
{
    char path[STATE_PATH_SIZE];
    struct err e;
    state_path(w->config, "secret", path);
    int r = secrets_load(path, ret, &e);
    if (r == -ENOENT && w->first)
        r = make_secrets(w, path, faults, ret, &e);
    if (r < 0)
        fault_add(faults, (struct place){0}, "%s", e.msg);
    else
        keep_secrets(w, ret, faults);
    return r;
}

/* --- The whole ---------------------------------------------------------------------------------
 */

static int load_all(const struct loader *w, const struct secrets *secrets, struct faults *faults,
                    struct snapshot **ret)
{
    const struct config *c = w->config;
    size_t before = faults->errors;
    struct tree *tree;
    int r = tree_load(c->seed_dir.p, c->templates_dir.p, faults, &tree);
    if (r < 0)
        return r;
    struct sealed_values *values = secret_loader_read(c, tree, w->cache, w->first, w->stop, faults);
    if (faults->errors != before) {
        sealed_values_free(values);
        tree_free(tree);
        return -EINVAL;
    }
    sealed_cache_tidy(w->cache);
    *ret = snapshot_new(tree, secrets, c->url.n ? c->url : tree_site(tree)->url);
    snapshot_take_values(*ret, values);
    return 0;
}

int loader_load(const struct loader *w, struct faults *faults, struct snapshot **ret)
{
    struct secrets secrets;
    if (load_secrets(w, faults, &secrets) < 0)
        return -EINVAL;
    int r = load_all(w, &secrets, faults, ret);
    secrets_wipe(&secrets);
    malloc_trim(0); /* what parsing needed goes back to the system */
    return r;
}

struct snapshot *loader_extend(const struct snapshot *s, const struct loader_definitions *d,
                               struct faults *faults)
{
    struct tree *t = tree_extend(snapshot_tree(s), snapshot_registered(s), d->list, d->n, faults);
    return snapshot_extend(s, t, d->version);
}
