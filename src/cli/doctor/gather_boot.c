/* SPDX-License-Identifier: Apache-2.0 */
/* What machines load that boot from the network: boot programs by TFTP, kernels and images. */
#include "cli/asset/asset.h"
#include "cli/doctor/doctor.h"
#include "cli/doctor/tftp.h"
#include "crypto/certificate.h"
#include "model/asset.h"

#include <errno.h>
#include <unistd.h>

#define TFTP_PORT 69
#define FILES_MAX (2 + BOOT_MENU_MAX * (1 + BOOT_INITRDS_MAX))

/* --- TFTP ------------------------------------------------------------------------------------ */

static bool boots_from_network(const struct role *r)
{
    return r && r->boot.entry.kind != BOOT_LOCAL;
}

/* Of the node, or of any role if it is about none. */
static bool is_needed(const struct doctor_gather *g)
{
    if (g->facts->name.n)
        return boots_from_network(g->role);
    for (uint32_t i = 0; i < tree_role_count(g->tree); i++) {
        if (boots_from_network(tree_role(g->tree, i)))
            return true;
    }
    return false;
}

static struct value skip(struct arena *a, const char *why)
{
    const struct value_pair pairs[] = {JSON_STR("skipped", str_from(why))};
    return value_copy(a, value_map(pairs, 1));
}

static struct value probe(struct arena *a, struct address host, const char *file)
{
    struct err e = {.msg = ""};
    int r = tftp_probe((struct endpoint){host, TFTP_PORT}, str_from(file), &e);
    const struct value_pair pairs[] = {
        JSON_STR("file", str_from(file)),
        JSON_STR("trouble", str_from(r < 0 ? e.msg : "")),
        JSON_BOOL("silent", r < 0 && r != -ENOENT),
    };
    return value_copy(a, value_map(pairs, 3));
}

void doctor_gather_tftp(struct doctor_gather *g)
{
    static const char *const programs[] = {"undionly.kpxe", "snponly.efi"};
    struct certificate_name name;
    struct value files[2];
    struct arena *a = g->arena;
    char text[ADDRESS_TEXT_SIZE];
    struct str url = api_text(g->facts->server, "url");
    if (!g->tree)
        return;
    if (!is_needed(g)) {
        g->facts->tftp = skip(a, g->facts->name.n ? "its role does not boot from the network"
                                                  : "no role boots from the network");
        return;
    }
    if (!certificate_name_of_url(url, &name) || !name.address.family)
        return;
    for (size_t i = 0; i < 2; i++)
        files[i] = probe(a, name.address, programs[i]);
    const struct value_pair pairs[] = {
        JSON_STR("host", str_from(address_text(name.address, text))),
        JSON_VALUE("files", value_list(files, 2)),
    };
    g->facts->tftp = value_copy(a, value_map(pairs, 2));
}

/* --- Kernels and images ---------------------------------------------------------------------- */

struct boot_files {
    struct doctor_gather *g;
    struct value list[FILES_MAX];
    size_t n;
};

/* "differs", "missing", …; empty: it is what was added, or that cannot be seen here. */
static struct str verify(struct doctor_gather *g, struct str name)
{
    struct str folder = g->api.config.assets_dir;
    struct asset_entry *list = NULL;
    char sha256[DIGEST_TEXT_SIZE];
    size_t n = 0;
    if (access(folder.p, R_OK | X_OK) < 0 || asset_entries(g->cli, folder, &list, &n) != CLI_OK)
        return STR("");
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(list[i].name, name))
            continue;
        enum asset_verdict v = asset_judge(g->cli, folder, &list[i], sha256);
        return v > ASSET_UNKNOWN ? str_from(asset_verdict_names[v]) : STR("");
    }
    return STR("");
}

static void look_at(struct boot_files *l, const struct boot_file *file)
{
    struct arena *a = l->g->arena;
    if (!file->url.n || l->n == FILES_MAX)
        return;
    struct value found = doctor_fetch(a, "HEAD", file->url, STR(""), STR(""));
    const struct value_pair pairs[] = {
        JSON_STR("url", file->url),
        JSON_STR("asset", file->asset),
        JSON_INT("status", api_number(found, "status", 0)),
        JSON_STR("trouble", doctor_trouble(found)),
        JSON_STR("sha256", file->asset.n ? verify(l->g, file->asset) : STR("")),
    };
    l->list[l->n++] = value_copy(a, value_map(pairs, 5));
}

static void look_at_entry(struct boot_files *l, const struct boot_entry *entry)
{
    look_at(l, &entry->kernel);
    look_at(l, &entry->chain);
    for (uint32_t i = 0; i < entry->initrd_n; i++)
        look_at(l, &entry->initrd[i]);
}

void doctor_gather_boot(struct doctor_gather *g)
{
    struct boot_files *l;
    if (!g->role)
        return;
    const struct boot_plan *plan = &g->role->boot;
    l = ARENA_NEW(g->arena, struct boot_files);
    l->g = g;
    look_at_entry(l, &plan->entry);
    for (uint32_t i = 0; i < plan->menu_n; i++)
        look_at_entry(l, &plan->menu[i]);
    const struct value_pair pairs[] = {
        JSON_STR("kind", str_from(boot_kind_names[plan->entry.kind])),
        JSON_VALUE("files", value_list(l->list, l->n)),
    };
    g->facts->boot = value_copy(g->arena, value_map(pairs, 2));
}
