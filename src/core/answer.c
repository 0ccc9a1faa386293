/* SPDX-License-Identifier: Apache-2.0 */
#include "core/answer.h"

#include "base/hash.h"
#include "base/hex.h"

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

const char *answer_tag(struct exchange *x, struct str bytes)
{
    uint64_t digest = hash64(bytes);
    char text[16];
    for (int i = 15; i >= 0; i--, digest >>= 4)
        text[i] = hex_digits[digest & 15];
    struct str variant = x->out.encoding ? STR("-gzip\"") : STR("\"");
    return ARENA_JOIN(&x->arena, STR("\""), (struct str){text, sizeof(text)}, variant).p;
}
