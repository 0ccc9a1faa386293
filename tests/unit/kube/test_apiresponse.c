/* SPDX-License-Identifier: Apache-2.0 */
/* The answers in tests/golden/kube/ are those of a real API server, 1.20.2, to our requests. */
#include "lib/unit.h"

#include "base/clock.h"
#include "kube/apiresponse.h"

#include "golden.h"

#include <errno.h>

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct str answer(const char *name)
{
    return golden_text(&arena, arena_printf(&arena, "kube/%s", name).p);
}

static void failure(const char *name, const char *reason, const char *message)
{
    struct apiresponse_failure f = apiresponse_failure(answer(name), &arena);
    assert_str_equal(f.reason, str_from(reason));
    assert_contains(arena_str(&arena, f.message).p, message);
}

static void failures_say_why(void **state)
{
    (void)state;
    failure("400-secret.json", "BadRequest", "the object provided is unrecognized");
    failure("401-secret.json", "Unauthorized", "Unauthorized");
    failure("403-secret.json", "Forbidden", "cannot create resource \"secrets\"");
    failure("404-configmap.json", "NotFound", "configmaps \"nothing\" not found");
    failure("409-secret.json", "AlreadyExists", "\"bootstrap-token-cs4xk2\" already exists");
    failure("409-approval.json", "Conflict", "the object has been modified");
    failure("422-secret.json", "Invalid", "Secret \"Bootstrap_Token\" is invalid");
    failure("422-token.json", "Invalid", "may not specify a duration less than 10 minutes");
    failure("429.txt", "", "Too many requests, please try again later.");
}

/* A proxy's page, or nothing at all; and a Status that is none. */
static void failures_of_others(void **state)
{
    (void)state;
    struct apiresponse_failure f =
        apiresponse_failure(STR("\n <html>\r\n<head>502 Bad Gateway</head>\n"), &arena);
    assert_str(f.message, "<html>");
    assert_str(f.reason, "");
    assert_str(apiresponse_failure(STR(""), &arena).message, "");
    assert_str(apiresponse_failure((struct str){NULL, 0}, &arena).message, "");
    f = apiresponse_failure(STR("{\"kind\": \"Status\", \"message\": 7, \"reason\": null}"),
                            &arena);
    assert_str(f.message, "");
    assert_str(f.reason, "");
    char *long_text = arena_alloc(&arena, 600);
    memset(long_text, 'x', 600);
    assert_int_equal(apiresponse_failure((struct str){long_text, 600}, &arena).message.n, 512);
}

static void retry_after(void **state)
{
    (void)state;
    assert_int_equal(apiresponse_retry_after(STR("1")), 1);
    assert_int_equal(apiresponse_retry_after(STR(" 30 ")), 30);
    assert_int_equal(apiresponse_retry_after(STR("301")), 300);
    assert_int_equal(apiresponse_retry_after(STR("99999999999999999999")), 0);
    assert_int_equal(apiresponse_retry_after(STR("Wed, 21 Oct 2026 07:28:00 GMT")), 0);
    assert_int_equal(apiresponse_retry_after((struct str){NULL, 0}), 0);
}

static void versions(void **state)
{
    (void)state;
    struct kubeversion version;
    struct err e;
    assert_int_equal(apiresponse_version(answer("version.json"), &arena, &version, &e), 0);
    assert_true(version.major == 1 && version.minor == 20 && version.patch == 2);
    assert_int_equal(apiresponse_version(STR("{}"), &arena, &version, &e), -EINVAL);
    assert_contains(e.msg, "names no version");
    assert_int_equal(apiresponse_version(STR("[1]"), &arena, &version, &e), -EINVAL);
    assert_contains(e.msg, "not a JSON object");
    struct str odd = STR("{\"gitVersion\": \"1.29\\n- injected\"}");
    assert_int_equal(apiresponse_version(odd, &arena, &version, &e), -EINVAL);
    assert_int_equal(version.minor, 20);
}

static enum apiresponse_signature signature(struct str body, struct str token)
{
    struct apiresponse_info info;
    assert_int_equal(apiresponse_cluster_info(body, &arena, &info, NULL), 0);
    return apiresponse_signature(&info, token);
}

