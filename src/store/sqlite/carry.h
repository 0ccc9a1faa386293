/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carry: brings a finished copy to the file that an admin named, on a thread of its own.
 *
 * That file may be on a share that went away, which blocks the thread for ever. The writer does not
 * wait for it: it looks now and then, and the process can end without it.
 */
#ifndef CLOUDSEED_STORE_SQLITE_CARRY_H
#define CLOUDSEED_STORE_SQLITE_CARRY_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct carry;

/* Copies all of `fd`, which is taken over and closed, also on failure, to the new file `to` (0600),
 * durably. NULL: there is no thread. */
struct carry *carry_start(int fd, const char *to, struct err *e);
/* Whether it does not use the file any more. */
bool carry_ended(const struct carry *c);
/* The file is not wanted any more: it is removed once that is possible. False: it is complete. */
bool carry_refuse(struct carry *c);
const char *carry_path(const struct carry *c);
/* After its end. Below 0: `to` was not written, and is not there if it was not there before. */
int carry_result(const struct carry *c, uint64_t *ret_bytes, struct err *e);
/* Also while it is under way; then it was refused before. */
void carry_free(struct carry *c);

#endif
