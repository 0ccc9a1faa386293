/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/err.h"

#include <errno.h>

static void set_fills_and_returns_the_code(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(err_set(&e, -ENOENT, "role '%s'", "worker"), -ENOENT);
    assert_int_equal(e.code, -ENOENT);
    assert_string_equal(e.msg, "role 'worker'");
}

static void errno_puts_its_text_behind(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(err_errno(&e, -ENOENT, "%s", "/etc/x"), -ENOENT);
    assert_string_equal(e.msg, "/etc/x: No such file or directory");
}

static void prefixes_grow_to_the_front(void **state)
{
    (void)state;
    struct err e;
    err_set(&e, -EINVAL, "no such field");
    assert_int_equal(err_prefix(&e, "line %d", 12), -EINVAL);
    assert_int_equal(err_prefix(&e, "role '%s'", "worker"), -EINVAL);
    assert_string_equal(e.msg, "role 'worker': line 12: no such field");
}

static void null_wants_the_number_alone(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, -EPERM, "x"), -EPERM);
    assert_int_equal(err_errno(NULL, -EPERM, "x"), -EPERM);
    assert_int_equal(err_prefix(NULL, "x"), -EINVAL);
}

/* Whatever the offset, a cut message is UTF-8, ends in "…" and fills what there is. */
static void long_text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[400];
    for (size_t shift = 0; shift < 4; shift++) {
        struct err e;
        size_t bad, n = 0;
        while (n < shift)
            text[n++] = 'a';
        while (n + 4 < sizeof(text)) {
            memcpy(text + n, "€", 3);
            n += 3;
        }
        text[n] = '\0';
        err_set(&e, -EINVAL, "%s", text);
        assert_true(str_is_utf8(str_from(e.msg), &bad));
        assert_true(str_ends(str_from(e.msg), STR("…")));
        assert_in_range(strlen(e.msg), sizeof(e.msg) - 4, sizeof(e.msg) - 1);
    }
}

static void text_that_just_fits_is_whole(void **state)
{
    (void)state;
    struct err e;
    err_set(&e, -EINVAL, "%0255d", 1);
    assert_int_equal(strlen(e.msg), 255);
    assert_int_equal(e.msg[254], '1');
    err_set(&e, -EINVAL, "%0256d", 1);
    assert_true(str_ends(str_from(e.msg), STR("0…")));
}

static void prefix_of_a_full_message_keeps_the_front(void **state)
{
    (void)state;
    struct err e;
    err_set(&e, -EINVAL, "%0255d", 1);
    err_prefix(&e, "node 'k8s-master-1'");
    assert_true(str_starts(str_from(e.msg), STR("node 'k8s-master-1': 000")));
    assert_true(str_ends(str_from(e.msg), STR("…")));
}

UNIT_MAIN(cmocka_unit_test(set_fills_and_returns_the_code),
          cmocka_unit_test(errno_puts_its_text_behind),
          cmocka_unit_test(prefixes_grow_to_the_front),
          cmocka_unit_test(null_wants_the_number_alone),
          cmocka_unit_test(long_text_is_cut_between_characters),
          cmocka_unit_test(text_that_just_fits_is_whole),
          cmocka_unit_test(prefix_of_a_full_message_keeps_the_front))
