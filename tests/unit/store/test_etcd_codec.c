/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to etcd's gateway, byte for byte, and answers that etcd 3.4.23 has given to them. */
#include "lib/unit.h"

#include "base/fs.h"
#include "store/etcd/codec.h"
#include "store/etcd/layout.h"

#include <errno.h>
#include <stdlib.h>

#define PREFIX STR("/cloudseed/")

static struct arena arena;

static int begin(void **state)
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

static const char *path_of(const char *name)
{
    const char *source = getenv("CLOUDSEED_SOURCE");
    return arena_printf(&arena, "%s/tests/golden/etcd/%s", source ? source : ".", name).p;
}

static struct str golden(const char *name)
{
    struct str text = {0};
    struct err e = {0};
    if (fs_read(path_of(name), 1 << 20, &arena, &text, &e) < 0)
        fail_msg("%s", e.msg);
    return text;
}

static void expect_golden(const char *name, struct str got)
{
    if (getenv("CLOUDSEED_REWRITE"))
        assert_int_equal(fs_replace(path_of(name), got, 0644, NULL), 0);
    assert_str_equal(got, golden(name));
}

static struct codec_answer answer_of(const char *name)
{
    struct codec_answer answer = {0};
    struct err e = {0};
    if (codec_read(golden(name), PREFIX, &arena, &answer, &e) < 0)
        fail_msg("%s", e.msg);
    return answer;
}

/* --- Requests --------------------------------------------------------------------------------- */

static struct layout_head a_head(void)
{
    return (struct layout_head){
        .fleet = STR("9c1f"), .revision = 7, .last = {12, 3}, .writer = STR("5b0e"), .sequence = 4};
}

static struct str a_batch(void)
{
    static const struct store_entry entries[] = {
        {11, 6, {1700000000000, STR("web"), STR("x"), STR("{\"step\":\"a\"}"), STR("")}},
        {12, 7, {-5, STR(""), STR("k\xc3\xb6"), STR("\0\n\xff"), STR("uid 0")}},
    };
    static struct buf batch;
    buf_done(&batch);
    buf_init(&batch, 4096);
    layout_entry(&batch, &entries[0]);
    layout_entry(&batch, &entries[1]);
    struct str copy = arena_str(&arena, buf_view(&batch));
    buf_done(&batch);
    return copy;
}

static void test_requests(void **state)
{
    (void)state;
    const uint64_t removed[STORE_CLASSES] = {10, 0, 2, 0, 0};
    const struct layout_head head = a_head();
    const struct codec_op ops[] = {
        {false, STR(LAYOUT_HEAD), layout_head(&arena, &head)},
        {false, layout_record_key(&arena, STR("node"), STR("web")),
         layout_record(&arena, 7, STR("{\"state\":\"up\"}"))},
        {true, layout_record_key(&arena, STR("node"), STR("old")), STR("")},
        {false, layout_batch_key(&arena, STORE_CHANGE, 11), a_batch()},
        {false, layout_removed_key(&arena, STR("web")), layout_removed(&arena, removed)},
    };
    expect_golden("request-txn.json", codec_txn(&arena, PREFIX, STR(LAYOUT_HEAD), 0, ops, 5));
    expect_golden("request-page.json",
                  codec_page(&arena, PREFIX, STR(LAYOUT_RECORDS), STR(""), 200));
    expect_golden("request-next-page.json",
                  codec_page(&arena, PREFIX, STR(LAYOUT_RECORDS), STR("record/node\0web"), 1));
    expect_golden("request-get.json", codec_get(&arena, PREFIX, STR(LAYOUT_HEAD)));
    expect_golden("request-authenticate.json",
                  codec_authenticate(&arena, STR("cloudseed"), STR("pass \"word\"")));
}

/* --- Values ----------------------------------------------------------------------------------- */

static void test_values(void **state)
{
    (void)state;
    const struct layout_head head = a_head();
    const uint64_t removed[STORE_CLASSES] = {10, 0, 2, 0, 0};
    expect_golden("head.json", layout_head(&arena, &head));
    expect_golden("record", layout_record(&arena, 7, STR("{\"state\":\"up\"}")));
    expect_golden("batch", a_batch());
    expect_golden("removed", layout_removed(&arena, removed));
    assert_str(layout_batch_key(&arena, STORE_REFUSED, 0x1f), "journal/refused/000000000000001f");
}

