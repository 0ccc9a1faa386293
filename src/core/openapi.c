/* SPDX-License-Identifier: Apache-2.0 */
#include "core/openapi.h"

#include "core/answer.h"
#include "core/internal.h"
#include "wire/gzip.h"
#include "wire/negotiate.h"

#include <assert.h>
#include <string.h>

#define REF(what, name) "#/components/" what "/" name

static struct value text(const char *s)
{
    return value_str(str_from(s));
}

/* A map that is written on: what there was, and room for more. */
struct members {
    struct value_pair *list;
    uint32_t n, room;
};

static struct members members_of(struct value map, uint32_t more, struct arena *a)
{
    struct members m = {.n = map.n, .room = map.n + more};
    m.list = ARENA_ARRAY(a, struct value_pair, m.room);
    for (uint32_t i = 0; i < map.n; i++)
        m.list[i] = map.pairs[i];
    return m;
}

static struct value map_of(const struct members *m)
{
    return value_map(m->list, m->n);
}

/* Replaces the value of a key that is there. */
static void put(struct members *m, struct str key, struct value v)
{
    uint32_t i = 0;
    while (i < m->n && !str_eq(value_text(m->list[i].key), key))
        i++;
    assert(i < m->room);
    m->list[i] = (struct value_pair){value_str(key), v};
    m->n += i == m->n;
}

static bool has(const struct members *m, const char *key)
{
    return value_get(map_of(m), str_from(key)).kind != VALUE_UNDEFINED;
}

static struct value list_of(struct value item, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, 1);
    items[0] = item;
    return value_list(items, 1);
}

static struct value reference(const char *to, struct arena *a)
{
    return JSON_MAP(a, JSON_VALUE("$ref", text(to)));
}

/* --- What follows from a row ----------------------------------------------------------------- */

static const char *const identity_names[] = {
    [IDENTITY_NONE] = "none",         [IDENTITY_SEED_KEY] = "seed-key",
    [IDENTITY_BOOT_KEY] = "boot-key", [IDENTITY_JOIN_KEY] = "join-key",
    [IDENTITY_EVIDENCE] = "evidence", [IDENTITY_ADMIN] = "admin",
    [IDENTITY_SESSION] = "session",
};

/* The refusals that no operation has to name. */
enum {
    WITH_NAME = 1, /* the path has something that may not exist */
    WITH_BODY = 2,
    WITH_MATCH = 4, /* it takes If-Match */
    WITH_CHANGE = 8,
    FOR_ADMINS = 16,
    FOR_SOME = 32, /* of the admins */
    ALWAYS = 64,
};

static const struct refusal {
    const char *status;
    unsigned where; /* all of these */
    const char *what;
} refusals[] = {
    {"400", ALWAYS, "The request is not valid; the detail says why"},
    {"401", FOR_ADMINS, "No token, or one that is not valid"},
    {"403", FOR_ADMINS | FOR_SOME, "The role of the token does not allow it"},
    {"404", WITH_NAME, "There is nothing of this name"},
    {"409", WITH_CHANGE, "Something else has changed it at the same time"},
    {"412", WITH_MATCH, "Somebody else has changed it since"},
    {"413", WITH_BODY, "The body is too large"},
    {"415", FOR_ADMINS | WITH_BODY, "The body is not JSON"},
    {"429", FOR_ADMINS, "Too many wrong tokens came from this address"},
    {"503", ALWAYS, "Not now; the detail says why, and Retry-After when to come again"},
};

static bool is_for_admins(const struct route *r)
{
    return r->identity == IDENTITY_ADMIN ||
           (r->identity != IDENTITY_NONE && r->listeners & ON(ADMIN));
}

/* Its answer has an entity tag, and may be 304: unless the file says which headers it has. */
static bool is_tagged(const struct route *r, struct value operation)
{
    struct value good = value_get(value_get(operation, STR("responses")), STR("200"));
    return r->identity == IDENTITY_ADMIN && r->methods & METHOD(GET) &&
           str_starts(str_from(r->pattern), STR("/v1/")) &&
           value_get(good, STR("headers")).kind == VALUE_UNDEFINED;
}

static bool takes_if_match(struct value operation)
{
    struct value list = value_get(operation, STR("parameters"));
    for (uint32_t i = 0; i < list.n; i++) {
        if (str_is(value_get_text(list.items[i], STR("$ref")), REF("parameters", "ifMatch")))
            return true;
    }
    return false;
}

static unsigned traits_of(const struct route *r, struct value operation)
{
    return ALWAYS | (strchr(r->pattern, '{') ? WITH_NAME : 0) |
           (r->body_max_bytes ? WITH_BODY : 0) | (r->methods & METHODS_READ ? 0 : WITH_CHANGE) |
           (takes_if_match(operation) ? WITH_MATCH : 0) | (is_for_admins(r) ? FOR_ADMINS : 0) |
           (r->access > ACCESS_VIEWER ? FOR_SOME : 0);
}

