/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "model/proxmox.h"

static void the_nearer_word_counts(void **state)
{
    const struct str tags[] = {STR("k8s")};
    const struct proxmox site = {.pool = STR("k8s"),
                                 .firmware = STR("ovmf"),
                                 .cores = 2,
                                 .tags = tags,
                                 .tags_n = 1,
                                 .at = {.line = 3}};
    const struct proxmox role = {.firmware = STR("secure-boot"),
                                 .tpm = STR("v2.0"),
                                 .cores = 4,
                                 .disk_gib = 40,
                                 .at = {.line = 7}},
                         none = {.cores = 0};
    struct arena a;
    (void)state;
    arena_init(&a, 1024);
    const struct proxmox *p = proxmox_merge(&site, &role, &a);
    assert_true(str_is(p->pool, "k8s"));
    assert_true(str_is(p->firmware, "secure-boot"));
    assert_true(str_is(p->tpm, "v2.0"));
    assert_int_equal(p->cores, 4);
    assert_int_equal(p->disk_gib, 40);
    assert_int_equal(p->tags_n, 1);
    assert_int_equal(p->at.line, 7);
    assert_int_equal(site.cores, 2);
    assert_ptr_equal(proxmox_merge(&site, &none, &a), &site);
    assert_ptr_equal(proxmox_merge(&none, &role, &a), &role);
    assert_null(proxmox_merge(NULL, &none, &a));
    assert_null(proxmox_merge(&none, NULL, &a));
    arena_done(&a);
}

static void tags_are_those_of_proxmox(void **state)
{
    (void)state;
    assert_true(proxmox_tag_valid(STR("k8s")));
    assert_true(proxmox_tag_valid(STR("_a-b+c.d")));
    assert_false(proxmox_tag_valid(STR("")));
    assert_false(proxmox_tag_valid(STR("-a")));
    assert_false(proxmox_tag_valid(STR("K8S")));
    assert_false(proxmox_tag_valid(STR("a b")));
    assert_false(proxmox_tag_valid(STR("a;b")));
}

UNIT_MAIN(cmocka_unit_test(the_nearer_word_counts), cmocka_unit_test(tags_are_those_of_proxmox))
