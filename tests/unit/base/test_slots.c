/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/slots.h"

static int things[200];

static void a_name_finds_its_thing(void **state)
{
    struct slots s = {0};
    struct slot_ref names[200];
    (void)state;
    for (int i = 0; i < 200; i++)
        names[i] = slots_put(&s, &things[i]);
    for (int i = 0; i < 200; i++)
        assert_ptr_equal(slots_find(&s, names[i]), &things[i]);
    slots_done(&s);
    assert_null(slots_find(&s, names[0]));
}

static void an_old_name_finds_nothing(void **state)
{
    struct slots s = {0};
    (void)state;
    struct slot_ref old = slots_put(&s, &things[0]);
    slots_remove(&s, old);
    assert_null(slots_find(&s, old));
    struct slot_ref next = slots_put(&s, &things[1]);
    assert_int_equal(next.slot, old.slot);
    assert_null(slots_find(&s, old));
    slots_remove(&s, old); /* no harm to the one that came after it */
    assert_ptr_equal(slots_find(&s, next), &things[1]);
    slots_done(&s);
}

static void nobody_is_nobody(void **state)
{
    struct slots s = {0};
    (void)state;
    assert_null(slots_find(&s, (struct slot_ref){0}));
    slots_put(&s, &things[0]);
    assert_null(slots_find(&s, (struct slot_ref){0}));
    assert_null(slots_find(&s, (struct slot_ref){4711, 1}));
    slots_done(&s);
}

UNIT_MAIN(cmocka_unit_test(a_name_finds_its_thing), cmocka_unit_test(an_old_name_finds_nothing),
          cmocka_unit_test(nobody_is_nobody))
