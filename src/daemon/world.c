/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/world.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/stat.h>

#define PATH_MAX_BYTES 4096
#define DEFINITIONS_CHUNK_BYTES (64 * 1024)

void world_definitions_init(struct world_definitions *d, const struct fleet *f)
{
    struct fleet_definition from;
    uint32_t count = 0;
    for (uint32_t at = 0; fleet_definition_at(f, &at, &from);)
        count++;
    *d = (struct world_definitions){.version = fleet_definitions_version(f)};
    arena_init(&d->arena, DEFINITIONS_CHUNK_BYTES);
    d->list = ARENA_ARRAY(&d->arena, struct tree_definition, count);
    for (uint32_t at = 0; fleet_definition_at(f, &at, &from);)
        d->list[d->n++] = (struct tree_definition){arena_str(&d->arena, from.uid),
                                                   arena_str(&d->arena, from.json), from.revision};
}

void world_definitions_done(struct world_definitions *d)
{
    arena_done(&d->arena);
    *d = (struct world_definitions){.n = 0};
}

static int load_secrets(const char *state_dir, bool create, struct secrets *ret, struct err *e)
{
    char path[PATH_MAX_BYTES];
    bool created;
    if ((size_t)snprintf(path, sizeof(path), "%s/secret", state_dir) >= sizeof(path))
        return err_set(e, -ENAMETOOLONG, "the state folder's path is too long");
    if (!create)
        return secrets_load(path, ret, e);
    if (mkdir(state_dir, 0700) < 0 && errno != EEXIST)
        return err_errno(e, -errno, "cannot make the state folder %s", state_dir);
    return secrets_load_or_create(path, ret, &created, e);
}

int world_load(const struct config *c, bool create, struct faults *faults, struct snapshot **ret)
{
    struct secrets secrets;
    struct tree *tree;
    struct err e;
    if (load_secrets(c->state_dir.p, create, &secrets, &e) < 0) {
        fault_add(faults, (struct place){0}, "%s", e.msg);
        return -EINVAL;
    }
    int r = tree_load(c->seed_dir.p, c->templates_dir.p, faults, &tree);
    if (r == 0)
        *ret = snapshot_new(tree, &secrets, c->url.n ? c->url : tree_site(tree)->url);
    secrets_wipe(&secrets);
    malloc_trim(0); /* what parsing needed goes back to the system */
    return r;
}

struct snapshot *world_extend(const struct snapshot *s, const struct world_definitions *d,
                              struct faults *faults)
{
    struct tree *t = tree_extend(snapshot_tree(s), snapshot_registered(s), d->list, d->n, faults);
    return snapshot_extend(s, t, d->version);
}
