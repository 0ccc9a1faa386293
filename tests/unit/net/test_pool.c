/* SPDX-License-Identifier: Apache-2.0 */
/* Work that ends, work that is late, and work that never ends. */
#include "lib/unit.h"

#include "net/pool.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define JOBS 40
#define SHORT_MS 50
#define LONG_MS 600000

/* Jobs that hang wait for `gate`. */
static struct {
    uv_loop_t loop;
    struct pool *pool;
    pthread_mutex_t gate;
    pthread_cond_t opened;
    bool is_open;
    atomic_uint begun;
    unsigned late[2], ended, not_run; /* late: jobs that end, and jobs that hang */
} world;

struct job {
    struct work work;
    bool hangs;
};

static void on_run(struct work *w)
{
    atomic_fetch_add(&world.begun, 1);
    if (!((struct job *)w)->hangs)
        return;
    pthread_mutex_lock(&world.gate);
    while (!world.is_open)
        pthread_cond_wait(&world.opened, &world.gate);
    pthread_mutex_unlock(&world.gate);
}

static void on_late(struct work *w)
{
    world.late[((struct job *)w)->hangs]++;
}

static void on_ended(struct work *w, bool ran)
{
    world.ended++;
    world.not_run += !ran;
    free(w);
}

static bool start(bool hangs, bool patient)
{
    struct job *j = calloc(1, sizeof(*j));
    const struct work_port *port = pool_port(world.pool);
    if (!j)
        abort();
    j->work =
        (struct work){.run = on_run, .late = on_late, .ended = on_ended, .is_patient = patient};
    j->hangs = hangs;
    if (port->start(port->cls, &j->work))
        return true;
    free(j);
    return false;
}

static void open_gate(void)
{
    pthread_mutex_lock(&world.gate);
    world.is_open = true;
    pthread_cond_broadcast(&world.opened);
    pthread_mutex_unlock(&world.gate);
}

/* Does not block in the loop: the event may have been handled before. */
static void turn_until(const unsigned *counter, unsigned n)
{
    while (*counter < n) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
        poll(NULL, 0, 1);
    }
}

/* Deadlines do not pass while the loop stands still, however long the threads take. */
static void wait_begun(unsigned n)
{
    while (atomic_load(&world.begun) < n)
        poll(NULL, 0, 1);
}

static int open_with(uint32_t deadline_ms)
{
    const struct pool_limits limits = {.threads = 2, .queue = JOBS, .deadline_ms = deadline_ms};
    world.late[0] = world.late[1] = world.ended = world.not_run = 0;
    world.is_open = false;
    atomic_store(&world.begun, 0);
    pthread_mutex_init(&world.gate, NULL);
    pthread_cond_init(&world.opened, NULL);
    uv_loop_init(&world.loop);
    world.pool = pool_new(&world.loop, &limits);
    return 0;
}

static int open_world(void **state)
{
    (void)state;
    return open_with(SHORT_MS);
}

static int open_patient_world(void **state)
{
    (void)state;
    return open_with(LONG_MS);
}

static int close_world(void **state)
{
    (void)state;
    open_gate();
    pool_free(world.pool);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&world.loop);
}

static void all_of_it_is_done(void **state)
{
    (void)state;
    for (int i = 0; i < JOBS; i++)
        assert_true(start(false, false));
    assert_false(start(false, false)); /* the queue is full */
    turn_until(&world.ended, JOBS);
    assert_int_equal(atomic_load(&world.begun), JOBS);
    assert_int_equal(world.not_run + world.late[false], 0);
    assert_true(start(false, false));
    turn_until(&world.ended, JOBS + 1);
}

static void one_that_hangs_holds_up_no_other(void **state)
{
    (void)state;
    assert_true(start(true, false));
    wait_begun(1);
    for (int i = 0; i < 10; i++)
        assert_true(start(false, false));
    wait_begun(11);
    turn_until(&world.ended, 10);
    turn_until(&world.late[true], 1);
    assert_true(start(false, false));
    wait_begun(12);
    turn_until(&world.ended, 11);
    open_gate();
    turn_until(&world.ended, 12);
    assert_int_equal(world.not_run, 0);
}

static void with_all_threads_stuck_work_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_true(start(true, false));
    wait_begun(2);
    for (int i = 0; i < 3; i++)
        assert_true(start(true, false));
    turn_until(&world.late[true], 5);
    assert_int_equal(world.ended, 3); /* jobs that never had a thread */
    assert_int_equal(world.not_run, 3);
    assert_false(start(false, false));
    assert_true(start(false, true)); /* a patient one waits */
    open_gate();
    turn_until(&world.ended, 6);
    assert_int_equal(world.not_run, 3);
    assert_int_equal(world.late[true], 5);
    assert_true(start(false, false));
    turn_until(&world.ended, 7);
}

static void patient_work_is_never_late(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_true(start(true, true));
    wait_begun(2);
    assert_true(start(false, true));
    assert_true(start(false, false));
    turn_until(&world.late[false], 1); /* the last one */
    assert_int_equal(world.ended, 1);
    assert_false(start(false, false)); /* the threads are still taken */
    open_gate();
    turn_until(&world.ended, 4);
    assert_int_equal(world.late[false] + world.late[true], 1);
}

#define TEST(f, open) cmocka_unit_test_setup_teardown(f, open, close_world)

UNIT_MAIN(TEST(all_of_it_is_done, open_patient_world),
          TEST(one_that_hangs_holds_up_no_other, open_world),
          TEST(with_all_threads_stuck_work_is_refused, open_world),
          TEST(patient_work_is_never_late, open_world))
