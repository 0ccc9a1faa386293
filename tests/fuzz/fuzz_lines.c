/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_lines: the first byte says how long the pieces are; the lines are those of the whole text.
 */
#include "wire/lines.h"

#include <stdlib.h>

#define MAX_BYTES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

/* The next line of the text, as lines_next would have it; false at the end of the whole lines. */
static bool expect(struct str *text, struct str *ret)
{
    do {
        const char *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
        if (!end)
            return false;
        *ret = (struct str){text->p, (size_t)(end - text->p)};
        *text = str_skip(*text, ret->n + 1);
        if (ret->n && ret->p[ret->n - 1] == '\r')
            ret->n--;
    } while (ret->n == 0);
    return true;
}

/* False where a line is too long. */
static bool compare(struct lines *l, struct str piece, struct str *text)
{
    struct str got, want;
    int r;
    while ((r = lines_next(l, &piece, &got)) > 0) {
        need(expect(text, &want));
        need(str_eq(got, want) && got.n > 0 && got.n <= MAX_BYTES);
    }
    need(r < 0 || piece.n == 0);
    return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lines l;
    bool ok = true;
    if (size < 2)
        return 0;
    size_t step = data[0] ? data[0] : size;
    struct str rest = {(const char *)data + 1, size - 1}, text = rest, left;
    lines_init(&l, MAX_BYTES);
    while (ok && rest.n) {
        size_t n = step < rest.n ? step : rest.n;
        ok = compare(&l, (struct str){rest.p, n}, &text);
        rest = str_skip(rest, n);
    }
    need(!ok || !expect(&text, &left));
    need(!ok || lines_is_within(&l) == (text.n > 0));
    need(ok || text.n > MAX_BYTES);
    lines_done(&l);
    return 0;
}
