/* SPDX-License-Identifier: Apache-2.0 */
#include "template/maker.h"

void maker_append(struct maker *m, struct stmt s)
{
    struct block *b = &m->b;
    if (b->n == b->room) {
        uint32_t room = b->room ? b->room * 2 : 8;
        struct stmt *list = ARENA_ARRAY(m->arena, struct stmt, room);
        if (b->n)
            memcpy(list, b->list, b->n * sizeof(*list));
        b->list = list;
        b->room = room;
    }
    b->list[b->n++] = s;
}

bool maker_is_text(const struct maker *m)
{
    for (uint32_t i = 0; i < m->b.n; i++) {
        const struct stmt *s = &m->b.list[i];
        if (s->kind != STMT_SET || !s->assign->settled)
            return false;
    }
    return true;
}

static void flush(struct maker *m)
{
    if (m->text.n == 0)
        return;
    struct str text = arena_str(m->arena, buf_view(&m->text));
    maker_append(m, (struct stmt){.kind = STMT_TEXT, .at = m->text_at, .text = text});
    buf_clear(&m->text);
}

void maker_keep(struct maker *m, struct stmt s)
{
    flush(m);
    maker_append(m, s);
}

void maker_init(struct maker *m, struct fold *f, struct arena *arena)
{
    *m = (struct maker){.f = f, .arena = arena};
    buf_init(&m->text, MAKER_TEXT_MAX_BYTES);
}

struct block maker_end(struct maker *m)
{
    flush(m);
    buf_done(&m->text);
    return m->b;
}
