/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_certificate: files that an admin gives for TLS (chain, key and CA, with a NUL after each of
 * the first two), and the text of our own CA. */
#include "crypto/ca.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static void check_pair(struct str chain, struct str key, struct str ca)
{
    const struct certificate_name name = {.dns = STR("seed.home.arpa")};
    struct certificate c, again;
    struct err e = {.code = 0};
    int r = certificate_read(chain, key, ca, &c, &e);
    need(r == e.code && (r == 0 || e.msg[0]));
    if (r < 0)
        return;
    certificate_covers(&c, &name);
    ca_is_certificate_due(&c, 0);
    need(certificate_read(c.chain, c.key, c.ca, &again, &e) == 0);
    need(str_eq(again.chain, c.chain) && str_eq(again.ca, c.ca));
    need(again.until_s == c.until_s && memcmp(again.pin, c.pin, sizeof(c.pin)) == 0);
    certificate_done(&again);
    certificate_done(&c);
}

static void check_ca(struct str text)
{
    struct arena a;
    struct ca *ca, *again;
    if (ca_read(text, &ca, NULL) < 0)
        return;
    arena_init(&a, 4096);
    a.secret = true;
    need(ca_read(ca_text(ca, &a), &again, NULL) == 0);
    need(strcmp(ca_pin(ca), ca_pin(again)) == 0);
    arena_done(&a);
    ca_free(again);
    ca_free(ca);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    check_ca(rest);
    struct str chain = str_cut(&rest, '\0'), key = rest.p ? str_cut(&rest, '\0') : STR("");
    check_pair(chain, key, rest.p ? rest : STR(""));
    return 0;
}
