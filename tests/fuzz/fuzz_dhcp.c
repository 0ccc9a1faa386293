/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_dhcp: reads the input as an IPv4 packet with an offer. Its texts must lie in the packet.
 */
#include "base/mem.h"
#include "wire/dhcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct str packet, struct str text)
{
    if (text.n && (text.p < packet.p || text.p + text.n > packet.p + packet.n))
        abort();
    if (memchr(text.p, 0, text.n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = mem_alloc(size + 1);
    struct str packet = {copy, size};
    struct dhcp_offer offer;
    if (size)
        memcpy(copy, data, size);
    if (dhcp_read_offer(packet, &offer)) {
        check_within(packet, offer.file);
        check_within(packet, offer.class);
    }
    free(copy);
    return 0;
}
