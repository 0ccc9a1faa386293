/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cluster/kubeconfig.h"

#include "base/base64.h"
#include "base/guess.h"
#include "tree/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define SCHEME STR("https://")

/* A mapping of the file that is read, for messages: "users", "admin". */
struct entry {
    const char *file;
    const char *list;
    struct str name;
    const struct yaml_node *map; /* the part that counts: "user" */
};

static int __attribute__((format(printf, 4, 5)))
refuse(const struct entry *n, const char *key, struct err *e, const char *fmt, ...)
{
    char why[160];
    va_list list;
    va_start(list, fmt);
    vsnprintf(why, sizeof(why), fmt, list);
    va_end(list);
    struct str name = str_head(n->name, 64);
    return err_set(e, -EINVAL, "%s: %s '%.*s': %s: %s", n->file, n->list, STR_ARG(name), key, why);
}

/* --- Scalars ---------------------------------------------------------------------------------- */

static int get_text(const struct entry *n, const char *key, struct str *ret, struct err *e)
{
    const struct yaml_node *y = yaml_get(n->map, str_from(key));
    *ret = STR("");
    if (!y || yaml_is_null(y))
        return 0;
    if (y->kind != YAML_SCALAR)
        return refuse(n, key, e, "expected a text");
    *ret = yaml_text(y);
    return 0;
}

/* Go passes over line ends in it. */
static struct str without_spaces(struct str s, struct arena *a)
{
    char *to = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!strchr("\r\n\t ", s.p[i]))
            to[n++] = s.p[i];
    }
    return (struct str){to, n};
}

static int get_data(const struct entry *n, const char *key, struct arena *a, struct str *ret,
                    struct err *e)
{
    struct str text;
    int r = get_text(n, key, &text, e);
    if (r < 0 || !text.n) {
        *ret = STR("");
        return r;
    }
    if (!base64_read(without_spaces(text, a), a, ret) || !ret->n)
        return refuse(n, key, e, "not base64");
    return 0;
}

/* kubectl takes "…-data" where both are there. */
static int get_part(const struct entry *n, const char *data, const char *file, struct arena *a,
                    struct kubeconfig_part *ret, struct err *e)
{
    int r = get_data(n, data, a, &ret->text, e);
    if (r == 0)
        r = get_text(n, file, &ret->file, e);
    if (ret->text.n)
        ret->file = STR("");
    return r;
}

static bool is_set(const struct entry *n, const char *key)
{
    const struct yaml_node *y = yaml_get(n->map, str_from(key));
    return y && !yaml_is_null(y) && !(y->kind != YAML_SCALAR && y->n == 0) &&
           !(y->kind == YAML_SCALAR && (!y->n || str_is(yaml_text(y), "false")));
}

/* --- Entries ---------------------------------------------------------------------------------- */

/* The entry of that name in a list of {name, PART: …}; p == NULL: the first one. */
static int find(const char *file, const struct yaml_node *root, const char *list, const char *part,
                struct str name, struct entry *ret, struct err *e)
{
    const struct yaml_node *all = yaml_get(root, str_from(list));
    struct guess g;
    *ret = (struct entry){.file = file, .list = list, .name = name};
    if (!all || all->kind != YAML_SEQUENCE)
        return err_set(e, -EINVAL, "%s: '%s' is missing, or not a list", file, list);
    guess_init(&g, name);
    for (uint32_t i = 0; i < all->n; i++) {
        const struct yaml_node *own = yaml_get(all->items[i], STR("name"));
        struct str text = own && own->kind == YAML_SCALAR ? yaml_text(own) : STR("");
        ret->map = yaml_get(all->items[i], str_from(part));
        if ((!name.p || str_eq(text, name)) && ret->map && ret->map->kind == YAML_MAPPING) {
            ret->name = text;
            return 0;
        }
        guess_offer(&g, text);
    }
    ret->map = NULL;
    return err_set(e, -EINVAL, "%s: there is no '%.*s' in '%s'%s", file,
                   STR_ARG(str_head(name, 64)), list, guess_text(&g));
}

static int parse(const char *file, struct str text, struct arena *a, const struct yaml_node **ret,
                 struct err *e)
{
    struct faults faults;
    faults_init(&faults);
    int r = yaml_parse(file, text, a, &faults, ret);
    if (faults.errors)
        r = err_set(e, -EINVAL, "%s:%u:%u: %s", file, faults.list[0].at.line,
                    faults.list[0].at.column, faults.list[0].msg);
    else if (r == 0 && (*ret)->kind != YAML_MAPPING)
        r = err_set(e, -EINVAL, "%s: not a kubeconfig", file);
    faults_done(&faults);
    return r;
}

/* --- The cluster ------------------------------------------------------------------------------ */

static bool has_port(struct str host)
{
    while (host.n && host.p[host.n - 1] >= '0' && host.p[host.n - 1] <= '9')
        host.n--;
    return host.n && host.p[host.n - 1] == ':' && !memchr(host.p, '/', host.n);
}

/* "https://HOST:PORT" of what kubectl takes for the same. */
static int read_server(const struct entry *n, struct arena *a, struct str *ret, struct err *e)
{
    struct str server;
    int r = get_text(n, "server", &server, e);
    if (r < 0)
        return r;
    if (!str_starts(server, SCHEME))
        return refuse(n, "server", e, "expected https://HOST:PORT");
    struct str host = str_skip(server, SCHEME.n);
    if (str_ends(host, STR("/")))
        host.n--;
    if (!host.n || memchr(host.p, '/', host.n) || memchr(host.p, '@', host.n))
        return refuse(n, "server", e,
                      "expected https://HOST:PORT, without a path or a user's name");
    *ret = ARENA_JOIN(a, SCHEME, host, has_port(host) ? STR("") : STR(":443"));
    return 0;
}

