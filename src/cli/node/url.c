/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/seedtree.h"
#include "cli/node/node.h"
#include "crypto/keys.h"

#include <errno.h>
#include <stdio.h>

/* The one form that every cloud-init takes: 22.4 throws "ds=nocloud;s=URL" away in silence. */

static const char *advice(int code)
{
    switch (code) {
    case -ENOENT:
        return "; cloudseedd makes it at its first start (--state DIR names its folder, if it is "
               "another)";
    case -EACCES:
        return "; run this as root or as the user that cloudseedd runs as, or name its folder "
               "with --state DIR";
    default: return "";
    }
}

static void print_url(struct cli *c, const struct node *n, struct str url)
{
    struct str discovery = arena_printf(&c->arena, KEYS_DISCOVERY "%.*s", STR_ARG(url));
    const struct value_pair pairs[] = {
        JSON_STR("name", n->name),
        JSON_STR("url", url),
        JSON_STR("discovery", discovery),
    };
    if (flags_given(&c->flags, FLAG_JSON))
        cli_print_json(value_map(pairs, 3));
    else
        printf("%s\n", flags_given(&c->flags, FLAG_DISCOVERY) ? discovery.p : url.p);
}

static int show_url(struct cli *c, const struct config *config, const struct tree *t)
{
    const struct node *n = seedtree_node(c, t, c->operands[0]);
    struct seedurl urls;
    struct err e;
    int status = CLI_FAILED;
    if (!n)
        return CLI_FAILED;
    int r = seedurl_open(config, t, &urls, &e);
    if (r < 0)
        cli_fail(c, "the server's secret cannot be read: %s%s", e.msg, advice(r));
    else {
        print_url(c, n, seedurl_of(&urls, n, &c->arena));
        status = CLI_OK;
    }
    seedurl_close(&urls);
    return status;
}

int node_url_run(struct cli *c)
{
    struct config config;
    if (seedtree_configure(c, &config) != CLI_OK)
        return CLI_FAILED;
    struct tree *tree = seedtree_load(c, &config, NULL);
    if (!tree)
        return CLI_FAILED;
    int status = show_url(c, &config, tree);
    tree_free(tree);
    return status;
}
