/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json: what is read and written again is the same, and shows nothing hidden. */
#include "base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static void check_shown(struct str json, bool pretty)
{
    size_t n;
    for (; json.n; json = str_skip(json, n)) {
        uint32_t c = str_decode(json, &n);
        need((pretty && c == '\n') || !str_is_hidden(c));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct value v, again;
    struct str text = {(const char *)data, size};
    arena_init(&a, 4096);
    for (int pretty = 0; pretty < 2 && json_read(text, &a, &v, NULL) == 0; pretty++) {
        struct buf b;
        buf_init(&b, (size_t)1 << 26);
        need(json_write(&b, v, pretty));
        check_shown(buf_view(&b), pretty);
        need(json_read(buf_view(&b), &a, &again, NULL) == 0 && value_same(v, again));
        buf_done(&b);
    }
    arena_done(&a);
    return 0;
}
