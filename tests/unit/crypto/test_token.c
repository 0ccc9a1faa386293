/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "crypto/token.h"

static void has_an_id_and_a_secret(void **state)
{
    (void)state;
    struct str token = STR("cs4xk2.0f8r7q2m5n1w9t3z");
    assert_true(token_valid(token));
    assert_str(token_id(token), "cs4xk2");
    assert_str(token_secret(token), "0f8r7q2m5n1w9t3z");
}

static void form_of_a_token(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "cs4xk2",
                                        "cs4xk2.",
                                        "cs4xk2.0f8r7q2m5n1w9t3",
                                        "cs4xk2.0f8r7q2m5n1w9t3z0",
                                        "cs4xk2_0f8r7q2m5n1w9t3z",
                                        "cs4xk.20f8r7q2m5n1w9t3z",
                                        "Cs4xk2.0f8r7q2m5n1w9t3z",
                                        "cs4xk2.0f8r7q2m5n1w9t3\xC3",
                                        "cs4xk2.0f8r7q2m.n1w9t3z",
                                        "cs4xk2.0f8r7q2m5n1w9t3\n"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(token_valid(str_from(wrong[i])));
    assert_false(token_valid(STR("cs4xk2.0f8r7q2m5n1w9t3\0")));
}

/* Of 88,000 characters each is seen 2,444 times, with a standard deviation of 49. A plain remainder
 * of bytes favours the first four: together 11,000 times instead of 9,778, with a deviation of 93.
 * The limits are six deviations away. */
static void every_character_is_as_likely(void **state)
{
    (void)state;
    unsigned seen[256] = {0};
    char token[TOKEN_LEN + 1];
    for (unsigned i = 0; i < 4000; i++) {
        token_new(token);
        assert_true(token_valid(str_from(token)));
        for (size_t k = 0; k < TOKEN_LEN; k++)
            seen[(unsigned char)token[k]]++;
    }
    assert_int_equal(seen['.'], 4000);
    for (const char *c = "abcdefghijklmnopqrstuvwxyz0123456789"; *c; c++)
        assert_in_range(seen[(unsigned char)*c], 2444 - 294, 2444 + 294);
    assert_in_range(seen['a'] + seen['b'] + seen['c'] + seen['d'], 9778 - 558, 9778 + 558);
}

UNIT_MAIN(cmocka_unit_test(has_an_id_and_a_secret), cmocka_unit_test(form_of_a_token),
          cmocka_unit_test(every_character_is_as_likely))
