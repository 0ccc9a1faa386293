/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the table of routes, on every listener, by every method and with every identity. */
#include "unit/core/openfleet.h"
#include "unit/render/tmptree.h"

#include "base/json.h"
#include "core/internal.h"
#include "crypto/digest.h"
#include "crypto/keys.h"

static const struct secrets secrets = {.list = {{.kid = 'n', .bytes = {1, 2, 3}}}, .n = 1};

static struct tmptree files;
static struct core *core;
static struct fleet *fleet;
static struct exchange x;
static char node_key[SEED_KEY_LEN + 1];

#define WINDOW_KEY "wabcdefghijklmnopqrstuvwxyz"
#define WRONG_KEY "nabcdefghijklmnopqrstuvwxyz"

enum shows {
    SHOWS_NOTHING,
    SHOWS_SOCKET,
    SHOWS_SEED_KEY,
    SHOWS_WINDOW_KEY,
    SHOWS_VIEWER,
    SHOWS_OPERATOR,
    SHOWS_ADMIN,
    SHOWS_ENDED,   /* an admin's token that is not valid any more */
    SHOWS_REVOKED, /* the like */
    SHOWS_COOKIE,  /* of a session of an operator, without what a page of it adds */
    SHOWS_SESSION, /* the same with it */
    SHOWS_FOREIGN, /* the same, from a page of another site */
    SHOWS_COUNT
};

/* The tokens of those that show one. */
static char tokens[SHOWS_COUNT][ACCESS_TOKEN_LEN + 1];
static struct {
    char cookie[SESSION_SECRET_LEN + 32], csrf[DIGEST_TEXT_SIZE];
} opened[LISTENER_COUNT]; /* where there are sessions */

static void leave(void)
{
    if (x.magic)
        exchange_end(&x);
    arena_done(&x.arena);
    buf_done(&x.body);
    x = (struct exchange){0};
}

static void change(struct change c)
{
    fleet_forget(fleet, fleet_change(fleet, STR("n1"), STR("n1"), &c, (struct waiter){0}));
    fleet_on_store(fleet);
}

static int64_t wall_ms(void)
{
    return 1795343968000;
}

static void make_token(enum shows shows, const char *name, enum access access, int64_t ends_ms)
{
    static const struct change by = {.cause = {"uid 0", 5}, .peer = {"", 0}};
    char digest[DIGEST_TEXT_SIZE];
    keys_new_access(tokens[shows]);
    digest_text(str_from(tokens[shows]), digest);
    const struct access_token t = {.name = str_from(name),
                                   .digest = str_from(digest),
                                   .by = by.cause,
                                   .access = access,
                                   .created_wall_ms = wall_ms() - 2000,
                                   .ends_wall_ms = ends_ms,
                                   .used_from = STR("")};
    fleet_forget(fleet, fleet_access_create(fleet, &t, &by, (struct waiter){0}));
    fleet_on_store(fleet);
    assert_non_null(fleet_access_named(fleet, t.name));
    if (shows == SHOWS_REVOKED)
        fleet_forget(fleet, fleet_access_revoke(fleet, &t, &by, (struct waiter){0}));
    fleet_on_store(fleet);
}

static void make_tokens(void)
{
    make_token(SHOWS_VIEWER, "viewer", ACCESS_VIEWER, 0);
    make_token(SHOWS_OPERATOR, "operator", ACCESS_OPERATOR, wall_ms() + 1);
    make_token(SHOWS_ADMIN, "admin", ACCESS_ADMIN, wall_ms() + 1);
    make_token(SHOWS_ENDED, "ended", ACCESS_ADMIN, wall_ms());
    make_token(SHOWS_REVOKED, "revoked", ACCESS_ADMIN, 0);
}

static void prepare(int listener, int method)
{
    leave();
    arena_init(&x.arena, 8192);
    buf_init(&x.body, 1 << 20);
    x.in.method = (enum exchange_method)method;
    x.in.listener = (enum exchange_listener)listener;
    x.in.body = STR("");
    x.in.host = STR("localhost:8080");
    address_parse(STR("10.0.10.7"), &x.in.peer);
}

/* By the operator's token. */
static void sign_in(int listener)
{
    prepare(listener, METHOD_POST);
    x.in.path = STR("/ui/session");
    x.in.body = arena_printf(&x.arena, "{\"token\": \"%s\"}", tokens[SHOWS_OPERATOR]);
    exchange_begin(&x, core_port(core));
    assert_int_equal(exchange_step(&x), EXCHANGE_DONE);
    assert_int_equal(x.out.status, 200);
    struct str rest = str_from(x.out.headers->value), value = str_cut(&rest, ';');
    snprintf(opened[listener].cookie, sizeof(opened[listener].cookie), "%.*s", STR_ARG(value));
    struct value body;
    struct err e;
    assert_int_equal(json_read(x.out.body, &x.arena, &body, &e), 0);
    value = value_get_text(body, STR("csrf"));
    snprintf(opened[listener].csrf, sizeof(opened[listener].csrf), "%.*s", STR_ARG(value));
}

