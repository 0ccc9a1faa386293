/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_openpgp: a key file, armored or not, read to its end.
 *
 * Reading ends, each key takes something away from the rest, and names lie within the packets.
 */
#include "wire/openpgp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static bool is_within(struct str part, struct str whole)
{
    return part.n == 0 ||
           (part.p >= whole.p && part.n <= whole.n && part.p + part.n <= whole.p + whole.n);
}

static void read_all(struct str packets)
{
    struct str rest = packets;
    struct openpgp_key key;
    struct err e = {0};
    int r;
    size_t left = rest.n;
    while ((r = openpgp_next(&rest, &key, &e)) > 0) {
        need(rest.n < left && is_within(rest, packets) && is_within(key.user_id, packets));
        need(key.expires_s == 0 || key.expires_s > key.created_s);
        left = rest.n;
    }
    need(r == 0 ? rest.n == 0 : rest.n == left && e.code == r && e.msg[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size}, packets;
    struct arena arena = {0};
    struct err e = {0};
    arena_init(&arena, 4096);
    int r = openpgp_unwrap(text, &arena, &packets, &e);
    if (r == 0)
        read_all(packets);
    else
        need(e.code == r && e.msg[0]);
    arena_done(&arena);
    return 0;
}
