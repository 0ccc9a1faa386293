/* SPDX-License-Identifier: Apache-2.0 */
/* random: bytes that nobody can guess. */
#ifndef CLOUDSEED_CRYPTO_RANDOM_H
#define CLOUDSEED_CRYPTO_RANDOM_H

#include <stddef.h>

/* Aborts where the system has none: nothing of ours may go on without. */
void random_bytes(void *p, size_t n);

#endif
