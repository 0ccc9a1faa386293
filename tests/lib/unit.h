/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit: what every unit test includes first: cmocka and what it needs, and asserts for our types.
 *
 * A test's file ends in UNIT_MAIN(cmocka_unit_test(name), …). It prints TAP under `make check` and
 * may be run by hand.
 */
#ifndef CLOUDSEED_TESTS_LIB_UNIT_H
#define CLOUDSEED_TESTS_LIB_UNIT_H

/* cmocka wants the others before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/str.h"

#include <stdio.h>

#define UNIT_MAIN(...)                                             \
    int main(void)                                                 \
    {                                                              \
        const struct CMUnitTest tests[] = {__VA_ARGS__};           \
        return cmocka_run_group_tests_name("", tests, NULL, NULL); \
    }

/* Ends the test without a verdict; tests/lib/unit.sh hands the reason on. */
#define unit_skip(reason)               \
    do {                                \
        printf("# skip: %s\n", reason); \
        skip();                         \
    } while (0)

static inline void unit_str(struct str got, struct str want, const char *file, int line)
{
    if (str_eq(got, want))
        return;
    print_error("got  (%zu) \"%.*s\"\nwant (%zu) \"%.*s\"\n", got.n, STR_ARG(got), want.n,
                STR_ARG(want));
    _fail(file, line);
}

/* A struct str against a literal (NUL bytes in it count) … */
#define assert_str(got, literal) unit_str((got), STR(literal), __FILE__, __LINE__)
/* … and against another struct str. */
#define assert_str_equal(got, want) unit_str((got), (want), __FILE__, __LINE__)
/* That `text` holds `part`: for messages. */
#define assert_contains(text, part)                                       \
    do {                                                                  \
        if (!strstr((text), (part))) {                                    \
            print_error("\"%s\" does not hold \"%s\"\n", (text), (part)); \
            _fail(__FILE__, __LINE__);                                    \
        }                                                                 \
    } while (0)

#endif
