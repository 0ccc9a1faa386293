/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/api.h"

#include "base/clock.h"
#include "base/fs.h"
#include "cli/common/context.h"
#include "cli/common/seedtree.h"
#include "cli/common/span.h"
#include "crypto/certificate.h"
#include "wire/uri.h"

#include <errno.h>
#include <stdlib.h>

static bool is_url(struct str s)
{
    return str_starts(s, STR("http://")) || str_starts(s, STR("https://"));
}

static int take_url(struct cli *c, struct str url, struct server_address *ret)
{
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    if (!config_url_valid(url))
        return cli_misuse(c, "the server '%s': expected https://HOST:PORT, a context, or a socket",
                          ret->where);
    ret->url = arena_str(&c->arena, url).p;
    return CLI_OK;
}

static void use_context(const struct context *k, struct server_address *ret)
{
    ret->where = ret->url = k->url.p;
    ret->ca = k->ca;
    ret->token = k->token;
}

/* The environment's word comes before the context's. */
static int read_environment(struct cli *c, struct server_address *ret)
{
    const char *token = getenv("CLOUDSEED_TOKEN"), *ca = getenv("CLOUDSEED_CA");
    struct err e;
    if (token && *token &&
        context_read_token(arena_str(&c->arena, str_from(token)), "CLOUDSEED_TOKEN", &ret->token,
                           &e) < 0)
        return cli_fail(c, "%s", e.msg);
    if (ca && *ca && fs_read(ca, CERTIFICATE_CA_MAX_BYTES, &c->arena, &ret->ca, &e) < 0)
        return cli_fail(c, "CLOUDSEED_CA: %s", e.msg);
    return CLI_OK;
}

/* A token is for TLS only. */
static int find_url(struct cli *c, struct server_address *ret)
{
    struct context k;
    struct err e;
    int status = take_url(c, str_from(ret->where), ret);
    if (status != CLI_OK || !str_starts(str_from(ret->url), STR("https://")))
        return status;
    int r = context_find(str_from(ret->url), &c->arena, &k, &e);
    if (r == 0)
        use_context(&k, ret);
    else if (r == -EINVAL || r == -EPERM)
        return cli_fail(c, "%s", e.msg);
    return read_environment(c, ret);
}

/* A word without a slash or a dot is a context's name, if there is one. */
static int find_word(struct cli *c, bool is_current, struct server_address *ret)
{
    struct context k;
    struct err e;
    int r = strpbrk(ret->where, "/.") ? -ENOENT : context_load(ret->where, &c->arena, &k, &e);
    if (r == -ENOENT && !is_current) {
        ret->socket = ret->where;
        return CLI_OK;
    }
    if (r == -ENOENT)
        return cli_fail(c, "%s; 'cloudseed context use' chooses another", e.msg);
    if (r < 0)
        return cli_fail(c, "%s", e.msg);
    use_context(&k, ret);
    return read_environment(c, ret);
}

int api_find_server(struct cli *c, const struct config *config, struct server_address *ret)
{
    const char *named = flags_value(&c->flags, "server"), *group = config->socket_group.p;
    if (!named)
        named = getenv("CLOUDSEED_SERVER");
    if (named && !*named)
        named = NULL;
    c->arena.secret = true;
    struct str current = named ? STR("") : context_current(&c->arena);
    *ret = (struct server_address){
        .where = named       ? named
                 : current.n ? current.p
                             : config->socket.p,
        .url = "http://localhost",
        .ca = {"", 0},
        .token = {"", 0},
        .named = named || current.n,
        .group = group && *group ? group : NULL,
    };
    if (strcmp(ret->where, "none") == 0) {
        ret->where = NULL;
        return CLI_OK;
    }
    return is_url(str_from(ret->where)) ? find_url(c, ret) : find_word(c, current.n, ret);
}

#define BODY_MAX_BYTES 262144
#define LINE_SHOWN_BYTES 100
#define ELSEWHERE                                                                               \
    "admins are answered at its unix socket, and with a token at its 'admin' addresses; where " \
    "machines boot there is none"
#define PAGE_ARENA_BYTES ((size_t)1024 * 1024)

int api_open(struct cli *c, struct api *ret)
{
    *ret = (struct api){.cli = c, .arena = &c->arena};
    int status = seedtree_configure(c, &ret->config);
    if (status == CLI_OK)
        status = api_find_server(c, &ret->config, &ret->server);
    if (status != CLI_OK)
        return status;
    if (!ret->server.where)
        return cli_fail(c,
                        "this asks the server, and --server, CLOUDSEED_SERVER or 'socket' of the "
                        "configuration says none");
    ret->client = client_new(&ret->server);
    return CLI_OK;
}

