/* SPDX-License-Identifier: Apache-2.0 */
/* The description of the operations, and the table of routes. */
#include "lib/unit.h"

#include "base/json.h"
#include "core/internal.h"
#include "core/openapi.h"

static struct arena arena;
static struct value doc;

static int start(void **state)
{
    static const struct openapi_urls urls = {{"http://boot", 11}, {"https://node", 12}};
    (void)state;
    arena_init(&arena, 8192);
    doc = openapi_document(&urls, &arena);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct value operation(const char *path, const char *method)
{
    struct value item = value_get(value_get(doc, STR("paths")), str_from(path));
    return value_get(item, str_from(method));
}

/* What people enter for /ui/index.html: redirections, and a path that ends in a slash. */
static bool is_for_browsers(const char *pattern)
{
    return strcmp(pattern, "/") == 0 || strcmp(pattern, "/ui") == 0 || strcmp(pattern, "/ui/") == 0;
}

static void every_row_is_described(void **state)
{
    static const char *const names[] = {"get", NULL, "post", "put", "patch", "delete"};
    const struct route *r;
    (void)state;
    for (size_t i = 0; (r = route_at(i)); i++) {
        if (r->listeners == ON(TFTP) || is_for_browsers(r->pattern))
            continue;
        for (unsigned m = 0; m < METHOD_OTHER; m++) {
            if (names[m] && r->methods & 1U << m &&
                operation(r->pattern, names[m]).kind != VALUE_MAP)
                fail_msg("src/core/openapi.json has no %s %s", names[m], r->pattern);
        }
    }
}

static void every_operation_has_a_row(void **state)
{
    struct value paths = value_get(doc, STR("paths"));
    (void)state;
    assert_true(paths.n > 40);
    for (uint32_t i = 0; i < paths.n; i++) {
        struct value item = paths.pairs[i].value;
        for (uint32_t j = 0; j < item.n; j++) {
            if (item.pairs[j].value.kind == VALUE_MAP &&
                !value_get_text(item.pairs[j].value, STR("x-cloudseed-identity")).n)
                fail_msg("no route for %s %s", item.pairs[j].key.s, paths.pairs[i].key.s);
        }
    }
}

static void assert_json(struct value v, const char *json)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    assert_true(json_write(&b, v, false));
    assert_str_equal(buf_view(&b), str_from(json));
    buf_done(&b);
}

static void check_statuses(struct value op, const char *statuses)
{
    struct value all = value_get(op, STR("responses"));
    struct str rest = str_from(statuses);
    uint32_t n = 0;
    for (; rest.p; n++)
        assert_int_equal(value_get(all, str_cut(&rest, ' ')).kind, VALUE_MAP);
    assert_int_equal(all.n, n);
}

static void admins_show_a_token(void **state)
{
    struct value op = operation("/v1/nodes/{name}/arm", "post");
    (void)state;
    assert_json(value_get(op, STR("security")), "[{\"token\":[]},{\"session\":[]}]");
    assert_json(value_get(op, STR("x-cloudseed-listeners")), "[\"admin\",\"socket\",\"page\"]");
    assert_str(value_get_text(op, STR("x-cloudseed-role")), "operator");
    assert_int_equal(value_get(op, STR("x-cloudseed-body-max-bytes")).i, ADMIN_BODY_MAX_BYTES);
    assert_int_equal(value_get(op, STR("servers")).kind, VALUE_UNDEFINED);
    check_statuses(op, "200 400 401 403 404 409 412 413 415 429 503");
    check_statuses(operation("/v1/self", "get"), "200 304 400 401 429 503");
    check_statuses(operation("/metrics", "get"), "200 400 401 429 503");
}

static void machines_are_answered_elsewhere(void **state)
{
    struct value op = operation("/boot.ipxe", "get");
    (void)state;
    assert_json(value_get(op, STR("security")), "[]");
    assert_json(value_get(op, STR("servers")), "[{\"url\":\"http://boot\"}]");
    op = operation("/s/{key}/bootstrap", "post");
    assert_json(value_get(op, STR("security")), "[{\"joinKey\":[]}]");
    assert_json(value_get(op, STR("servers")), "[{\"url\":\"https://node\"}]");
    check_statuses(op, "200 400 403 404 409 410 413 503");
}

static void refusals_of_programs_are_problems(void **state)
{
    struct value problem = operation("/v1/self", "get"), line = operation("/boot.ipxe", "get");
    (void)state;
    assert_json(value_get(value_get(problem, STR("responses")), STR("401")),
                "{\"description\":\"No token, or one that is not valid\",\"content\":"
                "{\"application/problem+json\":{\"schema\":"
                "{\"$ref\":\"#/components/schemas/Problem\"}}},\"headers\":"
                "{\"WWW-Authenticate\":{\"$ref\":\"#/components/headers/WWW-Authenticate\"}}}");
    assert_json(value_get(value_get(line, STR("responses")), STR("500")),
                "{\"description\":\"The script cannot be rendered: the server's log says where\","
                "\"content\":{\"text/plain\":{\"schema\":{\"type\":\"string\"}}}}");
}

static void paths_have_their_parameters(void **state)
{
    struct value paths = value_get(doc, STR("paths"));
    struct value item = value_get(paths, STR("/nocloud/{evidence}/{value}/{file}"));
    (void)state;
    assert_json(value_get(item, STR("parameters")),
                "[{\"$ref\":\"#/components/parameters/evidence\"},"
                "{\"$ref\":\"#/components/parameters/value\"},"
                "{\"$ref\":\"#/components/parameters/file\"}]");
    assert_int_equal(value_get(value_get(paths, STR("/v1/self")), STR("parameters")).kind,
                     VALUE_UNDEFINED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(every_row_is_described), TEST(every_operation_has_a_row), TEST(admins_show_a_token),
          TEST(machines_are_answered_elsewhere), TEST(refusals_of_programs_are_problems),
          TEST(paths_have_their_parameters))
