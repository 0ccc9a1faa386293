/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/certificates.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "daemon/secret.h"
#include "net/http/tls.h"
#include "net/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LOOK_MS 60000
#define SOON_MS 500
#define CHUNK_BYTES 1024
#define NAMES_MAX (LISTENERS_MAX + 2)
#define CHAIN_MAX_BYTES 65536
#define RECORD_KEY STR("ca")
#define PURPOSE STR("server ca")
#define FAR_FUTURE_S ((time_t)1 << 35)

/* --- Provided in files ------------------------------------------------------------------------ */

/* Mode and size are checked as for values of secrets. */
static int read_key(const struct config_tls *t, struct secret_value *ret, struct err *e)
{
    const struct config_secret file = {.file = t->key};
    struct err why;
    int r = secret_source_read(&file, 0, NULL, ret, &why);
    return r < 0 ? err_set(e, r, "key (a private key in PEM): %s", why.msg) : 0;
}

/* What the listener would not take is refused here, so that a check or a reload says so. */
static int read_files(const struct config_tls *t, struct arena *a, struct secret_value *key,
                      struct certificate *ret, struct err *e)
{
    struct str chain, ca = {"", 0};
    int r = fs_read(t->certificate.p, CHAIN_MAX_BYTES, a, &chain, e);
    if (r == 0 && t->ca.n)
        r = fs_read(t->ca.p, CERTIFICATE_CA_MAX_BYTES, a, &ca, e);
    if (r == 0)
        r = read_key(t, key, e);
    if (r == 0)
        r = certificate_read(chain, (struct str){key->bytes, key->n}, ca, ret, e);
    if (r == 0)
        r = tls_check(ret->chain.p, ret->key.p, e);
    if (r < 0)
        certificate_done(ret);
    return r;
}

int certificates_read(const struct config *c, struct faults *faults, struct certificate *ret)
{
    struct secret_value *key;
    struct arena a;
    struct err e;
    *ret = (struct certificate){.since_s = 0};
    if (!c->tls.certificate.n)
        return 0;
    arena_init(&a, CHUNK_BYTES);
    a.secret = true; /* the certificate's file may contain the key, too */
    key = arena_alloc(&a, sizeof(*key));
    int r = read_files(&c->tls, &a, key, ret, &e);
    if (r < 0)
        fault_add(faults, (struct place){.file = c->tls.certificate.p}, "tls: %s", e.msg);
    arena_done(&a);
    return r < 0 ? -EINVAL : 0;
}

/* --- Names ----------------------------------------------------------------------------------- */

struct name_list {
    struct certificate_name list[NAMES_MAX];
    size_t n;
    struct str text;
    struct arena *arena;
};

static void add_name(struct name_list *l, const struct certificate_name *name)
{
    char text[ADDRESS_TEXT_SIZE], other[ADDRESS_TEXT_SIZE];
    struct str shown = certificate_name_text(name, text);
    for (size_t i = 0; i < l->n; i++) {
        if (str_eq_nocase(certificate_name_text(&l->list[i], other), shown))
            return;
    }
    l->list[l->n++] = *name;
    l->text = ARENA_JOIN(l->arena, l->text, l->n > 1 ? STR(",") : STR(""), shown);
}

static void add_url(struct name_list *l, struct str url)
{
    struct certificate_name name;
    if (certificate_name_of_url(url, &name))
        add_name(l, &name);
}

/* 0.0.0.0 and :: say nothing of how machines reach us. */
static bool is_any(struct address a)
{
    static const uint8_t zero[16];
    return memcmp(a.octet, zero, a.family == 4 ? 4 : 16) == 0;
}

static struct str node_url(const struct certificates *c)
{
    return tree_site(snapshot_tree(core_snapshot(c->core)))->node_url;
}

