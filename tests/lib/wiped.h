/* SPDX-License-Identifier: Apache-2.0 */
/* wiped: counts the bytes that a source overwrites, which a test includes below this. */
#ifndef CLOUDSEED_TESTS_LIB_WIPED_H
#define CLOUDSEED_TESTS_LIB_WIPED_H

#include <string.h>

static size_t wiped_bytes;

static inline void wiped_note(void *p, size_t n)
{
    explicit_bzero(p, n);
    wiped_bytes += n;
}

#define explicit_bzero wiped_note

#endif
