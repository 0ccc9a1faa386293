/* SPDX-License-Identifier: Apache-2.0 */
#include "render/render.h"

#include "render/document.h"

#define CHECK_ARENA_BYTES (64 * 1024)
#define CHECK_URL "http://cloudseed.invalid/s/abcdefghijklmnopqrstuvwxyza/"

int render_file(const struct scope_tables *tables, const struct node *n, enum seed_file file,
                struct str seed_url, struct arena *arena, struct buf *out,
                struct template_fault *ret_fault)
{
    const struct render_env env = {.seed_url = seed_url};
    return document_render(tables, n, (struct document){DOCUMENT_SEED, file}, &env, arena, out,
                           NULL, ret_fault);
}

static bool is_reported(const struct faults *faults, const struct template_fault *f)
{
    for (size_t i = 0; i < faults->kept; i++) {
        const struct place *at = &faults->list[i].at;
        if (at->line == f->at.line && at->column == f->at.column && at->file && f->at.file &&
            strcmp(at->file, f->at.file) == 0)
            return true;
    }
    return false;
}

static void report(struct faults *faults, const struct node *n, enum seed_file file,
                   const struct template_fault *f)
{
    if (is_reported(faults, f))
        return;
    fault_add_excerpt(faults, f->at, f->excerpt[0] ? f->excerpt : NULL,
                      "%s (rendering %s of node '%.*s'%s%s)", f->msg, seed_file_names[file],
                      STR_ARG(n->name), f->trace[0] ? ", " : "", f->trace);
}

void render_check(const struct tree *t, struct faults *faults)
{
    struct scope_tables *tables = scope_tables_new(t);
    struct arena arena;
    struct buf out;
    arena_init(&arena, CHECK_ARENA_BYTES);
    buf_init(&out, RENDER_MAX_BYTES);
    for (uint32_t i = 0; i < tree_node_count(t); i++) {
        const struct node *n = tree_node(t, i);
        for (enum seed_file file = 0; file < SEED_FILE_COUNT; file++) {
            struct template_fault f;
            int r = render_file(tables, n, file, STR(CHECK_URL), &arena, &out, &f);
            if (r < 0)
                report(faults, n, file, &f);
            arena_reset(&arena);
            buf_clear(&out);
        }
    }
    buf_done(&out);
    arena_done(&arena);
    scope_tables_free(tables);
}
