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
static void print_url(struct cli *c, const struct node *n, struct str url)
{
    struct str discovery = arena_printf(&c->arena, KEYS_DISCOVERY "%.*s", STR_ARG(url));
    const struct value_pair pairs[] = {
        JSON_STR("name", n->name),
        JSON_STR("url", url),
        JSON_STR("discovery", discovery),
    };
    if (flags_given(&c->flags, "json"))
        cli_print_json(value_map(pairs, 3));
    else
        printf("%s\n", flags_given(&c->flags, "discovery") ? discovery.p : url.p);
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
    const struct node *n = seedtree_node(c, t, c->operands[0]);
    struct seedtree_urls urls;
    struct err e;
    int status = CLI_FAILED;
    if (!n)
        return CLI_FAILED;
    int r = seedtree_urls_open(config, t, &urls, &e);
    if (r < 0)
        cli_fail(c, "the server's secret cannot be read: %s%s", e.msg, advice(r));
    else {
        print_url(c, n, seedtree_url(&urls, n, &c->arena));
        status = CLI_OK;
    }
    seedtree_urls_close(&urls);
    return status;
}

static int run(struct cli *c)
{
    struct config config;
    if (flags_given(&c->flags, "smbios"))
        return show_serial(c);
    if (seedtree_configure(c, &config) != CLI_OK)
        return CLI_FAILED;
    struct tree *tree = seedtree_load(c, &config, NULL);
    if (!tree)
        return CLI_FAILED;
    int status = show_url(c, &config, tree);
    tree_free(tree);
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
    .help = "The URL holds the node's seed key: whoever knows it reads the node's files. It is\n"
            "computed from the server's secret, which root and the user of cloudseedd can read;\n"
            "cloudseedd makes the secret at its first start. --discovery prints what cloud-init\n"
            "looks for in the SMBIOS serial or on the kernel's command line. --smbios asks the\n"
            "server for what `node arm` printed: the same, and the join key of the window that\n"
            "is open with the pin of the server's CA. That is for the serial only: everyone on\n"
            "the machine can read the kernel's command line.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node url k8s-worker-2\n"
            "  curl \"$(cloudseed node url k8s-worker-2)user-data\"\n"
            "  cloudseed node url k8s-worker-2 --discovery\n"
            "  cloudseed node url k8s-worker-2 --smbios\n",
    .run = run,
};
