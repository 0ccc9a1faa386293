/* SPDX-License-Identifier: Apache-2.0 */
/* answer: the short answers that every step gives alike. */
#ifndef CLOUDSEED_CORE_ANSWER_H
#define CLOUDSEED_CORE_ANSWER_H

#include "port/exchange.h"

/* One plain line that says why: it is read on a console. `reason` lives for ever or in the
 * exchange's arena. */
void answer_refuse(struct exchange *x, int status, const char *reason);

/* One plain line, of no interest to the log. */
void answer_line(struct exchange *x, int status, const char *line);

/* The entity tag of these bytes, as the answer's encoding has them. Equal bytes have equal tags, on
 * every machine and in every release. */
const char *answer_tag(struct exchange *x, struct str bytes);

#endif