static int start(void **state)
{
    static const struct core_host host = {.wall_ms = wall_ms};
    (void)state;
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml", "name: lab\nurl: http://u\nevidence: [name]\n");
    tmptree_put(&files, "seed/roles/r.yaml", "r: {}\n");
    tmptree_put(&files, "seed/nodes/n.yaml", "n1: {role: r}\n");
    fleet = openfleet_start();
    core = core_new(snapshot_new(tmptree_load(&files), &secrets), fleet, NULL, &host);
    struct keyer *k = keyer_new(&secrets.list[0]);
    keyer_seed_key(k, STR("n1"), 1, node_key);
    keyer_free(k);
    change((struct change){.kind = CHANGE_ARM, .arm = {100000, STR("join"), STR(WINDOW_KEY)}});
    make_tokens();
    sign_in(LISTENER_ADMIN);
    sign_in(LISTENER_PAGE);
    return 0;
}

static int end(void **state)
{
    (void)state;
    leave();
    core_free(core);
    fleet_close(fleet);
    tmptree_done(&files);
    return 0;
}

/* A path for "/s/{key}/{file}" with the key that the peer has. */
static struct str path_of(const char *pattern, enum shows shows, struct arena *a)
{
    const struct {
        const char *name, *text;
    } values[] = {
        {"{key}", shows == SHOWS_SEED_KEY     ? node_key
                  : shows == SHOWS_WINDOW_KEY ? WINDOW_KEY
                                              : WRONG_KEY},
        {"{file}", "meta-data"},
        {"{evidence}", "name"},
        {"{kind}", "name"},
        {"{value}", "n1"},
        {"{asset}", "x"},
        {"{name}", "n1"},
        {"{document}", "user-data"},
    };
    struct str path = {"", 0};
    while (*pattern) {
        size_t literal = strcspn(pattern, "{"), i = 0;
        path = ARENA_JOIN(a, path, (struct str){pattern, literal});
        pattern += literal;
        if (!*pattern)
            break;
        while (strncmp(pattern, values[i].name, strlen(values[i].name)) != 0)
            assert_true(++i < sizeof(values) / sizeof(values[0]));
        path = ARENA_JOIN(a, path, str_from(values[i].text));
        pattern += strlen(values[i].name);
    }
    return path;
}

/* All that rows with this pattern answer to on that listener. */
static unsigned methods_on(const char *pattern, int listener)
{
    const struct route *r;
    unsigned methods = 0;
    for (size_t i = 0; (r = route_at(i)); i++) {
        if (strcmp(r->pattern, pattern) == 0 && r->listeners & 1U << listener)
            methods |= r->methods;
    }
    return methods;
}

static bool is_session(enum shows shows)
{
    return shows == SHOWS_COOKIE || shows == SHOWS_SESSION || shows == SHOWS_FOREIGN;
}

static void begin(const struct route *r, int listener, int method, enum shows shows)
{
    int began = listener == LISTENER_PAGE ? LISTENER_PAGE : LISTENER_ADMIN;
    prepare(listener, method);
    x.in.path = path_of(r->pattern, shows, &x.arena);
    x.in.principal.kind = shows == SHOWS_SOCKET ? PRINCIPAL_SOCKET : PRINCIPAL_NONE;
    if (tokens[shows][0])
        x.in.bearer = str_from(tokens[shows]);
    if (is_session(shows))
        x.in.cookie = str_from(opened[began].cookie);
    if (shows == SHOWS_SESSION || shows == SHOWS_FOREIGN)
        x.in.csrf = str_from(opened[began].csrf);
    if (shows == SHOWS_FOREIGN)
        x.in.fetch_site = STR("cross-site");
    exchange_begin(&x, core_port(core));
}

static bool wants_node(const struct route *r)
{
    return r->identity != IDENTITY_NONE && r->identity != IDENTITY_ADMIN &&
           r->identity != IDENTITY_SESSION;
}

#define ON_BROWSERS (ON(ADMIN) | ON(PAGE))

