/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd/codec.h"

#include "base/base64.h"
#include "base/json.h"

#include <errno.h>

/* --- Requests --------------------------------------------------------------------------------- */

/* Keys and values, as the gateway wants them. */
static struct value bytes(struct arena *a, struct str s)
{
    size_t n = base64_length(s.n);
    char *text = arena_alloc(a, n + 1);
    base64_write(s, text);
    return value_str((struct str){text, n});
}

static struct value key(struct arena *a, struct str prefix, struct str key)
{
    return bytes(a, ARENA_JOIN(a, prefix, key));
}

static struct value number(struct arena *a, uint64_t n)
{
    char text[STR_U64_SIZE];
    return value_str(arena_str(a, str_of_u64(n, text)));
}

static struct value map_of(struct arena *a, const struct value_pair *pairs, size_t n)
{
    struct value_pair *copy = ARENA_ARRAY(a, struct value_pair, n);
    memcpy(copy, pairs, n * sizeof(*pairs));
    return value_map(copy, n);
}

#define MAP(a, ...)                                       \
    map_of((a), (const struct value_pair[]){__VA_ARGS__}, \
           sizeof((const struct value_pair[]){__VA_ARGS__}) / sizeof(struct value_pair))

static struct str body(struct arena *a, struct value v)
{
    struct buf text;
    buf_init(&text, SIZE_MAX - 1);
    text.secret = a->secret;
    json_write(&text, v, false);
    struct str copy = arena_str(a, buf_view(&text));
    buf_done(&text);
    return copy;
}

static struct value operation(struct arena *a, struct str prefix, const struct codec_op *op)
{
    if (op->is_delete)
        return MAP(a, JSON_VALUE("request_delete_range",
                                 MAP(a, JSON_VALUE("key", key(a, prefix, op->key)))));
    return MAP(a, JSON_VALUE("request_put", MAP(a, JSON_VALUE("key", key(a, prefix, op->key)),
                                                JSON_VALUE("value", bytes(a, op->value)))));
}

struct str codec_txn(struct arena *a, struct str prefix, struct str guard, uint64_t mod_revision,
                     const struct codec_op *ops, size_t n)
{
    struct value *success = ARENA_ARRAY(a, struct value, n);
    struct value at = key(a, prefix, guard);
    const struct value compare =
        MAP(a, JSON_VALUE("key", at), JSON_STR("target", STR("MOD")),
            JSON_STR("result", STR("EQUAL")), JSON_VALUE("mod_revision", number(a, mod_revision)));
    const struct value failure = MAP(a, JSON_VALUE("request_range", MAP(a, JSON_VALUE("key", at))));
    for (size_t i = 0; i < n; i++)
        success[i] = operation(a, prefix, &ops[i]);
    return body(a, MAP(a, JSON_VALUE("compare", value_list(&compare, 1)),
                       JSON_VALUE("success", value_list(success, n)),
                       JSON_VALUE("failure", value_list(&failure, 1))));
}

struct str codec_page(struct arena *a, struct str prefix, struct str folder, struct str after,
                      uint32_t limit)
{
    struct str from = after.n ? ARENA_JOIN(a, after, STR("\0")) : folder;
    /* '0' is behind '/'. */
    struct str end = ARENA_JOIN(a, (struct str){folder.p, folder.n - 1}, STR("0"));
    return body(a, MAP(a, JSON_VALUE("key", key(a, prefix, from)),
                       JSON_VALUE("range_end", key(a, prefix, end)),
                       JSON_VALUE("limit", number(a, limit))));
}

struct str codec_get(struct arena *a, struct str prefix, struct str name)
{
    return body(a, MAP(a, JSON_VALUE("key", key(a, prefix, name))));
}

struct str codec_authenticate(struct arena *a, struct str user, struct str password)
{
    return body(a, MAP(a, JSON_STR("name", user), JSON_STR("password", password)));
}

/* --- Answers ---------------------------------------------------------------------------------- */

static int malformed(struct err *e, const char *what)
{
    return err_set(e, -EPROTO, "the answer is not etcd's: %s", what);
}

/* Without the member it is 0. */
static bool read_number(struct value map, const char *name, uint64_t *ret)
{
    struct value v = value_get(map, str_from(name));
    *ret = 0;
    return v.kind == VALUE_UNDEFINED ||
           (v.kind == VALUE_STR && str_to_u64(value_text(v), INT64_MAX, ret));
}

static bool read_bool(struct value map, const char *name)
{
    struct value v = value_get(map, str_from(name));
    return v.kind == VALUE_BOOL && v.b;
}

static bool read_kv(struct value v, struct str prefix, struct arena *a, struct codec_kv *ret)
{
    struct str whole;
    if (!base64_read(value_get_text(v, STR("key")), a, &whole) || !str_starts(whole, prefix) ||
        !base64_read(value_get_text(v, STR("value")), a, &ret->value) ||
        !read_number(v, "mod_revision", &ret->mod_revision))
        return false;
    ret->key = str_skip(whole, prefix.n);
    return true;
}

static int read_kvs(struct value list, struct str prefix, struct arena *a,
                    struct codec_answer *answer, struct err *e)
{
    struct codec_kv *kvs;
    if (list.kind == VALUE_UNDEFINED)
        return 0;
    if (list.kind != VALUE_LIST)
        return malformed(e, "kvs is not a list");
    kvs = ARENA_ARRAY(a, struct codec_kv, list.n);
    for (size_t i = 0; i < list.n; i++) {
        if (!read_kv(list.items[i], prefix, a, &kvs[i]))
            return malformed(e, "a key or value is malformed");
    }
    answer->kvs = kvs;
    answer->n = list.n;
    return 0;
}

