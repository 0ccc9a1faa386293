/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "crypto/digest.h"

/* FIPS 180-4's examples. */
static void hashes_are_those_of_the_standard(void **state)
{
    (void)state;
    char text[DIGEST_TEXT_SIZE];
    assert_string_equal(digest_end(digest_new(), text),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    struct digest *d = digest_new();
    digest_add(d, STR("a"));
    digest_add(d, STR(""));
    digest_add(d, STR("bc"));
    assert_string_equal(digest_end(d, text),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_null(digest_end(digest_new(), NULL));
}

static void knows_how_one_is_written(void **state)
{
    (void)state;
    assert_true(
        digest_text_valid(STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));
    assert_true(
        digest_text_valid(STR("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD")));
    assert_false(digest_text_valid(STR("")));
    assert_false(
        digest_text_valid(STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a")));
    assert_false(
        digest_text_valid(STR("ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));
}

UNIT_MAIN(cmocka_unit_test(hashes_are_those_of_the_standard),
          cmocka_unit_test(knows_how_one_is_written))