static void collect_names(const struct certificates *c, struct arena *a, struct name_list *ret)
{
    *ret = (struct name_list){.text = {"", 0}, .arena = a};
    add_url(ret, snapshot_url(core_snapshot(c->core)));
    add_url(ret, node_url(c));
    for (unsigned i = 0; i < c->listening_n; i++) {
        const struct certificate_name name = {.address = c->listening[i].address};
        if (name.address.family && !is_any(name.address))
            add_name(ret, &name);
    }
}

static void take_listeners(struct certificates *c, const struct listeners *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        enum exchange_listener kind = l->list[i].kind;
        if (kind != LISTENER_SOCKET && kind != LISTENER_TFTP)
            c->listening[c->listening_n++] = socket_endpoint(l->list[i].fd);
    }
}

/* --- Warnings -------------------------------------------------------------------------------- */

static int64_t now_s(const struct certificates *c)
{
    return c->host.now_s(c->host.cls);
}

static bool warned_before(struct str text, const struct str *before, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (str_eq(text, before[i]))
            return true;
    }
    return false;
}

static void warn(struct certificates *c, struct str text)
{
    c->warnings[c->warnings_n++] = text;
}

static void warn_of_times(struct certificates *c, struct arena *a, int64_t now)
{
    const struct certificate *s = &c->served;
    char since[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];
    clock_text(s->since_s * 1000, since);
    clock_text(s->until_s * 1000, until);
    if (now < s->since_s)
        warn(c,
             arena_printf(a, "the certificate is not valid before %s: nodes refuse it until then",
                          since));
    else if (now > s->until_s)
        warn(c, arena_printf(a, "the certificate has ended at %s: replace the files and reload",
                             until));
    else if (now > s->until_s - (s->until_s - s->since_s) / 10)
        warn(c, arena_printf(a, "the certificate ends at %s: replace the files and reload", until));
}

static void warn_of_provided(struct certificates *c, struct arena *a, int64_t now)
{
    struct certificate_name name;
    struct str url = node_url(c);
    if (certificate_name_of_url(url, &name) && !certificate_covers(&c->served, &name))
        warn(c, arena_printf(a,
                             "the host of node_url (%.*s) is not among the names of the "
                             "certificate: nodes will refuse it",
                             STR_ARG(url)));
    if (c->refused)
        warn(c, STR("the files hold a certificate that is not valid now: the former one stays in "
                    "use"));
    if (ca_clock_is_sane(now))
        warn_of_times(c, a, now);
}

/* Each is logged when it first applies. */
static void find_warnings(struct certificates *c)
{
    int64_t now = now_s(c);
    struct str before[CERTIFICATES_WARNINGS_MAX];
    uint32_t before_n = c->warnings_n;
    struct arena old = c->warnings_arena;
    memcpy(before, c->warnings, sizeof(before));
    c->warnings_n = 0;
    c->warnings_arena = (struct arena){.chunk = NULL};
    arena_init(&c->warnings_arena, CHUNK_BYTES);
    if (!ca_clock_is_sane(now))
        warn(c, STR("the clock is not set: it is before the date of this version; nodes wait until "
                    "theirs is"));
    if (c->provided)
        warn_of_provided(c, &c->warnings_arena, now);
    for (uint32_t i = 0; i < c->warnings_n; i++) {
        if (!warned_before(c->warnings[i], before, before_n))
            log_warning("certificate-warning", LOG_TEXT("reason", c->warnings[i]));
    }
    arena_done(&old);
}

/* --- What is presented ------------------------------------------------------------------------ */

static void publish(struct certificates *c)
{
    const struct certificate *s = &c->served;
    const struct ca *ca = c->ca.in_force;
    const struct core_tls tls = {
        .ca = s->ca,
        .pin = str_from(s->pin),
        .former_pin = str_from(ca ? ca_former_pin(ca) : NULL),
        .provided = c->provided,
        .ca_since_s = ca ? ca_since_s(ca) : 0,
        .ca_until_s = ca ? ca_until_s(ca) : 0,
        .since_s = s->since_s,
        .until_s = s->until_s,
        .names = c->names,
        .warnings = c->warnings,
        .warnings_n = c->warnings_n,
    };
    core_set_tls(c->core, &tls);
}

