/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/watch/watch.h"

static void boot(struct learn *l, const char *role, int64_t scale)
{
    learn_mark(l, role, "init-local", true, 10 * scale);
    learn_mark(l, role, "init-network", false, 20 * scale);
    learn_mark(l, role, "init-network", true, 50 * scale);
    learn_end(l, role, 100 * scale);
}

static void fraction(const struct learn *l, const char *stage, bool ended, int64_t ms, int want)
{
    assert_int_equal((int)(learn_fraction(l, "worker", stage, ended, ms) * 100 + 0.5), want);
}

static void nothing_is_known_of_the_first_boot(void **state)
{
    struct learn l = {0};
    (void)state;
    assert_true(learn_fraction(&l, "worker", "", false, 5) < 0);
    boot(&l, "master", 10);
    learn_mark(&l, "worker", "init-local", true, 10);
    assert_true(learn_fraction(&l, "worker", "init-local", true, 5) < 0);
    learn_done(&l);
}

static void a_boot_moves_between_its_marks(void **state)
{
    struct learn l = {0};
    (void)state;
    boot(&l, "worker", 10);
    fraction(&l, "", false, 50, 5);                /* before the first mark: by time */
    fraction(&l, "", false, 900, 10);              /* late: it waits at the mark */
    fraction(&l, "init-network", false, 100, 20);  /* early: it jumps to the mark */
    fraction(&l, "init-network", false, 350, 35);  /* between: by time */
    fraction(&l, "init-network", false, 9000, 50); /* and no further than the next */
    fraction(&l, "init-network", true, 9000, 99);  /* never done before its end */
    fraction(&l, "never-seen", true, 500, 10);     /* as if no mark had come */
    learn_done(&l);
}

static void newer_boots_count_more(void **state)
{
    struct learn l = {0};
    (void)state;
    for (int i = 0; i < 100; i++)
        boot(&l, "worker", 10);
    for (int i = 0; i < 30; i++)
        boot(&l, "worker", 100);
    double done = learn_fraction(&l, "worker", "init-network", true, 5000);
    assert_true(done > 0.48 && done < 0.53);
    learn_done(&l);
}

static void long_names_and_many_marks(void **state)
{
    struct learn l = {0};
    char name[300];
    (void)state;
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    learn_mark(&l, name, name, true, 50);
    learn_end(&l, name, 100);
    assert_true(learn_fraction(&l, name, name, true, 0) > 0.4);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "stage-%d", i);
        learn_mark(&l, "worker", name, true, i);
    }
    learn_end(&l, "worker", 1000);
    assert_true(learn_fraction(&l, "worker", "stage-100", true, 0) > 0.09);
    learn_done(&l);
}

UNIT_MAIN(cmocka_unit_test(nothing_is_known_of_the_first_boot),
          cmocka_unit_test(a_boot_moves_between_its_marks),
          cmocka_unit_test(newer_boots_count_more), cmocka_unit_test(long_names_and_many_marks))
