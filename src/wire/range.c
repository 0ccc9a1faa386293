/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/range.h"

#include <inttypes.h>
#include <stdio.h>

/* A number of more than 64 bits is valid, and beyond the end of every file. */
static bool read_position(struct str digits, uint64_t *ret)
{
    uint64_t n = 0;
    for (size_t i = 0; i < digits.n; i++) {
        unsigned digit = (unsigned char)digits.p[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
            n = UINT64_MAX;
    }
    *ret = n;
    return digits.n > 0;
}

/* "-500": the last 500 bytes. Of an empty file that is all of it, which Content-Range cannot
 * express. */
static enum range_verdict last_bytes(struct str digits, uint64_t size, struct range *ret)
{
    uint64_t n;
    if (!read_position(digits, &n) || (size == 0 && n > 0))
        return RANGE_WHOLE;
    if (n == 0)
        return RANGE_BEYOND;
    if (n > size)
        n = size;
    *ret = (struct range){size - n, n};
    return RANGE_PART;
}

static enum range_verdict parse_one(struct str spec, uint64_t size, struct range *ret)
{
    struct str last = spec;
    struct str first = str_cut(&last, '-');
    uint64_t from, to = UINT64_MAX;
    if (!last.p)
        return RANGE_WHOLE;
    if (first.n == 0)
        return last_bytes(last, size, ret);
    if (!read_position(first, &from) || (last.n && !read_position(last, &to)) || to < from)
        return RANGE_WHOLE;
    if (from >= size)
        return RANGE_BEYOND;
    if (to >= size)
        to = size - 1;
    *ret = (struct range){from, to - from + 1};
    return RANGE_PART;
}

/* Empty items of a list are ignored (section 5.6.1). False where there is not exactly one other. */
static bool only_item(struct str list, struct str *ret)
{
    unsigned n = 0;
    while (list.p) {
        struct str item = str_trim(str_cut(&list, ','));
        if (item.n == 0)
            continue;
        *ret = item;
        n++;
    }
    return n == 1;
}

enum range_verdict range_parse(struct str header, uint64_t size, struct range *ret)
{
    struct str set = str_trim(header), spec;
    struct str unit = str_cut(&set, '=');
    if (!header.p || !set.p || !str_eq_nocase(unit, STR("bytes")) || !only_item(set, &spec))
        return RANGE_WHOLE;
    return parse_one(spec, size, ret);
}

bool range_applies(struct str if_range, struct str etag)
{
    return !if_range.p || str_eq(str_trim(if_range), etag);
}

const char *range_text(const struct range *r, uint64_t size, char text[static RANGE_TEXT_SIZE])
{
    if (r)
        snprintf(text, RANGE_TEXT_SIZE, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, r->offset,
                 r->offset + r->length - 1, size);
    else
        snprintf(text, RANGE_TEXT_SIZE, "bytes */%" PRIu64, size);
    return text;
}
