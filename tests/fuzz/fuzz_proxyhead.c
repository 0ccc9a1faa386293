/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_proxyhead: a connection's first bytes, from a proxy. Where a head is whole, it is so only
 * from its last byte on, and whatever follows. */
#include "wire/proxyhead.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct proxyhead head, again;
    switch (proxyhead_parse(bytes, &head)) {
    case PROXYHEAD_MORE: need(size < PROXYHEAD_MAX_BYTES); break;
    case PROXYHEAD_WHOLE:
        need(head.size <= size && head.size <= PROXYHEAD_MAX_BYTES);
        bytes.n = head.size;
        need(proxyhead_parse(bytes, &again) == PROXYHEAD_WHOLE && again.size == head.size);
        need(address_same(again.client.address, head.client.address));
        for (bytes.n = 0; bytes.n < head.size; bytes.n++)
            need(proxyhead_parse(bytes, &again) == PROXYHEAD_MORE);
        break;
    case PROXYHEAD_BAD: break;
    }
    return 0;
}
