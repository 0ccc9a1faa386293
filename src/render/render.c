/* SPDX-License-Identifier: Apache-2.0 */
#include "render/render.h"

#include "render/document.h"

int render_file(const struct scope_tables *tables, const struct node *n, enum seed_file file,
                struct str seed_url, struct arena *arena, struct buf *out,
                struct template_fault *ret_fault)
{
    const struct render_env env = {.seed_url = seed_url};
    return document_render(tables, n, (struct document){DOCUMENT_SEED, file}, &env, arena, out,
                           NULL, ret_fault);
}
