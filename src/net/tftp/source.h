/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: the bytes of one transfer: an answer in memory, or a part of a file.
 *
 * A local file's bytes that lie in the kernel's cache are read on the loop, in less time than it
 * takes to ask somebody else. For all others a thread is asked, so that neither a slow disk nor a
 * share that hangs stops the loop.
 */
#ifndef CLOUDSEED_NET_TFTP_SOURCE_H
#define CLOUDSEED_NET_TFTP_SOURCE_H

#include "base/str.h"
#include "port/exchange.h"
#include "port/work.h"

struct tftp_source;

/* Of bytes that live as long as the source. */
struct tftp_source *tftp_source_of_memory(struct str bytes);
/* Takes the descriptor over. */
struct tftp_source *tftp_source_of_file(const struct work_port *work, struct exchange_file *file);
/* What a thread is reading is thrown away when it comes back. NULL is fine. */
void tftp_source_free(struct tftp_source *s);

uint64_t tftp_source_length(const struct tftp_source *s);

/* `n` bytes from `at` on, fewer at the end alone, if they are at hand; they stay there until the
 * next tftp_source_load. */
bool tftp_source_at(const struct tftp_source *s, uint64_t at, size_t n, struct str *ret);
/* Brings what begins at `at`, `n` bytes or fewer: 0 when it is at hand; -EAGAIN when `on_ready`
 * will come, or when it was asked for already; else why it cannot be had: -ESTALE, the file has
 * become shorter, -ETIMEDOUT, its share does not answer. */
int tftp_source_load(struct tftp_source *s, uint64_t at, size_t n,
                     void (*on_ready)(void *cls, int result), void *cls);
bool tftp_source_loading(const struct tftp_source *s);

#endif
