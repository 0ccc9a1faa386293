/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/snippets.h"

#include "base/fs.h"
#include "cli/common/folder.h"

#include <errno.h>
#include <unistd.h>

#define TASK_MS 60000
#define SNIPPET_MAX_BYTES ((size_t)1 << 20) /* qemu-server's limit */

static const struct part {
    const char *key;  /* in cicustom */
    const char *file; /* of the seed */
} parts[] = {
    {"meta", "meta-data"},
    {"network", "network-config"},
    {"user", "user-data"},
    {"vendor", "vendor-data"},
};
#define PARTS_N (sizeof(parts) / sizeof(parts[0]))

static struct str name_of(struct str node, const struct part *part, struct arena *a)
{
    return arena_printf(a, "cloudseed-%.*s-%s.yaml", STR_ARG(node), part->key);
}

/* --- cicustom --------------------------------------------------------------------------------- */

/* "user.yaml": behind a node's name, which may itself be the beginning of another one's. */
static bool ends_a_name(struct str rest)
{
    for (size_t i = 0; i < PARTS_N; i++) {
        struct str key = str_from(parts[i].key);
        if (str_starts(rest, key) && str_is(str_skip(rest, key.n), ".yaml"))
            return true;
    }
    return false;
}

bool snippets_are_of(struct str cicustom, struct str node)
{
    struct props p;
    if (!cicustom.n || props_read(cicustom, &p, NULL) < 0)
        return false;
    for (uint32_t i = 0; i < p.n; i++) {
        struct str file = p.list[i].value;
        str_cut(&file, ':');
        if (!file.p || !str_starts(file, STR("snippets/cloudseed-")) ||
            !str_starts(str_skip(file, 19), node) ||
            !str_starts(str_skip(file, 19 + node.n), STR("-")) ||
            !ends_a_name(str_skip(file, 20 + node.n)))
            return false;
    }
    return true;
}

static bool has_drive(struct value config)
{
    for (uint32_t i = 0; config.kind == VALUE_MAP && i < config.n; i++) {
        struct value v = config.pairs[i].value;
        if (v.kind == VALUE_STR && memmem(v.s, v.n, "cloudinit", 9) &&
            memmem(v.s, v.n, "media=cdrom", 11))
            return true;
    }
    return false;
}

