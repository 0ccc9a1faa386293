/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memo: documents that differ from a checked one in nothing that the check looked at.
 *
 * Renderings of one template for many nodes are the same but for values, and most of these cannot
 * change the verdict: a harmless word inside of quotes that nobody reads. How it is told which, and
 * why that is sound, is in docs/why/memo.md. Not thread-safe.
 */
#ifndef CLOUDSEED_RENDER_MEMO_H
#define CLOUDSEED_RENDER_MEMO_H

#include "render/inspect.h"
#include "template/trace.h"

struct memo;

struct memo *memo_new(void);
void memo_free(struct memo *m);

/* Whether the check of `text`, as `kind` says, is known already to end with *ret_ok. Text and
 * trace must live until memo_learn. */
bool memo_find(struct memo *m, unsigned kind, struct str text, const struct template_trace *trace,
               bool *ret_ok);

/* What the check of the text that was asked for last has found: what it parsed, what it looked at,
 * and how it ended. */
void memo_learn(struct memo *m, struct yaml_documents docs, const struct inspect *in, bool ok);

/* How often memo_find knew, and did not. */
void memo_counts(const struct memo *m, uint64_t *ret_hits, uint64_t *ret_misses);

#endif
