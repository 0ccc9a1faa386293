/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openpgp: when the public keys of an OpenPGP key file were made, and when they expire.
 *
 * RFC 4880, keys and signatures of version 4, as apt's repositories have them. Nothing is verified:
 * who can change the file can change the dates. Only for warnings.
 */
#ifndef CLOUDSEED_WIRE_OPENPGP_H
#define CLOUDSEED_WIRE_OPENPGP_H

#include "base/arena.h"
#include "base/err.h"

#define OPENPGP_MAX_BYTES (1024 * 1024)
#define OPENPGP_ARMOR_HEAD "-----BEGIN PGP PUBLIC KEY BLOCK-----"

struct openpgp_key {
    uint32_t created_s; /* since 1970 */
    uint64_t expires_s; /* 0: never */
    bool revoked;
    struct str user_id; /* the first one, foreign text; it points into the packets */
};

/* The packets inside of the first armored block of `text`, whose lines may be indented; a text
 * without the head of an armor is taken for packets as it is. -EINVAL, -EFBIG. */
int openpgp_unwrap(struct str text, struct arena *a, struct str *ret_packets, struct err *e);

/* Reads the next primary key and what belongs to it: 1, or 0 at the end. -EINVAL where the packets
 * make no sense; then *packets is left as it was. */
int openpgp_next(struct str *packets, struct openpgp_key *ret, struct err *e);

#endif
