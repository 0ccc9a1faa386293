/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and codes of the web page: how long they last, and how many there are. */
#include "lib/unit.h"

#include "core/sessions.h"

#define NOW ((uint64_t)5000)

static struct sessions *sessions;
static char secrets[SESSIONS_MAX + 1][SESSION_SECRET_LEN + 1];

static int start(void **state)
{
    (void)state;
    sessions = sessions_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    sessions_free(sessions);
    return 0;
}

static struct session_owner owner(unsigned i)
{
    struct session_owner o = {.uid = 0};
    snprintf(o.token, sizeof(o.token), "%064u", i);
    return o;
}

static uint64_t begin(unsigned own, uint64_t now_ms, char secret[SESSION_SECRET_LEN + 1])
{
    const struct session_owner o = owner(own);
    return sessions_begin(sessions, &o, LISTENER_ADMIN, now_ms, secret)->number;
}

static const struct session *find(const char *secret, uint64_t now_ms)
{
    return sessions_find(sessions, str_from(secret), LISTENER_ADMIN, now_ms);
}

static void it_is_found_by_its_secret_only(void **state)
{
    char other[SESSION_SECRET_LEN + 1];
    (void)state;
    uint64_t number = begin(1, NOW, secrets[0]);
    assert_int_not_equal(begin(2, NOW, secrets[1]), number);
    assert_int_equal(strlen(secrets[0]), SESSION_SECRET_LEN);
    assert_string_not_equal(secrets[0], secrets[1]);
    const struct session *s = find(secrets[0], NOW);
    assert_int_equal(s->number, number);
    assert_string_equal(s->owner.token, owner(1).token);
    assert_null(find("", NOW));
    assert_null(find(s->digest, NOW)); /* it is no secret of one */
    memcpy(other, secrets[0], sizeof(other));
    other[SESSION_SECRET_LEN - 1] ^= 1;
    assert_null(find(other, NOW));
    assert_null(sessions_find(sessions, str_from(secrets[0]), LISTENER_SOCKET, NOW));
}

static void it_ends_when_it_is_ended(void **state)
{
    (void)state;
    uint64_t first = begin(1, NOW, secrets[0]), second = begin(1, NOW, secrets[1]);
    sessions_end(sessions, first);
    sessions_end(sessions, first);
    sessions_end(sessions, 4711);
    assert_null(find(secrets[0], NOW));
    assert_null(sessions_numbered(sessions, first, NOW));
    assert_int_equal(find(secrets[1], NOW)->number, second);
    assert_int_equal(sessions_numbered(sessions, second, NOW)->number, second);
    sessions_end(sessions, 0); /* the number of a free place */
    assert_null(sessions_numbered(sessions, 0, NOW));
}

static void it_ends_when_it_is_not_used(void **state)
{
    (void)state;
    uint64_t number = begin(1, NOW, secrets[0]);
    uint64_t used = NOW + SESSION_IDLE_MS - 1;
    assert_non_null(sessions_numbered(sessions, number, used));
    assert_null(sessions_numbered(sessions, number, used + 1)); /* looking is no use */
    assert_non_null(find(secrets[0], used));
    assert_non_null(find(secrets[0], used + SESSION_IDLE_MS - 1));
    assert_null(find(secrets[0], used + 2 * SESSION_IDLE_MS - 1));
}

static void it_ends_after_twelve_hours_of_use(void **state)
{
    uint64_t now = NOW;
    (void)state;
    begin(1, NOW, secrets[0]);
    for (; now < NOW + SESSION_MS; now += SESSION_IDLE_MS / 2)
        assert_non_null(find(secrets[0], now));
    assert_null(find(secrets[0], now));
}

static void an_owner_has_sixteen(void **state)
{
    (void)state;
    begin(2, NOW, secrets[SESSIONS_MAX]);
    for (unsigned i = 0; i < SESSIONS_OWN_MAX; i++)
        begin(1, NOW + i, secrets[i]);
    assert_non_null(find(secrets[0], NOW + 100)); /* so the second one was used longest ago */
    begin(1, NOW + 101, secrets[SESSIONS_OWN_MAX]);
    for (unsigned i = 0; i <= SESSIONS_OWN_MAX; i++)
        assert_int_equal(find(secrets[i], NOW + 102) != NULL, i != 1);
    assert_non_null(find(secrets[SESSIONS_MAX], NOW + 102));
}

