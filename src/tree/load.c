/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/load.h"

#include "base/fs.h"
#include "base/guess.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define TREE_CHUNK_BYTES (256 * 1024)
#define FILE_CHUNK_BYTES (1024 * 1024)

void load_init(struct load *l, struct tree *t, struct faults *faults)
{
    *l = (struct load){.tree = t, .faults = faults};
    arena_init(&t->arena, TREE_CHUNK_BYTES);
    arena_init(&l->file, FILE_CHUNK_BYTES);
    intern_init(&l->texts, &t->arena);
    intern_init(&l->secrets, &t->arena);
    l->reader = (struct schema_reader){.arena = &t->arena, .texts = &l->texts, .faults = faults};
    overlay_init(&l->overlay, &t->arena, faults);
    t->templates = template_set_new();
    t->words = template_set_new();
}

void load_done(struct load *l)
{
    arena_done(&l->file);
    intern_done(&l->texts);
    overlay_done(&l->overlay);
    map_done(&l->names);
    intern_done(&l->secrets);
    free(l->role_drafts);
}

const struct yaml_node *load_text(struct load *l, const char *path, struct str text)
{
    const struct yaml_node *root;
    l->reader.file = path;
    return yaml_parse(path, text, &l->file, l->faults, &root) < 0 ? NULL : root;
}

bool load_read(struct load *l, const char *path, size_t max_bytes, struct str *ret)
{
    arena_reset(&l->file);
    int r = fs_read(path, max_bytes, &l->file, ret, NULL);
    if (r == -EFBIG)
        fault_add(l->faults, (struct place){.file = path}, "larger than %zu MiB", max_bytes >> 20);
    else if (r < 0)
        fault_add(l->faults, (struct place){.file = path}, "%s", strerror(-r));
    return r == 0;
}

const struct yaml_node *load_file(struct load *l, const char *path)
{
    struct str text;
    return load_read(l, path, YAML_FILE_MAX_BYTES, &text) ? load_text(l, path, text) : NULL;
}

static bool load_pairs(struct load *l, const char *path, load_pair_fn on_pair)
{
    const struct yaml_node *root = load_file(l, path);
    if (!root)
        return false;
    if (root->kind != YAML_MAPPING && !yaml_is_null(root)) {
        fault_add(l->faults, yaml_place(path, root),
                  "expected names, each with its definition below it, not %s",
                  yaml_kind_name(root));
        return false;
    }
    for (uint32_t i = 0; root->kind == YAML_MAPPING && i < root->n; i++)
        on_pair(l, &root->pairs[i]);
    return true;
}

bool load_folder(struct load *l, const char *folder, load_pair_fn on_pair)
{
    struct files files;
    size_t errors = l->faults->errors;
    files_init(&files, &l->tree->arena, l->faults);
    files_yaml(&files, folder);
    bool whole = l->faults->errors == errors;
    for (size_t i = 0; i < files.n; i++)
        whole &= load_pairs(l, files.list[i].path, on_pair);
    files_done(&files);
    return whole;
}

/* Warns of other files beside the folders: a misspelt folder would mean an empty fleet. */
static void check_neighbours(struct faults *faults, struct arena *a, const char *seed_dir)
{
    static const char *const known[] = {"site.yaml", "clusters", "roles", "nodes"};
    const struct fs_entry *list;
    size_t n;
    if (fs_list(seed_dir, a, &list, &n, NULL) < 0)
        return;
    for (size_t i = 0; i < n; i++) {
        struct guess g;
        bool read = false;
        guess_init(&g, str_from(list[i].name));
        for (size_t j = 0; j < sizeof(known) / sizeof(known[0]); j++) {
            read |= strcmp(list[i].name, known[j]) == 0;
            guess_offer(&g, str_from(known[j]));
        }
        if (read || !g.best.n)
            continue;
        const char *path = arena_printf(a, "%s/%s", seed_dir, list[i].name).p;
        fault_warn(faults, (struct place){.file = path}, "this is not read%s", guess_text(&g));
    }
}

static void load_seed(struct load *l, const char *seed_dir)
{
    struct arena *a = &l->tree->arena;
    check_neighbours(l->faults, a, seed_dir);
    load_site(l, arena_printf(a, "%s/site.yaml", seed_dir).p);
    load_clusters(l, arena_printf(a, "%s/clusters", seed_dir).p);
    load_roles(l, arena_printf(a, "%s/roles", seed_dir).p);
    load_nodes(l, arena_printf(a, "%s/nodes", seed_dir).p);
}

/* Without the slash at its end, so that paths below it look as the user would write them. */
static const char *folder_name(struct arena *a, const char *folder)
{
    struct str s = str_from(folder);
    while (s.n > 1 && s.p[s.n - 1] == '/')
        s.n--;
    return arena_str(a, s).p;
}

int load_once(const struct tree_source *from, struct faults *faults, struct tree **ret)
{
    struct tree *t = MEM_NEW(struct tree);
    struct load l;
    size_t errors = faults->errors;
    load_init(&l, t, faults);
    l.url = arena_str(&t->arena, from->url);
    load_templates(&l, str_from(from->templates_dir));
    load_seed(&l, folder_name(&t->arena, from->seed_dir));
    load_check_variables(&l);
    load_done(&l);
    if (faults->errors != errors) {
        tree_free(t);
        return -EINVAL;
    }
    *ret = t;
    return 0;
}