void certificates_log(const struct certificates *c)
{
    char text[CLOCK_TEXT_SIZE];
    clock_text(c->served.until_s * 1000, text);
    log_notice("certificate", LOG_TEXT("from", c->provided ? STR("files") : STR("our CA")),
               LOG_TEXT("pin", str_from(c->served.pin)), LOG_TEXT("names", c->names),
               LOG_TEXT("until", str_from(text)));
}

/* Takes `made` over. */
static int present(struct certificates *c, struct certificate *made, struct err *e)
{
    int r = c->host.use(c->host.cls, made, e);
    if (r < 0) {
        certificate_done(made);
        return r;
    }
    certificate_done(&c->served);
    c->served = *made;
    if (c->started) /* the first one is logged when the listeners have been */
        certificates_log(c);
    return 0;
}

static int issue(struct certificates *c, struct err *e)
{
    struct certificate made;
    struct name_list names;
    struct arena a = {.chunk = NULL};
    arena_init(&a, CHUNK_BYTES);
    collect_names(c, &a, &names);
    ca_issue(c->ca.in_force, names.list, names.n, now_s(c), &made);
    arena_done(&c->names_arena);
    c->names_arena = a;
    c->names = names.text;
    return present(c, &made, e);
}

static void issue_again(struct certificates *c)
{
    struct err e = {.code = 0};
    if (issue(c, &e) < 0)
        log_error("certificate-refused", LOG_TEXT("reason", str_from(e.msg)));
}

static bool names_changed(const struct certificates *c)
{
    struct name_list names;
    struct arena a = {.chunk = NULL};
    arena_init(&a, CHUNK_BYTES);
    collect_names(c, &a, &names);
    bool changed = !str_eq(names.text, c->names);
    arena_done(&a);
    return changed;
}

/* --- The CA in the store ---------------------------------------------------------------------- */

static bool find_record(const struct certificates *c, struct own_record *ret)
{
    for (uint32_t at = 0; fleet_own_at(c->state->fleet, &at, ret);) {
        if (str_eq(ret->kind, OWN_SERVER) && str_eq(ret->key, RECORD_KEY))
            return true;
    }
    return false;
}

/* -ENOENT if there is none. */
static int read_ca(struct certificates *c, struct err *e)
{
    struct own_record record;
    struct str text;
    struct arena a;
    if (!find_record(c, &record))
        return -ENOENT;
    arena_init(&a, CHUNK_BYTES);
    a.secret = true;
    int r = sealer_unseal(c->state->sealer, PURPOSE, record.bytes, &a, &text)
                ? ca_read(text, &c->ca.in_force, e)
                : err_set(e, -EBADMSG, "the sealing key does not open the CA in the state");
    arena_done(&a);
    return r;
}

/* A rotation that no window keeps waiting ends at once: it is reported when it has. */
static void report(struct certificates *c, bool wanted, const char *reason)
{
    if (wanted && !reason && c->ca.next)
        c->ca.wanted = true;
    else if (wanted)
        core_ca_changed(c->core, c->ca.changes, reason);
}

static void on_written(struct certificates *c)
{
    struct fleet_result result;
    struct arena a;
    if (!c->ca.ticket.generation)
        return;
    arena_init(&a, CHUNK_BYTES);
    fleet_take(c->state->fleet, c->ca.ticket, &a, &result);
    bool ok = result.answer == FLEET_DONE, wanted = c->ca.wanted;
    if (result.answer != FLEET_PENDING) {
        c->ca.ticket = (struct slot_ref){0};
        c->ca.unsaved = c->ca.unsaved && !ok;
        if (!ok)
            log_error("ca-not-stored", LOG_TEXT("reason", str_from(result.reason)));
    }
    if (result.answer != FLEET_PENDING && c->ca.next) {
        ca_free(ok ? c->ca.in_force : c->ca.next);
        c->ca.in_force = ok ? c->ca.next : c->ca.in_force;
        c->ca.next = NULL;
        if (ok)
            issue_again(c);
        certificates_look(c);
        report(c, wanted, ok ? NULL : result.reason);
    }
    arena_done(&a);
}

