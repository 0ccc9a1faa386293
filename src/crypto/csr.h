/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csr: a certificate request (PKCS #10) of the only form that kubelets send.
 *
 * The cluster's signer reads the same bytes with another library, Go's. So whatever two readers
 * could take for different things is refused: a second block of PEM, a second list of extensions,
 * names in unusual encodings. The signature is not checked: the API server has done so.
 */
#ifndef CLOUDSEED_CRYPTO_CSR_H
#define CLOUDSEED_CRYPTO_CSR_H

#include "base/arena.h"
#include "base/err.h"
#include "model/address.h"

#define CSR_NAMES_MAX 32
#define CSR_MAX_BYTES 16384 /* of PEM; a key of 4096 bits needs some 2,000 */

struct csr {
    struct str organization, common_name; /* the whole subject */
    struct str dns[CSR_NAMES_MAX];        /* the subject's alternative names */
    struct address addresses[CSR_NAMES_MAX];
    uint32_t dns_n, addresses_n;
};

/* Texts lie in the arena. -EINVAL with what is unusual, in words that repeat nothing of it. */
int csr_read(struct str pem, struct arena *a, struct csr *ret, struct err *e);

#endif
