/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/guess.h"

static const char *guessed(const char *word, const char *const *candidates)
{
    static struct guess g;
    guess_init(&g, str_from(word));
    for (size_t i = 0; candidates[i]; i++)
        guess_offer(&g, str_from(candidates[i]));
    return guess_text(&g);
}

static const char *const keys[] = {"role", "cluster", "macs", "uuid", "serial", "addresses", NULL};

static void the_nearest_is_offered(void **state)
{
    (void)state;
    assert_string_equal(guessed("rol", keys), "; did you mean 'role'?");
    assert_string_equal(guessed("clsuter", keys), "; did you mean 'cluster'?");
    assert_string_equal(guessed("adresses", keys), "; did you mean 'addresses'?");
    static const char *const near[] = {"worked", "worker", "workers", NULL};
    assert_string_equal(guessed("workre", near), "; did you mean 'worker'?");
}

static void nothing_far_is_offered(void **state)
{
    (void)state;
    assert_string_equal(guessed("color", keys), "");
    assert_string_equal(guessed("id", keys), "");
    assert_string_equal(guessed("", keys), "");
    static const char *const none[] = {NULL};
    assert_string_equal(guessed("role", none), "");
    static const char *const shorter[] = {"a", "ab", NULL};
    assert_string_equal(guessed("xyza", shorter), "");
}

static void long_words_are_let_be(void **state)
{
    (void)state;
    static char word[200], other[200];
    memset(word, 'a', sizeof(word) - 1);
    memset(other, 'a', sizeof(other) - 2);
    const char *const candidates[] = {other, NULL};
    assert_string_equal(guessed(word, candidates), "");
}

UNIT_MAIN(cmocka_unit_test(the_nearest_is_offered), cmocka_unit_test(nothing_far_is_offered),
          cmocka_unit_test(long_words_are_let_be))
