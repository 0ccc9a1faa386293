/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a role's boot entry and of the menu that it may be. */
#include "tree/format.h"
#include "tree/types.h"

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

/* What an entry has, be it a role's own (`path` is "entry.") or one of a menu. */
#define ENTRY_FIELDS(holder, path)                                                                \
    {.name = "kernel",                                                                            \
     .type = &file_type,                                                                          \
     SCHEMA_MEMBER(holder, path kernel),                                                          \
     .help = "Of kind kernel: the kernel.",                                                       \
     .example = "debian/vmlinuz"},                                                                \
        {.name = "initrd",                                                                        \
         .type = &file_type,                                                                      \
         .shape = SCHEMA_LIST,                                                                    \
         .max = BOOT_INITRDS_MAX,                                                                 \
         SCHEMA_MEMBER_N(holder, path initrd),                                                    \
         .help = "Its initrds, in their order.",                                                  \
         .example = "[debian/initrd.img]"},                                                       \
        {.name = "arguments",                                                                     \
         .type = &words_type,                                                                     \
         SCHEMA_MEMBER(holder, path arguments),                                                   \
         .help = "Its command line; what `discovery` says is added.",                             \
         .example = "console=ttyS0 panic=30"},                                                    \
        {.name = "discovery",                                                                     \
         .type = &schema_enum,                                                                    \
         .names = boot_discovery_names,                                                           \
         SCHEMA_MEMBER(holder, path discovery),                                                   \
         .fallback = "kernel",                                                                    \
         .help = "How its cloud-init finds the node's files: their URL with the window's key "    \
                 "stands on the command line, in the machine's SMBIOS serial where an admin has " \
                 "put it, or it does not look for them.",                                         \
         .example = "smbios"},                                                                    \
    {                                                                                             \
        .name = "chain", .type = &file_type, SCHEMA_MEMBER(holder, path chain),                   \
        .help = "Of kind chain: the boot program, or a script for iPXE or grub.",                 \
        .example = "memtest/memtest.efi"                                                          \
    }

/* What belongs to other kinds than the entry's is a mistake, and so is what its own kind lacks. */
static void check_entry(struct schema_reader *r, const struct yaml_node *y,
                        const struct boot_entry *e)
{
    static const struct {
        const char *key;
        enum boot_kind kind;
        bool needed;
    } keys[] = {{"kernel", BOOT_KERNEL, true},     {"initrd", BOOT_KERNEL, false},
                {"arguments", BOOT_KERNEL, false}, {"discovery", BOOT_KERNEL, false},
                {"chain", BOOT_CHAIN, true},       {"menu", BOOT_MENU, true},
                {"timeout", BOOT_MENU, false}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct yaml_node *given = yaml_get(y, str_from(keys[i].key));
        bool is_given = given && !yaml_is_null(given);
        if (is_given && keys[i].kind != e->kind)
            fault_add(r->faults, schema_place(r, y, keys[i].key, 0),
                      "%s: it belongs to 'kind: %s', and this one is '%s'", keys[i].key,
                      boot_kind_names[keys[i].kind], boot_kind_names[e->kind]);
        if (!is_given && keys[i].needed && keys[i].kind == e->kind)
            fault_add(r->faults, yaml_place(r->file, y), "boot: 'kind: %s' needs '%s'",
                      boot_kind_names[e->kind], keys[i].key);
    }
}

static void check_item(struct schema_reader *r, const struct yaml_node *y, const void *made)
{
    const struct boot_entry *e = made;
    if (e->kind == BOOT_MENU)
        fault_add(r->faults, schema_place(r, y, "kind", 0),
                  "kind: a menu holds no menu; take local, kernel or chain");
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
     .help = "As for a role's entry; but no menu.",
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
     .help = "What it boots: its own disk, a kernel, another boot program, or what is chosen at "
             "its console.",
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

const struct schema format_boot = {
    .title = "boot",
    .help = "What a node boots from the network while it is being built. At any other time it "
            "boots its disk.",
    .size = sizeof(struct boot_plan),
    SCHEMA_FIELDS(boot_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = offsetof(struct boot_plan, entry.at),
    .check = check_boot,
};
