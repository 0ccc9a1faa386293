/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/state.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "crypto/keys.h"
#include "store/memory.h"
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The loop's timers stop while the machine sleeps, deadlines do not. */
#define ALARM_MAX_MS 60000

#define EVENTS_MIN 10000
#define DAY_MS ((int64_t)24 * 3600 * 1000)

static void now(void *cls, struct moment *ret)
{
    const struct state *s = cls;
    *ret = (struct moment){clock_wall_ms(), clock_boot_ms(), str_from(s->boot_id)};
}

static bool unseal(void *cls, struct str uid, struct str sealed, struct arena *a, struct str *ret)
{
    const struct state *s = cls;
    return sealer_unseal(s->sealer, keys_window_purpose(uid, a), sealed, a, ret);
}

static void read_boot_id(struct state *s)
{
    struct str text;
    struct arena a;
    arena_init(&a, 256);
    if (fs_read("/proc/sys/kernel/random/boot_id", BOOT_ID_SIZE - 1, &a, &text, NULL) == 0)
        snprintf(s->boot_id, sizeof(s->boot_id), "%.*s", STR_ARG(str_trim(text)));
    arena_done(&a);
}

static int fail_folder(struct err *e, int r, const char *what, const char *folder)
{
    return err_set(e, r,
                   "cannot %s the state folder %s: %s; it must be a folder that the server's user "
                   "may write, or name another with --state",
                   what, folder, strerror(-r));
}

