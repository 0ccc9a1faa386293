/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/api.h"
#include "cli/common/seedtree.h"
#include "cli/node/node.h"
#include "crypto/keys.h"

#include <errno.h>
#include <stdio.h>

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

/* KEYS_DISCOVERY is the one form that every cloud-init accepts: 22.4 silently ignores
 * "ds=nocloud;s=URL". */
static void print_url(struct cli *c, struct str name, struct str url)
{
    struct str discovery = arena_printf(&c->arena, KEYS_DISCOVERY "%.*s", STR_ARG(url));
    const struct value_pair pairs[] = {
        JSON_STR("name", name),
        JSON_STR("url", url),
        JSON_STR("discovery", discovery),
    };
    if (flags_given(&c->flags, "json"))
        cli_print_json(value_map(pairs, 3));
    else
        cli_print_line("%.*s", STR_ARG(flags_given(&c->flags, "discovery") ? discovery : url));
}

/* Only the server knows the window's join key. */
static int show_serial(struct cli *c)
{
    struct api api;
    struct value answer;
    int status = api_open(c, &api);
    if (status == CLI_OK)
        status = api_get(&api, api_node(&api, c->operands[0], "serial"), &answer);
    if (status == CLI_OK && flags_given(&c->flags, "json"))
        cli_print_json(answer);
    else if (status == CLI_OK)
        cli_print_line("%.*s", STR_ARG(api_text(answer, "serial")));
    api_close(&api);
    return status;
}

static int show_url(struct cli *c, const struct config *config, const struct tree *t)
{
    const struct node *n = seedtree_node(c, t, NULL, c->operands[0]);
    struct seedtree_urls urls;
    struct err e;
    int status = CLI_FAILED;
    if (!n)
        return CLI_FAILED;
    int r = seedtree_urls_open(config, t, &urls, &e);
    if (r < 0)
        cli_fail(c, "the server's secret cannot be read: %s%s", e.msg, advice(r));
    else {
        print_url(c, n->name, seedtree_url(&urls, n, &c->arena));
        status = CLI_OK;
    }
    seedtree_urls_close(&urls);
    return status;
}

static int show_tree(struct cli *c, const struct config *config)
{
    struct tree *tree = seedtree_load(c, config, NULL);
    if (!tree)
        return CLI_FAILED;
    int status = show_url(c, config, tree);
    tree_free(tree);
    return status;
}

static int show_remote(struct api *api)
{
    struct value node;
    int status = api_get(api, api_node(api, api->cli->operands[0], ""), &node);
    if (status == CLI_OK)
        print_url(api->cli, api_text(node, "name"), api_text(node, "seed_url"));
    return status;
}

static int run(struct cli *c)
{
    struct api api;
    if (flags_given(&c->flags, "smbios"))
        return show_serial(c);
    int status = node_remote_open_for_url(c, &api);
    if (status == NODE_REMOTE_NONE)
        status = show_tree(c, &api.config);
    else if (status == CLI_OK)
        status = show_remote(&api);
    api_close(&api);
    return status;
}

const struct command command_node_url = {
    .name = "node url",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAG_JSON, {"discovery", NULL, "print the string for the kernel's command line"},
                   {"smbios", NULL, "print the SMBIOS serial for the build window that is open"}),
    .summary = "print a node's seed URL",
    .help = "The URL holds the node's seed key: anyone who knows it can read the node's files.\n"
            "Where the server's socket answers, it says the URL. Else, and with --seed, --state,\n"
            "--templates or --url, it is computed for a node of the seed tree, from the server's\n"
            "secret, which root and the user of cloudseedd can read; cloudseedd makes the secret\n"
            "at its first start.\n"
            "\n"
            "--discovery prints what cloud-init looks for in the SMBIOS serial or on the kernel's\n"
            "command line. --smbios asks the server for what `node arm` printed: the same, and\n"
            "the join key of the window that is open with the pin of the server's CA. That is for\n"
            "the serial only: everyone on the machine can read the kernel's command line.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node url k8s-worker-2\n"
            "  curl \"$(cloudseed node url k8s-worker-2)user-data\"\n"
            "  cloudseed node url k8s-worker-2 --discovery\n"
            "  cloudseed node url k8s-worker-2 --smbios\n",
    .run = run,
};
