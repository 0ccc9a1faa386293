/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what VMs in Proxmox VE are to be. */
#include "tree/format.h"
#include "tree/types.h"

static bool read_tag(struct schema_reader *r, const struct schema_field *f,
                     const struct yaml_node *y, void *out)
{
    if (!proxmox_tag_valid(yaml_text(y)))
        return schema_refuse(r, f, y);
    *(struct str *)out = intern_str(r->texts, yaml_text(y));
    return true;
}

static const struct schema_type tag_type = {
    .what = "a tag of a-z, 0-9 and _, and inside also - + and .",
    .size = sizeof(struct str),
    .read = read_tag};

static bool read_firmware(struct schema_reader *r, const struct schema_field *f,
                          const struct yaml_node *y, void *out)
{
    struct str text = yaml_text(y);
    if (!str_is(text, "seabios") && !str_is(text, "ovmf") && !str_is(text, "secure-boot"))
        return schema_refuse(r, f, y);
    *(struct str *)out = intern_str(r->texts, text);
    return true;
}

static const struct schema_type firmware_type = {
    .what = "seabios, ovmf or secure-boot", .size = sizeof(struct str), .read = read_firmware};

static bool read_tpm(struct schema_reader *r, const struct schema_field *f,
                     const struct yaml_node *y, void *out)
{
    if (!str_is(yaml_text(y), "v2.0"))
        return schema_refuse(r, f, y);
    *(struct str *)out = STR("v2.0");
    return true;
}

static const struct schema_type tpm_type = {
    .what = "v2.0, the TPM's version", .size = sizeof(struct str), .read = read_tpm};

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
             "fewest VMs, if the template's storage is shared.",
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
};