static int refuse_of_cluster(const struct entry *n, struct err *e)
{
    if (is_set(n, "insecure-skip-tls-verify"))
        return refuse(n, "insecure-skip-tls-verify", e,
                      "the API server must be verified: give certificate-authority-data instead");
    if (is_set(n, "tls-server-name"))
        return refuse(n, "tls-server-name", e,
                      "nodes that join verify the endpoint's own name: the API server's "
                      "certificate must have it");
    if (is_set(n, "proxy-url"))
        return refuse(n, "proxy-url", e, "the API server must be reached without a proxy");
    return 0;
}

static int read_cluster(const struct entry *n, struct arena *a, struct kubeconfig *k, struct err *e)
{
    int r = refuse_of_cluster(n, e);
    if (r == 0)
        r = read_server(n, a, &k->server, e);
    if (r == 0)
        r = get_part(n, "certificate-authority-data", "certificate-authority", a, &k->ca, e);
    if (r == 0 && !k->ca.text.n && !k->ca.file.n)
        r = refuse(n, "certificate-authority-data", e,
                   "missing: which CA the API server's certificate must be of");
    return r;
}

/* --- The user --------------------------------------------------------------------------------- */

static int refuse_of_user(const struct entry *n, struct err *e)
{
    static const char *const plugins[] = {"exec", "auth-provider"};
    for (size_t i = 0; i < 2; i++) {
        if (is_set(n, plugins[i]))
            return refuse(n, plugins[i], e,
                          "programs that make credentials are not run: use a kubeconfig with a "
                          "client certificate or a token");
    }
    if (is_set(n, "username") || is_set(n, "password"))
        return refuse(n, "username", e,
                      "no API server takes passwords: use a client certificate "
                      "or a token");
    if (is_set(n, "as") || is_set(n, "as-uid") || is_set(n, "as-groups"))
        return refuse(n, "as", e, "acting as another user is not supported");
    return 0;
}

/* client-go prefers the file, which may be renewed. */
static int read_token(const struct entry *n, struct kubeconfig *k, struct err *e)
{
    int r = get_text(n, "token", &k->token.text, e);
    if (r == 0)
        r = get_text(n, "tokenFile", &k->token.file, e);
    if (k->token.file.n)
        k->token.text = STR("");
    return r;
}

static int read_user(const struct entry *n, struct arena *a, struct kubeconfig *k, struct err *e)
{
    int r = refuse_of_user(n, e);
    if (r == 0)
        r = get_part(n, "client-certificate-data", "client-certificate", a, &k->certificate, e);
    if (r == 0)
        r = get_part(n, "client-key-data", "client-key", a, &k->key, e);
    if (r == 0)
        r = read_token(n, k, e);
    if (r < 0)
        return r;
    bool certificate = k->certificate.text.n || k->certificate.file.n;
    bool key = k->key.text.n || k->key.file.n;
    if (certificate != key)
        return refuse(n, certificate ? "client-key-data" : "client-certificate-data", e, "missing");
    if (!certificate && !k->token.text.n && !k->token.file.n)
        return refuse(n, "client-certificate-data", e, "missing, and so is a token");
    return 0;
}

/* --- All of it -------------------------------------------------------------------------------- */

static int read_context(const char *file, const struct yaml_node *root, const char *context,
                        struct entry *ret, struct err *e)
{
    const struct yaml_node *current = yaml_get(root, STR("current-context"));
    struct str name = context ? str_from(context) : STR("");
    if (!context && current && current->kind == YAML_SCALAR)
        name = yaml_text(current);
    if (!name.n)
        return err_set(e, -EINVAL, "%s: it has no current-context: name one with --context", file);
    return find(file, root, "contexts", "context", name, ret, e);
}

int kubeconfig_read(const char *name, struct str text, const char *context, struct arena *a,
                    struct kubeconfig *ret, struct err *e)
{
    struct kubeconfig k = {.context = {"", 0}};
    const struct yaml_node *root;
    struct entry at, cluster, user;
    struct str cluster_name, user_name;
    int r = parse(name, text, a, &root, e);
    if (r == 0)
        r = read_context(name, root, context, &at, e);
    if (r == 0)
        r = get_text(&at, "cluster", &cluster_name, e);
    if (r == 0)
        r = get_text(&at, "user", &user_name, e);
    if (r == 0)
        r = find(name, root, "clusters", "cluster", cluster_name, &cluster, e);
    if (r == 0)
        r = find(name, root, "users", "user", user_name, &user, e);
    if (r == 0)
        r = read_cluster(&cluster, a, &k, e);
    if (r == 0)
        r = read_user(&user, a, &k, e);
    if (r < 0)
        return r;
    k.context = at.name;
    *ret = k;
    return 0;
}

int kubeconfig_read_cluster_info(struct str text, struct arena *a, struct str *ret_server,
                                 struct str *ret_ca, struct err *e)
{
    static const char file[] = "kube-public/cluster-info";
    const struct yaml_node *root;
    struct kubeconfig k = {.context = {"", 0}};
    struct entry cluster;
    int r = parse(file, text, a, &root, e);
    if (r == 0)
        r = find(file, root, "clusters", "cluster", (struct str){NULL, 0}, &cluster, e);
    if (r == 0)
        r = read_cluster(&cluster, a, &k, e);
    if (r < 0)
        return r;
    if (!k.ca.text.n)
        return refuse(&cluster, "certificate-authority-data", e, "missing");
    *ret_server = k.server;
    *ret_ca = k.ca.text;
    return 0;
}