/* What a row of admins answers them before its function does; 0: it may. */
static int refusal(const struct route *r, int listener, enum shows shows)
{
    static const int levels[SHOWS_COUNT] = {
        [SHOWS_VIEWER] = ACCESS_VIEWER + 1,   [SHOWS_OPERATOR] = ACCESS_OPERATOR + 1,
        [SHOWS_ADMIN] = ACCESS_ADMIN + 1,     [SHOWS_SOCKET] = ACCESS_ADMIN + 1,
        [SHOWS_COOKIE] = ACCESS_OPERATOR + 1, [SHOWS_SESSION] = ACCESS_OPERATOR + 1,
        [SHOWS_FOREIGN] = ACCESS_OPERATOR + 1};
    if (!levels[shows] || (r->identity == IDENTITY_SESSION && !is_session(shows)) ||
        (is_session(shows) && !(ON_BROWSERS & 1U << listener)) ||
        (shows == SHOWS_SOCKET && listener == LISTENER_PAGE))
        return 401;
    if (shows == SHOWS_FOREIGN || shows == SHOWS_COOKIE)
        return 403;
    return levels[shows] > (int)r->access ? 0 : 403;
}

/* Whoever shows nothing, or too many wrong tokens before. */
static void check_refusal(const struct route *r, int listener, enum shows shows)
{
    int status = refusal(r, listener, shows);
    bool is_late = x.out.status == 429 && tokens[shows][0];
    assert_true(x.out.status == status || (status == 401 && is_late));
    assert_int_equal(x.out.authenticate != NULL, x.out.status == 401);
    assert_int_equal(x.body_max_bytes, 0);
    if (status == 401 || shows == SHOWS_FOREIGN)
        assert_int_not_equal(x.in.principal.kind, PRINCIPAL_TOKEN);
}

/* From elsewhere, a node's key is asked for beside a token. */
static bool wants_admin(const struct route *r, int listener)
{
    return r->identity == IDENTITY_ADMIN || r->identity == IDENTITY_SESSION ||
           (listener == LISTENER_ADMIN && r->identity != IDENTITY_NONE);
}

static bool has_key(enum shows shows)
{
    return shows == SHOWS_SEED_KEY || shows == SHOWS_WINDOW_KEY;
}

/* By a key, or by evidence in a window that is open. */
static void check_node(const struct route *r, enum shows shows)
{
    bool known = r->identity == IDENTITY_EVIDENCE || has_key(shows);
    while (exchange_step(&x) == EXCHANGE_WAIT) {
        fleet_on_store(fleet);
        exchange_wake(&x);
    }
    assert_int_equal(x.out.status == 404, !known);
    if (known)
        assert_str(x.out.node, "n1");
    else
        assert_string_equal(x.out.event, "refused");
}

static void check_row(const struct route *r, int listener, int method, enum shows shows)
{
    unsigned methods = methods_on(r->pattern, listener);
    begin(r, listener, method, shows);
    if (!methods) {
        assert_int_equal(x.out.status, 404);
    } else if (!(methods & 1U << method)) {
        assert_int_equal(x.out.status, 405);
        assert_string_equal(x.out.allow, route_method_names(methods, &x.arena));
    } else if (!(r->methods & 1U << method)) {
        return; /* another row's turn */
    } else if (wants_admin(r, listener) && refusal(r, listener, shows)) {
        check_refusal(r, listener, shows);
    } else if (r->body_max_bytes && wants_node(r) && !has_key(shows)) {
        assert_int_equal(x.out.status, 404); /* before there is a body */
        assert_int_equal(x.body_max_bytes, 0);
    } else {
        assert_int_equal(x.out.status, 0);
        assert_int_equal(x.body_max_bytes, r->body_max_bytes);
        if (wants_node(r))
            check_node(r, shows);
    }
}

static void every_row(void **state)
{
    const struct route *r;
    size_t rows = 0;
    (void)state;
    for (; (r = route_at(rows)); rows++) {
        for (int listener = LISTENER_BOOT; listener < LISTENER_TFTP; listener++) {
            for (int method = METHOD_GET; method <= METHOD_OTHER; method++) {
                for (int shows = 0; shows < SHOWS_COUNT; shows++)
                    check_row(r, listener, method, (enum shows)shows);
            }
        }
    }
    assert_true(rows > 20);
}

static bool is_folder(struct str path)
{
    return path.n && path.p[path.n - 1] == '/';
}

/* Only GET comes from there, and what no other row takes is the name of an asset, if it can be one.
 */
static void every_row_by_tftp(void **state)
{
    const struct route *r;
    (void)state;
    for (size_t i = 0; (r = route_at(i)); i++) {
        begin(r, LISTENER_TFTP, METHOD_GET, SHOWS_SEED_KEY);
        assert_int_equal(x.out.status, is_folder(x.in.path) ? 404 : 0);
        if (x.out.status)
            continue;
        const struct request_ctx *rq = x.core;
        bool is_own = r->listeners & ON(TFTP);
        assert_string_equal(rq->route->pattern, is_own ? r->pattern : "/{asset}");
    }
}