static void on_wake(void *cls, struct slot_ref ref)
{
    (void)ref;
    on_written(cls);
}

static void write_ca(struct certificates *c, const struct ca *ca)
{
    struct arena a;
    const struct waiter me = {{on_wake, c}, {0, 0}};
    arena_init(&a, CHUNK_BYTES);
    a.secret = true;
    const struct own_record record = {OWN_SERVER, RECORD_KEY,
                                      sealer_seal(c->state->sealer, PURPOSE, ca_text(ca, &a), &a)};
    c->ca.ticket = fleet_own_write(c->state->fleet, &record, me);
    arena_done(&a);
    on_written(c); /* the wake may have come before the ticket */
}

/* Takes `next` over; it is in force once it is stored. */
static void change_to(struct certificates *c, struct ca *next, bool wanted)
{
    c->ca.next = next;
    c->ca.wanted = wanted;
    c->ca.changes += wanted;
    write_ca(c, next);
}

/* Windows that are open were given the pin of a CA that was lost; a new CA is all that is left. */
static void open_ca(struct certificates *c)
{
    struct err e;
    int r = read_ca(c, &e);
    if (r == 0)
        return;
    c->ca.in_force = ca_new(now_s(c));
    c->ca.unsaved = true;
    if (r != -ENOENT)
        log_warning("ca-replaced", LOG_TEXT("reason", str_from(e.msg)),
                    LOG_TEXT("advice", STR("arm nodes again whose windows are open")));
    write_ca(c, c->ca.in_force);
}

/* --- Changes of the CA ------------------------------------------------------------------------ */

uint64_t certificates_change_ca(struct certificates *c, enum core_ca_change change,
                                const char **ret_reason)
{
    const struct ca *ca = c->ca.in_force;
    const char *reason = NULL;
    if (c->provided)
        reason = "the certificate is provided in files ('tls' in cloudseedd.yaml): replace them, "
                 "then run 'cloudseed reload'";
    else if (c->ca.ticket.generation)
        reason = "another change of the CA is being stored: try again";
    else if (change == CORE_CA_ROTATE && ca_former_pin(ca))
        reason = "a rotation is under way, until the last window with the former CA's pin is "
                 "closed; 'cloudseed ca show' says how many there are";
    if (reason) {
        *ret_reason = reason;
        return 0;
    }
    uint64_t number = c->ca.changes + 1;
    change_to(c,
              change == CORE_CA_RENEW    ? ca_renew(ca, now_s(c))
              : change == CORE_CA_ROTATE ? ca_rotate(ca, now_s(c))
                                         : ca_new(now_s(c)),
              true);
    return number;
}

static void on_soon(uv_timer_t *timer)
{
    certificates_look(timer->data);
}

static void on_event(void *cls, struct slot_ref ref)
{
    struct certificates *c = cls;
    (void)ref;
    c->watching = false;
    uv_timer_start(&c->soon, on_soon, SOON_MS, 0);
}

static void watch_events(struct certificates *c)
{
    if (!c->watching)
        fleet_watch(c->state->fleet, (struct waiter){{on_event, c}, {0, 0}});
    c->watching = true;
}

/* At most one change at a time; the next one is found when it has been stored. */
static void look_at_ca(struct certificates *c)
{
    const struct ca *ca = c->ca.in_force;
    const char *former = ca_former_pin(ca);
    if (c->ca.ticket.generation)
        return;
    if (c->ca.unsaved)
        write_ca(c, ca);
    else if (ca_is_due(ca, now_s(c)))
        change_to(c, ca_renew(ca, now_s(c)), false);
    else if (former && fleet_count_windows(c->state->fleet, str_from(former), 1) == 0)
        change_to(c, ca_finish(ca, now_s(c)), false);
    else if (former)
        watch_events(c);
}

