/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of roles and nodes; those of site and clusters are in format.c. */
#include "tree/format.h"
#include "tree/types.h"
#include "tree/variables.h"

#define TEMPLATE(member, words, more)                                            \
    {                                                                            \
        .name = words, .type = &schema_text, SCHEMA_MEMBER(struct role, member), \
        .help = "The template of its " words more "."                            \
    }

static const struct schema_field template_fields[] = {
    TEMPLATE(template_names[SEED_META_DATA], "meta-data", ""),
    TEMPLATE(template_names[SEED_USER_DATA], "user-data", ""),
    TEMPLATE(template_names[SEED_VENDOR_DATA], "vendor-data", ""),
    TEMPLATE(template_names[SEED_NETWORK_CONFIG], "network-config", ""),
    TEMPLATE(script_names[LOADER_IPXE], "boot.ipxe", ", iPXE's script; else `ipxe/node`"),
    TEMPLATE(script_names[LOADER_GRUB], "grub.cfg", ", grub's script; else `grub/node`"),
};

static const struct schema templates_schema = {
    .title = "templates",
    .help = "Which template makes which of cloud-init's files and boot scripts: a path below the "
            "templates' folder. Without one, meta-data holds the instance-id and the hostname, and "
            "cloud-init's other files are empty.",
    .size = sizeof(struct role),
    SCHEMA_FIELDS(template_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = SCHEMA_NOT_KEPT,
};

static bool read_mode(struct schema_reader *r, const struct schema_field *f,
                      const struct yaml_node *y, void *out)
{
    struct str s = yaml_text(y);
    if (s.n != 4 || s.p[0] != '0' || strspn(s.p, "01234567") != 4)
        return schema_refuse(r, f, y);
    *(struct str *)out = intern_str(r->texts, s);
    return true;
}

static const struct schema_type mode_type = {.what =
                                                 "a file's mode of four octal digits, like 0600",
                                             .size = sizeof(struct str),
                                             .read = read_mode};

/* A user's or group's name, or its number. */
static bool account_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && (c != '-' || i == 0))
            return false;
    }
    return s.n > 0 && s.n <= 32;
}

static bool read_owner(struct schema_reader *r, const struct schema_field *f,
                       const struct yaml_node *y, void *out)
{
    struct str group = yaml_text(y);
    struct str user = str_cut(&group, ':');
    if (!account_valid(user) || !account_valid(group))
        return schema_refuse(r, f, y);
    *(struct str *)out = intern_str(r->texts, yaml_text(y));
    return true;
}

static const struct schema_type owner_type = {
    .what = "a user and a group, like root:root", .size = sizeof(struct str), .read = read_owner};

static const struct schema_field sealed_fields[] = {
    {.name = "template",
     .type = &schema_text,
     SCHEMA_MEMBER(struct sealed_file, template_name),
     .required = true,
     .help = "The template of its content; one below `sealed/` may use `secrets`.",
     .example = "sealed/registry"},
    {.name = "mode",
     .type = &mode_type,
     SCHEMA_MEMBER(struct sealed_file, mode),
     .fallback = "0600",
     .help = "Who may read and write it."},
    {.name = "owner",
     .type = &owner_type,
     SCHEMA_MEMBER(struct sealed_file, owner),
     .fallback = "root:root",
     .help = "Whose it is."},
};

static const struct schema sealed_schema = {
    .title = "sealed file",
    .help = "A file that a node is given when it bootstraps, over TLS, and at no other time: "
            "nothing of it stands in what cloud-init gets.",
    .size = sizeof(struct sealed_file),
    SCHEMA_FIELDS(sealed_fields),
    .name_offset = offsetof(struct sealed_file, path),
    .name_type = &schema_file,
    .place_offset = offsetof(struct sealed_file, at),
};

