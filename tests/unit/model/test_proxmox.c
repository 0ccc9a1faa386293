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

static void slots_are_those_of_disks(void **state)
{
    (void)state;
    assert_true(proxmox_slot_valid(STR("scsi0")));
    assert_true(proxmox_slot_valid(STR("scsi30")));
    assert_true(proxmox_slot_valid(STR("virtio15")));
    assert_true(proxmox_slot_valid(STR("sata5")));
    assert_false(proxmox_slot_valid(STR("scsi31")));
    assert_false(proxmox_slot_valid(STR("scsi01")));
    assert_false(proxmox_slot_valid(STR("scsi")));
    assert_false(proxmox_slot_valid(STR("scsihw")));
    assert_false(proxmox_slot_valid(STR("sata6")));
    assert_false(proxmox_slot_valid(STR("ide0")));
}

static void disks_are_numbered_after_the_systems(void **state)
{
    const struct proxmox_disk disks[] = {{.gib = 1}, {.gib = 1, .slot = STR("sata1")}, {.gib = 1}};
    const struct proxmox p = {.disks = disks, .disks_n = 3, .at = {.line = 1}},
                         base = {.disks = disks,
                                 .disks_n = 1,
                                 .startup = {.order = 1, .up_s = 5},
                                 .at = {.line = 1}},
                         top = {.disks = disks,
                                .disks_n = 2,
                                .startup = {.order = 3},
                                .at = {.line = 1}};
    struct arena a;
    (void)state;
    arena_init(&a, 1024);
    assert_str(proxmox_disk_slot(&p, 0, &a), "scsi1");
    assert_str(proxmox_disk_slot(&p, 1, &a), "sata1");
    assert_str(proxmox_disk_slot(&p, 2, &a), "scsi3");
    const struct proxmox *merged = proxmox_merge(&base, &top, &a);
    assert_int_equal(merged->disks_n, 2); /* the whole list */
    assert_int_equal(merged->startup.order, 3);
    assert_int_equal(merged->startup.up_s, 5);
    arena_done(&a);
}

UNIT_MAIN(cmocka_unit_test(the_nearer_word_counts), cmocka_unit_test(tags_are_those_of_proxmox),
          cmocka_unit_test(slots_are_those_of_disks),
          cmocka_unit_test(disks_are_numbered_after_the_systems))
