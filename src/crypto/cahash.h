/* SPDX-License-Identifier: Apache-2.0 */
/* cahash: what a node that joins compares its cluster's CA with: kubeadm's
 * --discovery-token-ca-cert-hash. */
#ifndef CLOUDSEED_CRYPTO_CAHASH_H
#define CLOUDSEED_CRYPTO_CAHASH_H

#include "base/arena.h"
#include "base/err.h"

#define CAHASH_MAX 4 /* of one cluster: docs/formats/bootstrap.md */

/* "sha256:" and the SHA-256 of the key's SubjectPublicKeyInfo (DER) in hexadecimal digits, for each
 * certificate of a PEM text in their order. -EINVAL if one cannot be read, or if there are none or
 * more than CAHASH_MAX. */
int cahash_read(struct str pem, struct arena *a, struct str ret[static CAHASH_MAX], uint32_t *ret_n,
                struct err *e);

#endif
