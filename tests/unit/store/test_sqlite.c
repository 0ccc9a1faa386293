/* SPDX-License-Identifier: Apache-2.0 */
/* The state file: what is in it, what is refused, how it is copied and kept small. */
#include "lib/unit.h"

#include "base/buf.h"
#include "base/fs.h"
#include "lib/folder.h"
#include "lib/storeloop.h"
#include "store/sqlite/db.h"
#include "store/sqlite/sqlite.h"
#include "store/statefile.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

static int try_open(const char *path, struct store **ret, struct err *e)
{
    struct sqlite_options o = {.path = path};
    return sqlite_open(&o, ret, e);
}

static struct store *open_store(const char *path)
{
    struct store *s = NULL;
    struct err e = {0};
    if (try_open(path, &s, &e) < 0)
        fail_msg("%s", e.msg);
    return s;
}

static void refused(const char *path, int code, const char *words)
{
    struct store *s = NULL;
    struct err e = {0};
    int r = try_open(path, &s, &e);
    assert_null(s);
    assert_contains(e.msg, words);
    assert_int_equal(r, code);
    assert_int_equal(e.code, code);
}

static void make_state(const char *path, unsigned records)
{
    struct storeloop l;
    storeloop_start(&l, open_store(path));
    for (unsigned i = 0; i < records; i++) {
        char key[16];
        snprintf(key, sizeof(key), "n%u", i);
        assert_int_equal(storeloop_put(&l, key, STORE_ABSENT, "{}").result, STORE_OK);
    }
    storeloop_end(&l);
}

/* Changes the file without the store. */
static void sql(const char *path, const char *text)
{
    sqlite3 *handle = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s", why);
    sqlite3_close(handle);
}

static int add_line(void *cls, int n, char **values, char **names)
{
    (void)n;
    (void)names;
    buf_printf(cls, "%s;\n", values[0]);
    return 0;
}

static void dump(sqlite3 *handle, struct buf *b, const char *query)
{
    assert_int_equal(sqlite3_exec(handle, query, add_line, b, NULL), SQLITE_OK);
}

