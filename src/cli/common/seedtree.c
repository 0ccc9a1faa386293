/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/seedtree.h"

#include "base/guess.h"
#include "cli/common/faultview.h"
#include "cli/common/progress.h"
#include "crypto/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void override(struct str *field, const struct cli *c, const char *flag)
{
    const char *value = flags_value(&c->flags, flag);
    if (value)
        *field = str_from(value);
}

static void apply_flags(const struct cli *c, struct config *config)
{
    override(&config->seed_dir, c, "seed");
    override(&config->templates_dir, c, "templates");
    override(&config->state_dir, c, "state");
    override(&config->assets_dir, c, "assets");
    override(&config->url, c, "url");
    while (config->url.n && config->url.p[config->url.n - 1] == '/')
        config->url.n--;
}

/* A user who may not read the server's configuration can still check a tree of their own. */
static const char *config_path(const struct cli *c)
{
    const char *path = flags_value(&c->flags, "config");
    if (path || access(CONFIG_PATH_DEFAULT, R_OK) == 0 || errno != EACCES)
        return path;
    cli_note(c, CONFIG_PATH_DEFAULT ": %s; the defaults count", strerror(errno));
    return "";
}

int seedtree_configure(struct cli *c, struct config *ret)
{
    const char *path = config_path(c);
    struct faults faults;
    faults_init(&faults);
    int r = config_load(path, &faults, &c->arena, ret);
    faultview_print(stderr, &faults, c->color_err);
    faults_done(&faults);
    if (r == 0)
        apply_flags(c, ret);
    else
        cli_fail(c, "the configuration %s cannot be used", path ? path : CONFIG_PATH_DEFAULT);
    return r < 0 ? CLI_FAILED : CLI_OK;
}

static void print_renamed(FILE *f, struct str text, const struct seedtree_alias *alias)
{
    for (;;) {
        const char *at = memmem(text.p, text.n, alias->folder.p, alias->folder.n);
        size_t before = at ? (size_t)(at - text.p) : text.n;
        fwrite(text.p, 1, before, f);
        if (!at)
            return;
        fwrite(alias->shown.p, 1, alias->shown.n, f);
        text = str_skip(text, before + alias->folder.n);
    }
}

/* Messages of faults contain paths too, so the whole text is searched. */
void seedtree_print_faults(const struct cli *c, struct faults *faults,
                           const struct seedtree_alias *alias)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = alias && alias->folder.n ? open_memstream(&text, &n) : NULL;
    faultview_print(f ? f : stderr, faults, c->color_err);
    if (!f)
        return;
    fclose(f);
    print_renamed(stderr, (struct str){text, n}, alias);
    free(text);
}

struct tree *seedtree_load(struct cli *c, const struct config *config,
                           const struct seedtree_alias *alias)
{
    char count[FAULTVIEW_COUNT_SIZE];
    struct progress progress;
    struct faults faults;
    struct tree *tree = NULL;
    const struct tree_source from = config_tree(config);
    faults_init(&faults);
    progress_begin(&progress, "loading the seed tree");
    int r = tree_load(&from, &faults, &tree);
    progress_end(&progress);
    if (r < 0 || !alias) /* warnings about the other tree are irrelevant */
        seedtree_print_faults(c, &faults, alias);
    if (r < 0)
        cli_fail(c, "the seed tree %s%s cannot be used: %s", alias ? "of " : "",
                 alias ? alias->name : config->seed_dir.p, faultview_count(&faults, count));
    faults_done(&faults);
    return r < 0 ? NULL : tree;
}

const struct node *seedtree_node(struct cli *c, const struct tree *t, const struct tree *extension,
                                 const char *name)
{
    const struct node *n = tree_find_name(t, str_from(name));
    struct guess guess;
    if (!n && extension)
        n = tree_find_name(extension, str_from(name));
    if (n)
        return n;
    guess_init(&guess, str_from(name));
    for (uint32_t i = 0; i < tree_node_count(t); i++)
        guess_offer(&guess, tree_node(t, i)->name);
    for (uint32_t i = 0; extension && i < tree_node_count(extension); i++)
        guess_offer(&guess, tree_node(extension, i)->name);
    cli_fail(c, "there is no node '%s'%s", name, guess_text(&guess));
    return NULL;
}

/* --- Seed URLs ------------------------------------------------------------------------------- */

void seedtree_urls_open_placeholder(const struct tree *t, struct seedtree_urls *ret)
{
    *ret = (struct seedtree_urls){.base = tree_site(t)->url};
}

int seedtree_urls_open(const struct config *config, const struct tree *t, struct seedtree_urls *ret,
                       struct err *e)
{
    char path[4096];
    struct secrets secrets;
    seedtree_urls_open_placeholder(t, ret);
    if ((size_t)snprintf(path, sizeof(path), "%s/secret", config->state_dir.p) >= sizeof(path))
        return err_set(e, -ENAMETOOLONG, "the state folder's path is too long");
    int r = secrets_load(path, &secrets, e);
    if (r < 0)
        return r;
    ret->keyer = keyer_new(&secrets.list[0]);
    secrets_wipe(&secrets);
    return 0;
}

void seedtree_urls_close(struct seedtree_urls *u)
{
    keyer_free(u->keyer);
    u->keyer = NULL;
}

struct str seedtree_url(const struct seedtree_urls *u, const struct node *n, struct arena *a)
{
    char key[SEED_KEY_LEN + 1] = SEEDTREE_URL_PLACEHOLDER;
    if (u->keyer)
        keyer_seed_key(u->keyer, n->uid, n->key_epoch, key);
    return arena_printf(a, "%.*s/s/%s/", STR_ARG(u->base), key);
}