int state_lock(const char *folder, struct err *e)
{
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return fail_folder(e, -errno, "make", folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_folder(e, -errno, "use", folder);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int r = errno == EWOULDBLOCK ? -EBUSY : -errno;
    close(fd);
    if (r == -EBUSY)
        return err_set(e, r,
                       "%s: another process uses the state: end that cloudseedd, or give this one "
                       "a folder of its own with --state",
                       folder);
    return err_errno(e, r, "cannot lock the state folder %s", folder);
}

void state_path(const struct config *c, const char *file, char ret[static STATE_PATH_SIZE])
{
    if (snprintf(ret, STATE_PATH_SIZE, "%s/%s", c->state_dir.p, file) >= STATE_PATH_SIZE)
        ret[0] = '\0';
}

void state_key_path(const struct config *c, char ret[static STATE_PATH_SIZE])
{
    if (!c->sealing_key.n)
        state_path(c, "sealing-key", ret);
    else if (snprintf(ret, STATE_PATH_SIZE, "%s", c->sealing_key.p) >= STATE_PATH_SIZE)
        ret[0] = '\0';
}

/* A server that keeps nothing must not hide a state that was kept. */
static int open_memory(const char *path, struct store_retention keep, struct store **ret,
                       struct err *e)
{
    if (access(path, F_OK) == 0)
        return err_set(e, -EEXIST, "%s holds nodes' states: 'memory:' needs a folder of its own",
                       path);
    *ret = memory_new((struct store_limits){0}, keep);
    log_warning("volatile-state", LOG_TEXT("reason", STR("nodes' states are kept only in memory")));
    return 0;
}

static struct store_retention keep_of(const struct config *c)
{
    return (struct store_retention){
        .max_events = {[STORE_CHANGE] = c->history.events,
                       [STORE_REPORT] = c->history.reports,
                       [STORE_BY_ADMIN] = c->audit.entries,
                       [STORE_BY_NODE] = c->audit.entries,
                       [STORE_REFUSED] = c->audit.refusals},
        .max_of_node = {[STORE_EVENTS] = c->history.per_node, [STORE_AUDIT] = c->audit.per_node},
        .min_events = EVENTS_MIN,
        .max_age_ms =
            {[STORE_EVENTS] = c->history.days * DAY_MS, [STORE_AUDIT] = c->audit.days * DAY_MS},
    };
}

int state_open(struct state *s, const struct config *c, struct err *e)
{
    char path[STATE_PATH_SIZE], key_path[STATE_PATH_SIZE];
    const struct fleet_host host = {now, unseal, s};
    const struct sqlite_options options = {
        .path = path,
        .keep = keep_of(c),
    };
    struct store *store;
    state_path(c, "state.db", path);
    state_key_path(c, key_path);
    if (!path[0] || !key_path[0])
        return err_set(e, -ENAMETOOLONG, "the state folder's path is too long");
    read_boot_id(s);
    s->lock = state_lock(c->state_dir.p, e);
    if (s->lock < 0)
        return s->lock;
    int r = sealer_new(key_path, &s->sealer, e);
    if (r == 0)
        r = c->volatile_state ? open_memory(path, options.keep, &store, e)
                              : sqlite_open(&options, &store, e);
    if (r == 0)
        r = fleet_open(store, &host, &s->fleet, e);
    s->writer.fleet = s->fleet;
    return r;
}

static void log_health(struct state *s)
{
    struct err why = {0};
    bool unhealthy = !fleet_healthy(s->fleet, &why);
    if (unhealthy && !s->unhealthy)
        log_error("state-unavailable", LOG_TEXT("reason", str_from(why.msg)),
                  LOG_TEXT("consequence", STR("what must be stored is answered 503")));
    else if (!unhealthy && s->unhealthy)
        log_notice("state-available", LOG_TEXT("consequence", STR("changes are stored again")));
    s->unhealthy = unhealthy;
}

/* Once for each time that the state could not be written. */
static void log_lost_audit(struct state *s)
{
    uint64_t lost = fleet_audit_lost(s->fleet);
    if (lost == s->audit_lost || s->unhealthy)
        return;
    log_warning("audit-lost", LOG_NUMBER("entries", lost - s->audit_lost),
                LOG_TEXT("reason", STR("they could not be written in time")));
    s->audit_lost = lost;
}

static void log_loss(const struct state *s)
{
    struct fleet_loss loss;
    if (fleet_lost(s->fleet, &loss))
        log_error("state-behind", LOG_NUMBER("found", loss.found), LOG_NUMBER("noted", loss.noted),
                  LOG_TEXT("reason", STR("the state is older than it was: changes were lost")),
                  LOG_TEXT("advice", STR("restore a backup, or: cloudseed server acknowledge")));
}

static void on_store_ready(uv_async_t *async)
{
    struct state *s = async->data;
    struct err why;
    fleet_on_store(s->fleet);
    log_health(s);
    log_lost_audit(s);
    if (!record_writer_on_store(&s->writer, &why))
        log_warning("secrets-not-kept", LOG_TEXT("reason", str_from(why.msg)),
                    LOG_TEXT("consequence", STR("a backup has them as they were before")));
}

/* On any thread. */
static void on_store(void *cls)
{
    uv_async_send(cls);
}

static void arm_timer(struct state *s);

static void on_alarm(uv_timer_t *timer)
{
    struct state *s = timer->data;
    if (s->due_boot_ms <= clock_boot_ms())
        fleet_on_alarm(s->fleet);
    arm_timer(s);
}

static void arm_timer(struct state *s)
{
    uint64_t now_ms = clock_boot_ms();
    uint64_t wait_ms = s->due_boot_ms > now_ms ? s->due_boot_ms - now_ms : 0;
    if (s->due_boot_ms == UINT64_MAX)
        uv_timer_stop(&s->alarm);
    else
        uv_timer_start(&s->alarm, on_alarm, wait_ms < ALARM_MAX_MS ? wait_ms : ALARM_MAX_MS, 0);
}

static void set_alarm(void *cls, uint64_t due_boot_ms)
{
    struct state *s = cls;
    if (s->due_boot_ms == due_boot_ms)
        return;
    s->due_boot_ms = due_boot_ms;
    arm_timer(s);
}

int state_start(struct state *s, uv_loop_t *loop, struct err *e)
{
    s->due_boot_ms = UINT64_MAX;
    uv_async_init(loop, &s->store_ready, on_store_ready);
    uv_timer_init(loop, &s->alarm);
    s->store_ready.data = s->alarm.data = s;
    s->started = true;
    int r = fleet_start(s->fleet, on_store, &s->store_ready, (struct alarm){set_alarm, s}, e);
    if (r == 0)
        log_loss(s);
    return r;
}

void state_stop(struct state *s)
{
    fleet_stop(s->fleet);
    s->unhealthy = false;
    log_lost_audit(s);
    if (!s->started)
        return;
    uv_close((uv_handle_t *)&s->store_ready, NULL);
    uv_close((uv_handle_t *)&s->alarm, NULL);
}

void state_close(struct state *s)
{
    record_writer_done(&s->writer);
    fleet_close(s->fleet);
    sealer_free(s->sealer);
    if (s->lock >= 0)
        close(s->lock);
}
