/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "lib/folder.h"
#include "net/tftp/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Work is done when finish() is called. */
static struct work *given;
static bool stuck;

static bool on_start(void *cls, struct work *w)
{
    (void)cls;
    if (stuck)
        return false;
    given = w;
    return true;
}

static const struct work_port port = {.start = on_start};

static void finish(bool runs)
{
    struct work *w = given;
    given = NULL;
    if (runs)
        w->run(w);
    w->ended(w, runs);
}

/* The file of the source that open_file returned last. */
static int source_fd;

/* A file on a share is closed by the thread: even that may block. */
static void expect_closed_by_thread(void)
{
    assert_non_null(given);
    assert_true(fcntl(source_fd, F_GETFD) >= 0);
    finish(true);
    assert_int_equal(fcntl(source_fd, F_GETFD), -1);
    assert_null(given);
}

static int told;
static unsigned calls;

static void on_ready(void *cls, int result)
{
    (void)cls;
    told = result;
    calls++;
}

static struct tftp_source *open_file(const char *text, uint64_t offset, uint64_t length,
                                     bool remote)
{
    folder_file(NULL, "f", text);
    struct exchange_file file = {open("f", O_RDONLY), offset, length, remote};
    assert_true(file.fd >= 0);
    source_fd = file.fd;
    struct tftp_source *s = tftp_source_of_file(&port, &file);
    assert_int_equal(file.fd, -1);
    told = 1;
    calls = 0;
    stuck = false;
    return s;
}

static void memory_is_at_hand(void **state)
{
    (void)state;
    struct str got;
    struct tftp_source *s = tftp_source_of_memory(STR("0123456789"));
    assert_int_equal(tftp_source_length(s), 10);
    assert_true(tftp_source_at(s, 0, 4, &got));
    assert_str(got, "0123");
    assert_true(tftp_source_at(s, 8, 4, &got));
    assert_str(got, "89");
    assert_true(tftp_source_at(s, 10, 4, &got));
    assert_str(got, "");
    tftp_source_free(s);
    s = tftp_source_of_memory(STR(""));
    assert_true(tftp_source_at(s, 0, 4, &got));
    assert_str(got, "");
    tftp_source_free(s);
    tftp_source_free(NULL);
}

static void a_cached_file_is_read_at_once(void **state)
{
    (void)state;
    struct str got;
    struct tftp_source *s = open_file("xx0123456789yy", 2, 10, false);
    assert_false(tftp_source_at(s, 0, 4, &got));
    assert_int_equal(tftp_source_load(s, 0, 6, on_ready, NULL), 0);
    assert_true(tftp_source_at(s, 0, 4, &got));
    assert_str(got, "0123");
    assert_false(tftp_source_at(s, 4, 4, &got));
    assert_int_equal(tftp_source_load(s, 8, 6, on_ready, NULL), 0);
    assert_true(tftp_source_at(s, 8, 4, &got));
    assert_str(got, "89");
    assert_true(tftp_source_at(s, 10, 4, &got)); /* the end needs no load */
    assert_false(tftp_source_at(s, 0, 4, &got));
    assert_int_equal(calls, 0);
    tftp_source_free(s);
    assert_null(given);
    assert_int_equal(fcntl(source_fd, F_GETFD), -1);
}

static void a_share_is_read_by_a_thread(void **state)
{
    (void)state;
    struct str got;
    struct tftp_source *s = open_file("0123456789", 0, 10, true);
    assert_int_equal(tftp_source_load(s, 0, 8, on_ready, NULL), -EAGAIN);
    assert_true(tftp_source_loading(s));
    assert_false(tftp_source_at(s, 0, 4, &got));
    assert_int_equal(tftp_source_load(s, 0, 8, on_ready, NULL), -EAGAIN); /* has begun before */
    finish(true);
    assert_int_equal(calls, 1);
    assert_int_equal(told, 0);
    assert_true(tftp_source_at(s, 4, 4, &got));
    assert_str(got, "4567");
    tftp_source_free(s);
    expect_closed_by_thread();
}

static void a_share_that_hangs_is_given_up(void **state)
{
    (void)state;
    struct tftp_source *s = open_file("0123456789", 0, 10, true);
    tftp_source_load(s, 0, 8, on_ready, NULL);
    given->late(given);
    assert_int_equal(told, -ETIMEDOUT);
    tftp_source_free(s); /* the thread still writes into it */
    finish(true);
    assert_int_equal(calls, 1);
    expect_closed_by_thread();
}

static void who_left_is_not_told(void **state)
{
    (void)state;
    struct tftp_source *s = open_file("0123456789", 0, 10, true);
    tftp_source_load(s, 0, 8, on_ready, NULL);
    tftp_source_free(s);
    given->late(given);
    finish(true);
    assert_int_equal(calls, 0);
    expect_closed_by_thread();
}

static void threads_that_are_all_stuck(void **state)
{
    (void)state;
    struct tftp_source *s = open_file("0123456789", 0, 10, true);
    stuck = true;
    assert_int_equal(tftp_source_load(s, 0, 8, on_ready, NULL), -ETIMEDOUT);
    assert_false(tftp_source_loading(s));
    stuck = false;
    tftp_source_load(s, 0, 8, on_ready, NULL);
    finish(false);
    assert_int_equal(told, -ECANCELED);
    tftp_source_free(s);
    expect_closed_by_thread();
}

static void a_file_that_got_shorter(void **state)
{
    (void)state;
    struct tftp_source *s = open_file("0123456789", 0, 100, false);
    assert_int_equal(tftp_source_load(s, 0, 8, on_ready, NULL), 0);
    assert_int_equal(tftp_source_load(s, 8, 8, on_ready, NULL),
                     -EAGAIN); /* perhaps not in the cache */
    finish(true);
    assert_int_equal(told, -ESTALE);
    tftp_source_free(s);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_enter, folder_leave)

UNIT_MAIN(cmocka_unit_test(memory_is_at_hand), IN_FOLDER(a_cached_file_is_read_at_once),
          IN_FOLDER(a_share_is_read_by_a_thread), IN_FOLDER(a_share_that_hangs_is_given_up),
          IN_FOLDER(who_left_is_not_told), IN_FOLDER(threads_that_are_all_stuck),
          IN_FOLDER(a_file_that_got_shorter))
