/* SPDX-License-Identifier: Apache-2.0 */
#include "render/piece.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "render/document.h"

#define ARENA_BYTES (64 << 10)
/* Shorter texts cost less as a part of what stands around them. */
#define TEXT_MIN_BYTES 128
/* What is compressed at a load, at some 30 MB/s. Documents beyond it are compressed when they are
 * asked for. */
#define COMPRESSED_MAX_BYTES ((size_t)8 << 20)

struct piece {
    struct str text;
    uint64_t hash;
    bool is_ready;  /* hashed, and compressed if it shrinks */
    bool is_packed; /* `packed` is there */
    struct gzip_piece packed;
};

struct pieces {
    struct arena arena;
    struct piece **list;
    uint32_t n, room;
    struct map by_text;
    size_t compressed_bytes; /* before it was */
    /* Of the template at work: */
    struct piece **marked;
    uint32_t marked_n, marked_room;
    size_t marked_bytes;
};

struct pieces *pieces_new(void)
{
    struct pieces *p = MEM_NEW(struct pieces);
    arena_init(&p->arena, ARENA_BYTES);
    return p;
}

void pieces_free(struct pieces *p)
{
    if (!p)
        return;
    map_done(&p->by_text);
    free(p->list);
    free(p->marked);
    arena_done(&p->arena);
    free(p);
}

static struct str text_of(const void *list, uint32_t i)
{
    return ((struct piece *const *)list)[i]->text;
}

static struct piece *find_or_add(struct pieces *p, struct str text)
{
    uint32_t i = map_find(&p->by_text, text_of, p->list, text);
    if (i != MAP_NONE)
        return p->list[i];
    struct piece *piece = ARENA_NEW(&p->arena, struct piece);
    piece->text = text;
    p->list = mem_grow(p->list, p->n, &p->room, sizeof(struct piece *));
    p->list[p->n] = piece;
    map_put(&p->by_text, text_of, p->list, p->n++);
    return piece;
}

static const void *mark(void *cls, struct str text)
{
    struct pieces *p = cls;
    if (text.n < TEXT_MIN_BYTES)
        return NULL;
    p->marked = mem_grow(p->marked, p->marked_n, &p->marked_room, sizeof(struct piece *));
    p->marked_bytes += text.n;
    return p->marked[p->marked_n++] = find_or_add(p, text);
}

struct template_marker pieces_marker(struct pieces *p)
{
    p->marked_n = 0;
    p->marked_bytes = 0;
    return (struct template_marker){mark, p};
}

static void make_ready(struct pieces *p, struct piece *piece)
{
    if (piece->is_ready)
        return;
    p->compressed_bytes += piece->text.n;
    piece->hash = hash64(piece->text);
    piece->is_packed = gzip_piece_make(piece->text, &p->arena, &piece->packed);
    piece->is_ready = true;
}

bool pieces_keep(struct pieces *p)
{
    if (p->marked_bytes < DOCUMENT_GZIP_MIN_BYTES ||
        p->marked_bytes > COMPRESSED_MAX_BYTES - p->compressed_bytes)
        return false;
    for (uint32_t i = 0; i < p->marked_n; i++)
        make_ready(p, p->marked[i]);
    return true;
}

/* --- Documents ----------------------------------------------------------------------------- */

static void digest_add(struct piece_sink *s, uint64_t hash, size_t n)
{
    const uint64_t all[] = {s->digest, hash, n};
    s->digest = hash64((struct str){(const char *)all, sizeof(all)});
    s->plain_bytes += n;
}

static void begin_text(struct piece_sink *s)
{
    if (s->is_gzip)
        gzip_text_begin(&s->gzip);
    s->text_at = s->out->n;
}

static void end_text(struct piece_sink *s)
{
    struct str text = str_skip(buf_view(s->out), s->text_at);
    if (text.n)
        digest_add(s, hash64(text), text.n);
    if (s->is_gzip)
        gzip_text_end(&s->gzip);
}

/* What is written comes in order, and each byte once: so what lies behind it is as it was, but for
 * the NUL that ends it. */
static bool is_left(const struct piece_sink *s, const struct piece *piece)
{
    unsigned i = s->pieces_n;
    return i < s->left_n && s->sheet->laid[i].at == s->out->n &&
           s->sheet->laid[i].hash == piece->hash && s->sheet->laid[i].n == piece->text.n;
}

static void lay_piece(struct piece_sink *s, const struct piece *piece)
{
    struct piece_sheet *sheet = s->sheet;
    struct buf *out = s->out;
    size_t at = out->n, n = piece->text.n;
    if (is_left(s, piece)) {
        out->p[at] = piece->text.p[0];
        out->n += n;
        out->p[out->n] = '\0';
    } else {
        s->left_n = 0;
        if (!buf_str(out, piece->text))
            return;
    }
    unsigned i = s->pieces_n++;
    if (i == sheet->laid_n && i < PIECE_SHEET_MAX) {
        sheet->laid[i].hash = piece->hash;
        sheet->laid[i].n = n;
        sheet->laid[i].at = at;
        sheet->laid_n++;
    }
}

static bool write_piece(void *cls, const void *of)
{
    struct piece_sink *s = cls;
    const struct piece *piece = of;
    if (!piece->is_ready)
        return buf_str(s->out, piece->text);
    end_text(s);
    if (s->is_gzip && piece->is_packed) {
        gzip_add_piece(&s->gzip, &piece->packed);
    } else if (s->is_gzip) {
        gzip_text_begin(&s->gzip);
        buf_str(s->out, piece->text);
        gzip_text_end(&s->gzip);
    } else {
        lay_piece(s, piece);
    }
    digest_add(s, piece->hash, piece->text.n);
    begin_text(s);
    return !s->out->full && s->plain_bytes <= s->out->max_bytes;
}

void piece_sheet_init(struct piece_sheet *s, size_t max_bytes)
{
    *s = (struct piece_sheet){.laid_n = 0};
    buf_init(&s->buf, max_bytes);
}

void piece_sheet_done(struct piece_sheet *s)
{
    buf_done(&s->buf);
    s->laid_n = 0;
}

void piece_sink_begin(struct piece_sink *s, struct piece_sheet *sheet, bool is_gzip)
{
    *s = (struct piece_sink){
        .sink = {write_piece, s}, .sheet = sheet, .out = &sheet->buf, .is_gzip = is_gzip};
    if (!is_gzip && !sheet->buf.secret) /* which does not keep what it is cleared of */
        s->left_n = sheet->laid_n;
    sheet->laid_n = 0;
    buf_clear(&sheet->buf);
    if (is_gzip)
        gzip_begin(&s->gzip, &sheet->buf);
    begin_text(s);
}

bool piece_sink_end(struct piece_sink *s)
{
    end_text(s);
    if (s->is_gzip)
        gzip_end(&s->gzip);
    return !s->out->full && s->plain_bytes <= s->out->max_bytes;
}