/* The keys of a page, or of what a transaction read because its guard was not as expected. */
static struct value keys_of(struct value map)
{
    struct value list = value_get(map, STR("responses"));
    if (list.kind == VALUE_LIST && list.n)
        map = value_get(list.items[0], STR("response_range"));
    return value_get(map, STR("kvs"));
}

int codec_read(struct str text, struct str prefix, struct arena *a, struct codec_answer *ret,
               struct err *e)
{
    struct value map;
    struct codec_answer answer = {0};
    if (json_read(text, a, &map, NULL) < 0 || map.kind != VALUE_MAP)
        return malformed(e, "it is not a JSON object");
    if (!read_number(value_get(map, STR("header")), "revision", &answer.revision) ||
        !answer.revision)
        return malformed(e, "it has no revision");
    answer.succeeded = read_bool(map, "succeeded");
    answer.more = read_bool(map, "more");
    answer.token = value_get_text(map, STR("token"));
    int r = read_kvs(keys_of(map), prefix, a, &answer, e);
    if (r == 0)
        *ret = answer;
    return r;
}

/* --- Refusals --------------------------------------------------------------------------------- */

/* gRPC's status codes that the gateway names in `code`. */
enum grpc {
    GRPC_DEADLINE = 4,
    GRPC_NO_PERMISSION = 7,
    GRPC_EXHAUSTED = 8,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16,
};

struct refusal {
    int status, grpc; /* 0: any */
    const char *text; /* part of the message; NULL: any */
    enum codec_refusal kind;
    const char *advice; /* NULL: what etcd says is enough */
};

/* The first that fits. */
static const struct refusal refusals[] = {
    {0, GRPC_UNAUTHENTICATED, NULL, CODEC_NO_TOKEN, NULL},
    {0, 0, "user name is empty", CODEC_NO_TOKEN,
     "etcd asks for a user: set user and password_file"},
    {0, 0, "invalid user ID or password", CODEC_NO_RIGHTS, "check user and password_file"},
    {0, 0, "authentication is not enabled", CODEC_NO_RIGHTS,
     "etcd has no users: remove user, or run: etcdctl auth enable"},
    {0, 0, "database space exceeded", CODEC_NO_SPACE,
     "compact and defragment etcd, then run: etcdctl alarm disarm"},
    {0, 0, "CommonName", CODEC_NO_RIGHTS,
     "the client certificate must have no CN while etcd has users"},
    {0, GRPC_NO_PERMISSION, NULL, CODEC_NO_RIGHTS,
     "give the user's role readwrite on the prefix, with --prefix"},
    {0, GRPC_UNAVAILABLE, "connection closed", CODEC_NO_LEADER,
     "etcd's gateway cannot reach its own member: with client-cert-auth the member's "
     "certificate must be good for clients, too (clientAuth)"},
    {0, GRPC_UNAVAILABLE, NULL, CODEC_NO_LEADER, NULL},
    {0, GRPC_DEADLINE, NULL, CODEC_NO_LEADER, NULL},
    {0, 0, "request timed out", CODEC_NO_LEADER, NULL},
    {0, 0, "no leader", CODEC_NO_LEADER, NULL},
    {0, 0, "leader changed", CODEC_NO_LEADER, NULL},
    {401, 0, NULL, CODEC_NO_TOKEN, NULL},
    {403, 0, NULL, CODEC_NO_RIGHTS, NULL},
    {404, 0, NULL, CODEC_BAD_REQUEST, "the server has no /v3: etcd 3.4 or newer is needed"},
};

static bool fits(const struct refusal *r, int status, int64_t grpc, struct str message)
{
    return (!r->status || r->status == status) && (!r->grpc || r->grpc == grpc) &&
           (!r->text || (message.n && memmem(message.p, message.n, r->text, strlen(r->text))));
}

static void explain(int status, struct str message, const char *advice, struct err *ret_why)
{
    struct buf text;
    buf_init(&text, sizeof(ret_why->msg));
    if (message.n)
        buf_escaped(&text, message, 120);
    else
        buf_printf(&text, "HTTP status %d", status);
    if (advice)
        buf_printf(&text, ": %s", advice);
    err_set(ret_why, -EREMOTEIO, "%s", buf_view(&text).p);
    buf_done(&text);
}

enum codec_refusal codec_read_refusal(int status, struct str text, struct err *ret_why)
{
    struct arena a;
    struct value map = {0};
    arena_init(&a, 1024);
    /* A client certificate with a CN is refused in plain text. */
    bool is_json = json_read(text, &a, &map, NULL) == 0;
    struct value code = value_get(map, STR("code"));
    struct str message = is_json ? value_get_text(map, STR("message")) : str_trim(text);
    int64_t grpc = code.kind == VALUE_INT ? code.i : 0;
    enum codec_refusal kind = status >= 500 ? CODEC_NO_LEADER : CODEC_BAD_REQUEST;
    const char *advice = NULL;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (fits(&refusals[i], status, grpc, message)) {
            kind = refusals[i].kind;
            advice = refusals[i].advice;
            break;
        }
    }
    explain(status, message, advice, ret_why);
    arena_done(&a);
    return kind;
}
