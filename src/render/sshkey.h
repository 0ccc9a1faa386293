/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sshkey: whether a text is a public key of OpenSSH's, as a line of authorized_keys has it.
 *
 * Nothing is computed with it: a key that was cut off, or whose bytes are of another type than its
 * word says, lets nobody in. Which types there are the bytes say, so new ones are no fault.
 */
#ifndef CLOUDSEED_RENDER_SSHKEY_H
#define CLOUDSEED_RENDER_SSHKEY_H

#include "base/str.h"

/* A rule: see render/inspect.h. */
const char *sshkey_rule(struct str text);

#endif
