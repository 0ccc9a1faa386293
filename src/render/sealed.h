/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealed: the documents of bootstrap's answer, with the values of the site's secrets.
 *
 * They are rendered for the node that bootstraps and for nobody else: whoever checks or shows
 * documents has placeholders (render/document.h). No fault shows a value. It does not know where
 * the values come from.
 */
#ifndef CLOUDSEED_RENDER_SEALED_H
#define CLOUDSEED_RENDER_SEALED_H

#include "render/scope.h"

/* A secret that templates name. */
struct secret_need {
    struct str name;
    struct place at; /* where the first of them does that a role or cluster uses; file NULL: none */
};

/* All of them, by name. */
const struct secret_need *sealed_needs(const struct tree *t, struct arena *a, uint32_t *ret_n);

/* Names and values; wiped at its end. Frozen once it is filled: any thread may read it. */
struct sealed_values;
struct sealed_values *sealed_values_new(void);
void sealed_values_put(struct sealed_values *v, struct str name, struct str value);
void sealed_values_free(struct sealed_values *v);
/* False where there is none of that name. The text lives as long as `v`. */
bool sealed_values_get(const struct sealed_values *v, struct str name, struct str *ret);

/* document_render of what is no seed file. -EINVAL with *ret_fault filled where the template stops;
 * what was appended to `out` until then is to be thrown away. */
int sealed_render(const struct scope_tables *tables, const struct node *n, struct document d,
                  const struct render_env *env, const struct sealed_values *values,
                  struct arena *arena, struct buf *out, struct template_fault *ret_fault);

#endif
