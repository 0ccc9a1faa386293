/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/api.h"
#include "wire/uri.h"

#include <stdio.h>

struct hosts {
    struct api *api;
    struct str wanted; /* p == NULL: all */
    struct str port; /* ":2222" if ssh asks for "[NAME]:2222", as it does for ports other than 22 */
};

/* What nodes report ends up in lines that ssh trusts: only plain names and addresses pass, no
 * patterns. */
static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && !memchr(".-_:", c, 4))
            return false;
    }
    return s.n > 0 && s.n <= 255;
}

static bool is_key(struct str s)
{
    struct str rest = s, kind = str_cut(&rest, ' ');
    for (size_t i = 0; rest.p && i < rest.n; i++) {
        char c = rest.p[i];
        bool base64 = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '+' || c == '/' || c == '=';
        if (!base64)
            return false;
    }
    for (size_t i = 0; i < kind.n; i++) {
        char c = kind.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || memchr("-@.", c, 3)))
            return false;
    }
    return kind.n > 0 && kind.p[0] != '@' && rest.p && rest.n > 0;
}

/* The key without its comment. */
static struct str key_alone(struct str s)
{
    struct str rest = str_trim(s), kind = str_cut(&rest, ' ');
    struct str key = rest.p ? str_cut(&rest, ' ') : STR("");
    return (struct str){kind.p, key.n ? (size_t)(key.p + key.n - kind.p) : 0};
}

static void add(struct buf *names, struct str name, bool *match, const struct hosts *h)
{
    if (!is_name(name))
        return;
    *match = *match || !h->wanted.p || str_eq_nocase(name, h->wanted);
    buf_printf(names, "%s%s%.*s%s%.*s", names->n ? "," : "", h->port.n ? "[" : "", STR_ARG(name),
               h->port.n ? "]" : "", STR_ARG(h->port));
}

/* A node's names and addresses as admins defined them, not as it reports them. */
static bool names_of(const struct hosts *h, struct value node, struct buf *names)
{
    bool match = false;
    struct str name = api_text(node, "name");
    struct str fqdn = api_text(node, "fqdn");
    struct value list = value_get(node, STR("addresses"));
    add(names, name, &match, h);
    if (!str_eq(fqdn, name))
        add(names, fqdn, &match, h);
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++)
        add(names, value_text(list.items[i]), &match, h);
    return match;
}

static int on_node(void *cls, struct value node)
{
    struct hosts *h = cls;
    struct value keys = value_get(value_get(node, STR("identity")), STR("host_keys"));
    struct buf names;
    buf_init(&names, 64 * 1024);
    bool match = names_of(h, node, &names);
    for (uint32_t i = 0; match && keys.kind == VALUE_MAP && i < keys.n; i++) {
        struct str key = key_alone(value_text(keys.pairs[i].value));
        if (is_key(key))
            printf("%s %.*s\n", names.p, STR_ARG(key));
    }
    buf_done(&names);
    return 0;
}

static struct hosts wanted_hosts(const char *host)
{
    struct hosts h = {.wanted = {NULL, 0}, .port = STR("")};
    if (!host)
        return h;
    h.wanted = str_from(host);
    if (*host == '[') {
        struct str rest = str_skip(h.wanted, 1);
        h.wanted = str_cut(&rest, ']');
        h.port = rest.p ? rest : STR("");
    }
    return h;
}

/* Only the node that is asked for: ssh waits. */
static struct str target(const struct hosts *h, struct arena *a)
{
    if (!h->wanted.p)
        return STR("/v1/nodes?limit=1000");
    return ARENA_JOIN(a, STR("/v1/nodes?host="), uri_encode_segment(h->wanted, a));
}

static int run(struct cli *c)
{
    struct api api;
    struct hosts h = wanted_hosts(c->operands_n ? c->operands[0] : NULL);
    int status = api_open(c, &api);
    if (status == CLI_OK)
        status = api_each(&api, target(&h, api.arena), "nodes", on_node, &h);
    api_close(&api);
    return status;
}

const struct command command_known_hosts = {
    .name = "known-hosts",
    .operands = "[HOST]",
    .operands_max = 1,
    .summary = "print nodes' ssh host keys, for ssh's KnownHostsCommand",
    .help =
        "Prints a line for each key of the node whose name, fully qualified name or address is\n"
        "HOST, in the format of known_hosts; without HOST, those of all nodes. The keys are\n"
        "those that the machine reported when it came up. Nothing is printed for a host that\n"
        "is not a node.\n"
        "\n"
        "Examples:\n"
        "  cloudseed known-hosts >>~/.ssh/known_hosts\n"
        "  cloudseed known-hosts 10.0.20.12\n"
        "  ssh -o 'KnownHostsCommand /usr/bin/cloudseed known-hosts %H' k8s-worker-2\n",
    .run = run,
};
