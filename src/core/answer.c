/* SPDX-License-Identifier: Apache-2.0 */
#include "core/answer.h"

void answer_line(struct exchange *x, int status, const char *line)
{
    x->out.status = status;
    x->out.type = "text/plain; charset=utf-8";
    x->out.cache = "no-store";
    x->out.body = arena_printf(&x->arena, "%s\n", line);
}

void answer_refuse(struct exchange *x, int status, const char *reason)
{
    answer_line(x, status, reason);
    x->out.event = "refused";
    x->out.reason = reason;
}
