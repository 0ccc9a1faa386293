/* SPDX-License-Identifier: Apache-2.0 */
/* mac: a 48-bit hardware address. */
#ifndef CLOUDSEED_MODEL_MAC_H
#define CLOUDSEED_MODEL_MAC_H

#include "base/str.h"

struct mac {
    uint8_t octet[6];
};

#define MAC_TEXT_SIZE 18

/* Accepts "bc:24:11:0a:14:0b", the same with "-", and twelve digits without separators, in any
 * case. Neither multicast nor all zero. */
bool mac_parse(struct str s, struct mac *ret);
/* As it is where none is declared. */
bool mac_is_zero(struct mac m);
/* Lower case with colons. Returns `text`. */
const char *mac_text(struct mac m, char text[static MAC_TEXT_SIZE]);

#endif
