/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup: a whole copy of the state file while it is in use, some pages at a time.
 *
 * What is committed between two steps goes into the copy as well.
 */
#ifndef CLOUDSEED_STORE_SQLITE_BACKUP_H
#define CLOUDSEED_STORE_SQLITE_BACKUP_H

#include "store/request.h"
#include "store/sqlite/db.h"

struct sqlite3_backup;

struct backup {
    struct request *request; /* NULL: none is made */
    bool made;               /* the file is ours */
    struct sqlite3 *to;
    struct sqlite3_backup *copy;
};

/* Takes the request over. The backup ends when a step, or backup_abandon, returns the request with
 * its notice filled. */
void backup_begin(struct backup *b, struct db *db, struct request *r);
struct request *backup_step(struct backup *b);
/* What there is of the file is removed. */
struct request *backup_abandon(struct backup *b, const struct err *why);

#endif
