/* SPDX-License-Identifier: Apache-2.0 */
/* verdict: which check a document gets. */
#ifndef CLOUDSEED_RENDER_VERDICT_H
#define CLOUDSEED_RENDER_VERDICT_H

#include "render/document.h"
#include "render/inspect.h"

/* Documents of the same kind get the same check. */
unsigned verdict_kind(const struct node *n, struct document d);

/* *ret is what was parsed: nothing where the text is no YAML, or there is no check for it. */
void verdict_inspect(struct inspect *in, const struct node *n, struct document d, struct str text,
                     struct yaml_documents *ret);

#endif
