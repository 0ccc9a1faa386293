/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of roles, boot entries and nodes; those of site and clusters are in format.c. */
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
            "it is never part of what cloud-init gets.",
    .size = sizeof(struct sealed_file),
    SCHEMA_FIELDS(sealed_fields),
    .name_offset = offsetof(struct sealed_file, path),
    .name_type = &schema_file,
    .place_offset = offsetof(struct sealed_file, at),
};

static bool read_document_name(struct schema_reader *r, const struct schema_field *f,
                               const struct yaml_node *y, void *out)
{
    const char *refusal = role_document_refusal(yaml_text(y));
    if (refusal)
        return schema_fault(r, f, y, "%s %s", schema_quoted(r, yaml_text(y)), refusal);
    *(struct str *)out = intern_str(r->texts, yaml_text(y));
    return true;
}

static const struct schema_type document_name_type = {.what = "a document's name, like ks.cfg",
                                                      .size = sizeof(struct str),
                                                      .read = read_document_name};

static const struct schema_field document_fields[] = {
    {.name = "template",
     .type = &schema_text,
     SCHEMA_MEMBER(struct role_document, template_name),
     .required = true,
     .help = "The template that makes it.",
     .example = "install/kickstart"},
};

static const struct schema document_schema = {
    .title = "document",
    .help = "A document of a node below its URL, as `/s/KEY/ks.cfg`: for installers. A folder with "
            "a user-data is a seed of its own for cloud-init, `/s/KEY/install/`; the other three "
            "files of it are there, too.",
    .size = sizeof(struct role_document),
    SCHEMA_FIELDS(document_fields),
    .name_offset = offsetof(struct role_document, name),
    .name_type = &document_name_type,
    .place_offset = offsetof(struct role_document, at),
};

static bool read_words(struct schema_reader *r, const struct schema_field *f,
                       const struct yaml_node *y, void *out)
{
    const char *refusal = boot_arguments_refusal(yaml_text(y));
    if (refusal)
        return schema_fault(r, f, y, "%s: %s", schema_quoted(r, yaml_text(y)), refusal);
    *(struct str *)out = intern_str(r->texts, yaml_text(y));
    return true;
}

static const struct schema_type words_type = {.what =
                                                  "words of one line, each a space from the next",
                                              .size = sizeof(struct str),
                                              .read = read_words};

/* A template is compiled by load_role, and what it renders is checked for each node. */
static bool read_arguments(struct schema_reader *r, const struct schema_field *f,
                           const struct yaml_node *y, void *out)
{
    if (!boot_arguments_vary(yaml_text(y)))
        return read_words(r, f, y, out);
    *(struct str *)out = intern_str(r->texts, yaml_text(y));
    return true;
}

static const struct schema_type arguments_type = {
    .what = "words of one line, each a space from the next, or a template of them",
    .size = sizeof(struct str),
    .read = read_arguments};

static bool read_boot_file(struct schema_reader *r, const struct schema_field *f,
                           const struct yaml_node *y, void *out)
{
    struct boot_file file = {0};
    bool elsewhere = memmem(yaml_text(y).p, yaml_text(y).n, "://", 3) != NULL;
    const struct schema_type *type = elsewhere ? &schema_url : &schema_asset;
    const struct schema_field as = {.name = f->name, .type = type};
    if (!type->read(r, &as, y, elsewhere ? &file.url : &file.asset))
        return false;
    *(struct boot_file *)out = file;
    return true;
}

static const struct schema_type file_type = {
    .what = "a path below the server's assets, like debian/vmlinuz, or a URL",
    .size = sizeof(struct boot_file),
    .read = read_boot_file};

