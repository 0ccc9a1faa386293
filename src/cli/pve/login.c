/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "cli/common/known.h"
#include "cli/common/trust.h"
#include "cli/pve/pve.h"
#include "crypto/certificate.h"
#include "net/fetch/once.h"

#include <errno.h>

#define CONNECT_MS 10000

struct login {
    struct cli *cli;
    struct pve_endpoint endpoint;
    struct pve_version version;
    bool pins_leaf; /* the certificate itself, as no CA that can be had has issued it */
};

/* --- Whom to trust ---------------------------------------------------------------------------- */

static int try_with(struct login *l, struct str ca, struct err *e)
{
    struct pve *p;
    l->endpoint.ca = ca;
    p = pve_new(&l->endpoint);
    int r = pve_version(p, &l->cli->arena, &l->version, e);
    pve_free(p);
    return r;
}

static struct str root_in(struct value list)
{
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        if (str_is(value_get_text(list.items[i], STR("filename")), "pve-root-ca.pem"))
            return value_get_text(list.items[i], STR("pem"));
    }
    return STR("");
}

/* The CA of the whole cluster, so that certificates may be renewed. */
static int find_root(struct login *l, struct str *ret, struct err *e)
{
    struct arena *a = &l->cli->arena;
    struct pve *p = pve_new(&l->endpoint);
    struct value nodes, list = {0};
    int r = pve_get(p, STR("/nodes"), a, &nodes, e);
    *ret = STR("");
    for (uint32_t i = 0; r == 0 && nodes.kind == VALUE_LIST && i < nodes.n && !ret->n; i++) {
        struct str node = pve_text(nodes.items[i], "node", a);
        if (!str_is(value_get_text(nodes.items[i], STR("status")), "online"))
            continue;
        r = pve_get(p, ARENA_JOIN(a, STR("/nodes/"), node, STR("/certificates/info")), a, &list, e);
        *ret = root_in(list);
    }
    pve_free(p);
    return r;
}

/* Through the certificate that was confirmed its CA is asked for, and then that must do. */
static int pin(struct login *l, struct err *e)
{
    struct str leaf = l->endpoint.ca, root = STR("");
    struct err why;
    int r = try_with(l, leaf, e);
    if (r == 0)
        r = find_root(l, &root, e);
    if (r < 0)
        return r;
    if (root.n && try_with(l, root, &why) == 0)
        return 0;
    l->endpoint.ca = leaf;
    l->pins_leaf = true;
    return 0;
}

static int trust(struct login *l)
{
    static const struct trust_question question = {
        .flag = "fingerprint",
        .what = "the host's certificate has the SHA-256 fingerprint",
        .compare = "'pvenode cert info' on the host, or Node > System > Certificates",
        .any_case = true,
    };
    struct cli *c = l->cli;
    char fingerprint[CERTIFICATE_FINGERPRINT_SIZE];
    struct err e;
    int r = try_with(l, STR(""), &e);
    if (r != -EACCES)
        return r < 0 ? cli_fail(c, "%s", e.msg) : CLI_OK;
    if (once_certificate(l->endpoint.url, CONNECT_MS, &c->arena, &l->endpoint.ca, &e) < 0 ||
        certificate_fingerprint(l->endpoint.ca, fingerprint, &e) < 0)
        return cli_fail(c, "%.*s: %s", STR_ARG(l->endpoint.url), e.msg);
    int status = trust_confirm(c, &question, fingerprint);
    if (status == CLI_OK && pin(l, &e) < 0)
        status = cli_fail(c, "%s", e.msg);
    return status;
}

/* --- What is kept ----------------------------------------------------------------------------- */

static int keep_token(struct login *l)
{
    struct cli *c = l->cli;
    struct str path;
    struct err e;
    if (!flags_given(&c->flags, "token-file"))
        return CLI_OK;
    if (pve_endpoint_token_path(l->endpoint.name.p, &c->arena, &path, &e) < 0)
        return cli_fail(c, "%s", e.msg);
    if (strcmp(path.p, flags_value(&c->flags, "token-file")) == 0)
        return CLI_OK;
    return known_write(KNOWN_PVE, path, l->endpoint.token, &c->arena, &e) < 0
               ? cli_fail(c, "%s", e.msg)
               : CLI_OK;
}

static void report(const struct login *l, struct str path)
{
    struct cli *c = l->cli;
    struct str version = arena_printf(&c->arena, "%u.%u", l->version.major, l->version.minor);
    bool is_pinned = l->endpoint.ca.n > 0;
    const struct value_pair pairs[] = {
        JSON_STR("name", l->endpoint.name),
        JSON_STR("url", l->endpoint.url),
        JSON_STR("version", version),
        JSON_STR("file", path),
        JSON_STR("trusts", !is_pinned     ? STR("public CAs")
                           : l->pins_leaf ? STR("this certificate")
                                          : STR("the cluster's CA")),
    };
    if (flags_given(&c->flags, "json"))
        cli_print_json(value_map(pairs, 5));
    else
        cli_print_line("%.*s is Proxmox VE %.*s at %.*s, saved in %.*s", STR_ARG(l->endpoint.name),
                       STR_ARG(version), STR_ARG(l->endpoint.url), STR_ARG(path));
}

static int keep(struct login *l)
{
    struct cli *c = l->cli;
    struct str path;
    struct err e;
    if (pve_endpoint_save(&l->endpoint, &c->arena, &path, &e) < 0)
        return cli_fail(c, "%s", e.msg);
    int status = keep_token(l);
    if (status != CLI_OK)
        return status;
    report(l, path);
    if (l->pins_leaf)
        cli_note(c,
                 "no CA that the host gives has issued its certificate, so only this certificate "
                 "is trusted: run 'cloudseed pve login' again when it was renewed");
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct login l = {.cli = c};
    const char *name = flags_value(&c->flags, "name");
    struct err e;
    c->arena.secret = true;
    if (pve_endpoint_url(c->operands[0], &c->arena, &l.endpoint.url, &e) < 0)
        return cli_misuse(c, "%s", e.msg);
    l.endpoint.name =
        name ? str_from(name) : known_default_name(l.endpoint.url, STR("pve"), &c->arena);
    if (pve_endpoint_token(l.endpoint.name.p, flags_value(&c->flags, "token-file"), &c->arena,
                           &l.endpoint.token, &e) < 0)
        return cli_fail(c, "%s", e.msg);
    int status = trust(&l);
    return status == CLI_OK ? keep(&l) : status;
}

const struct command command_pve_login = {
    .name = "pve login",
    .operands = "URL",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS({"name", "NAME", "what to call it (default: the host's name)"},
                   {"fingerprint", "SHA256", "of its certificate, so that no question is asked"},
                   {"token-file", "FILE", "the API token; it is kept for later"}, FLAG_JSON),
    .summary = "save a Proxmox VE host and its API token",
    .help =
        "Shows the fingerprint of the host's certificate for you to compare and confirm, as ssh\n"
        "does, and saves the CA of its cluster, so that hosts may renew their certificates. A\n"
        "certificate of a public CA is trusted without a question. The API token is a line\n"
        "USER@REALM!ID=SECRET in a file that only you can read, in CLOUDSEED_PVE_TOKEN, or in\n"
        "the systemd credential pve-token. One host of a cluster is enough: it forwards\n"
        "requests to the others.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve login https://pve1.home.arpa:8006 --token-file token\n"
        "  cloudseed pve login pve1 --name home --fingerprint AB:CD:...\n",
    .serverless = "it asks only Proxmox",
    .run = run,
};
