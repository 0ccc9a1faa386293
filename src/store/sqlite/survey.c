/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/survey.h"

#include "store/sqlite/db.h"
#include "store/statefile.h"

#include <errno.h>
#include <sqlite3.h>

static int count(struct db *db, struct survey *s)
{
    s->revision = db->revision;
    int code = db_number(db, "SELECT count(*) FROM event", &s->events);
    return code == SQLITE_OK
               ? db_number(db, "SELECT at_ms FROM event ORDER BY id DESC LIMIT 1", &s->newest_ms)
               : code;
}

static int look(struct db *db, store_on_record on_record, void *cls, struct survey *ret,
                struct err *e)
{
    struct survey s = {0};
    struct err why = {0};
    int code = db_records(db, STR(""), STR(""), INT64_MAX, on_record, cls, &why);
    if (code == SQLITE_OK)
        code = count(db, &s);
    if (code == SQLITE_OK) {
        *ret = s;
        return 0;
    }
    if (code != SQLITE_ABORT)
        db_result(db, code, &why);
    if (e)
        *e = why;
    return why.code;
}

int sqlite_survey(const char *path, store_on_record on_record, void *cls, struct survey *ret,
                  struct err *e)
{
    bool empty, unclean;
    struct db db = {.path = path, .doubtful = true};
    int r = statefile_check(path, &empty, &unclean, e);
    if (r == 0 && empty)
        r = err_set(e, -EINVAL, "%s: is empty", path);
    if (r == 0)
        r = db_open(&db, e);
    if (r < 0)
        return r;
    r = look(&db, on_record, cls, ret, e);
    db_close(&db, false);
    return r;
}