/* The fields of a boot entry: a role's own (`path` is "entry.") or one of a menu. */
#define ENTRY_FIELDS(holder, path)                                                             \
    {.name = "kernel",                                                                         \
     .type = &file_type,                                                                       \
     SCHEMA_MEMBER(holder, path kernel),                                                       \
     .help = "Of kind kernel or install: the kernel.",                                         \
     .example = "debian/vmlinuz"},                                                             \
        {.name = "initrd",                                                                     \
         .type = &file_type,                                                                   \
         .shape = SCHEMA_LIST,                                                                 \
         .max = BOOT_INITRDS_MAX,                                                              \
         SCHEMA_MEMBER_N(holder, path initrd),                                                 \
         .help = "Its initrds, in their order.",                                               \
         .example = "[debian/initrd.img]"},                                                    \
        {.name = "arguments",                                                                  \
         .type = &arguments_type,                                                              \
         SCHEMA_MEMBER(holder, path arguments),                                                \
         .help = "Its command line; what `discovery` says is added. It may be a template, as " \
                 "`hostname={{ node.name }}`, that sees what the node's templates see.",       \
         .example = "console=ttyS0 panic=30"},                                                 \
        {.name = "discovery",                                                                  \
         .type = &schema_enum,                                                                 \
         .names = boot_discovery_names,                                                        \
         SCHEMA_MEMBER(holder, path discovery),                                                \
         .fallback = "kernel",                                                                 \
         .help = "How its cloud-init finds the node's files: their URL with the window's key " \
                 "is on the command line, in the machine's SMBIOS serial where an admin has "  \
                 "put it, or it does not look for them.",                                      \
         .example = "smbios"},                                                                 \
    {                                                                                          \
        .name = "chain", .type = &file_type, SCHEMA_MEMBER(holder, path chain),                \
        .help = "Of kind chain: the boot program, or a script for iPXE or grub.",              \
        .example = "memtest/memtest.efi"                                                       \
    }

/* A field of another kind of entry is a mistake, and so is a missing one of its own kind. */
static void check_entry(struct schema_reader *r, const struct yaml_node *y,
                        const struct boot_entry *e)
{
    enum { KERNEL = 1 << BOOT_KERNEL, INSTALL = 1 << BOOT_INSTALL, CHAIN = 1 << BOOT_CHAIN };
    static const struct {
        const char *key;
        unsigned kinds;
        const char *kind; /* the first of them */
        bool needed;
    } keys[] = {{"kernel", KERNEL | INSTALL, "kernel", true},
                {"initrd", KERNEL | INSTALL, "kernel", false},
                {"arguments", KERNEL | INSTALL, "kernel", false},
                {"discovery", KERNEL, "kernel", false},
                {"chain", CHAIN, "chain", true},
                {"menu", 1 << BOOT_MENU, "menu", true},
                {"timeout", 1 << BOOT_MENU, "menu", false}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct yaml_node *given = yaml_get(y, str_from(keys[i].key));
        bool is_given = given && !yaml_is_null(given), belongs = keys[i].kinds >> e->kind & 1;
        if (is_given && !belongs)
            fault_add(r->faults, schema_place(r, y, keys[i].key, 0),
                      "%s: it belongs to 'kind: %s', and this one is '%s'", keys[i].key,
                      keys[i].kind, boot_kind_names[e->kind]);
        if (!is_given && keys[i].needed && belongs)
            fault_add(r->faults, yaml_place(r->file, y), "boot: 'kind: %s' needs '%s'",
                      boot_kind_names[e->kind], keys[i].key);
    }
}

static void check_item(struct schema_reader *r, const struct yaml_node *y, const void *made)
{
    const struct boot_entry *e = made;
    if (e->kind == BOOT_MENU || e->kind == BOOT_INSTALL)
        fault_add(r->faults, schema_place(r, y, "kind", 0),
                  "kind: a menu holds no menu and no installation; take local, kernel or chain");
    else
        check_entry(r, y, e);
}

static const struct schema_field item_fields[] = {
    {.name = "title",
     .type = &words_type,
     SCHEMA_MEMBER(struct boot_entry, title),
     .required = true,
     .help = "What the menu shows.",
     .example = "Memory test"},
    {.name = "kind",
     .type = &schema_enum,
     .names = boot_kind_names,
     SCHEMA_MEMBER(struct boot_entry, kind),
     .required = true,
     .help = "As for a role's entry; but local, kernel or chain.",
     .example = "chain"},
    ENTRY_FIELDS(struct boot_entry, ),
};

