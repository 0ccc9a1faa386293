/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/storm/storm.h"

static void only_its_own_nodes_are_a_storms(void **state)
{
    static const char *const foreign[] = {"k8s-worker-2", "storm-1",      "storm-0000a",
                                          "storm-",       "astorm-00001", "storm-00001x"};
    (void)state;
    assert_true(storm_owns(STR("storm-00001"), STR("storm")));
    assert_true(storm_owns(STR("storm-100000"), STR("storm")));
    assert_false(storm_owns(STR("storm-00001"), STR("worker")));
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        assert_false(storm_owns(str_from(foreign[i]), STR("storm")));
}

/* The groups of all steps of a boot, each once, in their order. */
static void a_boot_passes_all_phases(void **state)
{
    struct storm s = {.plan = {.with_tftp = true}};
    struct machine m = {.storm = &s};
    unsigned seen[STORM_PHASES + 1] = {0}, before = 0;
    (void)state;
    while (machine_group(&m) < STORM_PHASES) {
        unsigned group = machine_group(&m);
        assert_true(group >= before);
        before = group;
        seen[group]++;
        m.step++;
    }
    assert_int_equal(seen[STORM_ARM], 1);
    assert_int_equal(seen[STORM_SEED], 4);
    assert_int_equal(seen[STORM_REPORT], STORM_REPORTS - 1);
    assert_int_equal(seen[STORM_PHONE_HOME], 2); /* and the last report */
    assert_int_equal(seen[STORM_BOOTSTRAP], 1);
    assert_int_equal(seen[STORM_RESULT], 1);
}

UNIT_MAIN(cmocka_unit_test(only_its_own_nodes_are_a_storms),
          cmocka_unit_test(a_boot_passes_all_phases))
