/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway: asks etcd and waits for the answer: which member, as whom, and for how long.
 *
 * Members are tried in turn; one that does not answer is left behind. It knows no layout.
 */
#ifndef CLOUDSEED_STORE_ETCD_GATEWAY_H
#define CLOUDSEED_STORE_ETCD_GATEWAY_H

#include "port/fetch.h"
#include "port/store.h"
#include "store/etcd/codec.h"

struct gateway_access {
    const struct str *endpoints; /* "https://HOST:PORT" */
    size_t n_endpoints;
    struct str user, password;   /* empty: without */
    struct str ca;               /* PEM; empty: the system's */
    struct str certificate, key; /* PEM; empty: none */
    struct str prefix;           /* of all keys, ends in '/' */
};

struct gateway {
    const struct fetch_turns *turns;
    struct arena arena; /* a copy of the access */
    struct gateway_access access;
    size_t at; /* the endpoint that is asked */
    char token[512];
    struct arena work; /* of one try */
};

void gateway_init(struct gateway *g, const struct fetch_turns *turns,
                  const struct gateway_access *access);
void gateway_done(struct gateway *g);

/* Asks until there is an answer, at most `whole_ms`; the same request may be sent more than once.
 * STORE_UNAVAILABLE: it was not done; STORE_FULL: etcd has no space left; STORE_UNKNOWN: it may
 * have been done, or will be yet. The answer lies in the arena. */
enum store_result gateway_ask(struct gateway *g, const char *path, struct str body,
                              uint32_t whole_ms, struct arena *a, struct codec_answer *ret,
                              struct err *ret_why);

#define GATEWAY_RANGE "/v3/kv/range"
#define GATEWAY_TXN "/v3/kv/txn"

#endif