static const struct schema item_schema = {
    .title = "menu entry",
    .help = "What can be chosen. The first one is taken when nobody chooses.",
    .size = sizeof(struct boot_entry),
    SCHEMA_FIELDS(item_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = offsetof(struct boot_entry, at),
    .check = check_item,
};

static void check_boot(struct schema_reader *r, const struct yaml_node *y, const void *made)
{
    check_entry(r, y, &((const struct boot_plan *)made)->entry);
}

static const struct schema_field boot_fields[] = {
    {.name = "kind",
     .type = &schema_enum,
     .names = boot_kind_names,
     SCHEMA_MEMBER(struct boot_plan, entry.kind),
     .fallback = "local",
     .help =
         "What it boots: its own disk, a kernel, an installer, another boot program, or what is "
         "chosen at its console. After its installer a machine boots its disk.",
     .example = "kernel"},
    ENTRY_FIELDS(struct boot_plan, entry.),
    {.name = "menu",
     .of = &item_schema,
     .shape = SCHEMA_LIST,
     .max = BOOT_MENU_MAX,
     SCHEMA_MEMBER_N(struct boot_plan, menu),
     .help = "Of kind menu: what can be chosen."},
    {.name = "timeout",
     .type = &schema_int,
     SCHEMA_MEMBER(struct boot_plan, timeout_s),
     .min = 1,
     .max = 3600,
     .fallback = "10",
     .help = "Seconds until the menu's first entry is taken.",
     .example = "30"},
};

static const struct schema boot_schema = {
    .title = "boot",
    .help = "What a node boots from the network while it is being built. At any other time it "
            "boots its disk.",
    .size = sizeof(struct boot_plan),
    SCHEMA_FIELDS(boot_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = offsetof(struct boot_plan, entry.at),
    .check = check_boot,
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
    {.name = "format",
     .type = &schema_enum,
     .names = user_data_format_names,
     SCHEMA_MEMBER(struct role_draft, role.format),
     .fallback = "any",
     .help = "What its user-data is, which `check` goes by: of any form that cloud-init takes, as "
             "its first line says; cloud-config; a script; or opaque, for a reader that is not "
             "cloud-init: then nothing looks into it.",
     .example = "opaque"},
    {.name = "documents",
     .of = &document_schema,
     .shape = SCHEMA_MAP,
     SCHEMA_MEMBER_N(struct role_draft, documents),
     .help = "Further documents of each of its nodes, below the node's URL, by their names; with "
             "those of the role that it extends."},
    {.name = "boot",
     .of = &boot_schema,
     SCHEMA_MEMBER(struct role_draft, role.boot),
     .help = "What its nodes boot from the network."},
    {.name = "boot_minutes",
     .type = &schema_int,
     SCHEMA_MEMBER(struct role_draft, role.boot_minutes),
     .min = 1,
     .max = 1440,
     .help = "For how long a machine that is being installed or boots for the first time may be "
             "silent before it counts as failed; without it 15, and 60 of a role with an "
             "installer.",
     .example = "90"},
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
    {.name = "proxmox",
     .of = &format_proxmox,
     SCHEMA_MEMBER(struct role_draft, role.proxmox),
     .help = "The VMs of its nodes; what it says wins over the site."},
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
    {.name = "interfaces",
     .of = &format_interface,
     .shape = SCHEMA_MAP,
     SCHEMA_MEMBER_N(struct node_draft, interfaces),
     .help =
         "Instead of `macs` and `addresses`: its network interfaces by their names, where there "
         "are VLANs, bonds or bridges, or a card needs settings of its own."},
    {.name = "key_epoch",
     .type = &schema_int,
     SCHEMA_MEMBER(struct node_draft, node.key_epoch),
     .min = 1,
     .max = UINT32_MAX,
     .fallback = "1",
     .help = "Raise it to give the node a new seed key; the old one opens nothing from then on.",
     .example = "2"},
    {.name = "proxmox",
     .of = &format_proxmox,
     SCHEMA_MEMBER(struct node_draft, proxmox),
     .help = "Its VM; what it says wins over role and site."},
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
