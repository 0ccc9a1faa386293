/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/restore.h"

#include "base/clock.h"
#include "base/fs.h"
#include "crypto/recovery.h"
#include "crypto/sealing.h"
#include "crypto/secrets.h"
#include "daemon/privileges.h"
#include "daemon/recovery_run.h"
#include "daemon/restored.h"
#include "daemon/state.h"
#include "store/sqlite/place.h"
#include "store/sqlite/sqlite.h"
#include "store/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES ((size_t)256 * 1024)

struct restore {
    const struct config *config;
    const char *file;
    struct arena arena;
    char db[STATE_PATH_SIZE], copy[STATE_PATH_SIZE], secret[STATE_PATH_SIZE], key[STATE_PATH_SIZE];
    char replaced[STATE_PATH_SIZE]; /* where the state is kept that was here before */
    int from, lock;
    struct sealer *sealer;
    bool key_in_place, made_copy, made_key, made_secret;
    struct str sealed;   /* the backup's copy of the server's secret; empty: it has none */
    struct str recovery; /* its copy of the sealing key for a passphrase; empty: it has none */
    uint64_t nodes, registered, values;
    struct sqlite_survey survey, before;
    struct restored restored;
};

/* --- As the user that started us -------------------------------------------------------------- */

static bool exists(const char *path, const char *suffix)
{
    char whole[STATE_PATH_SIZE + 16];
    struct stat st;
    snprintf(whole, sizeof(whole), "%s%s", path, suffix);
    return lstat(whole, &st) == 0;
}

static int open_backup(struct restore *r, struct err *e)
{
    struct stat st;
    r->from = open(r->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (r->from < 0 || fstat(r->from, &st) < 0)
        return err_errno(e, -errno, "%s", r->file);
    if (!S_ISREG(st.st_mode))
        return err_set(e, -EINVAL, "%s: not a regular file", r->file);
    if (exists(r->file, "-wal"))
        return err_set(
            e, -EINVAL,
            "%s: is not a backup but the state of a server that runs or was killed (there is "
            "a %s-wal); cloudseed backup makes one",
            r->file, r->file);
    return 0;
}

/* Where there is none, the backup may have a copy for a passphrase. */
static int open_key(struct restore *r, const char *key_file, struct err *e)
{
    r->key_in_place = exists(r->key, "");
    if (!key_file && !r->key_in_place)
        return 0;
    return sealer_open(key_file ? key_file : r->key, &r->sealer, e);
}

static int make_folder(const struct config *c, struct err *e)
{
    return privileges_make_folder(c->state_dir.p, 0700, c->user, c->group, e);
}

/* --- Checking -------------------------------------------------------------------------------- */

static int check_folder(struct restore *r, struct err *e)
{
    r->lock = state_lock(r->config->state_dir.p, e);
    if (r->lock == -EBUSY)
        return err_set(e, -EBUSY, "%s: a server uses the state; stop it first",
                       r->config->state_dir.p);
    if (r->lock < 0)
        return r->lock;
    r->restored.replaces = exists(r->db, "");
    if (!r->restored.replaces && (exists(r->db, "-wal") || exists(r->db, "-journal")))
        return err_set(e, -EEXIST,
                       "%s-wal: is left of a state whose file is missing; move all away that "
                       "begins with %s",
                       r->db, r->db);
    return 0;
}

static int copy_bytes(struct restore *r, int to)
{
    char *some = arena_alloc(&r->arena, COPY_BYTES);
    ssize_t n;
    while ((n = read(r->from, some, COPY_BYTES)) != 0) {
        int code = n > 0            ? fs_write(to, (struct str){some, (size_t)n})
                   : errno == EINTR ? 0
                                    : -errno;
        if (code < 0)
            return code;
    }
    return fsync(to) < 0 ? -errno : 0;
}

/* With the files that SQLite may have made beside it. */
static void remove_copy(const struct restore *r)
{
    static const char *const suffixes[] = {"", "-wal", "-journal"};
    char path[STATE_PATH_SIZE + 16];
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", r->copy, suffixes[i]);
        unlink(path);
    }
}

static int copy(struct restore *r, struct err *e)
{
    remove_copy(r); /* of an interrupted restore */
    int code = statefile_create(r->copy, e);
    if (code < 0)
        return code;
    r->made_copy = true;
    FS_CLOSED int to = open(r->copy, O_WRONLY | O_CLOEXEC);
    code = to < 0 ? -errno : copy_bytes(r, to);
    return code < 0 ? err_errno(e, code, "%s", r->copy) : 0;
}

