/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "crypto/secrets.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_UPPER "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
#define OTHER "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

static struct secrets parsed(const char *text)
{
    struct secrets s;
    struct err e = {0};
    if (secrets_parse(str_from(text), &s, &e) < 0)
        fail_msg("%s", e.msg);
    return s;
}

static void reads_one(void **state)
{
    (void)state;
    struct secrets s = parsed("a:" HEX "\n");
    assert_int_equal(s.n, 1);
    assert_int_equal(s.list[0].kid, 'a');
    for (size_t i = 0; i < SECRET_BYTES; i++)
        assert_int_equal(s.list[0].bytes[i], i);
}

static void reads_two_in_their_order(void **state)
{
    (void)state;
    struct secrets s = parsed("# the new one\r\n\n  7:" HEX_UPPER "\t\r\n#:\nz:" OTHER);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.list[0].kid, '7');
    assert_int_equal(s.list[0].bytes[31], 31);
    assert_int_equal(s.list[1].kid, 'z');
    assert_int_equal(s.list[1].bytes[0], 255);
    assert_int_equal(s.list[1].bytes[31], 255);
}

static void refused(const char *text, const char *because)
{
    struct secrets s = {.n = 42};
    struct err e = {0};
    assert_int_equal(secrets_parse(str_from(text), &s, &e), -EINVAL);
    assert_contains(e.msg, because);
    assert_null(strstr(e.msg, "0102")); /* a message is no place for a secret */
    assert_int_equal(s.n, 42);
}

static void refuses_what_is_no_secret(void **state)
{
    (void)state;
    refused("", "no secret");
    refused("# a:" HEX "\n", "no secret");
    refused("a:\n", "line 1");
    refused("\n\n:" HEX, "line 3");
    refused("a:" HEX "0", "line 1");
    refused("a:g" HEX, "line 1");
    refused("a=" HEX, "line 1");
    refused("A:" HEX, "line 1");
    refused("1:" HEX, "line 1");
    refused("8:" HEX, "line 1");
    refused("a:" HEX " " HEX, "line 1");
    refused("a:zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "line 1");
    refused("a:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1z", "line 1");
    refused("a:" HEX "\na:" OTHER "\n", "line 2: its letter is taken");
    refused("a:" HEX "\nb:" OTHER "\nc:" HEX "\n", "line 3: at most 2");
}

/* --- files --- */

static char folder[] = "/tmp/cloudseed-unit-XXXXXX";
static char path[64];

static int start(void **state)
{
    (void)state;
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/secret", folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails where something else was left */
}

static void put(const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void tells_that_there_is_none(void **state)
{
    (void)state;
    struct secrets s;
    struct err e = {0};
    assert_int_equal(secrets_load(path, &s, &e), -ENOENT);
    assert_contains(e.msg, path);
}

static void refuses_a_file_that_others_may_use(void **state)
{
    (void)state;
    static const mode_t wrong[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0666, 0777};
    static const mode_t right[] = {0600, 0400, 0700};
    struct secrets s;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct err e = {0};
        put("a:" HEX "\n", wrong[i]);
        assert_int_equal(secrets_load(path, &s, &e), -EPERM);
        assert_contains(e.msg, "chmod 600");
        assert_contains(e.msg, path);
        unlink(path);
    }
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
        put("a:" HEX "\n", right[i]);
        assert_int_equal(secrets_load(path, &s, NULL), 0);
        unlink(path);
    }
}

static void names_file_and_line(void **state)
{
    (void)state;
    struct secrets s;
    struct err e = {0};
    put("# mine\nnonsense\n", 0600);
    assert_int_equal(secrets_load(path, &s, &e), -EINVAL);
    assert_contains(e.msg, path);
    assert_contains(e.msg, "line 2");
}

/* An empty file is what a full disk leaves of somebody's copy: it must not become a new secret. */
static void never_replaces_what_is_there(void **state)
{
    (void)state;
    struct secrets s;
    struct err e = {0};
    struct stat st;
    bool created = true;
    put("", 0600);
    assert_int_equal(secrets_load_or_create(path, &s, &created, &e), -EINVAL);
    assert_contains(e.msg, "backup");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
}