void api_close(struct api *api)
{
    client_free(api->client);
    api->client = NULL;
}

static int read_answer(struct api *api, const struct client_answer *from, struct api_answer *ret,
                       struct err *e)
{
    struct value value = {0};
    struct str text = str_trim(from->text);
    int r = text.n ? json_read(text, api->arena, &value, e) : 0;
    if (r < 0 && from->status < 400) {
        err_set(e, -EPROTO, "%s: this is not cloudseedd's API: " ELSEWHERE, api->server.where);
        return -EPROTO;
    }
    *ret = (struct api_answer){.status = from->status, .etag = from->etag, .value = value};
    if (r < 0)
        ret->line = str_cut(&text, '\n');
    return 0;
}

int api_try(struct api *api, const char *method, struct str target, struct value body,
            struct str if_match, struct api_answer *ret, struct err *e)
{
    struct client_answer answer;
    struct client_request q = {.method = method, .target = target, .if_match = if_match};
    struct buf json;
    buf_init(&json, BODY_MAX_BYTES);
    int r = 0;
    if (body.kind != VALUE_UNDEFINED && !json_write(&json, body, false))
        r = err_set(e, -EFBIG, "that is more than the server takes");
    if (body.kind != VALUE_UNDEFINED)
        q.body = buf_view(&json);
    if (r == 0)
        r = client_ask(api->client, &q, api->arena, &answer, e);
    buf_done(&json);
    return r < 0 ? r : read_answer(api, &answer, ret, e);
}

int api_file(struct api *api, struct str target, struct str *ret)
{
    struct client_request q = {.method = "GET", .target = target};
    struct client_answer answer;
    struct err e;
    if (client_ask(api->client, &q, api->arena, &answer, &e) < 0)
        return cli_fail(api->cli, "%s", e.msg);
    if (answer.status != 200) {
        struct str line = str_trim(answer.text);
        return cli_fail(api->cli, "the server answers %d: %.*s", answer.status,
                        STR_ARG(str_cut(&line, '\n')));
    }
    *ret = answer.text;
    return CLI_OK;
}

static struct str join_place(struct value fault, struct arena *a)
{
    struct str file = api_text(fault, "file");
    int64_t line = api_number(fault, "line", 0);
    if (!file.n)
        return api_text(fault, "member");
    return line ? arena_printf(a, "%.*s:%lld", STR_ARG(file), (long long)line) : file;
}

static void say_fault(struct api *api, struct value fault)
{
    struct str place = join_place(fault, api->arena), said = api_text(fault, "detail");
    if (!said.n)
        said = api_text(fault, "message");
    cli_fail(api->cli, "%.*s%s%.*s", STR_ARG(place), place.n ? ": " : "", STR_ARG(said));
}

int api_refused(struct api *api, const struct api_answer *answer)
{
    struct str said = api_text(answer->value, "detail");
    struct value faults = value_get(answer->value, STR("faults"));
    if (!said.n)
        said = api_text(answer->value, "title");
    if (!said.n && !api->server.socket)
        cli_fail(api->cli, "%s: this is not cloudseedd's API (status %d%s%.*s): " ELSEWHERE,
                 api->server.where, answer->status, answer->line.n ? ", " : "",
                 STR_ARG(str_head(answer->line, LINE_SHOWN_BYTES)));
    else if (said.n)
        cli_fail(api->cli, "%s%s%.*s", api->about ? api->about : "", api->about ? ": " : "",
                 STR_ARG(said));
    else
        cli_fail(api->cli, "%s: the server answers with status %d", api->server.where,
                 answer->status);
    for (uint32_t i = 0; faults.kind == VALUE_LIST && i < faults.n; i++)
        say_fault(api, faults.items[i]);
    return CLI_FAILED;
}

int api_ask(struct api *api, const char *method, struct str target, struct value body,
            struct str if_match, struct api_answer *ret)
{
    struct err e;
    struct api_answer answer;
    if (api_try(api, method, target, body, if_match, &answer, &e) < 0)
        return cli_fail(api->cli, "%s", e.msg);
    if (answer.status < 200 || answer.status > 299)
        return api_refused(api, &answer);
    *ret = answer;
    return CLI_OK;
}

int api_get(struct api *api, struct str target, struct value *ret)
{
    struct api_answer answer;
    int status = api_ask(api, "GET", target, (struct value){0}, STR(""), &answer);
    if (status == CLI_OK)
        *ret = answer.value;
    return status;
}

struct str api_node(struct api *api, const char *name, const char *action)
{
    struct str segment = uri_encode_segment(str_from(name), api->arena);
    return arena_printf(api->arena, "/v1/nodes/%.*s%s%s", STR_ARG(segment), *action ? "/" : "",
                        action);
}

