/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/world.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/stat.h>

#define PATH_MAX_BYTES 4096

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
