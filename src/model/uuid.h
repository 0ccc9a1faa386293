/* SPDX-License-Identifier: Apache-2.0 */
/* uuid: RFC 9562's 128 bits, as SMBIOS shows them: 8-4-4-4-12 hexadecimal digits. */
#ifndef CLOUDSEED_MODEL_UUID_H
#define CLOUDSEED_MODEL_UUID_H

#include "base/str.h"

struct uuid {
    uint8_t octet[16];
};

#define UUID_TEXT_SIZE 37

/* Any case. Neither all zero nor all ones, which boards without a UUID of their own report. */
bool uuid_parse(struct str s, struct uuid *ret);
/* Lower case. Returns `text`. */
const char *uuid_text(struct uuid u, char text[static UUID_TEXT_SIZE]);

#endif
