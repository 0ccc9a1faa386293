/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: the seed keys (docs/formats/keys.md).
 *
 * A seed key gives access to one node's data. It is not random and need not be stored: it is an
 * HMAC of the node's uid and key epoch, so that all of them follow from one secret. Knows nothing
 * of nodes or trees.
 */
#ifndef CLOUDSEED_CRYPTO_KEYS_H
#define CLOUDSEED_CRYPTO_KEYS_H

#include "base/arena.h"
#include "crypto/secrets.h"

#define SEED_KEY_LEN 27 /* the secret's kid and 26 characters of base32: 130 bits */

struct keyer;

/* Prepared for one secret, since 100,000 keys are computed in a row. Not thread-safe. */
struct keyer *keyer_new(const struct secret *s);
void keyer_free(struct keyer *k);
/* The seed key of `uid` in its epoch, with a NUL. */
void keyer_seed_key(struct keyer *k, struct str uid, uint32_t epoch, char ret[SEED_KEY_LEN + 1]);

/* Goes before a seed URL: docs/cloud-init.md. */
#define KEYS_DISCOVERY "ds=nocloud;dsmode=net;s="

#define WINDOW_KEY_LEN SEED_KEY_LEN /* it may be used in place of a seed key */
#define JOIN_KEY_LEN 26
#define CERTIFICATE_KEY_LEN 64 /* hexadecimal digits: kubeadm's AES-256 */

/* A build window's keys: random, with a NUL. */
void keys_new_window(char ret[WINDOW_KEY_LEN + 1]);
void keys_new_join(char ret[JOIN_KEY_LEN + 1]);
/* For the certificates that a cluster's masters share: random, with a NUL. */
void keys_new_certificate(char ret[CERTIFICATE_KEY_LEN + 1]);

/* An admin's token: "cloudseed_" and 52 characters of base32, 260 random bits. The prefix is what
 * scanners for leaked secrets look for. */
#define ACCESS_TOKEN_PREFIX "cloudseed_"
#define ACCESS_TOKEN_LEN (10 + 2 * JOIN_KEY_LEN)
void keys_new_access(char ret[ACCESS_TOKEN_LEN + 1]);
/* Whether `s` has that form. */
bool keys_access_valid(struct str s);

/* Of the web page (docs/why/page.md): what its cookie holds, 260 random bits, and a code that opens
 * a session once, within a minute. With a NUL. */
#define SESSION_SECRET_LEN (2 * JOIN_KEY_LEN)
#define SESSION_CODE_LEN JOIN_KEY_LEN
void keys_new_session(char ret[SESSION_SECRET_LEN + 1]);
void keys_new_code(char ret[SESSION_CODE_LEN + 1]);

#define NODE_UID_LEN (2 + JOIN_KEY_LEN)
/* Identifies a registered node, even if its name is reused later: random, with a NUL. */
void keys_new_uid(char ret[NODE_UID_LEN + 1]);
/* The purposes for which sealing.h seals them, in the arena. */
struct str keys_window_purpose(struct str uid, struct arena *a);
struct str keys_join_purpose(struct str uid, struct arena *a);
struct str keys_token_purpose(struct str uid, struct arena *a); /* the node's bootstrap token */
/* Of the token of a cluster's account, "minter" or "approver", and of its "certificate" key. */
struct str keys_cluster_purpose(struct str cluster, struct str account, struct arena *a);

/* Whether two keys are the same; the time that it takes depends only on their lengths. */
bool keys_same(struct str a, struct str b);

/* Whether `s` has the form of a seed key. */
bool seed_key_valid(struct str s);

#endif