/* Programs get JSON, consoles a line of text, and those who should show a token JSON in any case.
 */
static struct value refusal_content(const struct route *r, struct str status, struct arena *a)
{
    bool is_json = r->identity == IDENTITY_ADMIN || r->identity == IDENTITY_JOIN_KEY ||
                   route_is_api(LISTENER_ADMIN, str_from(r->pattern)) || str_is(status, "401") ||
                   str_is(status, "429");
    struct value schema = is_json ? reference(REF("schemas", "Problem"), a)
                                  : JSON_MAP(a, JSON_VALUE("type", text("string")));
    struct value media = JSON_MAP(a, JSON_VALUE("schema", schema));
    return is_json ? JSON_MAP(a, JSON_VALUE("application/problem+json", media))
                   : JSON_MAP(a, JSON_VALUE("text/plain", media));
}

/* What an answer of this status tells in its head; NULL: nothing. */
static const char *header_of(const struct route *r, struct str status)
{
    if (str_is(status, "401"))
        return "WWW-Authenticate";
    if (str_is(status, "429") || str_is(status, "503"))
        return "Retry-After";
    bool is_tagged_answer =
        str_starts(str_from(r->pattern), STR("/v1/")) && *status.p == '2' && !str_is(status, "204");
    return is_tagged_answer ? "ETag" : NULL;
}

/* An answer as the file has it, a refusal only with its description. */
static struct value answer_of(const struct route *r, struct str status, struct value answer,
                              struct arena *a)
{
    struct members m = members_of(answer, 2, a);
    const char *header = header_of(r, status);
    if (has(&m, "$ref"))
        return answer;
    if (*status.p >= '4')
        put(&m, STR("content"), refusal_content(r, status, a));
    if (header && !has(&m, "headers")) {
        struct str to = ARENA_JOIN(a, STR(REF("headers", "")), str_from(header));
        struct members headers = members_of(value_map(NULL, 0), 1, a);
        put(&headers, str_from(header), reference(to.p, a));
        put(&m, STR("headers"), map_of(&headers));
    }
    return map_of(&m);
}

static struct value answers(const struct route *r, struct value operation, struct arena *a)
{
    const size_t n = sizeof(refusals) / sizeof(refusals[0]);
    struct members all = members_of(value_get(operation, STR("responses")), n + 1, a);
    unsigned traits = traits_of(r, operation);
    for (const struct refusal *f = refusals; f < refusals + n; f++) {
        if ((f->where & traits) == f->where && !has(&all, f->status))
            put(&all, str_from(f->status), JSON_MAP(a, JSON_VALUE("description", text(f->what))));
    }
    for (uint32_t i = 0; i < all.n; i++)
        all.list[i].value = answer_of(r, value_text(all.list[i].key), all.list[i].value, a);
    if (is_tagged(r, operation))
        put(&all, STR("304"), reference(REF("responses", "NotModified"), a));
    return map_of(&all);
}

static struct value listeners(const struct route *r, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, LISTENER_COUNT);
    uint32_t n = 0;
    for (int i = 0; i < LISTENER_COUNT; i++) {
        if (r->listeners & 1U << i)
            items[n++] = text(exchange_listener_names[i]);
    }
    return value_list(items, n);
}

static struct value security(const struct route *r, struct arena *a)
{
    struct value none = value_list(NULL, 0);
    if (r->identity == IDENTITY_ADMIN) {
        struct value *either = ARENA_ARRAY(a, struct value, 2);
        either[0] = JSON_MAP(a, JSON_VALUE("token", none));
        either[1] = JSON_MAP(a, JSON_VALUE("session", none));
        return value_list(either, 2);
    }
    if (r->identity == IDENTITY_SESSION)
        return list_of(JSON_MAP(a, JSON_VALUE("session", none)), a);
    if (r->identity == IDENTITY_JOIN_KEY)
        return list_of(JSON_MAP(a, JSON_VALUE("joinKey", none)), a);
    return none;
}

/* What machines ask for is answered elsewhere than the description. */
static void put_server(struct members *to, const struct route *r, const struct openapi_urls *urls,
                       struct arena *a)
{
    const struct str *url = r->listeners & ON(BOOT)   ? &urls->boot
                            : r->listeners & ON(NODE) ? &urls->node
                                                      : NULL;
    if (url && url->n)
        put(to, STR("servers"), list_of(JSON_MAP(a, JSON_STR("url", *url)), a));
}

#define MEMBERS_MORE 8

