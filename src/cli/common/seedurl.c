/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/seedurl.h"

#include "crypto/keys.h"

#include <errno.h>
#include <stdio.h>

void seedurl_open_placeholder(const struct config *config, const struct tree *t,
                              struct seedurl *ret)
{
    *ret = (struct seedurl){.base = config->url.n ? config->url : tree_site(t)->url};
}

int seedurl_open(const struct config *config, const struct tree *t, struct seedurl *ret,
                 struct err *e)
{
    char path[4096];
    struct secrets secrets;
    seedurl_open_placeholder(config, t, ret);
    if ((size_t)snprintf(path, sizeof(path), "%s/secret", config->state_dir.p) >= sizeof(path))
        return err_set(e, -ENAMETOOLONG, "the state folder's path is too long");
    int r = secrets_load(path, &secrets, e);
    if (r < 0)
        return r;
    ret->keyer = keyer_new(&secrets.list[0]);
    secrets_wipe(&secrets);
    return 0;
}

void seedurl_close(struct seedurl *u)
{
    keyer_free(u->keyer);
    u->keyer = NULL;
}

struct str seedurl_of(const struct seedurl *u, const struct node *n, struct arena *a)
{
    char key[SEED_KEY_LEN + 1] = SEEDURL_PLACEHOLDER;
    if (u->keyer)
        keyer_seed_key(u->keyer, n->name, n->key_epoch, key);
    return arena_printf(a, "%.*s/s/%s/", STR_ARG(u->base), key);
}