int api_each(struct api *api, struct str target, const char *member,
             int (*on_item)(void *cls, struct value item), void *cls)
{
    struct arena *own = api->arena, arena;
    struct buf url;
    int r;
    arena_init(&arena, PAGE_ARENA_BYTES);
    buf_init(&url, BODY_MAX_BYTES);
    buf_str(&url, target);
    api->arena = &arena;
    do {
        struct value page;
        arena_reset(&arena);
        r = api_get(api, buf_view(&url), &page);
        struct value list = r == CLI_OK ? value_get(page, str_from(member)) : (struct value){0};
        for (uint32_t i = 0; r == 0 && list.kind == VALUE_LIST && i < list.n; i++)
            r = on_item(cls, list.items[i]);
        struct str next = r == 0 ? uri_encode_segment(api_text(page, "next"), &arena) : STR("");
        buf_clear(&url);
        if (next.n)
            buf_printf(&url, "%.*s&after=%.*s", STR_ARG(target), STR_ARG(next));
    } while (url.n);
    api->arena = own;
    buf_done(&url);
    arena_done(&arena);
    return r;
}

static void print_list(struct cli *c, struct value list,
                       void (*print)(struct cli *c, struct value list))
{
    if (flags_given(&c->flags, "json"))
        cli_print_json(list);
    else if (!flags_given(&c->flags, "names"))
        print(c, list);
    else
        for (uint32_t i = 0; i < list.n; i++)
            cli_print_line("%.*s", STR_ARG(api_text(list.items[i], "name")));
}

int api_print_list(struct cli *c, struct str target, const char *member,
                   void (*print)(struct cli *c, struct value list))
{
    struct value answer;
    struct api api;
    if (flags_given(&c->flags, "names") && flags_given(&c->flags, "json"))
        return cli_misuse(c, "give either --json or --names");
    int status = api_open(c, &api);
    if (status == CLI_OK)
        status = api_get(&api, target, &answer);
    struct value list = status == CLI_OK ? value_get(answer, str_from(member)) : (struct value){0};
    if (status == CLI_OK)
        print_list(c, list.kind == VALUE_LIST ? list : value_list(NULL, 0), print);
    api_close(&api);
    return status;
}

int api_last_event(struct api *api, char text[static STR_U64_SIZE], struct str *ret)
{
    struct value page;
    int status = api_get(api, STR("/v1/events?order=newest&limit=1"), &page);
    struct value list = status == CLI_OK ? value_get(page, STR("events")) : (struct value){0};
    int64_t id = list.kind == VALUE_LIST && list.n ? api_number(list.items[0], "id", 0) : 0;
    *ret = str_of_u64((uint64_t)id, text);
    return status;
}

void api_note_trouble(const struct api *api, const struct client_stream *s, bool *noted)
{
    const char *trouble = client_stream_trouble(s);
    if (trouble && !*noted)
        cli_note(api->cli, "%s; trying again", trouble);
    *noted = trouble;
}

struct str api_text(struct value map, const char *member)
{
    struct value v = value_get(map, str_from(member));
    return v.kind == VALUE_STR ? value_text(v) : STR("");
}

int64_t api_number(struct value map, const char *member, int64_t other)
{
    struct value v = value_get(map, str_from(member));
    return v.kind == VALUE_INT ? v.i : other;
}

bool api_is(struct value map, const char *member)
{
    struct value v = value_get(map, str_from(member));
    return v.kind == VALUE_BOOL && v.b;
}

int64_t api_time(struct value map, const char *member)
{
    int64_t ms;
    return clock_read_text(api_text(map, member), &ms) ? ms : -1;
}

struct str api_when(struct value map, const char *member, struct arena *a)
{
    char text[SPAN_WHEN_SIZE];
    int64_t at_ms = api_time(map, member);
    return at_ms < 0 ? STR("") : arena_str(a, str_from(span_when(at_ms, text)));
}

struct str api_age(struct value map, const char *member, struct arena *a)
{
    char text[SPAN_TEXT_SIZE];
    int64_t at_ms = api_time(map, member);
    if (at_ms < 0)
        return STR("");
    return arena_str(a, str_from(span_text((clock_wall_ms() - at_ms) / 1000, text)));
}

struct str api_list_text(struct value map, const char *member, struct arena *a)
{
    struct value list = value_get(map, str_from(member));
    struct buf b;
    buf_init(&b, BODY_MAX_BYTES);
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++)
        buf_printf(&b, "%s%.*s", i ? "," : "", STR_ARG(value_text(list.items[i])));
    struct str text = arena_str(a, buf_view(&b));
    buf_done(&b);
    return text;
}