static int on_record(void *cls, const struct store_record *record, struct err *e)
{
    struct restore *r = cls;
    (void)e;
    r->nodes += str_is(record->kind, "state");
    r->registered += str_is(record->kind, "node");
    r->values += str_eq(record->kind, OWN_SECRET);
    if (str_eq(record->kind, OWN_SERVER) && str_is(record->key, "secret"))
        r->sealed = arena_str(&r->arena, record->bytes);
    if (str_eq(record->kind, OWN_SERVER) && str_eq(record->key, OWN_RECOVERY))
        r->recovery = arena_str(&r->arena, record->bytes);
    return 0;
}

/* Messages are about the copy, but must name the backup. */
static int survey(struct restore *r, struct err *e)
{
    struct err why = {0};
    int code = sqlite_survey(r->copy, on_record, r, &r->survey, &why);
    if (code == 0)
        return 0;
    struct str said = str_from(why.msg), path = str_from(r->copy);
    if (str_starts(said, path))
        said = str_skip(said, path.n);
    return err_set(e, code, "%s%s%.*s%s", r->file, str_starts(said, STR(":")) ? "" : ": ",
                   STR_ARG(said), code == -EIO ? "; use another backup" : "");
}

/* --- The state before, and what must not come back ------------------------------------------- */

static int on_record_before(void *cls, const struct store_record *record, struct err *e)
{
    (void)e;
    restored_before(&((struct restore *)cls)->restored, record);
    return 0;
}

static int on_record_now(void *cls, const struct store_record *record, struct err *e)
{
    (void)e;
    restored_now(&((struct restore *)cls)->restored, record);
    return 0;
}

/* The state that is there is opened as a server would open it, and closed: afterwards all of it is
 * in one file. */
static int look_at_state_before(struct restore *r, struct err *e)
{
    struct err why = {0};
    if (!r->restored.replaces)
        return 0;
    int code = sqlite_survey(r->db, on_record_before, r, &r->before, &why);
    if (code == 0 && exists(r->db, "-wal"))
        code = err_set(&why, -EIO, "%s-wal: is still there", r->db);
    if (code < 0)
        err_set(
            e, code,
            "the state that is there cannot be compared: %s; to restore without comparing, move "
            "all away that begins with %s",
            why.msg, r->db);
    return code;
}

static int close_windows(struct restore *r, struct err *e)
{
    struct restored *d = &r->restored;
    struct sqlite_survey again;
    int code = sqlite_survey(r->copy, on_record_now, r, &again, e);
    if (code < 0)
        return code;
    restored_settle(d);
    return sqlite_amend(r->copy, d->txns, d->txns_n, &r->before, e);
}

/* By a link: the name state.db has the old state until it has the new one. */
static int keep_state_before(struct restore *r, struct err *e)
{
    if (!r->restored.replaces)
        return 0;
    if (unlink(r->replaced) < 0 && errno != ENOENT)
        return err_errno(e, -errno, "%s", r->replaced);
    if (link(r->db, r->replaced) < 0)
        return err_errno(e, -errno, "%s", r->replaced);
    return fs_sync_parent(r->replaced, e);
}

/* --- The secret ------------------------------------------------------------------------------ */

static int ask_key(struct restore *r, struct err *e)
{
    struct recovery recovery;
    struct err why;
    if (r->sealer)
        return 0;
    if (!r->recovery.n)
        return err_set(e, -ENOENT,
                       "there is no sealing key at %s: put the one there that belongs to the "
                       "backup, or name it with --sealing-key (no recovery passphrase opens this "
                       "backup)",
                       r->key);
    if (recovery_parse(r->recovery, &recovery, &why) < 0)
        return err_set(e, why.code, "%s: the copy of the sealing key in it %s", r->file, why.msg);
    return recovery_ask(&recovery, &r->sealer, e);
}

static int unseal(struct restore *r, struct str *ret, struct err *e)
{
    if (!r->sealed.n)
        return err_set(e, -ENOENT,
                       "%s: holds no server secret; put the file %s in place, which belongs to it",
                       r->file, r->secret);
    if (sealer_unseal(r->sealer, STR("server secret"), r->sealed, &r->arena, ret))
        return 0;
    return err_set(e, -EBADMSG, "%s: was sealed with another key than this sealing key", r->file);
}

/* The key in place is the one that the server uses. */
static int check_key_in_place(struct restore *r, struct err *e)
{
    struct sealer *in_place;
    struct str text;
    int code = sealer_open(r->key, &in_place, e);
    if (code < 0)
        return code;
    if (r->sealed.n && !sealer_unseal(in_place, STR("server secret"), r->sealed, &r->arena, &text))
        code = err_set(e, -EEXIST,
                       "%s: is there already, and another key than the backup's; move "
                       "it away",
                       r->key);
    sealer_free(in_place);
    return code;
}

