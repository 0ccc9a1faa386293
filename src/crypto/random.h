/* SPDX-License-Identifier: Apache-2.0 */
/* random: unpredictable bytes. */
#ifndef CLOUDSEED_CRYPTO_RANDOM_H
#define CLOUDSEED_CRYPTO_RANDOM_H

#include <stddef.h>

/* Aborts where the system has none: nothing may continue without them. */
void random_bytes(void *p, size_t n);

#endif
