/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: how a function reports what went wrong.
 *
 * A function that can fail for an external reason returns an int: 0 or more on success, a negative
 * errno value on failure, and takes a `struct err *` that lives on its caller's stack. Success
 * leaves the error untouched, failure fills it, and each layer on the way up may prefix its own
 * context. `e` may be NULL everywhere, for callers that want only the number.
 */
#ifndef CLOUDSEED_BASE_ERR_H
#define CLOUDSEED_BASE_ERR_H

#include <stdarg.h>

struct err {
    int code; /* negative errno */
    char msg[256];
};

/* Fills `e` and returns `code`, which must be negative. A text that is too long ends in "…". */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and strerror of the code behind the text. */
int err_errno(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Prefixes the message with a text and ": "; returns e->code (or -EINVAL when `e` is NULL). */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
