/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what VMs in Proxmox VE are to be. */
#include "tree/format.h"
#include "tree/types.h"

static bool keep(struct schema_reader *r, const struct schema_field *f, const struct yaml_node *y,
                 bool is_valid, void *out)
{
    if (!is_valid)
        return schema_refuse(r, f, y);
    *(struct str *)out = intern_str(r->texts, yaml_text(y));
    return true;
}

static bool read_tag(struct schema_reader *r, const struct schema_field *f,
                     const struct yaml_node *y, void *out)
{
    return keep(r, f, y, proxmox_tag_valid(yaml_text(y)), out);
}

static const struct schema_type tag_type = {
    .what = "a tag of a-z, 0-9 and _, and inside also - + and .",
    .size = sizeof(struct str),
    .read = read_tag};

static bool read_firmware(struct schema_reader *r, const struct schema_field *f,
                          const struct yaml_node *y, void *out)
{
    static const char *const known[] = {"seabios", "ovmf", "secure-boot", NULL};
    return keep(r, f, y, str_in(yaml_text(y), known), out);
}

static const struct schema_type firmware_type = {
    .what = "seabios, ovmf or secure-boot", .size = sizeof(struct str), .read = read_firmware};

static bool read_tpm(struct schema_reader *r, const struct schema_field *f,
                     const struct yaml_node *y, void *out)
{
    return keep(r, f, y, str_is(yaml_text(y), "v2.0"), out);
}

static const struct schema_type tpm_type = {
    .what = "v2.0, the TPM's version", .size = sizeof(struct str), .read = read_tpm};

/* --- Further disks, starting ------------------------------------------------------------------ */

static bool read_slot(struct schema_reader *r, const struct schema_field *f,
                      const struct yaml_node *y, void *out)
{
    return keep(r, f, y, proxmox_slot_valid(yaml_text(y)), out);
}

static const struct schema_type slot_type = {
    .what = "scsi0 to scsi30, virtio0 to virtio15 or sata0 to sata5",
    .size = sizeof(struct str),
    .read = read_slot};

static bool read_format(struct schema_reader *r, const struct schema_field *f,
                        const struct yaml_node *y, void *out)
{
    static const char *const known[] = {"raw", "qcow2", "vmdk", NULL};
    return keep(r, f, y, str_in(yaml_text(y), known), out);
}

static const struct schema_type format_type = {
    .what = "raw, qcow2 or vmdk", .size = sizeof(struct str), .read = read_format};

static const struct schema_field disk_fields[] = {
    {.name = "size",
     .type = &schema_int,
     .required = true,
     SCHEMA_MEMBER(struct proxmox_disk, gib),
     .min = 1,
     .max = 128 << 10,
     .help = "In GiB; a disk that is there is grown to it, and never made smaller.",
     .example = "100"},
    {.name = "slot",
     .type = &slot_type,
     SCHEMA_MEMBER(struct proxmox_disk, slot),
     .help = "Where it is attached; without it `scsi1` for the first of the list, `scsi2` for the "
             "second and so on.",
     .example = "scsi4"},
    {.name = "storage",
     .type = &schema_text,
     SCHEMA_MEMBER(struct proxmox_disk, storage),
     .help = "The storage that it is made on; without it `storage` of the VM, else that of the "
             "disk it boots from.",
     .example = "ceph"},
    {.name = "format",
     .type = &format_type,
     SCHEMA_MEMBER(struct proxmox_disk, format),
     .help = "`raw`, `qcow2` or `vmdk`, on storages of files; without it the storage's own.",
     .example = "qcow2"},
    {.name = "discard",
     .type = &schema_bool,
     SCHEMA_MEMBER(struct proxmox_disk, discard),
     .fallback = "false",
     .help = "Whether blocks that the guest has freed are given back to the storage.",
     .example = "true"},
    {.name = "ssd",
     .type = &schema_bool,
     SCHEMA_MEMBER(struct proxmox_disk, ssd),
     .fallback = "false",
     .help = "Whether the guest sees an SSD; not in a slot of virtio.",
     .example = "true"},
    {.name = "backup",
     .type = &schema_bool,
     SCHEMA_MEMBER(struct proxmox_disk, backup),
     .fallback = "true",
     .help = "Whether Proxmox's backups of the VM have it.",
     .example = "false"},
};