static struct value described(const struct route *r, struct value operation,
                              const struct openapi_urls *urls, struct arena *a)
{
    struct members o = members_of(operation, MEMBERS_MORE, a);
    if (is_tagged(r, operation)) {
        struct value old = value_get(operation, STR("parameters"));
        struct value *items = ARENA_ARRAY(a, struct value, old.n + 1);
        for (uint32_t i = 0; i < old.n; i++)
            items[i] = old.items[i];
        items[old.n] = reference(REF("parameters", "ifNoneMatch"), a);
        put(&o, STR("parameters"), value_list(items, old.n + 1));
    }
    put(&o, STR("responses"), answers(r, operation, a));
    put(&o, STR("security"), security(r, a));
    put_server(&o, r, urls, a);
    put(&o, STR("x-cloudseed-listeners"), listeners(r, a));
    put(&o, STR("x-cloudseed-identity"), text(identity_names[r->identity]));
    if (is_for_admins(r))
        put(&o, STR("x-cloudseed-role"), text(access_names[r->access]));
    if (r->body_max_bytes)
        put(&o, STR("x-cloudseed-body-max-bytes"), value_int((int64_t)r->body_max_bytes));
    return map_of(&o);
}

/* --- The whole ------------------------------------------------------------------------------- */

static const struct route *find_row(struct str path, struct str method)
{
    static const char *const names[] = {
        [METHOD_GET] = "get", [METHOD_HEAD] = "head",   [METHOD_POST] = "post",
        [METHOD_PUT] = "put", [METHOD_PATCH] = "patch", [METHOD_DELETE] = "delete"};
    const struct route *r;
    for (size_t i = 0; (r = route_at(i)); i++) {
        for (unsigned m = 0; m < METHOD_OTHER; m++) {
            if (r->methods & 1U << m && str_is(method, names[m]) && str_is(path, r->pattern))
                return r;
        }
    }
    return NULL;
}

/* [{"$ref": "#/components/parameters/name"}, …] for the path's placeholders. */
static struct value path_parameters(struct str path, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, path.n);
    uint32_t n = 0;
    str_cut(&path, '{');
    while (path.p) {
        struct str name = str_cut(&path, '}');
        items[n++] = reference(ARENA_JOIN(a, STR(REF("parameters", "")), name).p, a);
        str_cut(&path, '{');
    }
    return value_list(items, n);
}

static struct value path_item(struct str path, struct value methods,
                              const struct openapi_urls *urls, struct arena *a)
{
    struct members item = members_of(methods, 1, a);
    for (uint32_t i = 0; i < methods.n; i++) {
        const struct route *r = find_row(path, value_text(item.list[i].key));
        if (r)
            item.list[i].value = described(r, item.list[i].value, urls, a);
    }
    struct value parameters = path_parameters(path, a);
    if (parameters.n)
        put(&item, STR("parameters"), parameters);
    return map_of(&item);
}

static struct value read_text(const char *json, struct arena *a)
{
    struct value v;
    int r = json_read(str_from(json), a, &v, NULL);
    assert(r == 0);
    (void)r;
    return v;
}

struct value openapi_document(const struct openapi_urls *urls, struct arena *a)
{
    struct value from = read_text(openapi_text, a);
    struct members doc = members_of(from, 0, a);
    struct members info = members_of(value_get(from, STR("info")), 1, a);
    struct members paths = members_of(value_get(from, STR("paths")), 0, a);
    struct members components = members_of(value_get(from, STR("components")), 1, a);
    put(&info, STR("version"), text(CLOUDSEED_VERSION));
    put(&components, STR("schemas"), read_text(schemas_text, a));
    for (uint32_t i = 0; i < paths.n; i++)
        paths.list[i].value =
            path_item(value_text(paths.list[i].key), paths.list[i].value, urls, a);
    put(&doc, STR("info"), map_of(&info));
    put(&doc, STR("paths"), map_of(&paths));
    put(&doc, STR("components"), map_of(&components));
    return map_of(&doc);
}

/* --- The request ----------------------------------------------------------------------------- */

/* It is made for each request: it is asked for rarely, and kept it would take memory for ever. */
enum exchange_verdict admin_show_openapi(struct exchange *x, struct request_ctx *rq)
{
    const struct openapi_urls urls = {.boot = snapshot_url(x->snapshot),
                                      .node = tree_site(snapshot_tree(x->snapshot))->node_url};
    (void)rq;
    if (!admin_params(x, NULL, 0))
        return EXCHANGE_DONE;
    x->out.encoding = negotiate_gzip(x->in.accept_encoding) ? "gzip" : NULL;
    x->out.vary_encoding = true;
    answer_json(x, 200, openapi_document(&urls, &x->arena));
    if (x->out.status != 200 ||
        (x->out.encoding && !gzip_compress(x->out.body, &x->arena, &x->out.body)))
        x->out.encoding = NULL;
    return EXCHANGE_DONE;
}