static void test_head_is_read(void **state)
{
    (void)state;
    struct layout_head head = {0};
    struct err e = {0};
    assert_int_equal(layout_read_head(golden("head.json"), &arena, &head, &e), 0);
    assert_str(head.fleet, "9c1f");
    assert_str(head.writer, "5b0e");
    assert_int_equal(head.revision, 7);
    assert_int_equal(head.last[STORE_EVENTS], 12);
    assert_int_equal(head.last[STORE_AUDIT], 3);
    assert_int_equal(head.sequence, 4);
    assert_int_equal(layout_read_head(STR("{\"format\":2}"), &arena, &head, &e), -EPROTONOSUPPORT);
    assert_contains(e.msg, "update cloudseed");
    assert_int_equal(layout_read_head(STR("{\"format\":1}"), &arena, &head, &e), -EBADMSG);
    assert_int_equal(layout_read_head(STR("x"), &arena, &head, &e), -EBADMSG);
}

static void test_record_is_read(void **state)
{
    (void)state;
    struct store_record r = {0};
    struct err e = {0};
    const struct str key = STR("record/node\0web");
    assert_int_equal(layout_read_record(key, golden("record"), &r, &e), 0);
    assert_str(r.kind, "node");
    assert_str(r.key, "web");
    assert_str(r.bytes, "{\"state\":\"up\"}");
    assert_int_equal(r.revision, 7);
    assert_int_equal(layout_read_record(key, STR("7\n"), &r, &e), 0);
    assert_int_equal(r.bytes.n, 0);
    assert_int_equal(layout_read_record(key, STR("7"), &r, &e), -EBADMSG);
    assert_int_equal(layout_read_record(key, STR("0\n"), &r, &e), -EBADMSG);
    assert_int_equal(layout_read_record(STR("record/node/web"), STR("7\n"), &r, &e), -EBADMSG);
    assert_int_equal(layout_read_record(STR("recorn/node\0web"), STR("7\n"), &r, &e), -EBADMSG);
    assert_contains(e.msg, "was not written by cloudseed");
}

static void test_batch_is_read(void **state)
{
    (void)state;
    struct str batch = golden("batch");
    struct store_entry x = {0};
    enum store_class class;
    uint64_t first;
    assert_int_equal(layout_read_entry(&batch, &x, NULL), 0);
    assert_int_equal(x.id, 11);
    assert_int_equal(x.revision, 6);
    assert_str(x.event.node, "web");
    assert_str(x.event.kind, "x");
    assert_str(x.event.bytes, "{\"step\":\"a\"}");
    assert_int_equal(layout_read_entry(&batch, &x, NULL), 0);
    assert_int_equal(x.event.at_ms, -5);
    assert_str(x.event.who, "uid 0");
    assert_str(x.event.bytes, "\0\n\xff");
    assert_int_equal(batch.n, 0);
    static const char *const bad[] = {"",
                                      "1",
                                      "1 1 1 1 0 0 0\n",
                                      "0 1 1 0 0 0 0\n\n",
                                      "1 1 1 0 0 0 0\nx",
                                      "1 1 - 0 0 0 0\n\n",
                                      "1 1 1 0 0 0 2\n\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        batch = str_from(bad[i]);
        assert_int_equal(layout_read_entry(&batch, &x, NULL), -EBADMSG);
    }
    assert_int_equal(
        layout_read_batch_key(STR("journal/refused/000000000000001f"), &class, &first, NULL), 0);
    assert_int_equal(class, STORE_REFUSED);
    assert_int_equal(first, 31);
    assert_int_equal(
        layout_read_batch_key(STR("journal/other/000000000000001f"), &class, &first, NULL),
        -EBADMSG);
    assert_int_equal(layout_read_batch_key(STR("journal/refused/1f"), &class, &first, NULL),
                     -EBADMSG);
}

