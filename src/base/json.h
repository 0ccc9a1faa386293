/* SPDX-License-Identifier: Apache-2.0 */
/* json: values to JSON text and back (RFC 8259). */
#ifndef CLOUDSEED_BASE_JSON_H
#define CLOUDSEED_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"
#include "base/value.h"

#define JSON_STR(key, text)                  \
    {                                        \
        value_str(STR(key)), value_str(text) \
    }
#define JSON_INT(key, number)                  \
    {                                          \
        value_str(STR(key)), value_int(number) \
    }
#define JSON_BOOL(key, truth)                  \
    {                                          \
        value_str(STR(key)), value_bool(truth) \
    }
#define JSON_VALUE(key, any)       \
    {                              \
        value_str(STR(key)), (any) \
    }

/* Appends `v` as JSON: on one line, or with an indent of 2. Map keys must be strings. What is
 * hidden (str_is_hidden) is written as \uXXXX, bytes that are not valid UTF-8 become U+FFFD,
 * infinities and NaN become null. False where the buffer is full. */
bool json_write(struct buf *b, struct value v, bool pretty);

/* Reads one whole JSON text into the arena. Refused: duplicate keys, NUL in strings, trailing
 * text, more than 64 levels; the message gives line and column. */
int json_read(struct str text, struct arena *a, struct value *ret, struct err *e);

#endif
