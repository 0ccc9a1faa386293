/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sshkey: whether a text is an OpenSSH public key, as in a line of authorized_keys.
 *
 * It finds keys that were cut off, or whose bytes have another type than the word before them. New
 * types of keys pass: the type is only compared, not looked up.
 */
#ifndef CLOUDSEED_RENDER_SSHKEY_H
#define CLOUDSEED_RENDER_SSHKEY_H

#include "base/str.h"

/* An inspect_rule_fn (render/inspect.h). */
const char *sshkey_rule(struct str text);

#endif
