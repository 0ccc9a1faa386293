/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "model/boot.h"

static void words_that_stay_what_they_are(void **state)
{
    (void)state;
    assert_null(boot_arguments_refusal(STR("quiet")));
    assert_null(boot_arguments_refusal(STR("console=ttyS0,115200 a='b c' \"x\" $y {z}")));
    assert_null(boot_arguments_refusal(STR("ds=nocloud;dsmode=net;s=http://x/ a#b x||y &&z ;; |")));
    assert_null(boot_arguments_refusal(STR("gr\xc3\xbcn")));
}

static void words_that_scripts_would_read(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",     " quiet", "quiet ", "a  b",   "a || b", "&& b",    "a ;",
        "a #b", "#",      "${mac}", "a=${b}", "a\tb",   "a\nboot", "a\x7f",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_non_null(boot_arguments_refusal(str_from(refused[i])));
}

UNIT_MAIN(cmocka_unit_test(words_that_stay_what_they_are),
          cmocka_unit_test(words_that_scripts_would_read))
