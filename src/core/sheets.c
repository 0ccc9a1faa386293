/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sheets.h"

#include "base/mem.h"
#include "render/document.h"

#include <stdlib.h>
#include <sys/queue.h>

#define SPARE_MAX 64
#define SPARE_MAX_BYTES (64 * 1024) /* larger ones do not stay */

struct sheet {
    SLIST_ENTRY(sheet) entry;
    struct sheets *of;
    struct piece_sheet sheet;
};

struct sheets {
    SLIST_HEAD(, sheet) spare;
    unsigned spare_n;
};

struct sheets *sheets_new(void)
{
    struct sheets *s = MEM_NEW(struct sheets);
    SLIST_INIT(&s->spare);
    return s;
}

static void sheet_free(struct sheet *sheet)
{
    piece_sheet_done(&sheet->sheet);
    free(sheet);
}

void sheets_free(struct sheets *s)
{
    struct sheet *sheet;
    while (s && (sheet = SLIST_FIRST(&s->spare)) != NULL) {
        SLIST_REMOVE_HEAD(&s->spare, entry);
        sheet_free(sheet);
    }
    free(s);
}

static void give_back(struct exchange *x, void *state)
{
    struct sheet *sheet = state;
    struct sheets *s = sheet->of;
    (void)x;
    if (s->spare_n == SPARE_MAX || sheet->sheet.buf.secret ||
        sheet->sheet.buf.room > SPARE_MAX_BYTES) {
        sheet_free(sheet);
        return;
    }
    SLIST_INSERT_HEAD(&s->spare, sheet, entry);
    s->spare_n++;
}

struct piece_sheet *sheets_take(struct sheets *s, struct exchange *x)
{
    struct sheet *sheet = SLIST_FIRST(&s->spare);
    if (sheet) {
        SLIST_REMOVE_HEAD(&s->spare, entry);
        s->spare_n--;
    } else {
        sheet = MEM_NEW(struct sheet);
        sheet->of = s;
        piece_sheet_init(&sheet->sheet, DOCUMENT_MAX_BYTES);
    }
    sheet->sheet.buf.secret = x->is_secret;
    exchange_at_end(x, give_back, sheet);
    return &sheet->sheet;
}