static void refuses_a_file_beyond_reason(void **state)
{
    (void)state;
    char text[5000];
    struct secrets s;
    struct err e = {0};
    memset(text, '\n', sizeof(text));
    memcpy(text, "a:" HEX, sizeof("a:" HEX) - 1);
    text[sizeof(text) - 1] = '\0';
    put(text, 0600);
    assert_int_equal(secrets_load(path, &s, &e), -EFBIG);
}

static void makes_one_and_keeps_it(void **state)
{
    (void)state;
    struct secrets first, second;
    struct err e = {0};
    struct stat st;
    bool created = false;
    mode_t before = umask(0); /* the mode is not the umask's work */
    int r = secrets_load_or_create(path, &first, &created, &e);
    umask(before);
    assert_int_equal(r, 0);
    assert_true(created);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(first.n, 1);
    assert_int_equal(first.list[0].kid, 'a');
    assert_int_equal(secrets_load_or_create(path, &second, &created, &e), 0);
    assert_false(created);
    assert_memory_equal(&first.list[0], &second.list[0], sizeof(first.list[0]));
}

static void makes_another_each_time(void **state)
{
    (void)state;
    struct secrets first, second;
    bool created;
    assert_int_equal(secrets_load_or_create(path, &first, &created, NULL), 0);
    unlink(path);
    assert_int_equal(secrets_load_or_create(path, &second, &created, NULL), 0);
    assert_memory_not_equal(first.list[0].bytes, second.list[0].bytes, SECRET_BYTES);
}

static void tells_why_it_cannot_make_one(void **state)
{
    (void)state;
    struct secrets s;
    struct err e = {0};
    char nowhere[80];
    bool created;
    snprintf(nowhere, sizeof(nowhere), "%s/no/secret", folder);
    assert_true(secrets_load_or_create(nowhere, &s, &created, &e) < 0);
    assert_contains(e.msg, nowhere);
}

#define RACERS 8

struct racer {
    pthread_t thread;
    pthread_barrier_t *start;
    struct secrets secrets;
    bool created;
    int result;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    pthread_barrier_wait(r->start);
    r->result = secrets_load_or_create(path, &r->secrets, &r->created, NULL);
    return NULL;
}

/* Two daemons that start at once must not have a secret each. */
static void only_one_wins_a_race(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct racer racers[RACERS] = {0};
        pthread_barrier_t barrier;
        int makers = 0;
        pthread_barrier_init(&barrier, NULL, RACERS);
        for (int i = 0; i < RACERS; i++) {
            racers[i].start = &barrier;
            assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
        }
        for (int i = 0; i < RACERS; i++)
            pthread_join(racers[i].thread, NULL);
        pthread_barrier_destroy(&barrier);
        for (int i = 0; i < RACERS; i++) {
            assert_int_equal(racers[i].result, 0);
            assert_memory_equal(racers[0].secrets.list[0].bytes, racers[i].secrets.list[0].bytes,
                                SECRET_BYTES);
            makers += racers[i].created;
        }
        assert_int_equal(makers, 1);
        unlink(path);
    }
}

static void wipes_every_byte(void **state)
{
    (void)state;
    struct secrets s = parsed("a:" OTHER "\nb:" OTHER), zero;
    memset(&zero, 0, sizeof(zero));
    secrets_wipe(&s);
    assert_memory_equal(&s, &zero, sizeof(s));
}

static void a_text_of_them_reads_the_same(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    struct secrets two = parsed("b:" OTHER "\na:" HEX_UPPER), again;
    struct str text = secrets_text(&two, &a);
    assert_true(str_ends(text, STR("\nb:" OTHER "\na:" HEX "\n")));
    assert_int_equal(secrets_parse(text, &again, NULL), 0);
    assert_memory_equal(&again, &two, sizeof(two));
    arena_done(&a);
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(cmocka_unit_test(reads_one), cmocka_unit_test(reads_two_in_their_order),
          cmocka_unit_test(refuses_what_is_no_secret), FILE_TEST(tells_that_there_is_none),
          FILE_TEST(refuses_a_file_that_others_may_use), FILE_TEST(names_file_and_line),
          FILE_TEST(never_replaces_what_is_there), FILE_TEST(refuses_a_file_beyond_reason),
          FILE_TEST(makes_one_and_keeps_it), FILE_TEST(makes_another_each_time),
          FILE_TEST(tells_why_it_cannot_make_one), FILE_TEST(only_one_wins_a_race),
          cmocka_unit_test(wipes_every_byte), cmocka_unit_test(a_text_of_them_reads_the_same))