static bool same_secrets(const struct secrets *a, const struct secrets *b)
{
    return a->n == b->n && memcmp(a->list, b->list, a->n * sizeof(a->list[0])) == 0;
}

static int put_secret(struct restore *r, struct err *e)
{
    struct secrets in_place = {0}, in_backup = {0};
    struct str text = {"", 0};
    int there = secrets_load(r->secret, &in_place, e);
    if (there < 0 && there != -ENOENT)
        return there;
    if (there == 0 && !r->sealed.n)
        return 0;
    int code = unseal(r, &text, e);
    if (code == 0)
        code = secrets_parse(text, &in_backup, e);
    if (code == 0 && there == 0 && !same_secrets(&in_place, &in_backup))
        code = err_set(e, -EEXIST,
                       "%s: is there already, and another secret than the backup's; "
                       "move it away",
                       r->secret);
    if (code == 0 && there == -ENOENT) {
        code = secrets_restore(r->secret, text, e);
        r->made_secret = code == 0;
    }
    secrets_wipe(&in_place);
    secrets_wipe(&in_backup);
    return code;
}

static int put_key(struct restore *r, struct err *e)
{
    if (r->key_in_place)
        return check_key_in_place(r, e);
    int code = sealer_save(r->sealer, r->key, e);
    r->made_key = code == 0;
    return code;
}

/* --- The whole ------------------------------------------------------------------------------- */

static int carry_out(struct restore *r, const char *key_file, struct err *e)
{
    const struct config *c = r->config;
    struct str text;
    int code = open_backup(r, e);
    if (code == 0)
        code = open_key(r, key_file, e);
    if (code == 0)
        code = make_folder(c, e);
    if (code == 0)
        code = privileges_drop(c->user, c->group, e);
    if (code == 0)
        code = check_folder(r, e);
    if (code == 0)
        code = copy(r, e);
    if (code == 0)
        code = survey(r, e);
    if (code == 0)
        code = ask_key(r, e);
    if (code == 0 && r->sealed.n)
        code = unseal(r, &text, e);
    if (code == 0)
        code = look_at_state_before(r, e);
    if (code == 0)
        code = close_windows(r, e);
    if (code == 0)
        code = put_key(r, e);
    if (code == 0)
        code = put_secret(r, e);
    if (code == 0)
        code = keep_state_before(r, e);
    if (code == 0) /* of the state that was here before */
        code = place_note_remove(r->db, e);
    return code == 0 ? statefile_rename(r->copy, r->db, e) : code;
}

static void clean_up(const struct restore *r)
{
    if (r->made_copy)
        remove_copy(r);
    if (r->made_secret)
        unlink(r->secret);
    if (r->made_key)
        unlink(r->key);
}

static void print_result(const struct restore *r)
{
    char text[CLOCK_TEXT_SIZE];
    printf("restored %s to %s: %" PRIu64 " nodes with a state, %" PRIu64
           " of them registered, %" PRIu64 " events",
           r->file, r->config->state_dir.p, r->nodes, r->registered, r->survey.events);
    if (r->survey.newest_ms)
        printf(" up to %s", clock_text((int64_t)r->survey.newest_ms, text));
    printf(", %" PRIu64 " values of secrets\n", r->values);
    if (r->made_secret)
        printf("made %s\n", r->secret);
    if (r->made_key)
        printf("made %s\n", r->key);
    restored_print(&r->restored);
    if (r->restored.replaces)
        printf("the replaced state is kept as %s\n", r->replaced);
}

int restore_run(const struct config *c, const char *file, const char *key_file, struct err *e)
{
    struct restore r = {.config = c, .file = file, .from = -1, .lock = -1};
    state_path(c, "state.db", r.db);
    state_path(c, "state.db.restore", r.copy);
    state_path(c, "state.db.replaced", r.replaced);
    state_path(c, "secret", r.secret);
    state_key_path(c, r.key);
    if (!r.copy[0] || !r.replaced[0] || !r.key[0])
        return err_set(e, -ENAMETOOLONG, "the state folder's path is too long");
    arena_init(&r.arena, 2 * COPY_BYTES);
    restored_init(&r.restored);
    umask(S_IRWXG | S_IRWXO);
    int code = carry_out(&r, key_file, e);
    if (code < 0)
        clean_up(&r);
    else
        print_result(&r);
    sealer_free(r.sealer);
    restored_done(&r.restored);
    arena_wipe(&r.arena);
    arena_done(&r.arena);
    if (r.from >= 0)
        close(r.from);
    if (r.lock >= 0)
        close(r.lock);
    return code;
}
