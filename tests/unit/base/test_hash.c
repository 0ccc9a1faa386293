/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/hash.h"

#include <inttypes.h>

/* XXH3's own published values: ETags and golden files rest on them. */
static void values_are_the_same_everywhere(void **state)
{
    (void)state;
    char zeros[300] = {0};
    assert_true(hash64(STR("")) == UINT64_C(0x2d06800538d394c2));
    assert_true(hash64((struct str){NULL, 0}) == UINT64_C(0x2d06800538d394c2));
    assert_true(hash64(STR("a")) == UINT64_C(0xe6c632b61e964e1f));
    assert_true(hash64(STR("abc")) == UINT64_C(0x78af5f94892f3950));
    char long_text[1000]; /* another way through XXH3 */
    for (int i = 0; i < 1000; i++)
        long_text[i] = (char)i;
    assert_true(hash64((struct str){long_text, 1000}) == UINT64_C(0xd33dd80b46f60e50));
    assert_true(hash64((struct str){zeros, 300}) != hash64((struct str){zeros, 299}));
}

UNIT_MAIN(cmocka_unit_test(values_are_the_same_everywhere))
