/* SPDX-License-Identifier: Apache-2.0 */
/* A process is killed while a hundred producers commit: every commit that it answered is kept. */
#include "lib/unit.h"

#include "lib/folder.h"
#include "producers.h"
#include "store/sqlite/sqlite.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

static struct producers producers;

static uint64_t kills(void)
{
    const char *wanted = getenv("KILLS");
    return wanted ? strtoull(wanted, NULL, 10) : 60;
}

static struct store *open_store(void)
{
    struct store *s = NULL;
    struct err e = {0};
    struct sqlite_options o = {.path = "state.db"};
    if (sqlite_open(&o, &s, &e) < 0)
        fail_msg("%s", e.msg);
    return s;
}

/* The child: writes a byte to the pipe for each producer that was answered. It never ends. */
static void produce(int pipe)
{
    struct storeloop l;
    uint64_t revision;
    struct store *s = open_store();
    assert_int_equal(store_load(s, producers_on_record, &producers, &revision, NULL), 0);
    memcpy(producers.answered, producers.loaded, sizeof(producers.answered));
    storeloop_start(&l, s);
    for (uint64_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(producers_commit(&producers, s, i), 0);
    for (;;) {
        struct store_notice *n = storeloop_until(&l, STORE_COMMIT);
        uint8_t i = (uint8_t)n->tag;
        if (n->result != STORE_OK || write(pipe, &i, 1) != 1)
            _exit(1);
        producers.answered[i]++;
        producers.revisions[i] = n->revision;
        store_notice_free(s, n);
        assert_int_equal(producers_commit(&producers, s, i), 0);
    }
}

/* Reads answers, kills after about `answers` of them, reads what had been answered by then. */
static void kill_after(uint64_t answers)
{
    int ends[2];
    uint8_t i;
    int status = 0;
    uint64_t read_so_far = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        memset(producers.loaded, 0, sizeof(producers.loaded));
        memset(producers.revisions, 0, sizeof(producers.revisions));
        produce(ends[1]);
    }
    close(ends[1]);
    while (read(ends[0], &i, 1) == 1) {
        producers.answered[i]++;
        if (++read_so_far == answers)
            kill(child, SIGKILL);
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_answers_outlive_the_process(void **state)
{
    uint32_t dice = (uint32_t)getpid();
    (void)state;
    for (uint64_t i = 1; i <= kills(); i++) {
        struct storeloop l;
        dice = dice * 1664525 + 1013904223;
        kill_after(1 + (dice >> 16) % 500);
        unsigned lost = producers_compare(&producers, &l, open_store());
        storeloop_end(&l);
        if (lost)
            fail_msg("kill %d: %u producers had an answer that does not hold", (int)i, lost);
    }
}

/* Shows that the test above would notice a loss. */
static void test_a_lost_answer_is_seen(void **state)
{
    struct storeloop l;
    (void)state;
    memset(&producers, 0, sizeof(producers));
    kill_after(100);
    producers.answered[7] += 2;
    assert_int_equal(producers_compare(&producers, &l, open_store()), 1);
    storeloop_end(&l);
}

/* A process that uses the state keeps others out until it dies. */
static void test_one_process_at_a_time(void **state)
{
    int ends[2];
    char byte;
    struct store *s = NULL;
    struct err e = {0};
    struct sqlite_options o = {.path = "state.db"};
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        memset(&producers, 0, sizeof(producers));
        produce(ends[1]);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_true(sqlite_open(&o, &s, &e) < 0);
    assert_string_equal(e.msg, "state.db: another process uses the state");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    assert_int_equal(sqlite_open(&o, &s, &e), 0);
    store_close(s);
}

UNIT_MAIN(cmocka_unit_test_setup_teardown(test_answers_outlive_the_process, folder_enter,
                                          folder_leave),
          cmocka_unit_test_setup_teardown(test_a_lost_answer_is_seen, folder_enter, folder_leave),
          cmocka_unit_test_setup_teardown(test_one_process_at_a_time, folder_enter, folder_leave))