/* p == NULL: taken away. */
static int set_cicustom(struct pve_session *s, const struct pve_vm *vm, struct value config,
                        struct str cicustom)
{
    const struct pve_field fields[] = {
        cicustom.p ? (struct pve_field){"cicustom", cicustom}
                   : (struct pve_field){"delete", STR("cicustom")},
        {"digest", pve_text(config, "digest", &s->arena)},
        {"background_delay", STR("10")},
    };
    const struct pve_request q = {"POST", pve_vm_path(vm, "/config", &s->arena), fields, 3};
    unsigned warnings;
    struct err e;
    return pve_do(s->pve, &q, TASK_MS, &warnings, &e) < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

/* --- The storage ------------------------------------------------------------------------------ */

static int find_storage(struct pve_session *s, const struct pve_vm *vm, struct str *ret)
{
    const struct pve_field fields[] = {{"content", STR("snippets")}};
    const struct pve_request q = {
        "GET", arena_printf(&s->arena, "/nodes/%.*s/storage", STR_ARG(vm->host)), fields, 1};
    const char *given = flags_value(&s->cli->flags, "storage");
    struct value list;
    struct err e;
    *ret = str_from(given ? given : "");
    if (given)
        return CLI_OK;
    if (pve_ask(s->pve, &q, &s->arena, &list, &e) < 0)
        return pve_session_fail(s, &e);
    if (list.kind == VALUE_LIST && list.n == 1)
        *ret = pve_text(list.items[0], "storage", &s->arena);
    return ret->n ? CLI_OK
                  : cli_fail(s->cli,
                             "the token sees %u storages of content 'snippets' on %.*s: name the "
                             "one with --storage",
                             list.kind == VALUE_LIST ? list.n : 0, STR_ARG(vm->host));
}

/* --- Putting and dropping --------------------------------------------------------------------- */

int snippets_check(struct pve_session *s, struct str node, const struct pve_vm *vm,
                   struct value config)
{
    const char *folder = flags_value(&s->cli->flags, "snippets");
    struct str old = value_get_text(config, STR("cicustom")), storage;
    if (!folder)
        return cli_misuse(s->cli, "give the folder for snippets with --snippets");
    if (!folder_is(folder))
        return cli_fail(s->cli, "--snippets: %s is not a folder", folder);
    if (old.n && !snippets_are_of(old, node))
        return cli_fail(s->cli,
                        "VM %u has snippets that are not cloudseed's: run 'qm set %u --delete "
                        "cicustom' on its host",
                        vm->vmid, vm->vmid);
    if (!has_drive(config))
        return cli_fail(s->cli,
                        "VM %u has no cloud-init drive to put snippets on: run 'qm set %u --ide2 "
                        "STORAGE:cloudinit' on its host",
                        vm->vmid, vm->vmid);
    return find_storage(s, vm, &storage);
}

/* Where a node has no network-config, Proxmox would make one of its own, without addresses. */
static struct str or_default(const struct part *part, struct str text)
{
    if (text.n || strcmp(part->key, "network") != 0)
        return text;
    return STR("version: 2\nethernets:\n  all:\n    match: {name: \"e*\"}\n    dhcp4: true\n");
}

static int put_one(struct pve_session *s, struct str node, const struct part *part,
                   struct str target)
{
    struct str text, path = ARENA_JOIN(&s->arena, str_from(flags_value(&s->cli->flags, "snippets")),
                                       STR("/"), name_of(node, part, &s->arena));
    struct err e;
    int status = api_file(&s->api, ARENA_JOIN(&s->arena, target, str_from(part->file)), &text);
    if (status != CLI_OK)
        return status;
    if (text.n > SNIPPET_MAX_BYTES)
        return cli_fail(s->cli, "%.*s: its %s is larger than Proxmox VE takes, 1 MiB",
                        STR_ARG(node), part->file);
    /* The keys in it are for root on the host, who starts the VM. */
    return fs_replace(path.p, or_default(part, text), 0600, &e) < 0 ? cli_fail(s->cli, "%s", e.msg)
                                                                    : CLI_OK;
}

int snippets_put(struct pve_session *s, struct str node, const struct pve_vm *vm,
                 struct value config, struct str window_url)
{
    struct str volumes = STR(""), storage, target;
    int status = find_storage(s, vm, &storage);
    const char *path = memmem(window_url.p, window_url.n, "/s/", 3);
    if (status != CLI_OK)
        return status;
    target = path ? str_skip(window_url, (size_t)(path - window_url.p)) : STR("");
    for (size_t i = 0; i < PARTS_N; i++) {
        volumes =
            ARENA_JOIN(&s->arena, volumes, i ? STR(",") : STR(""), str_from(parts[i].key), STR("="),
                       storage, STR(":snippets/"), name_of(node, &parts[i], &s->arena));
        if (!pve_session_is_dry(s))
            status = put_one(s, node, &parts[i], target);
        if (status != CLI_OK)
            return status;
    }
    return str_eq(volumes, value_get_text(config, STR("cicustom")))
               ? CLI_OK
               : set_cicustom(s, vm, config, volumes);
}

int snippets_drop(struct pve_session *s, struct str node, const struct pve_vm *vm,
                  struct value config)
{
    const char *folder = flags_value(&s->cli->flags, "snippets");
    if (!folder)
        return cli_misuse(s->cli, "VM %u has snippets: give their folder with --snippets",
                          vm->vmid);
    int status = set_cicustom(s, vm, config, (struct str){NULL, 0});
    for (size_t i = 0; status == CLI_OK && i < PARTS_N; i++) {
        struct str path =
            ARENA_JOIN(&s->arena, str_from(folder), STR("/"), name_of(node, &parts[i], &s->arena));
        if (!pve_session_is_dry(s) && unlink(path.p) < 0 && errno != ENOENT)
            status = cli_fail(s->cli, "%s: %s", path.p, strerror(errno));
    }
    return status;
}
