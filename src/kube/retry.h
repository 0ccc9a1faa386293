/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry: what is said of a request to an API server that failed, and when to try again.
 */
#ifndef CLOUDSEED_KUBE_RETRY_H
#define CLOUDSEED_KUBE_RETRY_H

#include "base/arena.h"
#include "base/err.h"

/* The pause before attempt number `times` + 2: doubled each time, up to `max_ms`. Half of it is
 * random, so that those that were turned away together do not come back together. */
uint64_t retry_pause_ms(uint64_t first_ms, uint32_t times, uint64_t max_ms);

/* What was sent with the request and must be in no message: an answer that has a part of it, of so
 * many bytes, is not quoted. */
struct retry_secret {
    struct str text;
    size_t piece;
};

/* "API server cannot WHAT: HTTP 403: …", with what the body says. */
void retry_describe(const char *what, int status, struct str body,
                    const struct retry_secret *secrets, size_t n, struct arena *a, struct err *ret);

#endif
