/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jws: the signature by which a bootstrap token vouches for a cluster's address and CA.
 *
 * A detached JSON Web Signature (RFC 7515, appendix F) with HMAC-SHA256, as the ConfigMap
 * kube-public/cluster-info has one for each token.
 */
#ifndef CLOUDSEED_CRYPTO_JWS_H
#define CLOUDSEED_CRYPTO_JWS_H

#include "base/str.h"

/* Whether `jws` is what the secret of that key id makes of the payload, to the byte: kubeadm
 * computes it again and compares the texts, so no other header is accepted. The key id must need no
 * escape in JSON. */
bool jws_verify(struct str jws, struct str payload, struct str key_id, struct str secret);

#endif
