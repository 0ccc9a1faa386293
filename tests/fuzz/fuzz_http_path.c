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

static void check_value(struct str value)
{
    need(value.n > 0);
    for (size_t i = 0; i < value.n; i++)
        need((unsigned char)value.p[i] >= 0x20 && value.p[i] != 0x7F);
}

/* The name is always one below the folder. */
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

static bool is(const struct route *r, const char *pattern)
{
    return strcmp(r->pattern, pattern) == 0;
}

static void check_match(const struct route_match *m, struct str path, bool is_encoded)
{
    if (!m->route) {
        need(m->methods || (m->reason && m->reason[0] && !strchr(m->reason, '\n')));
        return;
    }
    need(str_starts(path, STR("/")));
    if (m->path.file != SEED_FILE_COUNT)
        need(str_ends(path, str_from(seed_file_names[m->path.file])));
    if (m->route->identity == IDENTITY_SEED_KEY || m->route->identity == IDENTITY_BOOT_KEY)
        need(within(m->path.key, path) && seed_key_valid(m->path.key));
    if (m->route->identity == IDENTITY_EVIDENCE)
        need(m->path.evidence < EVIDENCE_COUNT);
    if (is_encoded && strstr(m->route->pattern, "{value}"))
        check_value(m->path.value);
    if (strstr(m->route->pattern, "{name}"))
        check_value(m->path.name);
    if (is(m->route, "/assets/{asset}") || is(m->route, "/{asset}"))
        check_asset(m->path.asset);
}

static void check_route(struct str path, struct arena *a)
{
    for (int l = LISTENER_BOOT; l <= LISTENER_TFTP; l++) {
        for (int method = METHOD_GET; method <= METHOD_OTHER; method++) {
            struct route_match m =
                route_find((enum exchange_listener)l, (enum exchange_method)method, path, a);
            check_match(&m, path, l != LISTENER_TFTP);
        }
    }
}

/* Once is enough, and nothing is added. */
static void check_usual(struct str path, struct arena *a)
{
    struct str usual = route_usual_path(path, a);
    need(usual.n <= path.n && str_eq(route_usual_path(usual, a), usual));
    if (str_starts(path, STR("/")))
        need(str_starts(usual, STR("/")) && !memmem(usual.p, usual.n, "//", 2) &&
             !memmem(usual.p, usual.n, "/./", 3));
    check_route(usual, a);
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
    check_usual(path, &arena);
    check_uri(path, &arena);
    negotiate_gzip(accept_encoding);
    negotiate_etag_listed(rest, STR("\"0123456789abcdef\""));
    if (rest.p && !memchr(rest.p, ',', rest.n))
        need(!str_trim(rest).n || negotiate_etag_listed(rest, str_trim(rest)));
    arena_done(&arena);
    return 0;
}