/* What a listener that is open to the network must never serve. */
static void only_admins_reach_the_api(void **state)
{
    const struct route *r;
    (void)state;
    for (size_t i = 0; (r = route_at(i)); i++) {
        bool is_api = strncmp(r->pattern, "/v1/", 4) == 0 || strcmp(r->pattern, "/metrics") == 0;
        bool is_page = strncmp(r->pattern, "/ui", 3) == 0 || strcmp(r->pattern, "/") == 0;
        assert_int_equal(is_api, r->identity == IDENTITY_ADMIN);
        if (strcmp(r->pattern, "/v1/ui/relay") == 0)
            assert_int_equal(r->listeners, ON(SOCKET));
        else if (strcmp(r->pattern, "/metrics") == 0)
            assert_int_equal(r->listeners, ON(ADMIN) | ON(SOCKET));
        else if (is_api)
            assert_int_equal(r->listeners, ON(ADMIN) | ON(SOCKET) | ON(PAGE));
        else if (is_page)
            assert_int_equal(r->listeners, ON_BROWSERS);
        else if (r->listeners & ON(PAGE))
            assert_int_equal(r->identity, IDENTITY_NONE);
        else if (r->listeners & ON(ADMIN))
            assert_true(r->identity == IDENTITY_NONE || r->identity == IDENTITY_SEED_KEY);
        assert_true(is_page || r->identity != IDENTITY_SESSION);
    }
}

/* Whoever only looks changes nothing and gets no key; what cannot be undone, and who is trusted, is
 * for those who may do everything. */
static void every_change_takes_more_than_a_viewer(void **state)
{
    static const char *const for_admins[] = {"rekey", "unlock", "accept-keys", "clusters/{name}/",
                                             "/ca/",  "backup", "acknowledge", "tokens"};
    const struct route *r;
    (void)state;
    for (size_t i = 0; (r = route_at(i)); i++) {
        bool is_admins = false;
        if (r->identity != IDENTITY_ADMIN)
            continue;
        for (size_t j = 0; j < sizeof(for_admins) / sizeof(for_admins[0]); j++)
            is_admins |= strstr(r->pattern, for_admins[j]) != NULL;
        if (strstr(r->pattern, "/v1/ui/")) /* whoever may sign in by a token may so by a code */
            assert_int_equal(r->access, ACCESS_VIEWER);
        else if (r->methods != METHODS_READ)
            assert_int_equal(r->access, is_admins ? ACCESS_ADMIN : ACCESS_OPERATOR);
        if (strstr(r->pattern, "serial") || strstr(r->pattern, "{document}"))
            assert_int_equal(r->access, ACCESS_OPERATOR);
    }
}

static size_t audited(const char *kind, const char *who, struct str what)
{
    struct store_query q = {.journal = STORE_AUDIT, .limit = STORE_PAGE_MAX};
    struct fleet_result r;
    struct arena a;
    size_t n = 0;
    q.kind = str_from(kind);
    q.who = str_from(who);
    arena_init(&a, 65536);
    openfleet_passed_ms += 1000;
    fleet_on_alarm(fleet);
    fleet_on_store(fleet);
    struct slot_ref ticket = fleet_events(fleet, &q, (struct waiter){0});
    fleet_on_store(fleet);
    fleet_take(fleet, ticket, &a, &r);
    assert_non_null(r.page);
    for (size_t i = 0; i < r.page->n; i++) {
        struct str bytes = r.page->entries[i].event.bytes;
        n += memmem(bytes.p, bytes.n, what.p, what.n) != NULL;
    }
    arena_done(&a);
    return n;
}

static void ask(const struct route *r, int method, enum shows shows)
{
    begin(r, LISTENER_ADMIN, method, shows);
    leave();
}

/* Whoever changes something, or is not let, is in the audit, even if it leaves before the answer.
 */
static void every_change_is_audited(void **state)
{
    const struct route *r;
    (void)state;
    for (size_t i = 0; (r = route_at(i)); i++) {
        if (r->identity != IDENTITY_ADMIN || !(r->listeners & ON(ADMIN)))
            continue;
        struct arena a;
        int method = r->methods == METHODS_READ ? METHOD_GET : __builtin_ctz(r->methods);
        arena_init(&a, 512);
        struct str what = arena_printf(&a, "\"%s %.*s\"", route_method_names(1U << method, &a),
                                       STR_ARG(path_of(r->pattern, SHOWS_ADMIN, &a)));
        ask(r, method, SHOWS_ADMIN);
        ask(r, method, SHOWS_VIEWER);
        ask(r, method, SHOWS_NOTHING);
        bool is_secret = r->methods != METHODS_READ || r->access == ACCESS_OPERATOR;
        assert_int_equal(audited("admin", "token admin", what), is_secret);
        assert_int_equal(audited("refused", "token viewer", what), r->access != ACCESS_VIEWER);
        assert_true(audited("refused", "", what) >= 1);
        arena_done(&a);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(every_row), TEST(every_row_by_tftp), TEST(only_admins_reach_the_api),
          TEST(every_change_is_audited), TEST(every_change_takes_more_than_a_viewer))
