/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_http_path: what strangers choose in a request: the path, and the headers that negotiate.
 *
 * The input is the path, and after line feeds Accept-Encoding and If-None-Match.
 */
#include "core/route.h"
#include "crypto/keys.h"
#include "wire/negotiate.h"
#include "wire/uri.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static bool within(struct str part, struct str whole)
{
    return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static void check_evidence(const struct route *r, struct str path)
{
    need(r->evidence < EVIDENCE_COUNT && r->value.n);
    need(within(r->base, path) && str_ends(r->base, STR("/")));
    for (size_t i = 0; i < r->value.n; i++)
        need((unsigned char)r->value.p[i] >= 0x20 && r->value.p[i] != 0x7F);
}

/* Whatever came, it is below the folder and says so. */
static void check_asset(struct str name)
{
    need(name.n > 0);
    while (name.p) {
        struct str part = str_cut(&name, '/');
        need(part.n > 0 && part.p[0] != '.');
        for (size_t i = 0; i < part.n; i++)
            need((unsigned char)part.p[i] >= 0x20 && part.p[i] != 0x7F);
    }
}

static void check_route(struct str path, struct arena *a)
{
    struct route r = route_parse(path, a);
    if (str_starts(path, STR("/"))) {
        struct route t = route_parse_tftp(path);
        need(t.kind == ROUTE_ASSET || t.kind == ROUTE_SCRIPT || (t.kind == ROUTE_NONE && t.reason));
        if (t.kind == ROUTE_ASSET)
            check_asset(t.value);
    }
    if (r.kind == ROUTE_NONE) {
        need(r.reason && r.reason[0] && !strchr(r.reason, '\n'));
        return;
    }
    need(str_starts(path, STR("/")));
    if (r.kind == ROUTE_SEED || r.kind == ROUTE_EVIDENCE)
        need(r.file < SEED_FILE_COUNT && str_ends(path, str_from(seed_file_names[r.file])));
    if (r.kind == ROUTE_SEED)
        need(within(r.key, path) && seed_key_valid(r.key));
    if (r.kind == ROUTE_EVIDENCE)
        check_evidence(&r, path);
    if (r.kind == ROUTE_SCRIPT)
        need(r.loader < LOADERS && r.evidence < EVIDENCE_COUNT);
    if (r.kind == ROUTE_ASSET)
        check_asset(r.value);
}

/* What we encode is what we decode. */
static void check_uri(struct str s, struct arena *a)
{
    struct str plain, again;
    if (!uri_decode_segment(s, a, &plain))
        return;
    need(plain.n <= s.n);
    need(uri_decode_segment(uri_encode_segment(plain, a), a, &again) && str_eq(plain, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct str rest = {(const char *)data, size};
    arena_init(&arena, 4096);
    struct str path = str_cut(&rest, '\n');
    struct str accept_encoding = rest.p ? str_cut(&rest, '\n') : (struct str){NULL, 0};
    check_route(path, &arena);
    check_uri(path, &arena);
    negotiate_gzip(accept_encoding);
    negotiate_etag_listed(rest, STR("\"0123456789abcdef\""));
    if (rest.p && !memchr(rest.p, ',', rest.n))
        need(!str_trim(rest).n || negotiate_etag_listed(rest, str_trim(rest)));
    arena_done(&arena);
    return 0;
}
