/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that fills up: commits are refused with the reason, and succeed again once there is room.
 */
#include "lib/unit.h"

#include "lib/folder.h"
#include "lib/storeloop.h"
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

/* A small file system that only this process sees: as root, or in its own user namespace. */
static bool mount_small(void)
{
    int flags = CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0);
    return mkdir("small", 0700) == 0 && unshare(flags) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", "small", "tmpfs", 0, "size=1m") == 0;
}

/* Takes all room but a few KiB. */
static void fill(const char *path)
{
    static char block[4096];
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    setvbuf(f, NULL, _IONBF, 0);
    while (fwrite(block, 1, sizeof(block), f) == sizeof(block))
        ;
    fclose(f);
}

static enum store_result put(struct storeloop *l, unsigned i, struct store_notice *ret)
{
    static char body[2000];
    char key[16];
    snprintf(key, sizeof(key), "n%u", i);
    memset(body, 'x', sizeof(body) - 1);
    *ret = storeloop_put(l, key, STORE_ABSENT, body);
    return ret->result;
}

static int count(void *cls, const struct store_record *r, struct err *e)
{
    (void)r;
    (void)e;
    ++*(unsigned *)cls;
    return 0;
}

static void test_full_and_well_again(void **state)
{
    struct store *s = NULL;
    struct storeloop l;
    struct store_notice n;
    struct err e = {0};
    uint64_t revision;
    unsigned stored = 0, found = 0;
    struct sqlite_options o = {.path = "small/state.db"};
    (void)state;
    if (!mount_small())
        unit_skip("may not mount a file system of its own");
    assert_int_equal(sqlite_open(&o, &s, &e), 0);
    storeloop_start(&l, s);
    for (; stored < 10; stored++)
        assert_int_equal(put(&l, stored, &n), STORE_OK);

    fill("small/ballast");
    while (put(&l, stored, &n) == STORE_OK)
        stored++;
    assert_int_equal(n.result, STORE_FULL);
    assert_string_equal(n.err.msg, "small/state.db: no space left for the state");
    assert_int_equal(store_health(s, &e), STORE_FULL);
    assert_string_equal(e.msg, "small/state.db: no space left for the state");
    assert_int_equal(put(&l, stored, &n), STORE_FULL);
    /* What is there can be read. */
    struct store_notice *page = storeloop_read(&l, (struct store_query){.limit = 5});
    assert_int_equal(page->result, STORE_OK);
    assert_int_equal(page->page.newest, stored);
    store_notice_free(s, page);

    /* It notices by itself that there is room, without a commit. */
    assert_int_equal(unlink("small/ballast"), 0);
    while (store_health(s, NULL) != STORE_OK)
        store_notice_free(s, storeloop_until(&l, STORE_HEALTH));
    assert_int_equal(put(&l, stored++, &n), STORE_OK);
    assert_int_equal(n.first_event, stored);
    storeloop_end(&l);

    assert_int_equal(sqlite_open(&o, &s, &e), 0);
    assert_int_equal(store_load(s, count, &found, &revision, NULL), 0);
    assert_int_equal(found, stored);
    store_close(s);
}

static void test_backup_without_room(void **state)
{
    struct store *s = NULL;
    struct storeloop l;
    struct store_notice n;
    struct err e = {0};
    struct sqlite_options o = {.path = "state.db"};
    (void)state;
    if (access("small", F_OK) < 0 && !mount_small())
        unit_skip("may not mount a file system of its own");
    assert_int_equal(sqlite_open(&o, &s, &e), 0);
    storeloop_start(&l, s);
    for (unsigned i = 0; i < 600; i++)
        assert_int_equal(put(&l, i, &n), STORE_OK);
    assert_int_equal(store_backup(s, 4, "small/copy.db"), 0);
    struct store_notice *done = storeloop_until(&l, STORE_BACKUP);
    assert_int_equal(done->result, STORE_FULL);
    assert_int_equal(done->tag, 4);
    assert_string_equal(done->err.msg, "small/copy.db: No space left on device");
    store_notice_free(s, done);
    assert_int_equal(access("small/copy.db", F_OK), -1);
    assert_int_equal(store_health(s, NULL), STORE_OK);
    assert_int_equal(put(&l, 600, &n), STORE_OK);
    storeloop_end(&l);
}

/* The folder can only be removed after the mount. */
static int leave(void **state)
{
    umount2("small", MNT_DETACH);
    return folder_leave(state);
}

UNIT_MAIN(cmocka_unit_test_setup_teardown(test_full_and_well_again, folder_enter, leave),
          cmocka_unit_test_setup_teardown(test_backup_without_room, folder_enter, leave))
