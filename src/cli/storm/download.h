/* SPDX-License-Identifier: Apache-2.0 */
/*
 * download: files by TFTP as firmware asks for them: block by block, from a socket of their own.
 *
 * What arrives is counted and checked for its order, and not kept.
 */
#ifndef CLOUDSEED_CLI_STORM_DOWNLOAD_H
#define CLOUDSEED_CLI_STORM_DOWNLOAD_H

#include "base/buf.h"

#include <sys/socket.h>
#include <uv.h>

struct download;

/* `trouble` NULL: it came as a whole; `detail` is the server's own text, or empty. */
typedef void (*download_fn)(void *cls, const char *trouble, struct str detail);

/* Calls `fn` once, later, when it has ended. */
struct download *download_start(uv_loop_t *loop, const struct sockaddr_storage *server,
                                struct str file, download_fn fn, void *cls);
/* Ends it without a call. Not from within the call, which ends it anyway. */
void download_cancel(struct download *d);

#endif
