/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_values: the small values that strangers, firmware and API servers write as texts: addresses,
 * versions, times, keys.
 *
 * What is read is written as a text that is read as the same value; a key or a name that is
 * accepted has nothing that a path, a log or a terminal must not see.
 */
#include "base/base64.h"
#include "base/clock.h"
#include "config/config.h"
#include "crypto/keys.h"
#include "crypto/token.h"
#include "model/address.h"
#include "model/kubeversion.h"
#include "model/mac.h"
#include "model/node.h"
#include "model/placeholder.h"
#include "model/uuid.h"
#include "tree/types.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static void check_addresses(struct str s)
{
    struct address a, b;
    struct cidr c, d;
    struct endpoint e, f;
    char text[ADDRESS_TEXT_SIZE], net[CIDR_TEXT_SIZE], at[ENDPOINT_TEXT_SIZE];
    if (address_parse(s, &a))
        need((a.family == 4 || a.family == 6) &&
             address_parse(str_from(address_text(a, text)), &b) && address_same(a, b));
    if (cidr_parse(s, &c, &d)) {
        need(cidr_parse(str_from(cidr_text(c, net)), &d, &d) && address_same(c.base, d.base));
        need(c.prefix == d.prefix && cidr_contains(c, c.base) && cidr_overlaps(c, d));
        need(!cidr_has_host(c, c.base) || c.prefix >= (c.base.family == 4 ? 31 : 127));
    }
    if (endpoint_parse(s, &e))
        need(endpoint_parse(str_from(endpoint_text(e, at)), &f) && e.port == f.port &&
             address_same(e.address, f.address));
}

static void check_machines(struct str s)
{
    struct mac m, n;
    struct uuid u, v;
    char text[UUID_TEXT_SIZE], mac[MAC_TEXT_SIZE];
    if (mac_parse(s, &m))
        need(mac_parse(str_from(mac_text(m, mac)), &n) && memcmp(&m, &n, sizeof(m)) == 0);
    if (uuid_parse(s, &u)) {
        need(uuid_parse(str_from(uuid_text(u, text)), &v) && uuid_same(u, v));
        need(uuid_same(uuid_swapped(uuid_swapped(u)), u));
        need(placeholder_uuid_text(s) == placeholder_uuid(u));
        need(str_is(uuid_usual(s, text), uuid_text(u, (char[UUID_TEXT_SIZE]){0})));
    }
    placeholder_serial(s);
}

static void check_times(struct str s)
{
    char text[CLOCK_TEXT_SIZE];
    int64_t ms, again;
    if (clock_read_text(s, &ms))
        need(clock_read_text(str_from(clock_text(ms, text)), &again) && again == ms);
    if (clock_read_http(s, &ms) && ms >= 0)
        need(ms % 1000 == 0 && clock_read_text(str_from(clock_text(ms, text)), &again) &&
             again == ms);
}

static void check_version(struct str s)
{
    struct kubeversion v, w;
    char text[KUBEVERSION_TEXT_SIZE];
    if (kubeversion_parse(s, &v))
        need(kubeversion_parse(str_from(kubeversion_text(v, text)), &w) && v.patch == w.patch &&
             kubeversion_same_minor(v, w));
}

static void check_base64(struct str s, struct arena *a)
{
    struct str bytes;
    if (!base64_read(s, a, &bytes))
        return;
    char *again = arena_alloc(a, base64_length(bytes.n) + 1);
    base64_write(bytes, again);
    need(str_is(s, again));
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7F || s.p[i] == '/')
            return false;
    }
    return s.n > 0;
}

static void check_names(struct str s)
{
    need(!seed_key_valid(s) || (is_plain(s) && s.n == SEED_KEY_LEN));
    need(!keys_access_valid(s) || (is_plain(s) && s.n == ACCESS_TOKEN_LEN));
    need(!token_valid(s) || is_plain(s));
    need(!node_name_valid(s) || is_plain(s));
    need(!types_domain_valid(s) || is_plain(s));
    need(!config_url_valid(s) || str_starts(s, STR("http")));
    types_origin_valid(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = {(const char *)data, size};
    struct arena a;
    arena_init(&a, 1024);
    check_addresses(s);
    check_machines(s);
    check_times(s);
    check_version(s);
    check_base64(s, &a);
    check_names(s);
    arena_done(&a);
    return 0;
}
