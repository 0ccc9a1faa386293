/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/intern.h"

static void a_text_is_kept_once(void **state)
{
    (void)state;
    struct arena a;
    struct intern t;
    char text[] = "worker";
    arena_init(&a, 1024);
    intern_init(&t, &a);
    struct str first = intern_str(&t, str_from(text));
    assert_ptr_not_equal(first.p, text);
    assert_ptr_equal(intern_str(&t, STR("worker")).p, first.p);
    text[0] = 'W'; /* it is a copy */
    assert_str(first, "worker");
    assert_ptr_not_equal(intern_str(&t, STR("worker2")).p, first.p);
    assert_int_equal(intern_str(&t, STR("")).n, 0);
    assert_int_equal(first.p[first.n], '\0');
    intern_done(&t);
    assert_str(first, "worker");
    arena_done(&a);
}

static void many_texts_stay_where_they_are(void **state)
{
    (void)state;
    struct arena a;
    struct intern t;
    static struct str kept[1000];
    arena_init(&a, 1024);
    intern_init(&t, &a);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 1000; i++) {
            char text[32];
            snprintf(text, sizeof(text), "node-%d", i);
            struct str s = intern_str(&t, str_from(text));
            if (pass)
                assert_ptr_equal(s.p, kept[i].p);
            kept[i] = s;
        }
    }
    assert_int_equal(t.n, 1000);
    intern_done(&t);
    arena_done(&a);
}

UNIT_MAIN(cmocka_unit_test(a_text_is_kept_once), cmocka_unit_test(many_texts_stay_where_they_are))
