/* SPDX-License-Identifier: Apache-2.0 */
/* trace_add: how a rendering fills in its trace; trace.h is for those who read it. */
#ifndef CLOUDSEED_TEMPLATE_TRACE_ADD_H
#define CLOUDSEED_TEMPLATE_TRACE_ADD_H

#include "template/trace.h"

/* Forgets all pieces; the output goes on at `begin`. */
void trace_begin(struct template_trace *trace, size_t begin);
/* What was written since the last piece came from `stmt`; nothing is fine. */
void trace_add(struct template_trace *trace, size_t end, const struct template *t,
               const struct stmt *stmt);

#endif
