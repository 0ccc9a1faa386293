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
/* The usual text of a uuid that firmware or a boot program reports: in lower case and with dashes,
 * where it came in any case, with or without dashes, in braces or between spaces. Any other text is
 * only trimmed. All zero and all ones are written like others. */
struct str uuid_usual(struct str s, char text[static UUID_TEXT_SIZE]);
bool uuid_same(struct uuid a, struct uuid b);
/* With the bytes of the first three groups in the other order: SMBIOS keeps them in little-endian
 * order, and some firmware and boot programs show them as they are kept. */
struct uuid uuid_swapped(struct uuid u);
/* Lower case. Returns `text`. */
const char *uuid_text(struct uuid u, char text[static UUID_TEXT_SIZE]);

#endif
