/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "model/node.h"

static void node_names_are_labels(void **state)
{
    (void)state;
    static const char long_name[] =
        "a23456789012345678901234567890123456789012345678901234567890123x";
    assert_true(node_name_valid(STR("k8s-worker-2")));
    assert_true(node_name_valid(STR("a")));
    assert_true(node_name_valid(STR("2")));
    assert_true(node_name_valid((struct str){long_name, 63}));
    assert_false(node_name_valid((struct str){long_name, 64}));
    assert_false(node_name_valid(STR("")));
    assert_false(node_name_valid(STR("-a")));
    assert_false(node_name_valid(STR("a-")));
    assert_false(node_name_valid(STR("A")));
    assert_false(node_name_valid(STR("a.b")));
    assert_false(node_name_valid(STR("a_b")));
    assert_false(node_name_valid(STR("a\0")));
    assert_false(node_name_valid(STR("ä")));
}

static void seed_files_are_found_by_name(void **state)
{
    (void)state;
    assert_int_equal(seed_file_parse(STR("meta-data")), SEED_META_DATA);
    assert_int_equal(seed_file_parse(STR("user-data")), SEED_USER_DATA);
    assert_int_equal(seed_file_parse(STR("vendor-data")), SEED_VENDOR_DATA);
    assert_int_equal(seed_file_parse(STR("network-config")), SEED_NETWORK_CONFIG);
    assert_int_equal(seed_file_parse(STR("meta-dat")), SEED_FILE_COUNT);
    assert_int_equal(seed_file_parse(STR("meta-data/")), SEED_FILE_COUNT);
    assert_int_equal(seed_file_parse(STR("")), SEED_FILE_COUNT);
}

static void variables_are_found_by_name(void **state)
{
    (void)state;
    const struct variable list[] = {{STR("a"), value_int(1), {0}},
                                    {STR("ab"), value_int(2), {0}},
                                    {STR("b"), value_int(3), {0}}};
    for (uint32_t n = 0; n <= 3; n++) {
        struct variables vars = {list, n};
        for (uint32_t i = 0; i < 3; i++)
            assert_ptr_equal(variables_find(vars, list[i].name), i < n ? &list[i] : NULL);
        assert_null(variables_find(vars, STR("")));
        assert_null(variables_find(vars, STR("aa")));
        assert_null(variables_find(vars, STR("c")));
    }
}

UNIT_MAIN(cmocka_unit_test(node_names_are_labels), cmocka_unit_test(seed_files_are_found_by_name),
          cmocka_unit_test(variables_are_found_by_name))
