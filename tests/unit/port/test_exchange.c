/* SPDX-License-Identifier: Apache-2.0 */
/* What comes next in an exchange, what it gives back at its end, and what must never happen. */
#include "lib/unit.h"

#include "base/clock.h"
#include "port/exchange.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct exchange x;
static char told[64]; /* what happened, a letter each */
static char one[] = "1", two[] = "2", a[] = "a", b[] = "b";

static void tell(char what)
{
    size_t n = strlen(told);
    assert_true(n + 1 < sizeof(told));
    told[n] = what;
}

static enum exchange_verdict answer(struct exchange *y, void *state)
{
    tell(*(const char *)state);
    y->out.status = 200;
    return EXCHANGE_DONE;
}

static enum exchange_verdict wait_once(struct exchange *y, void *state)
{
    tell(*(const char *)state);
    return exchange_wait(y, answer, two);
}

static enum exchange_verdict woken_meanwhile(struct exchange *y, void *state)
{
    tell(*(const char *)state);
    assert_false(exchange_wake(y)); /* the listener must not step it now */
    return exchange_wait(y, answer, two);
}

static void on_ending(struct exchange *y, void *state)
{
    (void)y;
    tell(*(const char *)state);
}

static enum exchange_verdict with_endings(struct exchange *y, void *state)
{
    exchange_at_end(y, on_ending, a);
    exchange_at_end(y, on_ending, b);
    return wait_once(y, state);
}

static exchange_next *first;

static void on_begin(void *cls, struct exchange *y)
{
    (void)cls;
    y->next = first;
    y->state = one;
    if (!first)
        y->out.status = 404;
}

static void on_end(void *cls, struct exchange *y)
{
    (void)cls;
    (void)y;
    tell('E');
}

static const struct exchange_port port = {.begin = on_begin, .end = on_end};

static int start(void **state)
{
    (void)state;
    memset(told, 0, sizeof(told));
    x = (struct exchange){0};
    arena_init(&x.arena, 1024);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&x.arena);
    return 0;
}

static void begin(exchange_next *with)
{
    first = with;
    exchange_begin(&x, &port);
}

static void goes_on_where_it_waited(void **state)
{
    (void)state;
    begin(wait_once);
    assert_int_equal(exchange_step(&x), EXCHANGE_WAIT);
    assert_true(exchange_wake(&x));
    assert_int_equal(exchange_step(&x), EXCHANGE_DONE);
    exchange_end(&x);
    assert_string_equal(told, "12E");
}

static enum exchange_verdict hold_once(struct exchange *y, void *state)
{
    tell(*(const char *)state);
    return exchange_hold(y, answer, two);
}

#define PASSED_NS 2000000

static void let_time_pass(void)
{
    uint64_t until = clock_boot_ns() + PASSED_NS;
    while (clock_boot_ns() < until)
        ;
}

/* How much of its time from begin to end is not its own. */
static uint64_t not_its_own_ns(exchange_next *with)
{
    uint64_t begun = clock_boot_ns();
    begin(with);
    assert_int_equal(exchange_step(&x), EXCHANGE_WAIT);
    let_time_pass();
    assert_true(exchange_wake(&x));
    assert_int_equal(exchange_step(&x), EXCHANGE_DONE);
    uint64_t took = clock_boot_ns() - begun, spent = x.spent_ns;
    assert_true(spent > 0 && spent <= took);
    exchange_end(&x);
    return took - spent;
}

static void time_that_it_waits_for_others(void **state)
{
    (void)state;
    assert_true(not_its_own_ns(hold_once) >= PASSED_NS);
}

static void time_that_it_waits_for_us(void **state)
{
    uint64_t begun = clock_boot_ns();
    (void)state;
    begin(wait_once);
    assert_int_equal(exchange_step(&x), EXCHANGE_WAIT);
    let_time_pass();
    assert_true(exchange_wake(&x));
    assert_int_equal(exchange_step(&x), EXCHANGE_DONE);
    assert_true(x.spent_ns >= PASSED_NS && x.spent_ns <= clock_boot_ns() - begun);
    exchange_end(&x);
}

/* A peer that sends its body slowly. */
static void time_until_the_body_has_come(void **state)
{
    (void)state;
    uint64_t begun = clock_boot_ns();
    begin(answer);
    x.body_max_bytes = 1;
    let_time_pass();
    assert_int_equal(exchange_step(&x), EXCHANGE_DONE);
    assert_true(clock_boot_ns() - begun - x.spent_ns >= PASSED_NS);
    exchange_end(&x);
}

static void a_wake_within_a_step_is_not_lost(void **state)
{
    (void)state;
    begin(woken_meanwhile);
    assert_int_equal(exchange_step(&x), EXCHANGE_DONE);
    assert_false(exchange_wake(&x)); /* nothing waits any more */
    exchange_end(&x);
    assert_string_equal(told, "12E");
}

static void what_it_gives_back(void **state)
{
    (void)state;
    begin(with_endings);
    assert_int_equal(exchange_step(&x), EXCHANGE_WAIT);
    exchange_end(&x); /* its peer left */
    assert_string_equal(told, "1baE");
}

static void refused_by_the_listener(void **state)
{
    (void)state;
    begin(wait_once);
    exchange_step(&x);
    exchange_refuse(&x, 503, "too long");
    assert_int_equal(x.out.status, 503);
    assert_str(x.out.body, "too long\n");
    assert_false(exchange_wake(&x));
    exchange_end(&x);
    assert_string_equal(told, "1E");
}

/* --- What must never happen ------------------------------------------------------------------- */

static void step_twice(void)
{
    exchange_step(&x);
    exchange_step(&x); /* nothing has woken it */
}

static void step_after_the_answer(void)
{
    exchange_step(&x);
    exchange_wake(&x);
    exchange_step(&x);
    exchange_step(&x);
}

static void end_twice(void)
{
    exchange_end(&x);
    exchange_end(&x);
}

static void step_after_the_end(void)
{
    exchange_end(&x);
    exchange_step(&x);
}

static void begin_twice(void)
{
    exchange_begin(&x, &port);
}

static enum exchange_verdict waits_for_nothing(struct exchange *y, void *state)
{
    (void)y;
    (void)state;
    return EXCHANGE_WAIT;
}

static void wait_without_what_comes_next(void)
{
    x.next = waits_for_nothing;
    exchange_step(&x);
}

static void aborts(void (*wrong)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        close(2);
        signal(SIGABRT, SIG_DFL);
        wrong();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void used_against_its_rules(void **state)
{
    (void)state;
    begin(wait_once);
    aborts(step_twice);
    aborts(step_after_the_answer);
    aborts(end_twice);
    aborts(step_after_the_end);
    aborts(begin_twice);
    aborts(wait_without_what_comes_next);
    exchange_end(&x);
}

static void answered_at_its_beginning(void **state)
{
    (void)state;
    begin(NULL);
    aborts(step_twice);
    exchange_refuse(&x, 400, "odd"); /* for its form, which the listener saw first */
    exchange_end(&x);
    assert_int_equal(x.out.status, 400);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(goes_on_where_it_waited), TEST(a_wake_within_a_step_is_not_lost),
          TEST(time_that_it_waits_for_others), TEST(time_that_it_waits_for_us),
          TEST(time_until_the_body_has_come), TEST(what_it_gives_back),
          TEST(refused_by_the_listener), TEST(used_against_its_rules),
          TEST(answered_at_its_beginning))