static void test_removed_is_read(void **state)
{
    (void)state;
    uint64_t removed[STORE_CLASSES];
    struct str node;
    assert_int_equal(
        layout_read_removed(STR("removed/web"), golden("removed"), &node, removed, NULL), 0);
    assert_str(node, "web");
    assert_int_equal(removed[STORE_CHANGE], 10);
    assert_int_equal(removed[STORE_BY_ADMIN], 2);
    assert_int_equal(layout_read_removed(STR("removed/"), golden("removed"), &node, removed, NULL),
                     0);
    assert_int_equal(node.n, 0);
    assert_int_equal(layout_read_removed(STR("removed/"), STR("1 2 3\n"), &node, removed, NULL),
                     -EBADMSG);
    assert_int_equal(
        layout_read_removed(STR("removed/"), STR("1 2 3 4 5 6\n"), &node, removed, NULL), -EBADMSG);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void test_answers(void **state)
{
    (void)state;
    struct codec_answer a = answer_of("200-txn.json");
    assert_true(a.succeeded);
    assert_int_equal(a.revision, 2);
    a = answer_of("200-txn-not-done.json"); /* the same request again: the head is there by now */
    assert_false(a.succeeded);
    assert_int_equal(a.n, 1);
    assert_str(a.kvs[0].key, "head");
    assert_str_equal(a.kvs[0].value, golden("head.json"));
    assert_int_equal(a.kvs[0].mod_revision, 2);
    a = answer_of("200-page.json");
    assert_int_equal(a.n, 1);
    assert_false(a.more);
    assert_str(a.kvs[0].key, "record/node\0web");
    a = answer_of("200-page-more.json");
    assert_true(a.more);
    a = answer_of("200-page-empty.json");
    assert_int_equal(a.n, 0);
    assert_false(a.more);
    a = answer_of("200-authenticate.json");
    assert_true(a.token.n > 0);
}

static void test_answers_that_are_not_etcds(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"header\":{\"revision\":2}}",
        "{\"header\":{\"revision\":\"x\"}}",
        "{\"header\":{\"revision\":\"1\"},\"kvs\":1}",
        "{\"header\":{\"revision\":\"1\"},\"kvs\":[{}]}",
        "{\"header\":{\"revision\":\"1\"},\"kvs\":[{\"key\":\"Zm9v\"}]}", /* not below the prefix */
        "{\"header\":{\"revision\":\"1\"},\"kvs\":[{\"key\":\"L2Nsb3Vkc2VlZC9h\",\"value\":\"?\"}]"
        "}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct codec_answer answer;
        struct err e = {0};
        assert_int_equal(codec_read(str_from(bad[i]), PREFIX, &arena, &answer, &e), -EPROTO);
        assert_contains(e.msg, "the answer is not etcd's");
    }
}

static void expect_refusal(int status, const char *name, enum codec_refusal want, const char *says)
{
    struct err why = {0};
    assert_int_equal(codec_read_refusal(status, golden(name), &why), want);
    assert_contains(why.msg, says);
}

static void test_refusals(void **state)
{
    (void)state;
    expect_refusal(400, "400-no-user.json", CODEC_NO_TOKEN, "set user and password_file");
    expect_refusal(400, "400-wrong-password.json", CODEC_NO_RIGHTS, "check user and password_file");
    expect_refusal(400, "400-no-users.json", CODEC_NO_RIGHTS, "etcdctl auth enable");
    expect_refusal(400, "400-common-name.txt", CODEC_NO_RIGHTS, "must have no CN");
    expect_refusal(400, "400-too-many.json", CODEC_BAD_REQUEST, "too many operations");
    expect_refusal(401, "401-token.json", CODEC_NO_TOKEN, "invalid auth token");
    expect_refusal(403, "403-denied.json", CODEC_NO_RIGHTS, "readwrite on the prefix");
    expect_refusal(429, "429-space.json", CODEC_NO_SPACE, "disarm");
    expect_refusal(503, "503-no-quorum.json", CODEC_NO_LEADER, "request timed out");
    expect_refusal(503, "head.json", CODEC_NO_LEADER, "HTTP status 503");
    expect_refusal(404, "removed", CODEC_BAD_REQUEST, "3.4 or newer");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

UNIT_MAIN(TEST(test_requests), TEST(test_values), TEST(test_head_is_read),
          TEST(test_record_is_read), TEST(test_batch_is_read), TEST(test_removed_is_read),
          TEST(test_answers), TEST(test_answers_that_are_not_etcds), TEST(test_refusals))
