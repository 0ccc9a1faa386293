/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealed: renders documents for the answer to a bootstrap request, with the values of secrets.
 *
 * Checks and commands that show documents use placeholders instead (render/document.h). No fault
 * shows a value. Where the values come from is not known here.
 */
#ifndef CLOUDSEED_RENDER_SEALED_H
#define CLOUDSEED_RENDER_SEALED_H

#include "render/scope.h"

/* A secret that templates use. */
struct secret_need {
    struct str name;
    struct place at; /* its first use in a template of a role or cluster; file NULL: unused */
};

/* All secrets that templates use, sorted by name. */
const struct secret_need *sealed_needs(const struct tree *t, struct arena *a, uint32_t *ret_n);

/* Names and values, wiped when freed. Once filled it does not change, and any thread may read it.
 */
struct sealed_values;
struct sealed_values *sealed_values_new(void);
void sealed_values_put(struct sealed_values *v, struct str name, struct str value);
void sealed_values_free(struct sealed_values *v);
/* False if there is none of that name. The text lives as long as `v`. */
bool sealed_values_get(const struct sealed_values *v, struct str name, struct str *ret);

/* As document_render, for any document but a seed file; `values` NULL: there are none. If the
 * template stops, -EINVAL with
 * *ret_fault filled; what was appended to `out` must be discarded. */
int sealed_render(const struct scope_tables *tables, const struct node *n, struct document d,
                  const struct render_env *env, const struct sealed_values *values,
                  struct arena *arena, struct buf *out, struct template_fault *ret_fault);

#endif
