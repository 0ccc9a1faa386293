/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sealed: the server's secrets as files and records have them: the keys of seed keys, sealed
 * texts, the copy of the sealing key that a passphrase opens, and a cluster's signature.
 *
 * Nothing opens that was not sealed with this key for this purpose.
 */
#include "crypto/cahash.h"
#include "crypto/jws.h"
#include "crypto/recovery.h"
#include "crypto/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static const uint8_t key[SEALER_KEY_BYTES] = {1, 2, 3};

/* The text itself, and a text that was sealed with some characters of it changed. */
static void check_sealed(struct str s, struct arena *a)
{
    struct sealer *sealer = sealer_of(key);
    struct str open, sealed = sealer_seal(sealer, STR("p"), STR("text"), a);
    need(sealer_unseal(sealer, STR("p"), sealed, a, &open) && str_is(open, "text"));
    need(!sealer_unseal(sealer, STR("q"), sealed, a, &open));
    need(!sealer_unseal(sealer, STR("p"), s, a, &open));
    if (s.n >= 2) {
        char *changed = arena_alloc(a, sealed.n);
        memcpy(changed, sealed.p, sealed.n);
        changed[(uint8_t)s.p[0] % sealed.n] = s.p[1];
        struct str other = {changed, sealed.n};
        bool opened = sealer_unseal(sealer, STR("p"), other, a, &open);
        need(opened == str_eq_nocase(other, sealed)); /* hexadecimal digits */
    }
    sealer_free(sealer);
}

static void check_secrets(struct str s)
{
    struct secrets list;
    struct err e = {.code = 0};
    int r = secrets_parse(s, &list, &e);
    need(r == e.code && (r == 0 || e.msg[0]));
    if (r == 0)
        need(list.n > 0 && list.n <= sizeof(list.list) / sizeof(list.list[0]));
}

static void check_recovery(struct str s)
{
    struct recovery copy;
    struct err e = {.code = 0};
    char path[64];
    int fd = memfd_create("recovery", MFD_CLOEXEC);
    need(fd >= 0 && write(fd, s.p, s.n) == (ssize_t)s.n && fchmod(fd, 0600) == 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int r = recovery_read(path, &copy, &e);
    need(r == e.code && (r == 0 || e.msg[0]));
    close(fd);
}

static void check_ca(struct str s, struct arena *a)
{
    struct str hashes[CAHASH_MAX];
    struct err e = {.code = 0};
    uint32_t n = 0;
    int r = cahash_read(s, a, hashes, &n, &e);
    need(r == e.code && (r == 0 || e.msg[0]));
    need(r < 0 || (n > 0 && n <= CAHASH_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = {(const char *)data, size};
    struct arena a;
    arena_init(&a, 4096);
    a.secret = true;
    check_sealed(s, &a);
    check_secrets(s);
    check_recovery(s);
    check_ca(s, &a);
    need(!jws_verify(s, STR("payload"), STR("cs4xk2"), STR("0f8r7q2m5n1w9t3z")));
    arena_done(&a);
    return 0;
}
