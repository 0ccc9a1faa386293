/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/backup.h"

#include "store/statefile.h"

#include <errno.h>
#include <sqlite3.h>
#include <unistd.h>

#define STEP_PAGES 128

static void fail(struct backup *b, int code)
{
    struct err why;
    struct db target = {.handle = b->to, .path = b->request->path};
    enum store_result result = db_result(&target, code, &why);
    request_fail(b->request, result, &why);
}

static struct request *end(struct backup *b)
{
    struct request *r = b->request;
    sqlite3_backup_finish(b->copy);
    if (sqlite3_close(b->to) != SQLITE_OK && r->notice.result == STORE_OK)
        request_fail(r, STORE_UNAVAILABLE, NULL);
    if (r->notice.result == STORE_OK) {
        struct err why;
        if (statefile_sync_folder(r->path, &why) < 0)
            request_fail(r, STORE_UNAVAILABLE, &why);
    }
    if (r->notice.result != STORE_OK && b->made)
        unlink(r->path);
    *b = (struct backup){0};
    return r;
}

void backup_begin(struct backup *b, struct db *db, struct request *r)
{
    struct err why;
    *b = (struct backup){.request = r};
    if (statefile_create(r->path, &why) < 0) {
        request_fail(r, why.code == -ENOSPC ? STORE_FULL : STORE_UNAVAILABLE, &why);
        return;
    }
    b->made = true;
    int code = sqlite3_open_v2(r->path, &b->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        b->copy = sqlite3_backup_init(b->to, "main", db->handle, "main");
        code = b->copy ? SQLITE_OK : sqlite3_errcode(b->to);
    }
    if (code != SQLITE_OK)
        fail(b, code);
}

struct request *backup_step(struct backup *b)
{
    if (b->request->notice.result != STORE_OK)
        return end(b);
    int code = sqlite3_backup_step(b->copy, STEP_PAGES);
    if (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return NULL;
    if (code != SQLITE_DONE)
        fail(b, code);
    return end(b);
}

struct request *backup_abandon(struct backup *b, const struct err *why)
{
    request_fail(b->request, STORE_UNAVAILABLE, why);
    return end(b);
}