/* tests/golden/store-schema.sql: existing files depend on it. */
static void test_layout_is_the_documented_one(void **state)
{
    sqlite3 *handle = NULL;
    struct buf b;
    struct arena a;
    struct str want;
    struct err e;
    char path[512];
    (void)state;
    make_state("state.db", 0);
    assert_int_equal(sqlite3_open("state.db", &handle), SQLITE_OK);
    buf_init(&b, 1 << 16);
    buf_str(&b, STR("-- SPDX-License-Identifier: Apache-2.0\n"
                    "-- The state file of version 3 (docs/formats/store.md).\n"));
    dump(handle, &b,
         "SELECT 'PRAGMA application_id = ' || application_id FROM pragma_application_id");
    dump(handle, &b, "SELECT 'PRAGMA user_version = ' || user_version FROM pragma_user_version");
    dump(handle, &b, "SELECT 'PRAGMA auto_vacuum = ' || auto_vacuum FROM pragma_auto_vacuum");
    dump(handle, &b, "SELECT 'PRAGMA journal_mode = ' || journal_mode FROM pragma_journal_mode");
    dump(handle, &b, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid");
    sqlite3_close(handle);
    const char *source = getenv("CLOUDSEED_SOURCE");
    snprintf(path, sizeof(path), "%s/tests/golden/store-schema.sql", source ? source : ".");
    arena_init(&a, 4096);
    if (fs_read(path, 65536, &a, &want, &e) < 0)
        fail_msg("%s", e.msg);
    assert_str_equal(buf_view(&b), want);
    arena_done(&a);
    buf_done(&b);
}

static void test_file_is_private(void **state)
{
    struct stat st;
    struct store *s = open_store("state.db");
    (void)state;
    assert_int_equal(stat("state.db", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat("state.db-wal", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(access("state.db-shm", F_OK), -1);
    store_close(s);
    /* After an orderly close it is one file. */
    assert_int_equal(access("state.db-wal", F_OK), -1);
    assert_int_equal(chmod("state.db", 0640), 0);
    refused("state.db", -EPERM, "others than its owner may use it; run: chmod 600 state.db");
}

static void unchanged(const char *path, const char *text)
{
    struct arena a;
    struct str got;
    arena_init(&a, 4096);
    assert_int_equal(fs_read(path, 1 << 20, &a, &got, NULL), 0);
    assert_str_equal(got, str_from(text));
    arena_done(&a);
}

static void test_what_is_not_ours_is_left_unchanged(void **state)
{
    struct store *s = NULL;
    struct err e;
    static char text[300];
    memset(text, 'x', sizeof(text) - 1);
    folder_file(*state, "notes.txt", text);
    chmod("notes.txt", 0600);
    refused("notes.txt", -EINVAL, "notes.txt: is not cloudseed's state, it was left as it is");
    unchanged("notes.txt", text);
    folder_file(*state, "short", "a");
    chmod("short", 0600);
    refused("short", -EINVAL, "short: is not cloudseed's state");
    sql("other.db", "CREATE TABLE x (y)");
    chmod("other.db", 0600);
    refused("other.db", -EINVAL, "other.db: is the database of another program");
    folder_sub(*state, "folder");
    chmod("folder", 0700);
    assert_true(try_open("folder", &s, &e) < 0);
    folder_pipe(*state, "pipe");
    chmod("pipe", 0600);
    refused("pipe", -EINVAL, "pipe: not a regular file");
    refused("missing/state.db", -ENOENT, "missing/state.db: No such file");
}

/* An interrupted first start leaves files like these. */
static void test_empty_file_and_leftovers(void **state)
{
    folder_file(*state, "state.db", "");
    chmod("state.db", 0600);
    folder_file(*state, "state.db.new", "half of it");
    folder_file(*state, "state.db.new-journal", "and its journal");
    make_state("state.db", 1);
    assert_int_equal(access("state.db.new", F_OK), -1);
    assert_int_equal(access("state.db.new-journal", F_OK), -1);
}

static void test_newer_layout_is_refused(void **state)
{
    (void)state;
    make_state("state.db", 1);
    sql("state.db", "PRAGMA user_version = 99");
    refused(
        "state.db", -EPROTO,
        "state.db: was written by a newer cloudseed (version 99 of the state, this one knows 3)");
}

static void test_damage_is_seen_after_a_crash(void **state)
{
    (void)state;
    make_state("state.db", 400);
    FILE *f = fopen("state.db", "r+");
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    for (long at = 3 * 4096; at < size; at += 4096) {
        fseek(f, at, SEEK_SET);
        fputs("\x01\x02\x03\x04\x05\x06\x07", f);
    }
    fclose(f);
    folder_file(*state, "state.db-wal", "");
    refused("state.db", -EIO, "state.db: the state is damaged");
}

static int one_number(void *cls, int n, char **values, char **names)
{
    (void)n;
    (void)names;
    *(int *)cls = atoi(values[0]);
    return 0;
}

static int number(sqlite3 *handle, const char *query)
{
    int n = -1;
    sqlite3_exec(handle, query, one_number, &n, NULL);
    return n;
}

/* Each step is done once, in order; one that fails leaves the version before it. */
static void test_migrations(void **state)
{
    static const char *const steps[] = {"CREATE TABLE t (n)", "INSERT INTO t VALUES (1)",
                                        "INSERT INTO t VALUES (2)",
                                        "INSERT INTO t VALUES (3); INSERT INTO missing VALUES (4)"};
    sqlite3 *handle = NULL;
    struct err e = {0};
    (void)state;
    assert_int_equal(sqlite3_open("x.db", &handle), SQLITE_OK);
    assert_int_equal(db_migrate(handle, steps, 2, &e), 0);
    assert_int_equal(db_migrate(handle, steps, 2, &e), 0);
    assert_int_equal(number(handle, "SELECT count(*) FROM t"), 1);
    assert_int_equal(db_migrate(handle, steps, 4, &e), -EIO);
    assert_string_equal(e.msg, "could not be brought to version 4: no such table: missing");
    assert_int_equal(number(handle, "PRAGMA user_version"), 3);
    assert_int_equal(number(handle, "SELECT sum(n) FROM t"), 3);
    assert_int_equal(db_migrate(handle, steps, 2, &e), -EPROTO);
    sqlite3_close(handle);
}

static void test_network_file_systems(void **state)
{
    (void)state;
    static const struct {
        uint64_t magic;
        const char *name;
    } table[] = {{0x6969, "NFS"},      {0x517b, "SMB"},      {0xff534d42, "CIFS"},
                 {0xfe534d42, "SMB2"}, {0x01021997, "9p"},   {0x65735546, "FUSE"},
                 {0x5346414f, "AFS"},  {0x73757245, "Coda"}, {0x00c36400, "Ceph"}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_non_null(statefile_refusal(table[i].magic));
        assert_contains(statefile_refusal(table[i].magic), table[i].name);
    }
    /* A 32-bit f_type that was widened with its sign. */
    assert_non_null(statefile_refusal(0xffffffffff534d42));
    assert_null(statefile_refusal(0xef53));     /* ext4 */
    assert_null(statefile_refusal(0x58465342)); /* XFS */
    assert_null(statefile_refusal(0x9123683e)); /* btrfs */
    assert_null(statefile_refusal(0x2fc12fc1)); /* ZFS */
    assert_null(
        statefile_refusal(0x01021994)); /* tmpfs: lost at a reboot, but reliable until then */
    assert_null(statefile_refusal(0x794c7630)); /* overlayfs */
}

static int count(void *cls, const struct store_record *r, struct err *e)
{
    (void)r;
    (void)e;
    ++*(unsigned *)cls;
    return 0;
}

static unsigned records_of(const char *path)
{
    unsigned n = 0;
    uint64_t revision;
    struct store *s = open_store(path);
    assert_int_equal(store_load(s, count, &n, &revision, NULL), 0);
    store_close(s);
    return n;
}

static void expect_events(struct storeloop *l, struct store_query q, const char *ids,
                          uint64_t removed)
{
    char got[256] = "";
    struct store_notice *n = storeloop_read(l, q);
    for (size_t i = 0, at = 0; i < n->page.n; i++)
        at += (size_t)snprintf(got + at, sizeof(got) - at, "%d%.*s ", (int)n->page.entries[i].id,
                               STR_ARG(n->page.entries[i].event.bytes));
    assert_string_equal(got, ids);
    assert_int_equal(n->page.removed, removed);
    store_notice_free(l->store, n);
}

/* Version 1 had one table of events; this one had lost those up to 6. */
static void test_a_file_of_version_1(void **state)
{
    (void)state;
    char text[4096];
    struct storeloop l;
    snprintf(text, sizeof(text),
             "%s PRAGMA user_version = 1; UPDATE counter SET revision = 9, event = 12;"
             "INSERT INTO record (kind, key, revision, bytes) VALUES ('state', 'a', 9, x'7b7d');"
             "INSERT INTO event VALUES (7, 4, 1, 'a', 'armed', x'72'), (8, 5, 2, 'a', 'progress', "
             "x'73'),"
             " (9, 6, 3, 'b', 'progress', x'74'), (10, 7, 4, '', 'state-behind', x'75'),"
             " (11, 8, 5, 'a', 'progress', x'76'), (12, 9, 6, 'a', 'ready', x'77')",
             db_steps[0]);
    sql("state.db", text);
    assert_int_equal(chmod("state.db", 0600), 0);
    storeloop_start(&l, open_store("state.db"));
    expect_events(&l, (struct store_query){0}, "7r 8s 9t 10u 11v 12w ", 6);
    expect_events(&l, (struct store_query){.kind = STR("progress")}, "8s 9t 11v ", 6);
    expect_events(&l, (struct store_query){.node = STR("a"), .newest_first = true},
                  "12w 11v 8s 7r ", 6);
    expect_events(&l, (struct store_query){.node = STR("a"), .kind = STR("ready")}, "12w ", 6);
    assert_int_equal(storeloop_put(&l, "later", STORE_ABSENT, "{}").first_event, 13);
    storeloop_end(&l);
    assert_int_equal(records_of("state.db"), 2);
}

/* Version 2 had no audit. */
static void test_a_file_of_version_2(void **state)
{
    (void)state;
    char text[8192];
    struct storeloop l;
    snprintf(text, sizeof(text),
             "%s %s PRAGMA user_version = 2; UPDATE counter SET revision = 9, event = 12;"
             "INSERT INTO record (kind, key, revision, bytes) VALUES ('state', 'a', 9, x'7b7d');"
             "INSERT INTO event VALUES (11, 4, 1, 'a', 'armed', x'72');"
             "INSERT INTO report VALUES (12, 5, 2, 'a', 'progress', x'73');"
             "INSERT INTO removed VALUES ('a', 1, 10)",
             db_steps[0], db_steps[1]);
    sql("state.db", text);
    assert_int_equal(chmod("state.db", 0600), 0);
    storeloop_start(&l, open_store("state.db"));
    expect_events(&l, (struct store_query){0}, "11r 12s ", 10);
    expect_events(&l, (struct store_query){.journal = STORE_AUDIT}, "", 0);
    const struct store_event ev = {1, STR("a"), STR("node"), STR("f"), STR("seed key")};
    const struct store_txn t = {.events = &ev, .n_events = 1};
    assert_int_equal(storeloop_commit(&l, &t).first_event, 1);
    assert_int_equal(storeloop_put(&l, "later", STORE_ABSENT, "{}").first_event, 13);
    expect_events(&l, (struct store_query){.journal = STORE_AUDIT}, "1f ", 0);
    storeloop_end(&l);
    assert_int_equal(records_of("state.db"), 2);
}

static enum store_result backup(struct storeloop *l, const char *path, char msg[256])
{
    assert_int_equal(store_backup(l->store, 3, path), 0);
    struct store_notice *n = storeloop_until(l, STORE_BACKUP);
    enum store_result result = n->result;
    assert_int_equal(n->tag, 3);
    memcpy(msg, n->err.msg, 256);
    store_notice_free(l->store, n);
    return result;
}

static void test_backup(void **state)
{
    struct storeloop l;
    struct stat st;
    char msg[256];
    make_state("state.db", 700);
    storeloop_start(&l, open_store("state.db"));
    assert_int_equal(backup(&l, "copy.db", msg), STORE_OK);
    assert_int_equal(stat("copy.db", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(storeloop_put(&l, "later", STORE_ABSENT, "{}").result, STORE_OK);
    folder_file(*state, "there", "mine");
    assert_int_equal(backup(&l, "there", msg), STORE_UNAVAILABLE);
    assert_string_equal(msg, "there: File exists");
    unchanged("there", "mine");
    assert_int_equal(backup(&l, "missing/copy.db", msg), STORE_UNAVAILABLE);
    storeloop_end(&l);
    assert_int_equal(records_of("copy.db"), 700);
    assert_int_equal(records_of("state.db"), 701);
}

/* Commits go on while a copy is made, and are in it if they came before its end. */
static void test_backup_among_commits(void **state)
{
    struct storeloop l;
    unsigned before = 0;
    (void)state;
    make_state("state.db", 100);
    storeloop_start(&l, open_store("state.db"));
    static char body[100000];
    memset(body, 'x', sizeof(body) - 1);
    for (int i = 0; i < 40; i++)
        assert_int_equal(storeloop_put(&l, "big", STORE_ANY, body).result, STORE_OK);
    assert_int_equal(store_backup(l.store, 3, "copy.db"), 0);
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof(key), "m%d", i);
        struct store_write w = {STORE_PUT, STR("node"), str_from(key), 0, STR("{}")};
        assert_int_equal(store_commit(l.store, &(struct store_txn){.writes = &w, .n_writes = 1}),
                         0);
    }
    for (bool done = false; !done;) {
        struct store_notice *n = storeloop_next(&l);
        assert_int_equal(n->result, STORE_OK);
        before += n->about == STORE_COMMIT;
        done = n->about == STORE_BACKUP;
        store_notice_free(l.store, n);
    }
    storeloop_end(&l);
    assert_true(records_of("copy.db") >= 101 + before);
}

static uint64_t oldest(struct storeloop *l)
{
    struct store_notice *n = storeloop_read(l, (struct store_query){.limit = 1});
    uint64_t id = n->page.oldest;
    store_notice_free(l->store, n);
    return id;
}

/* 20,000 events go in small steps: a commit that comes meanwhile does not wait for the last. */
static void test_retention_does_not_stall(void **state)
{
    struct storeloop l;
    static char padding[400];
    struct store_event list[1000];
    struct store_stats stats;
    (void)state;
    storeloop_start(&l, open_store("state.db"));
    memset(padding, 'x', sizeof(padding));
    for (int i = 0; i < 1000; i++)
        list[i] = (struct store_event){1, STR("n"), STR("k"), {padding, sizeof(padding)}};
    struct store_txn t = {.events = list, .n_events = 1000};
    for (int i = 0; i < 20; i++)
        assert_int_equal(storeloop_commit(&l, &t).result, STORE_OK);
    store_retain(l.store, (struct store_retention){.max_events = {100}});
    while (oldest(&l) == 1)
        ;
    assert_int_equal(storeloop_put(&l, "a", STORE_ABSENT, "{}").result, STORE_OK);
    assert_true(oldest(&l) < 15000);
    while (oldest(&l) < 19902)
        ;
    /* Free pages are returned as well, except those that are kept for new events. */
    do {
        oldest(&l);
        store_stats(l.store, &stats);
    } while (!stats.file_bytes || stats.file_bytes > 3 << 20);
    storeloop_end(&l);
    struct stat st;
    assert_int_equal(stat("state.db", &st), 0);
    assert_true(st.st_size <= 3 << 20);
}

/* --- The files while they are in use ---------------------------------------------------------- */

static void wait_for_health(struct storeloop *l, enum store_result want, const char *words)
{
    struct err why = {0};
    while (store_health(l->store, &why) != want)
        store_notice_free(l->store, storeloop_until(l, STORE_HEALTH));
    if (words)
        assert_contains(why.msg, words);
}

/* Nothing is answered as stored that a restart would not find. */
static void expect_refused(struct storeloop *l, const char *words)
{
    struct err why = {0};
    assert_int_equal(storeloop_put(l, "b", STORE_ABSENT, "{}").result, STORE_UNAVAILABLE);
    assert_int_equal(store_health(l->store, &why), STORE_UNAVAILABLE);
    assert_contains(why.msg, words);
}

static struct storeloop *open_with_record(void)
{
    static struct storeloop l;
    storeloop_start(&l, open_store("state.db"));
    assert_int_equal(storeloop_put(&l, "a", STORE_ABSENT, "{}").result, STORE_OK);
    return &l;
}

static void test_a_removed_file(void **state)
{
    (void)state;
    char msg[256];
    struct storeloop *l = open_with_record();
    assert_int_equal(rename("state.db", "away"), 0);
    expect_refused(l, "state.db: was removed or renamed");
    assert_int_equal(backup(l, "copy.db", msg), STORE_OK); /* it can still be saved */
    assert_int_equal(access("state.db", F_OK), -1);        /* and no new one is made */
    assert_int_equal(rename("away", "state.db"), 0);
    wait_for_health(l, STORE_OK, NULL);
    assert_int_equal(storeloop_put(l, "c", STORE_ABSENT, "{}").result, STORE_OK);
    storeloop_end(l);
    assert_int_equal(records_of("copy.db"), 1);
    assert_int_equal(records_of("state.db"), 2);
}

/* Nobody asks for anything: the store looks by itself. */
static void test_a_removed_file_is_noticed(void **state)
{
    (void)state;
    struct storeloop *l = open_with_record();
    assert_int_equal(unlink("state.db"), 0);
    wait_for_health(l, STORE_UNAVAILABLE, "state.db: was removed or renamed");
    storeloop_end(l);
    assert_int_equal(access("state.db-wal", F_OK), 0); /* it is not ours to remove any more */
}

/* What is there is written over at once: a server that uses it never finds it empty. */
static void copy_file(const char *from, const char *to)
{
    struct arena a;
    struct str text;
    arena_init(&a, 1 << 20);
    assert_int_equal(fs_read(from, 1 << 20, &a, &text, NULL), 0);
    int fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text.p, text.n, 0), text.n);
    assert_int_equal(ftruncate(fd, (off_t)text.n), 0);
    assert_int_equal(close(fd), 0);
    arena_done(&a);
}

static void test_a_replaced_file(void **state)
{
    (void)state;
    make_state("other.db", 5);
    struct storeloop *l = open_with_record();
    assert_int_equal(rename("other.db", "state.db"), 0);
    expect_refused(l, "state.db: was replaced");
    storeloop_end(l);
    unlink("state.db-wal");
    assert_int_equal(records_of("state.db"), 5);
}

static void test_a_file_that_is_written_over(void **state)
{
    (void)state;
    make_state("other.db", 5);
    struct storeloop *l = open_with_record();
    copy_file("other.db", "state.db");
    expect_refused(l, "state.db: was changed by another program");
    storeloop_end(l);
    unlink("state.db-wal");
    assert_int_equal(records_of("state.db"), 5);
}

/* What it contains is not lost: it is open, and can be copied into the file. */
static void test_a_removed_log(void **state)
{
    (void)state;
    struct storeloop *l = open_with_record();
    assert_int_equal(unlink("state.db-wal"), 0);
    wait_for_health(l, STORE_UNAVAILABLE, "state.db-wal: was removed");
    wait_for_health(l, STORE_OK, NULL);
    assert_int_equal(storeloop_put(l, "b", STORE_ABSENT, "{}").result, STORE_OK);
    storeloop_end(l);
    assert_int_equal(records_of("state.db"), 2);
}

static void test_a_log_that_is_cut(void **state)
{
    (void)state;
    struct storeloop *l = open_with_record();
    assert_int_equal(truncate("state.db-wal", 0), 0);
    expect_refused(l, "state.db-wal: was changed by another program");
    storeloop_end(l);
}

/* --- The files while nothing uses them -------------------------------------------------------- */

/* The highest revision that was noted; *ret_found: the one that the state has. */
static uint64_t noted(uint64_t *ret_found)
{
    unsigned n = 0;
    struct store *s = open_store("state.db");
    uint64_t revision = store_noted(s);
    assert_int_equal(store_load(s, count, &n, ret_found, NULL), 0);
    store_close(s);
    return revision;
}

static void expect_loss(uint64_t want_found, uint64_t want_noted)
{
    uint64_t found;
    assert_int_equal(noted(&found), want_noted);
    assert_int_equal(found, want_found);
}

static void test_an_older_file_is_found_out(void **state)
{
    (void)state;
    make_state("state.db", 3);
    copy_file("state.db", "old.db");
    expect_loss(3, 3);
    struct storeloop l;
    storeloop_start(&l, open_store("state.db"));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(storeloop_put(&l, "x", STORE_ANY, "{}").result, STORE_OK);
    storeloop_end(&l);
    expect_loss(7, 7);
    assert_int_equal(rename("old.db", "state.db"), 0);
    expect_loss(3, 7);
    /* It stays so, whatever is stored, until the loss itself was stored. */
    storeloop_start(&l, open_store("state.db"));
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(storeloop_put(&l, "x", STORE_ANY, "{}").result, STORE_OK);
    storeloop_end(&l);
    expect_loss(5, 7);
    storeloop_start(&l, open_store("state.db"));
    store_settle(l.store);
    assert_int_equal(storeloop_put(&l, "x", STORE_ANY, "{}").result, STORE_OK);
    storeloop_end(&l);
    expect_loss(6, 6);
}

/* SQLite would write a log that was left into the new file. */
static void test_a_removed_file_is_found_out(void **state)
{
    make_state("state.db", 3);
    assert_int_equal(unlink("state.db"), 0);
    folder_file(*state, "state.db-wal", "of the file that was removed");
    expect_loss(0, 3);
    unchanged("state.db-wal.orphan", "of the file that was removed");
}

static void test_a_note_that_says_nothing(void **state)
{
    static const char *const texts[] = {"", "x", "                   x\n", "99\n"};
    make_state("state.db", 2);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint64_t found;
        assert_int_equal(unlink("state.db-revision"), 0);
        folder_file(*state, "state.db-revision", texts[i]);
        assert_int_equal(noted(&found), 0);
    }
    assert_int_equal(unlink("state.db-revision"), 0);
    assert_int_equal(symlink("elsewhere", "state.db-revision"), 0);
    refused("state.db", -ELOOP, "state.db-revision");
    assert_int_equal(access("elsewhere", F_OK), -1);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_enter, folder_leave)

UNIT_MAIN(IN_FOLDER(test_layout_is_the_documented_one), IN_FOLDER(test_file_is_private),
          IN_FOLDER(test_what_is_not_ours_is_left_unchanged),
          IN_FOLDER(test_empty_file_and_leftovers), IN_FOLDER(test_newer_layout_is_refused),
          IN_FOLDER(test_damage_is_seen_after_a_crash), IN_FOLDER(test_migrations),
          IN_FOLDER(test_a_file_of_version_1), IN_FOLDER(test_a_file_of_version_2),
          cmocka_unit_test(test_network_file_systems), IN_FOLDER(test_backup),
          IN_FOLDER(test_backup_among_commits), IN_FOLDER(test_retention_does_not_stall),
          IN_FOLDER(test_a_removed_file), IN_FOLDER(test_a_removed_file_is_noticed),
          IN_FOLDER(test_a_replaced_file), IN_FOLDER(test_a_file_that_is_written_over),
          IN_FOLDER(test_a_removed_log), IN_FOLDER(test_a_log_that_is_cut),
          IN_FOLDER(test_an_older_file_is_found_out), IN_FOLDER(test_a_removed_file_is_found_out),
          IN_FOLDER(test_a_note_that_says_nothing))