static void there_are_sixty_four(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        begin(i / SESSIONS_OWN_MAX, NOW + i, secrets[i]);
    assert_non_null(find(secrets[0], NOW + 100));
    begin(99, NOW + 101, secrets[SESSIONS_MAX]);
    for (unsigned i = 0; i <= SESSIONS_MAX; i++)
        assert_int_equal(find(secrets[i], NOW + 102) != NULL, i != 1);
}

/* One that has ended gives its place first. */
static void ended_ones_give_way(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        begin(i, NOW + i, secrets[i]);
    for (unsigned i = 0; i < SESSIONS_MAX; i++) {
        if (i != 30)
            find(secrets[i], NOW + SESSION_IDLE_MS - 1);
    }
    uint64_t now = NOW + 30 + SESSION_IDLE_MS;
    begin(99, now, secrets[SESSIONS_MAX]);
    for (unsigned i = 0; i <= SESSIONS_MAX; i++)
        assert_int_equal(find(secrets[i], now) != NULL, i != 30);
}

static void what_a_page_sends_follows_from_the_secret(void **state)
{
    char one[DIGEST_TEXT_SIZE], other[DIGEST_TEXT_SIZE];
    (void)state;
    begin(1, NOW, secrets[0]);
    begin(1, NOW, secrets[1]);
    const struct session *first = find(secrets[0], NOW), *second = find(secrets[1], NOW);
    assert_string_equal(session_csrf(first, str_from(secrets[0]), one),
                        session_csrf(first, str_from(secrets[0]), other));
    /* With one of its two parts it cannot be computed, and it is not what the table holds. */
    assert_string_not_equal(one, session_csrf(first, str_from(secrets[1]), other));
    assert_string_not_equal(one, session_csrf(second, str_from(secrets[0]), other));
    assert_string_not_equal(one, first->digest);
}

/* --- Codes ----------------------------------------------------------------------------------- */

static bool take(const char *code, uint64_t now_ms, struct session_owner *ret)
{
    return sessions_take_code(sessions, str_from(code), LISTENER_ADMIN, now_ms, ret);
}

static void make(unsigned own, uint64_t now_ms, char code[SESSION_CODE_LEN + 1])
{
    const struct session_owner o = owner(own);
    sessions_make_code(sessions, &o, LISTENER_ADMIN, now_ms, code);
}

static void a_code_is_good_once_and_for_a_minute(void **state)
{
    char code[SESSION_CODE_LEN + 1];
    struct session_owner o;
    (void)state;
    make(7, NOW, code);
    assert_null(find(code, NOW)); /* it is no session */
    assert_false(sessions_take_code(sessions, str_from(code), LISTENER_SOCKET, NOW, &o));
    assert_false(take("", NOW, &o));
    assert_true(take(code, NOW + CODE_MS - 1, &o));
    assert_string_equal(o.token, owner(7).token);
    assert_false(take(code, NOW + CODE_MS - 1, &o));
    make(7, NOW, code);
    assert_false(take(code, NOW + CODE_MS, &o));
}

static void codes_are_few(void **state)
{
    char codes[CODES_MAX + 2][SESSION_CODE_LEN + 1];
    struct session_owner o;
    (void)state;
    for (unsigned i = 0; i <= CODES_OWN_MAX; i++)
        make(1, NOW + i, codes[i]);
    assert_false(take(codes[0], NOW + 10, &o));
    assert_true(take(codes[1], NOW + 10, &o));
    for (unsigned i = 0; i < CODES_MAX + 2; i++)
        make(10 + i, NOW + 20 + i, codes[i]);
    assert_false(take(codes[1], NOW + 50, &o));
    assert_true(take(codes[2], NOW + 50, &o));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(it_is_found_by_its_secret_only), TEST(it_ends_when_it_is_ended),
          TEST(it_ends_when_it_is_not_used), TEST(it_ends_after_twelve_hours_of_use),
          TEST(an_owner_has_sixteen), TEST(there_are_sixty_four), TEST(ended_ones_give_way),
          TEST(what_a_page_sends_follows_from_the_secret),
          TEST(a_code_is_good_once_and_for_a_minute), TEST(codes_are_few))