static const struct schema_field role_fields[] = {
    {.name = "extends",
     .type = &schema_label,
     SCHEMA_MEMBER(struct role_draft, extends),
     .help = "Another role: whatever this one does not say is taken from there.",
     .example = "k8s-node"},
    {.name = "bootstrap",
     .type = &schema_enum,
     .names = bootstrap_names,
     SCHEMA_MEMBER(struct role_draft, role.bootstrap),
     .fallback = "none",
     .help = "What its nodes become in their cluster."},
    {.name = "templates",
     .of = &templates_schema,
     SCHEMA_MEMBER(struct role_draft, role),
     .help = "What cloud-init is given, and boot programs."},
    {.name = "boot",
     .of = &format_boot,
     SCHEMA_MEMBER(struct role_draft, role.boot),
     .help = "What its nodes boot from the network."},
    {.name = "kubeadm",
     .type = &schema_text,
     SCHEMA_MEMBER(struct role_draft, role.kubeadm_name),
     .help = "The template of kubeadm's configuration, which a node is given when it bootstraps; "
             "it sees `bootstrap`.",
     .example = "sealed/kubeadm"},
    {.name = "sealed",
     .of = &sealed_schema,
     .shape = SCHEMA_MAP,
     SCHEMA_MEMBER_N(struct role_draft, sealed),
     .help = "Files that a node is given when it bootstraps, each under its path on the node; with "
             "those of the role that it extends."},
    {.name = "variables",
     .type = &schema_variables,
     SCHEMA_MEMBER(struct role_draft, role.variables),
     .help =
         "Values for the templates of its nodes; they win over the cluster's, and over those of "
         "the role that it extends.",
     .example = "{packages: [nfs-common]}"},
};

const struct schema format_role = {
    .title = "role",
    .help = "Each file in `roles/` is a mapping of role names to such mappings.",
    .size = sizeof(struct role_draft),
    SCHEMA_FIELDS(role_fields),
    .name_offset = offsetof(struct role_draft, role.name),
    .place_offset = offsetof(struct role_draft, role.at),
};

static const struct schema_field node_fields[] = {
    {.name = "role",
     .type = &schema_label,
     SCHEMA_MEMBER(struct node_draft, role),
     .required = true,
     .help = "What kind of node it is.",
     .example = "worker"},
    {.name = "cluster",
     .type = &schema_label,
     SCHEMA_MEMBER(struct node_draft, cluster),
     .help = "The cluster that it belongs to; a role that bootstraps needs one.",
     .example = "homelab"},
    {.name = "macs",
     .type = &schema_mac,
     .shape = SCHEMA_LIST,
     .max = NODE_MACS_MAX,
     SCHEMA_MEMBER_N(struct node_draft, node.macs),
     .help = "The MAC addresses of its cards. Addresses whose networks share a `vlan` share a "
             "card: the "
             "first MAC is for the VLAN of the first address, the second for the next VLAN.",
     .example = "[\"bc:24:11:0a:14:0b\"]"},
    {.name = "uuid",
     .type = &schema_uuid,
     SCHEMA_MEMBER(struct node_draft, uuid),
     .help = "The machine's SMBIOS uuid.",
     .example = "4c4c4544-0042-4810-8054-b4c04f4d5132"},
    {.name = "serial",
     .type = &schema_text,
     SCHEMA_MEMBER(struct node_draft, node.serial),
     .help = "The machine's own SMBIOS serial, where it has one.",
     .example = "PF3XK2A9"},
    {.name = "addresses",
     .type = &schema_address,
     .shape = SCHEMA_LIST,
     .max = NODE_ADDRESSES_MAX,
     SCHEMA_MEMBER_N(struct node_draft, node.addresses),
     .help = "Its fixed addresses, each within one of the site's networks; without any, DHCP.",
     .example = "[10.0.20.11]"},
    {.name = "key_epoch",
     .type = &schema_int,
     SCHEMA_MEMBER(struct node_draft, node.key_epoch),
     .min = 1,
     .max = UINT32_MAX,
     .fallback = "1",
     .help = "Raise it to give the node a new seed key; the old one opens nothing from then on.",
     .example = "2"},
    {.name = "variables",
     .type = &schema_variables,
     SCHEMA_MEMBER(struct node_draft, node.variables),
     .help = "Values for this node's templates; they win over all others.",
     .example = "{disk: /dev/vda}"},
};

const struct schema format_node = {
    .title = "node",
    .help = "Each file in `nodes/` is a mapping of node names to such mappings.",
    .size = sizeof(struct node_draft),
    SCHEMA_FIELDS(node_fields),
    .name_offset = offsetof(struct node_draft, node.name),
    .place_offset = offsetof(struct node_draft, node.at),
};