static void cluster_info_vouches_for_tokens(void **state)
{
    (void)state;
    struct str body = answer("200-cluster-info.json");
    struct apiresponse_info info;
    struct err e;
    assert_int_equal(apiresponse_cluster_info(body, &arena, &info, &e), 0);
    assert_int_equal(info.n, 3);
    assert_true(apiresponse_has(&info, STR("cs4xk2")) && apiresponse_has(&info, STR("abcdef")));
    assert_false(apiresponse_has(&info, STR("cs4xk9")));
    assert_int_equal(signature(body, STR("cs4xk2.0f8r7q2m5n1w9t3z")), APIRESPONSE_SIGNED);
    assert_int_equal(signature(body, STR("abcdef.0123456789abcdef")), APIRESPONSE_SIGNED);
    assert_int_equal(signature(body, STR("cs4xk2.0f8r7q2m5n1w9t3y")), APIRESPONSE_FOREIGN);
    assert_int_equal(signature(body, STR("cs4xk9.0f8r7q2m5n1w9t3z")), APIRESPONSE_UNSIGNED);
    assert_int_equal(signature(STR("{\"kind\": \"ConfigMap\"}"), STR("cs4xk2.0f8r7q2m5n1w9t3z")),
                     APIRESPONSE_UNSIGNED);
    struct str odd = STR("{\"kind\": \"ConfigMap\", \"data\": {\"jws-kubeconfig-\": 1}}");
    assert_int_equal(apiresponse_cluster_info(odd, &arena, &info, &e), 0);
    assert_int_equal(info.n, 0);
    assert_int_equal(apiresponse_cluster_info(answer("404-configmap.json"), &arena, &info, &e),
                     -EINVAL);
    assert_contains(e.msg, "not of kind ConfigMap");
}

static void tokens_have_an_end(void **state)
{
    (void)state;
    struct apiresponse_token t;
    struct err e;
    assert_int_equal(apiresponse_renewed(answer("201-token.json"), &arena, &t, NULL), 0);
    assert_true(str_starts(t.token, STR("eyJ")));
    struct value golden = golden_json(&arena, "kube/201-token.json");
    int64_t end;
    assert_true(clock_read_text(
        value_get_text(value_get(golden, STR("status")), STR("expirationTimestamp")), &end));
    assert_int_equal(t.end_wall_ms, end);
    static const char *const wrong[] = {
        "{\"kind\": \"TokenRequest\"}",
        "{\"kind\": \"TokenRequest\", \"status\": {\"token\": \"sEcReT\"}}",
        "{\"kind\": \"TokenRequest\", \"status\": {\"token\": \"sEcReT\","
        " \"expirationTimestamp\": \"soon\"}}",
        "{\"kind\": \"TokenReview\", \"status\": {\"token\": \"sEcReT\","
        " \"expirationTimestamp\": \"2026-11-22T10:25:23Z\"}}",
        "sEcReT"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(apiresponse_renewed(str_from(wrong[i]), &arena, &t, &e), -EINVAL);
        assert_null(strstr(e.msg, "sEcReT"));
    }
}

static void lists_come_in_pages(void **state)
{
    (void)state;
    struct apiresponse_list l;
    assert_int_equal(apiresponse_list(answer("200-nodes.json"), &arena, &l, NULL), 0);
    assert_int_equal(l.n, 2);
    assert_str(l.next, "");
    assert_true(l.version.n > 0);
    assert_int_equal(apiresponse_list(answer("200-nodes-page.json"), &arena, &l, NULL), 0);
    assert_int_equal(l.n, 1);
    assert_true(str_starts(l.next, STR("eyJ2")));
    assert_int_equal(
        apiresponse_list(
            STR("{\"kind\": \"NodeList\", \"metadata\": {\"resourceVersion\": \"7\"}, \"items\": "
                "null}"),
            &arena, &l, NULL),
        0);
    assert_int_equal(l.n, 0);
    assert_str(l.version, "7");
    assert_int_equal(apiresponse_list(answer("403-secret.json"), &arena, &l, NULL), -EINVAL);
    assert_int_equal(
        apiresponse_list(STR("{\"kind\": \"NodeList\", \"items\": []}"), &arena, &l, NULL),
        -EINVAL);
}

static bool autoapproves(struct str body)
{
    bool is;
    assert_int_equal(apiresponse_autoapproves(body, &arena, &is, NULL), 0);
    return is;
}

static void sees_who_approves(void **state)
{
    (void)state;
    assert_true(autoapproves(answer("200-autoapprove.json")));
    assert_false(autoapproves(answer("200-autoapprove-hardened.json")));
    assert_false(autoapproves(STR("{\"kind\": \"ClusterRoleBinding\", \"subjects\": null}")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(failures_say_why), TEST(failures_of_others), TEST(retry_after), TEST(versions),
          TEST(cluster_info_vouches_for_tokens), TEST(tokens_have_an_end),
          TEST(lists_come_in_pages), TEST(sees_who_approves))
