/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_range: the Range and If-Range of a request, in two lines, behind the file's size. */
#include "wire/range.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str tag = {"\"abc\"", 5};
    uint64_t length = 0;
    struct str rest = {(const char *)data, size};
    struct range r = {0, 0};
    char text[RANGE_TEXT_SIZE];
    if (!str_to_u64(str_cut(&rest, '\n'), UINT64_MAX, &length) || !rest.p)
        return 0;
    struct str header = str_cut(&rest, '\n');
    enum range_verdict verdict = range_parse(header, length, &r);
    if (verdict == RANGE_PART) {
        need(r.length > 0 && r.offset < length && r.length <= length - r.offset);
        need(strlen(range_text(&r, length, text)) < RANGE_TEXT_SIZE - 1);
    } else {
        need(r.offset == 0 && r.length == 0);
    }
    need(!rest.p || range_applies(rest, tag) == str_eq(str_trim(rest), tag));
    return 0;
}
