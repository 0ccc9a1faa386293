/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "model/kubeversion.h"

static struct kubeversion parsed(const char *text)
{
    struct kubeversion v;
    if (!kubeversion_parse(str_from(text), &v))
        fail_msg("%s", text);
    return v;
}

static void reads_what_people_and_programs_write(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int minor, patch;
    } good[] = {{"1.29", 29, -1},        {"1.29.15", 29, 15},
                {"v1.29.15", 29, 15},    {"v1.30.2+k3s1", 30, 2},
                {"v1.36.0-rc.1", 36, 0}, {"v1.36.0-alpha.1.20+abc", 36, 0}};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct kubeversion v = parsed(good[i].text);
        assert_int_equal(v.major, 1);
        assert_int_equal(v.minor, good[i].minor);
        assert_int_equal(v.patch, good[i].patch);
    }
}

static void refuses_anything_else(void **state)
{
    (void)state;
    static const char *const bad[] = {"",        "1",     "v",        "1.",        "1.29.",
                                      "1.29.x",  "1.029", "vv1.2",    "1.29.15.1", "stable",
                                      "1.10000", "1.29 ", "1.29-rc.1"};
    struct kubeversion v = {.minor = 7};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(kubeversion_parse(str_from(bad[i]), &v));
    assert_int_equal(v.minor, 7);
}

static void minor_versions_are_compared(void **state)
{
    (void)state;
    char text[KUBEVERSION_TEXT_SIZE];
    assert_string_equal(kubeversion_text(parsed("v1.30.2+k3s1"), text), "1.30.2");
    assert_string_equal(kubeversion_text(parsed("1.29"), text), "1.29");
    assert_string_equal(kubeversion_text(parsed("9999.9999.9999"), text), "9999.9999.9999");
    assert_true(kubeversion_same_minor(parsed("1.29"), parsed("v1.29.15")));
    assert_false(kubeversion_same_minor(parsed("1.29"), parsed("1.30")));
    assert_false(kubeversion_same_minor(parsed("1.29"), parsed("2.29")));
}

UNIT_MAIN(cmocka_unit_test(reads_what_people_and_programs_write),
          cmocka_unit_test(refuses_anything_else), cmocka_unit_test(minor_versions_are_compared))
