/* SPDX-License-Identifier: Apache-2.0 */
#include "core/admin.h"

#include "wire/uri.h"

static const struct {
    const char *name;
    enum admin_kind kind;
} actions[] = {
    {"arm", ADMIN_ARM},     {"disarm", ADMIN_DISARM},           {"unlock", ADMIN_UNLOCK},
    {"rekey", ADMIN_REKEY}, {"reprovision", ADMIN_REPROVISION}, {"documents", ADMIN_DOCUMENTS},
};

static enum admin_kind find_action(struct str name)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (str_is(name, actions[i].name))
            return actions[i].kind;
    }
    return ADMIN_NONE;
}

/* Behind "/v1/nodes/": NAME[/ACTION[/DOCUMENT]]; a document's name may hold slashes. */
static struct admin_route parse_node(struct str rest, struct arena *a)
{
    struct admin_route r = {.kind = ADMIN_NODE};
    struct str name = str_cut(&rest, '/');
    if (!name.n || !uri_decode_segment(name, a, &r.name))
        return (struct admin_route){.kind = ADMIN_NONE};
    if (!rest.p)
        return r;
    r.kind = find_action(str_cut(&rest, '/'));
    if (!rest.p)
        return r;
    if (r.kind != ADMIN_DOCUMENTS || !rest.n || !uri_decode_segment(rest, a, &r.document))
        return (struct admin_route){.kind = ADMIN_NONE};
    r.kind = ADMIN_DOCUMENT;
    return r;
}

struct admin_route admin_route_parse(struct str path, struct arena *a)
{
    struct str rest = str_skip(path, sizeof("/v1/") - 1);
    if (str_starts(rest, STR("nodes/")))
        return parse_node(str_skip(rest, 6), a);
    static const struct {
        const char *name;
        enum admin_kind kind;
    } others[] = {
        {"nodes", ADMIN_NODES},   {"discovered", ADMIN_DISCOVERED}, {"events", ADMIN_EVENTS},
        {"server", ADMIN_SERVER}, {"reload", ADMIN_RELOAD},         {"backup", ADMIN_BACKUP},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (str_is(rest, others[i].name))
            return (struct admin_route){.kind = others[i].kind};
    }
    return (struct admin_route){.kind = ADMIN_NONE};
}

const char *admin_methods(enum admin_kind kind)
{
    switch (kind) {
    case ADMIN_NODES: return "GET, HEAD, POST";
    case ADMIN_NODE: return "GET, HEAD, PATCH, DELETE";
    case ADMIN_DOCUMENTS:
    case ADMIN_DOCUMENT:
    case ADMIN_DISCOVERED:
    case ADMIN_EVENTS:
    case ADMIN_SERVER: return "GET, HEAD";
    default: return "POST";
    }
}
