/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: a bootstrap token of kubeadm's form, by which one node joins its cluster.
 *
 * It is an id, which is no secret, and a secret: "cs4xk2.0f8r7q2m5n1w9t3z".
 */
#ifndef CLOUDSEED_CRYPTO_TOKEN_H
#define CLOUDSEED_CRYPTO_TOKEN_H

#include "base/str.h"

#define TOKEN_ID_LEN 6
#define TOKEN_SECRET_LEN 16
#define TOKEN_LEN (TOKEN_ID_LEN + 1 + TOKEN_SECRET_LEN)

/* A random one with a NUL behind it; the caller wipes it. */
void token_new(char ret[TOKEN_LEN + 1]);

/* Whether all of `s` is a token: [a-z0-9]{6}.[a-z0-9]{16}. */
bool token_valid(struct str s);

/* The parts of a valid token. */
struct str token_id(struct str token);
struct str token_secret(struct str token);

#endif
