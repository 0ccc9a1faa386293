/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_writer: sees to it that the store comes to have the server's own records.
 *
 * Nobody waits for them: what could not be written is written as soon as the store is well again.
 * All calls come from the loop's thread, or before it.
 */
#ifndef CLOUDSEED_DAEMON_RECORD_WRITER_H
#define CLOUDSEED_DAEMON_RECORD_WRITER_H

#include "daemon/sealed_cache.h"

struct record_writer_item;

struct record_writer {
    struct fleet *fleet;
    struct record_writer_item *list;
    uint32_t n, room;
};

/* Asks for all that the cache has to be written. */
void record_writer_write(struct record_writer *k, const struct sealed_cache *s);
/* After fleet_on_store. False, with the reason, where something could not be written now. */
bool record_writer_on_store(struct record_writer *k, struct err *ret_why);
void record_writer_done(struct record_writer *k);

#endif
