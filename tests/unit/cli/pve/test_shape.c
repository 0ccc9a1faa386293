/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/json.h"
#include "cli/pve/props.h"
#include "cli/pve/shape.h"

#include <errno.h>

#define MINE "4c4c4544-0042-3510-8052-b4c04f4e4432"
#define THEIRS "11111111-2222-4333-8444-555555555555"
#define CARD "virtio=BC:24:11:00:20:0C,bridge=vmbr0"
/* As `pve create` leaves a VM of a node for which only a template is declared. */
#define VM(net0, smbios1, more)                                                \
    "{'name':'n1','onboot':1,'cpu':'x86-64-v2-AES','boot':'order=scsi0;net0'," \
    "'scsi0':'lvm:vm-100-disk-0,size=20G','net0':'" net0 "','smbios1':'" smbios1 "'" more "}"
#define MADE(more) VM(CARD, "uuid=" THEIRS, more)

static struct arena arena;
static struct proxmox plan;
static struct pve_aim aim;
static struct pve_changes changes;

/* JSON, with apostrophes for quotes. */
static struct value json(const char *text)
{
    struct value v;
    char *copy = (char *)arena_str(&arena, str_from(text)).p;
    for (char *at = copy; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    assert_int_equal(json_read(str_from(copy), &arena, &v, NULL), 0);
    return v;
}

static void compare(const char *config)
{
    struct err e;
    if (pve_compare(&aim, json(config), &arena, &changes, &e) < 0)
        fail_msg("%s", e.msg);
}

static void refused(const char *config, const char *why)
{
    struct err e;
    assert_int_equal(pve_compare(&aim, json(config), &arena, &changes, &e), -EINVAL);
    assert_contains(e.msg, why);
}

/* "memory: 1024 -> 2048 cold" of each, in their order. */
static void changes_are(const char *want)
{
    struct str text = STR("");
    for (size_t i = 0; i < changes.n; i++) {
        const struct pve_change *at = &changes.list[i];
        text = ARENA_JOIN(&arena, text, text.n ? STR("; ") : STR(""),
                          arena_printf(&arena, "%s: %.*s -> %.*s%s", at->name, STR_ARG(at->from),
                                       STR_ARG(at->to), at->is_cold ? " cold" : ""));
    }
    assert_str_equal(text, str_from(want));
}

static void grown_are(const char *want)
{
    struct str text = STR("");
    for (size_t i = 0; i < changes.grown_n; i++) {
        const struct pve_growth *at = &changes.grown[i];
        text = ARENA_JOIN(
            &arena, text, i ? STR("; ") : STR(""),
            arena_printf(&arena, "%.*s: %u -> %u", STR_ARG(at->disk), at->from_gib, at->to_gib));
    }
    assert_str_equal(text, str_from(want));
}

static void what_is_as_declared_is_left_alone(void **state)
{
    (void)state;
    compare(MADE(""));
    changes_are("");
    assert_int_equal(changes.grown_n, 0);
    plan.cores = 4;
    plan.memory_mib = 2048;
    compare(MADE(",'cores':'4','memory':2048"));
    changes_are("");
}

static void options_that_differ_are_written_now_or_at_a_cold_start(void **state)
{
    static const struct str tags[] = {STR("worker"), STR("k8s")};
    (void)state;
    plan.tags = tags;
    plan.tags_n = 2;
    plan.cores = 4;
    plan.memory_mib = 2048;
    plan.cpu = STR("host");
    compare(MADE(",'cores':2,'memory':'1024','protection':'1','tags':'image'"));
    changes_are("protection: 1 -> 0; tags: image -> k8s;worker; cores: 2 -> 4 cold; "
                "memory: 1024 -> 2048 cold; cpu: x86-64-v2-AES -> host cold");
}

static void a_templates_tags_are_not_kept(void **state)
{
    (void)state;
    compare(MADE(",'tags':'image'"));
    changes_are("tags: image -> ");
}

static void a_card_keeps_what_is_not_declared_of_it(void **state)
{
    (void)state;
    aim.vlan = STR("20");
    plan.bridge = STR("vmbr1");
    compare(VM("model=e1000,macaddr=BC:24:11:AA:BB:CC,bridge=vmbr0,mtu=1450", "uuid=" THEIRS, ""));
    changes_are("net0: model=e1000,macaddr=BC:24:11:AA:BB:CC,bridge=vmbr0,mtu=1450 -> "
                "e1000=BC:24:11:00:20:0C,bridge=vmbr1,mtu=1450,tag=20");
    refused("{'name':'n1','net0':''}", "no network card net0");
}

static void the_first_mac_is_declared_or_made_of_the_uid(void **state)
{
    struct str mac, other;
    (void)state;
    mac = pve_first_mac(json("{'macs':['bc:24:11:00:20:0c','bc:24:11:00:20:0d']}"), &arena);
    assert_str(mac, "bc:24:11:00:20:0c");
    mac = pve_first_mac(json("{'macs':[],'uid':'u1'}"), &arena);
    other = pve_first_mac(json("{'macs':[],'uid':'u2'}"), &arena);
    assert_true(str_starts(mac, STR("02:")) && mac.n == 17 && !str_eq(mac, other));
    assert_str_equal(pve_first_mac(json("{'macs':[],'uid':'u1'}"), &arena), mac);
}

static void a_declared_uuid_replaces_the_vms_own(void **state)
{
    (void)state;
    aim.uuid = STR(MINE);
    compare(MADE(""));
    changes_are("smbios1: uuid=" THEIRS " -> uuid=" MINE " cold");
    compare(VM(CARD, "base64=1,serial=YQ==,uuid=" THEIRS "", ""));
    changes_are("smbios1: base64=1,serial=YQ==,uuid=" THEIRS " -> base64=1,serial=YQ==,uuid=" MINE
                " cold");
    compare(VM(CARD, "uuid=4C4C4544-0042-3510-8052-B4C04F4E4432", ""));
    changes_are("");
    aim.smbios1 = STR("base64=1,serial=Yg==,uuid=" THEIRS); /* and another serial */
    compare(VM(CARD, "base64=1,serial=YQ==,uuid=" THEIRS "", ""));
    changes_are("smbios1: base64=1,serial=YQ==,uuid=" THEIRS " -> base64=1,serial=Yg==,uuid=" MINE
                " cold");
}

static void firmware_gets_a_disk_that_is_never_made_again(void **state)
{
    (void)state;
    plan.firmware = STR("secure-boot");
    plan.tpm = STR("v2.0");
    aim.has_ms_cert = true;
    compare(MADE(""));
    changes_are("tpmstate0:  -> lvm:1,version=v2.0 cold; bios:  -> ovmf cold; efidisk0:  -> "
                "lvm:1,efitype=4m,pre-enrolled-keys=1,ms-cert=2023k cold");
    aim.has_ms_cert = false;
    plan.storage = STR("ceph");
    compare(MADE(",'bios':'ovmf','tpmstate0':'lvm:x,version=v1.2'"));
    changes_are("efidisk0:  -> ceph:1,efitype=4m,pre-enrolled-keys=1 cold");
    compare(MADE(",'bios':'ovmf','tpmstate0':'lvm:x',"
                 "'efidisk0':'lvm:y,efitype=4m,pre-enrolled-keys=1'"));
    changes_are("");
    refused(MADE(",'bios':'ovmf','efidisk0':'lvm:y,efitype=4m'"), "no keys for Secure Boot");
    plan.firmware = STR("seabios");
    plan.tpm = STR("");
    compare(MADE(",'bios':'ovmf'"));
    changes_are("bios: ovmf -> seabios cold");
}

static void the_systems_disk_only_grows(void **state)
{
    (void)state;
    plan.disk_gib = 30;
    compare(MADE(""));
    grown_are("scsi0: 20 -> 30");
    plan.disk_gib = 10;
    compare(MADE(""));
    grown_are("");
    assert_str(changes.stays, "scsi0 has 20 GiB, and is not made smaller");
}

static void disks_are_made_or_grown_and_never_taken_away(void **state)
{
    static const struct proxmox_disk disks[] = {
        {.gib = 100, .backup = true},
        {.gib = 5, .slot = STR("virtio3"), .storage = STR("ceph"), .discard = true},
        {.gib = 7, .format = STR("qcow2"), .ssd = true, .backup = true},
    };
    (void)state;
    plan.disks = disks;
    plan.disks_n = 3;
    compare(MADE(""));
    changes_are("scsi1:  -> lvm:100 cold; virtio3:  -> ceph:5,discard=on,backup=0 cold; "
                "scsi3:  -> lvm:7,format=qcow2,ssd=1 cold");
    plan.storage = STR("zfs");
    compare(MADE(",'scsi1':'lvm:a,size=40G','scsi3':'lvm:b,size=9G','sata0':'lvm:c,size=1G',"
                 "'unused0':'lvm:d','ide2':'none,media=cdrom'"));
    changes_are("virtio3:  -> ceph:5,discard=on,backup=0 cold");
    grown_are("scsi1: 40 -> 100");
    assert_str(changes.stays, "scsi3 has 9 GiB, and is not made smaller; "
                              "sata0 is not declared, and stays");
    compare(MADE(",'scsi1':'zfs:a,size=100G,backup=0','scsi3':'lvm:b,size=7G',"
                 "'virtio3':'lvm:c,size=5G'"));
    changes_are("");
    grown_are("");
    assert_str(changes.stays, "");
}

static void a_slot_that_is_something_elses_is_refused(void **state)
{
    const struct proxmox_disk disks[] = {{.gib = 1, .slot = STR("scsi0")}}, drives[] = {{.gib = 1}};
    (void)state;
    plan.disks = disks;
    plan.disks_n = 1;
    refused(MADE(""), "it boots from scsi0: declare another 'slot'");
    plan.disks = drives;
    refused(MADE(",'scsi1':'none,media=cdrom'"), "it has a drive at scsi1");
}

static void the_order_of_starting_is_set_where_the_token_may(void **state)
{
    (void)state;
    plan.startup = (struct proxmox_startup){.order = 2, .down_s = 60};
    compare(MADE(",'startup':'order=1,up=5'"));
    changes_are("");
    assert_str(changes.stays, "startup is not set, as the token lacks Sys.Modify on /");
    aim.may_order = true;
    compare(MADE(",'startup':'order=1,up=5'"));
    changes_are("startup: order=1,up=5 -> order=2,down=60");
    compare(MADE(",'startup':'2,down=60'"));
    changes_are("");
    aim.may_order = false;
    compare(MADE(",'startup':'down=60,order=2'"));
    assert_str(changes.stays, "");
    plan.startup = (struct proxmox_startup){.up_s = 7};
    aim.may_order = true;
    compare(MADE(""));
    changes_are("startup:  -> up=7");
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    plan = (struct proxmox){.template_vmid = 9000};
    aim = (struct pve_aim){.name = STR("n1"), .plan = &plan, .mac = STR("bc:24:11:00:20:0c")};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

UNIT_MAIN(TEST(what_is_as_declared_is_left_alone),
          TEST(options_that_differ_are_written_now_or_at_a_cold_start),
          TEST(a_templates_tags_are_not_kept), TEST(a_card_keeps_what_is_not_declared_of_it),
          TEST(the_first_mac_is_declared_or_made_of_the_uid),
          TEST(a_declared_uuid_replaces_the_vms_own),
          TEST(firmware_gets_a_disk_that_is_never_made_again), TEST(the_systems_disk_only_grows),
          TEST(disks_are_made_or_grown_and_never_taken_away),
          TEST(a_slot_that_is_something_elses_is_refused),
          TEST(the_order_of_starting_is_set_where_the_token_may))