void certificates_look(struct certificates *c)
{
    if (!c->provided) {
        look_at_ca(c);
        if (ca_is_certificate_due(&c->served, now_s(c)) || names_changed(c))
            issue_again(c);
    }
    find_warnings(c);
    publish(c);
}

/* --- On the loop ------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer)
{
    certificates_look(timer->data);
}

static int wait_for_clock(int fd)
{
    const struct itimerspec never = {.it_value.tv_sec = FAR_FUTURE_S};
    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void on_clock_set(uv_poll_t *poll, int status, int events)
{
    struct certificates *c = poll->data;
    uint64_t ignored;
    (void)status;
    (void)events;
    if (read(c->clock_fd, &ignored, sizeof(ignored)) < 0 && errno == EAGAIN)
        return;
    wait_for_clock(c->clock_fd);
    certificates_look(c);
}

static int start_handles(struct certificates *c, uv_loop_t *loop, struct err *e)
{
    c->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (c->clock_fd < 0 || wait_for_clock(c->clock_fd) < 0)
        return err_errno(e, -errno, "cannot watch the clock");
    uv_timer_init(loop, &c->timer);
    uv_timer_init(loop, &c->soon);
    uv_poll_init(loop, &c->clock, c->clock_fd);
    c->timer.data = c->soon.data = c->clock.data = c;
    uv_timer_start(&c->timer, on_timer, LOOK_MS, LOOK_MS);
    uv_poll_start(&c->clock, UV_READABLE, on_clock_set);
    c->started = true;
    return 0;
}

int certificates_start(struct certificates *c, const struct certificates_host *host,
                       struct core *core, struct state *state, const struct listeners *listeners,
                       struct certificate *provided, uv_loop_t *loop, struct err *e)
{
    *c = (struct certificates){.host = *host, .core = core, .state = state, .clock_fd = -1};
    c->names = STR("");
    take_listeners(c, listeners);
    c->provided = provided->chain.n > 0;
    if (!c->provided)
        open_ca(c);
    int r = c->provided ? present(c, provided, e) : issue(c, e);
    if (r == 0)
        r = start_handles(c, loop, e);
    if (r == 0)
        certificates_look(c);
    return r;
}

static bool is_valid_at(const struct certificate *c, int64_t now)
{
    return now >= c->since_s && now <= c->until_s;
}

void certificates_reloaded(struct certificates *c, struct certificate *provided)
{
    int64_t now = now_s(c);
    struct err e = {.code = 0};
    if (c->provided) {
        c->refused =
            ca_clock_is_sane(now) && !is_valid_at(provided, now) && is_valid_at(&c->served, now);
        if (c->refused)
            certificate_done(provided);
        else if (present(c, provided, &e) < 0)
            log_error("certificate-refused", LOG_TEXT("reason", str_from(e.msg)));
    }
    certificates_look(c);
}

void certificates_stop(struct certificates *c)
{
    if (!c->state)
        return;
    fleet_forget(c->state->fleet, c->ca.ticket);
    fleet_unwatch(c->state->fleet, (struct waiter){{on_event, c}, {0, 0}});
    if (!c->started)
        return;
    uv_close((uv_handle_t *)&c->timer, NULL);
    uv_close((uv_handle_t *)&c->soon, NULL);
    uv_close((uv_handle_t *)&c->clock, NULL);
}

void certificates_done(struct certificates *c)
{
    if (!c->state)
        return;
    fs_close(&c->clock_fd);
    certificate_done(&c->served);
    ca_free(c->ca.in_force);
    ca_free(c->ca.next);
    arena_done(&c->names_arena);
    arena_done(&c->warnings_arena);
}