static const struct schema disk_schema = {
    .title = "disk",
    .help = "A disk beside that of the system, for data. It is made with the VM, or later by "
            "`cloudseed pve apply`. All but its size counts only when it is made.",
    .size = sizeof(struct proxmox_disk),
    SCHEMA_FIELDS(disk_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = SCHEMA_NOT_KEPT,
};

static const struct schema_field startup_fields[] = {
    {.name = "order",
     .type = &schema_int,
     SCHEMA_MEMBER(struct proxmox_startup, order),
     .min = 1,
     .max = 9999,
     .help = "VMs with a lower number are started earlier, and shut down later.",
     .example = "2"},
    {.name = "up",
     .type = &schema_int,
     SCHEMA_MEMBER(struct proxmox_startup, up_s),
     .min = 1,
     .max = 86400,
     .help = "Seconds until the next one is started.",
     .example = "30"},
    {.name = "down",
     .type = &schema_int,
     SCHEMA_MEMBER(struct proxmox_startup, down_s),
     .min = 1,
     .max = 86400,
     .help = "Seconds until one that does not shut down is stopped.",
     .example = "120"},
};

static const struct schema startup_schema = {
    .title = "startup",
    .help = "When Proxmox starts the VM with its host. For this the token needs `Sys.Modify` on "
            "`/`; without that it is left as it is.",
    .size = sizeof(struct proxmox_startup),
    SCHEMA_FIELDS(startup_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = SCHEMA_NOT_KEPT,
};

static void check_disks(struct schema_reader *r, const struct yaml_node *y, const void *made)
{
    const struct proxmox *p = made;
    for (uint32_t i = 0; i < p->disks_n; i++) {
        struct str slot = proxmox_disk_slot(p, i, r->arena);
        struct place at = schema_place(r, y, "disks", i);
        if (p->disks[i].ssd && str_starts(slot, STR("virtio")))
            fault_add(r->faults, at, "ssd: Proxmox has it for slots of scsi and sata, not for %.*s",
                      STR_ARG(slot));
        for (uint32_t k = 0; k < i; k++) {
            if (str_eq(proxmox_disk_slot(p, k, r->arena), slot))
                fault_add(r->faults, at, "slot: two disks are in %.*s; give each its own",
                          STR_ARG(slot));
        }
    }
}

static const struct schema_field fields[] = {
    {.name = "endpoint",
     .type = &schema_label,
     SCHEMA_MEMBER(struct proxmox, endpoint),
     .help =
         "The Proxmox VE host or cluster, as `cloudseed pve login` named it; without it the only "
         "one that the tool knows.",
     .example = "home"},
    {.name = "template",
     .type = &schema_int,
     SCHEMA_MEMBER(struct proxmox, template_vmid),
     .min = 100,
     .max = 999999999,
     .help = "The id of the template that VMs are cloned from.",
     .example = "9000"},
    {.name = "host",
     .type = &schema_label,
     SCHEMA_MEMBER(struct proxmox, host),
     .help = "The host that VMs are made on; without it the template's. `any` is the one with the "
             "most memory left, if the template's storage is shared.",
     .example = "pve1"},
    {.name = "pool",
     .type = &schema_text,
     SCHEMA_MEMBER(struct proxmox, pool),
     .help = "The pool that VMs are put into, on which the API token has its rights.",
     .example = "k8s"},
    {.name = "storage",
     .type = &schema_text,
     SCHEMA_MEMBER(struct proxmox, storage),
     .help =
         "The storage of their disks, which are full copies then; without it they are linked to "
         "the template's.",
     .example = "local-lvm"},
    {.name = "bridge",
     .type = &schema_text,
     SCHEMA_MEMBER(struct proxmox, bridge),
     .help =
         "The bridge of the first network card; without it the template's. Its VLAN is that of the "
         "node's network.",
     .example = "vmbr0"},
    {.name = "cores",
     .type = &schema_int,
     SCHEMA_MEMBER(struct proxmox, cores),
     .min = 1,
     .max = 1024,
     .help = "Without it the template's.",
     .example = "4"},
    {.name = "memory",
     .type = &schema_int,
     SCHEMA_MEMBER(struct proxmox, memory_mib),
     .min = 64,
     .max = 4 << 20,
     .help = "In MiB; without it the template's.",
     .example = "8192"},
    {.name = "cpu",
     .type = &schema_text,
     SCHEMA_MEMBER(struct proxmox, cpu),
     .help =
         "The model of the CPU; without it `x86-64-v2-AES`, as the API's own default does not boot "
         "images of today.",
     .example = "host"},
    {.name = "firmware",
     .type = &firmware_type,
     SCHEMA_MEMBER(struct proxmox, firmware),
     .help = "`seabios`, `ovmf` for UEFI, or `secure-boot` for UEFI with the keys of Secure Boot "
             "enrolled; without it the template's. UEFI gets a disk for its variables, unless the "
             "template has one.",
     .example = "secure-boot"},
    {.name = "tpm",
     .type = &tpm_type,
     SCHEMA_MEMBER(struct proxmox, tpm),
     .help = "`v2.0` gives each VM a new TPM; the template must not have one, as all its clones "
             "would have the same.",
     .example = "v2.0"},
    {.name = "disk",
     .type = &schema_int,
     SCHEMA_MEMBER(struct proxmox, disk_gib),
     .min = 1,
     .max = 128 << 10,
     .help = "The size of the disk that it boots from, in GiB; it is never made smaller.",
     .example = "40"},
    {.name = "disks",
     .of = &disk_schema,
     .shape = SCHEMA_LIST,
     .max = PROXMOX_DISKS_MAX,
     SCHEMA_MEMBER_N(struct proxmox, disks),
     .help = "Disks beside it, for data. One that is not declared any more stays.",
     .example = "[{size: 100, storage: ceph}]"},
    {.name = "startup",
     .of = &startup_schema,
     SCHEMA_MEMBER(struct proxmox, startup),
     .help = "When it is started with its host; without it as the template has it."},
    {.name = "tags",
     .type = &tag_type,
     .shape = SCHEMA_LIST,
     .max = PROXMOX_TAGS_MAX,
     SCHEMA_MEMBER_N(struct proxmox, tags),
     .help = "Its tags; without them none, also where the template has some.",
     .example = "[k8s, worker]"},
};

const struct schema format_proxmox = {
    .title = "proxmox",
    .help =
        "What `cloudseed pve apply` makes of a node. Site, role and node may each say some of it; "
        "the node's word counts before the role's, and that before the site's.",
    .size = sizeof(struct proxmox),
    SCHEMA_FIELDS(fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = offsetof(struct proxmox, at),
    .check = check_disks,
};
