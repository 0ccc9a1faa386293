/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret: the server's secrets, from where they are read to where they are kept.
 *
 *   secret_source.c   reads one value from a file, a variable or a command
 *   secret_loader.c   reads the server's own secret and every value that templates use
 *   secret_records.c  seals them into a cache, and writes what changed in it to the store
 *
 * A load blocks, so it runs before the loop or on a thread of the pool. It must not touch the
 * fleet there, and works on a sealed_cache that was copied from it. When the loop activates what
 * was loaded, it passes the cache to the record_writer. No error or log line contains a value.
 */
#ifndef CLOUDSEED_DAEMON_SECRET_H
#define CLOUDSEED_DAEMON_SECRET_H

#include "config/config.h"
#include "crypto/sealing.h"
#include "crypto/secrets.h"
#include "fleet/fleet.h"
#include "render/sealed.h"

#include <stdatomic.h>

/* --- secret_source: one value --------------------------------------------------------------- */

#define SECRET_MAX_BYTES ((size_t)64 * 1024)
#define SECRET_COMMAND_MS 10000

/* The caller wipes it. */
struct secret_value {
    char bytes[SECRET_MAX_BYTES + 2];
    size_t n;
};

/* UTF-8 text of at least one byte; one line end after it is dropped. A command is killed, with
 * every process that it started, after `command_ms` or once *stop (NULL: never) is true. Blocks. */
int secret_source_read(const struct config_secret *s, unsigned command_ms, const atomic_bool *stop,
                       struct secret_value *ret, struct err *e);

/* --- secret_loader: all that are needed ------------------------------------------------------- */

struct sealed_cache;

struct secret_loader {
    const struct config *config;
    struct sealed_cache *cache;
    /* At the start of the process: a missing secret file is put back or made, and the last good
     * value replaces one that cannot be read. */
    bool first;
    const atomic_bool *stop; /* ends the wait for commands; NULL: never */
};

/* The secret that seed keys are derived from. Below 0 with a fault reported, which has no place. */
int secret_load_server(const struct secret_loader *l, struct faults *faults, struct secrets *ret);

/* The state's copy of the sealing key for the recovery passphrase, from the file `recovery`. */
void secret_load_recovery(const struct secret_loader *l, struct faults *faults);

/* The values that the tree's templates use. One that a node's document uses must be defined and
 * readable; one that only other templates use is read where it is defined. Reports all faults. */
struct sealed_values *secret_load_values(const struct secret_loader *l, const struct tree *t,
                                         struct faults *faults);

/* Whether the source can be used, as far as that shows without reading it: a file that is there,
 * and that others may not read; a program. The environment is the daemon's. */
int secret_source_check(const struct config_secret *s, struct err *e);

/* Reports each value that documents use and the configuration does not define, each source that
 * cannot be used, and what is wrong with the files of the server's own keys. Reads no value. */
void secret_check(const struct config *c, const struct tree *t, struct faults *faults);

/* --- sealed_cache: the store's copies, sealed, during one load -------------------------------- */

struct sealed_cache_entry {
    struct own_record record;
    bool used;    /* by this load, which got or put it */
    bool changed; /* differs from what the store has */
};

struct sealed_cache {
    struct arena arena;
    const struct sealer *sealer;
    struct sealed_cache_entry *list;
    uint32_t n, room;
};

/* Copies the fleet's records: on the loop's thread. */
void sealed_cache_init(struct sealed_cache *c, const struct fleet *f, const struct sealer *sealer);
/* Wipes what was unsealed. */
void sealed_cache_done(struct sealed_cache *c);

/* -ENOENT if there is none, -EBADMSG if the sealing key does not open it. The text lives as long as
 * the cache. */
int sealed_cache_get(struct sealed_cache *c, struct str kind, struct str key, struct str *ret);
/* Seals the text only if it differs from the one before. */
void sealed_cache_put(struct sealed_cache *c, struct str kind, struct str key, struct str text);
/* As the store has it: a text that was sealed by another key. Empty: there is none. */
struct str sealed_cache_raw(struct sealed_cache *c, struct str kind, struct str key);
void sealed_cache_put_raw(struct sealed_cache *c, struct str kind, struct str key,
                          struct str bytes);
/* Marks the values of secrets that this load did not use for deletion. */
void sealed_cache_tidy(struct sealed_cache *c);
/* What has to be written, one at a time: *at is 0 at first and is advanced; false after the last.
 * Empty bytes: delete it. */
bool sealed_cache_change_at(const struct sealed_cache *c, uint32_t *at, struct own_record *ret);

/* --- record_writer: to the store -------------------------------------------------------------- */

/* No request waits for these writes. One that failed is repeated once the store is healthy. Used
 * only by the loop's thread, or before the loop runs. */
struct record_writer {
    struct fleet *fleet;
    struct record_writer_item *list;
    uint32_t n, room;
};

/* Begins to write what changed in the cache. */
void record_writer_write(struct record_writer *w, const struct sealed_cache *c);
/* To be called after fleet_on_store. False, with the reason, if a write has failed. */
bool record_writer_on_store(struct record_writer *w, struct err *ret_why);
void record_writer_done(struct record_writer *w);

#endif
