/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/fs.h"
#include "crypto/digest.h"
#include "crypto/keys.h"

#include <stdlib.h>

static struct secret secret_of(char kid, uint8_t first)
{
    struct secret s = {.kid = kid};
    for (size_t i = 0; i < SECRET_BYTES; i++)
        s.bytes[i] = (uint8_t)(first + i);
    return s;
}

static struct str key(const struct secret *s, struct str uid, uint32_t epoch)
{
    static char text[SEED_KEY_LEN + 1];
    struct keyer *k = keyer_new(s);
    keyer_seed_key(k, uid, epoch, text);
    keyer_free(k);
    assert_int_equal(strlen(text), SEED_KEY_LEN);
    return (struct str){text, SEED_KEY_LEN};
}

/* A line of the golden file: kid, secret, uid, epoch, key. */
static void check_line(struct str line)
{
    struct str kid = str_cut(&line, ' '), hex = str_cut(&line, ' '), uid = str_cut(&line, ' ');
    struct str epoch = str_cut(&line, ' ');
    char text[128];
    struct secrets s;
    uint64_t number;
    snprintf(text, sizeof(text), "%.*s:%.*s", STR_ARG(kid), STR_ARG(hex));
    assert_int_equal(secrets_parse(str_from(text), &s, NULL), 0);
    assert_true(str_to_u64(epoch, UINT32_MAX, &number));
    assert_str_equal(key(&s.list[0], uid, (uint32_t)number), line);
}

static void golden_keys(void **state)
{
    (void)state;
    const char *source = getenv("CLOUDSEED_SOURCE");
    struct arena a;
    struct str text;
    struct err e = {0};
    arena_init(&a, 4096);
    const char *path = arena_printf(&a, "%s/tests/golden/seed-keys.txt", source ? source : ".").p;
    if (fs_read(path, 65536, &a, &text, &e) < 0)
        fail_msg("%s", e.msg);
    unsigned lines = 0;
    while (text.p && text.n) {
        struct str line = str_cut(&text, '\n');
        if (line.n == 0 || line.p[0] == '#')
            continue;
        check_line(line);
        lines++;
    }
    arena_done(&a);
    assert_true(lines >= 10);
}

/* One keyer makes many keys, and none leaves a trace in the next. */
static void a_keyer_starts_afresh_each_time(void **state)
{
    (void)state;
    struct secret s = secret_of('a', 0);
    struct keyer *k = keyer_new(&s);
    char one[SEED_KEY_LEN + 1], other[SEED_KEY_LEN + 1], again[SEED_KEY_LEN + 1];
    keyer_seed_key(k, STR("k8s-master-1"), 0, one);
    keyer_seed_key(k, STR("k8s-worker-2"), 0, other);
    keyer_seed_key(k, STR("k8s-master-1"), 0, again);
    keyer_free(k);
    assert_string_equal(one, again);
    assert_string_not_equal(one, other);
    keyer_free(NULL);
}

static void everything_counts(void **state)
{
    (void)state;
    struct secret a = secret_of('a', 0), b = secret_of('a', 1);
    char first[SEED_KEY_LEN + 1];
    memcpy(first, key(&a, STR("n1"), 1).p, sizeof(first));
    assert_string_not_equal(first, key(&b, STR("n1"), 1).p);
    assert_string_not_equal(first, key(&a, STR("n1"), 2).p);
    assert_string_not_equal(first, key(&a, STR("n2"), 1).p);
    assert_string_not_equal(first, key(&a, STR("n"), 11).p); /* "n" "11" is not "n1" "1" */
}

static void form_of_a_key(void **state)
{
    (void)state;
    struct str good = STR("az6o3ywl5uymutxjnaezydi2qiq");
    assert_true(seed_key_valid(good));
    assert_true(seed_key_valid(STR("222222222222222222222222222")));
    assert_false(seed_key_valid((struct str){good.p, SEED_KEY_LEN - 1}));
    assert_false(seed_key_valid(STR("az6o3ywl5uymutxjnaezydi2qiqa")));
    assert_false(seed_key_valid(STR("")));
    assert_false(seed_key_valid(STR("Az6o3ywl5uymutxjnaezydi2qiq")));
    assert_false(seed_key_valid(STR("az6o3ywl5uymutxjnaezydi2qi1")));
    assert_false(seed_key_valid(STR("az6o3ywl5uymutxjnaezydi2qi8")));
    assert_false(seed_key_valid(STR("az6o3ywl5uymutxjnaezydi2qi=")));
    assert_false(seed_key_valid(STR("az6o3ywl5uymutxjnaezydi2qi/")));
    assert_false(seed_key_valid(STR("az6o3ywl5uymutxjnaezydi2qi\0")));
    assert_false(seed_key_valid(STR("az6o3ywl5uymutxjnaezydi2qi\xE1")));
}

/* docs/formats/tokens.md has the form, and the digest that is kept. */
static void tokens_of_admins(void **state)
{
    const char *source = getenv("CLOUDSEED_SOURCE");
    char one[ACCESS_TOKEN_LEN + 1], other[ACCESS_TOKEN_LEN + 1], digest[DIGEST_TEXT_SIZE];
    struct str text;
    struct arena a;
    struct err e;
    unsigned lines = 0;
    (void)state;
    arena_init(&a, 4096);
    const char *path =
        arena_printf(&a, "%s/tests/golden/access-tokens.txt", source ? source : ".").p;
    assert_int_equal(fs_read(path, 65536, &a, &text, &e), 0);
    for (struct str line; text.p && (line = str_cut(&text, '\n')).n;) {
        struct str token = str_cut(&line, ' ');
        if (token.p[0] == '#')
            continue;
        assert_true(keys_access_valid(token));
        assert_false(keys_access_valid(str_head(token, token.n - 1)));
        assert_string_equal(digest_text(token, digest), arena_str(&a, line).p);
        lines++;
    }
    assert_int_equal(lines, 3);
    keys_new_access(one);
    keys_new_access(other);
    assert_true(keys_access_valid(str_from(one)) && keys_access_valid(str_from(other)));
    assert_string_not_equal(one, other);
    one[0] = 'C';
    other[ACCESS_TOKEN_LEN - 1] = '1';
    assert_false(keys_access_valid(str_from(one)) || keys_access_valid(str_from(other)));
    arena_done(&a);
}

/* docs/formats/keys.md lists them: what was sealed by one text opens by no other. */
static void what_keys_are_sealed_for(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, 1024);
    assert_str(keys_window_purpose(STR("n-1"), &a), "window key of n-1");
    assert_str(keys_join_purpose(STR("n-1"), &a), "join key of n-1");
    assert_str(keys_token_purpose(STR("n-1"), &a), "bootstrap token of n-1");
    assert_str(keys_cluster_purpose(STR("lab"), STR("minter"), &a), "minter token of lab");
    arena_done(&a);
}

UNIT_MAIN(cmocka_unit_test(golden_keys), cmocka_unit_test(a_keyer_starts_afresh_each_time),
          cmocka_unit_test(everything_counts), cmocka_unit_test(form_of_a_key),
          cmocka_unit_test(what_keys_are_sealed_for), cmocka_unit_test(tokens_of_admins))
