/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: the bytes of one transfer: an answer in memory, or a part of a file.
 *
 * Bytes of a local file that are in the kernel's cache are read on the loop, which takes less time
 * than asking a thread. A thread reads all others, so that neither a slow disk nor a network share
 * that hangs stops the loop.
 */
#ifndef CLOUDSEED_NET_TFTP_SOURCE_H
#define CLOUDSEED_NET_TFTP_SOURCE_H

#include "base/str.h"
#include "port/exchange.h"
#include "port/work.h"

struct tftp_source;

/* Of bytes that live as long as the source. */
struct tftp_source *tftp_source_of_memory(struct str bytes);
/* Takes over the descriptor. */
struct tftp_source *tftp_source_of_file(const struct work_port *work, struct exchange_file *file);
/* A read that is under way is discarded when it ends. Accepts NULL. */
void tftp_source_free(struct tftp_source *s);

uint64_t tftp_source_length(const struct tftp_source *s);

/* `n` bytes from `at` on, fewer only at the end; valid until the next tftp_source_load. False where
 * they must be loaded first. */
bool tftp_source_at(const struct tftp_source *s, uint64_t at, size_t n, struct str *ret);
/* Loads up to `n` bytes from `at` on. 0 where they are there at once; -EAGAIN where `on_ready` will
 * come, also for a load that has begun before; -ESTALE where the file has become shorter,
 * -ETIMEDOUT where its share does not answer, or the error of the read. */
int tftp_source_load(struct tftp_source *s, uint64_t at, size_t n,
                     void (*on_ready)(void *cls, int result), void *cls);
bool tftp_source_loading(const struct tftp_source *s);

#endif
