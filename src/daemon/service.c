/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/service.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "daemon/certificates.h"
#include "daemon/checker.h"
#include "daemon/notify.h"
#include "daemon/process.h"
#include "daemon/reload.h"
#include "daemon/report.h"
#include "kube/csrapprover.h"
#include "kube/examiner.h"
#include "kube/minter.h"
#include "kube/nodewatcher.h"
#include "kube/renewer.h"
#include "net/fetch/fetcher.h"
#include "net/http/http.h"
#include "net/pool.h"
#include "net/socket.h"
#include "net/tftp/tftp.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#define HEARTBEAT_MS 15000
#define TRACES_CA_MAX_BYTES 262144
#define STREAMS_MAX 256 /* to clusters */

/* For files on shares: enough threads that one slow file does not delay the next, and few enough
 * that a share that hangs costs little. */
static const struct pool_limits pool_limits = {.threads = 4, .queue = 4096, .deadline_ms = 5000};

enum { ON_TERM, ON_INT, ON_HUP, SIGNALS };

struct service {
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    uv_prepare_t before_sleep;
    uv_timer_t watchdog, heartbeat, mint_alarm, node_alarm, approval_alarm;
    const struct config *config;
    struct core *core;
    struct state *state;
    struct http_server *http;
    struct tftp_server *tftp;
    bool http_drained, tftp_drained;
    struct pool *pool;
    struct fetcher *fetcher;
    struct minter *minter;
    struct renewer *renewer;
    struct examiner *examiner;
    struct nodewatcher *nodewatcher;
    struct csrapprover *csrapprover;
    struct reload reload;
    struct checker checker;
    struct certificates certificates;
    struct arena texts; /* of the configuration, made for the core */
    bool stopping;
};

/* Log lines are written before the loop sleeps, many at once. */
static void on_before_sleep(uv_prepare_t *handle)
{
    (void)handle;
    log_flush();
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    notify_send("WATCHDOG=1");
}

static void close_handles(struct service *s)
{
    for (int i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&s->signals[i], NULL);
    signal(SIGHUP, SIG_IGN); /* its default would end us with an error */
    uv_close((uv_handle_t *)&s->before_sleep, NULL);
    uv_close((uv_handle_t *)&s->watchdog, NULL);
    uv_close((uv_handle_t *)&s->heartbeat, NULL);
    core_end_clusters(s->core);
    minter_free(s->minter);
    renewer_free(s->renewer);
    examiner_free(s->examiner);
    nodewatcher_free(s->nodewatcher);
    csrapprover_free(s->csrapprover);
    fetcher_free(s->fetcher);
    uv_close((uv_handle_t *)&s->mint_alarm, NULL);
    uv_close((uv_handle_t *)&s->node_alarm, NULL);
    uv_close((uv_handle_t *)&s->approval_alarm, NULL);
    pool_free(s->pool);
    certificates_stop(&s->certificates);
    state_stop(s->state);
    reload_close(&s->reload);
}

/* Called again when a second signal drains a server that is already drained. */
static void end_drained(struct service *s, bool *which)
{
    if (*which)
        return;
    assert(s->stopping);
    *which = true;
    if (!s->http_drained || !s->tftp_drained)
        return;
    http_server_free(s->http);
    tftp_server_free(s->tftp);
    close_handles(s);
}

static void on_http_drained(void *cls)
{
    struct service *s = cls;
    end_drained(s, &s->http_drained);
}

static void on_tftp_drained(void *cls)
{
    struct service *s = cls;
    end_drained(s, &s->tftp_drained);
}

static void stop(struct service *s)
{
    uint32_t within_ms = s->config->limits.shutdown_seconds * 1000;
    if (s->stopping)
        within_ms = 0; /* a second signal: now */
    else
        log_notice("stopping", LOG_NUMBER("connections", http_server_connections(s->http)),
                   LOG_NUMBER("transfers", tftp_server_transfers(s->tftp)));
    s->stopping = true;
    notify_send("STOPPING=1");
    core_set_draining(s->core);
    reload_stop(&s->reload);
    checker_close(&s->checker);
    http_server_drain(s->http, within_ms, on_http_drained, s);
    tftp_server_drain(s->tftp, within_ms, on_tftp_drained, s);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct service *s = handle->data;
    if (number != SIGHUP)
        stop(s);
    else if (!s->stopping)
        reload_start(&s->reload);
}

static uint64_t on_reload_requested(void *cls)
{
    struct service *s = cls;
    return reload_start(&s->reload);
}

static void on_extend_requested(void *cls)
{
    struct service *s = cls;
    reload_extend(&s->reload);
}

static uint64_t on_ca_change_requested(void *cls, enum core_ca_change change,
                                       const char **ret_reason)
{
    struct service *s = cls;
    return certificates_change_ca(&s->certificates, change, ret_reason);
}

static void on_load_wanted(void *cls, struct core_load *ret)
{
    const struct service *s = cls;
    const struct tftp_counters *tftp = tftp_server_counters(s->tftp);
    *ret = (struct core_load){.connections = http_server_connections(s->http),
                              .requests = http_server_requests(s->http),
                              .transfers = tftp_server_transfers(s->tftp),
                              .http_bytes = http_server_sent_bytes(s->http),
                              .tftp_bytes = tftp->bytes,
                              .tftp_blocks = tftp->blocks,
                              .tftp_resent = tftp->resent,
                              .tftp_ended = {[CORE_TFTP_DONE] = tftp->done,
                                             [CORE_TFTP_REFUSED] = tftp->refused,
                                             [CORE_TFTP_PROBED] = tftp->probed,
                                             [CORE_TFTP_ABORTED] = tftp->aborted,
                                             [CORE_TFTP_TIMED_OUT] = tftp->timed_out,
                                             [CORE_TFTP_UNANSWERED] = tftp->unanswered,
                                             [CORE_TFTP_FAILED] = tftp->failed}};
}

static void on_process_wanted(void *cls, struct core_process *ret)
{
    const struct service *s = cls;
    process_look(s->config->state_dir.p, ret);
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct service *s = timer->data;
    core_on_beat(s->core);
}

static void start_handles(struct service *s)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    uint64_t watchdog_ms = notify_watchdog_ms();
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(&s->loop, &s->signals[i]);
        s->signals[i].data = s;
        uv_signal_start(&s->signals[i], on_signal, numbers[i]);
    }
    reload_hold_signal(false);
    uv_prepare_init(&s->loop, &s->before_sleep);
    uv_prepare_start(&s->before_sleep, on_before_sleep);
    uv_timer_init(&s->loop, &s->heartbeat);
    s->heartbeat.data = s;
    uv_timer_start(&s->heartbeat, on_heartbeat, HEARTBEAT_MS, HEARTBEAT_MS);
    uv_timer_init(&s->loop, &s->watchdog);
    if (watchdog_ms)
        uv_timer_start(&s->watchdog, on_watchdog, watchdog_ms, watchdog_ms);
}

static void list_endpoints(const struct listeners *l, enum exchange_listener kind, struct buf *ret)
{
    char text[ENDPOINT_TEXT_SIZE];
    buf_init(ret, 4096);
    for (unsigned i = 0; i < l->n; i++) {
        if (l->list[i].kind == kind)
            buf_printf(ret, "%s%s", ret->n ? "," : "",
                       endpoint_text(socket_endpoint(l->list[i].fd), text));
    }
}

/* The line that tests and scripts wait for. */
static void announce(const struct service *s, const struct listeners *l)
{
    struct buf http, https, admin, tftp;
    list_endpoints(l, LISTENER_BOOT, &http);
    list_endpoints(l, LISTENER_NODE, &https);
    list_endpoints(l, LISTENER_ADMIN, &admin);
    list_endpoints(l, LISTENER_TFTP, &tftp);
    uint32_t nodes = snapshot_node_count(core_snapshot(s->core));
    log_notice("listening", LOG_TEXT("http", buf_view(&http)),
               LOG_TEXT("https", https.n ? buf_view(&https) : STR("none")),
               LOG_TEXT("admin", admin.n ? buf_view(&admin) : STR("none")),
               LOG_TEXT("tftp", tftp.n ? buf_view(&tftp) : STR("none")),
               LOG_TEXT("socket", str_from(l->path ? l->path : "none")),
               LOG_NUMBER("nodes", nodes));
    buf_done(&http);
    buf_done(&https);
    buf_done(&admin);
    buf_done(&tftp);
    notify_send("READY=1\nSTATUS=Serving the seed tree.");
}

static void make_tftp(struct service *s)
{
    const struct config *c = s->config;
    const struct tftp_limits limits = {
        .transfers = c->limits.tftp_transfers,
        .transfers_per_address = c->limits.tftp_transfers_per_address,
        .windowsize = c->limits.tftp_windowsize,
        .port_first = c->tftp_ports.first,
        .port_last = c->tftp_ports.last,
    };
    tftp_server_new(&s->loop, core_port(s->core), pool_port(s->pool), &limits, &s->tftp);
}

static int64_t wall_clock(void *cls)
{
    (void)cls;
    return clock_wall_s();
}

static int use_certificate(void *cls, const struct certificate *c, struct err *e)
{
    struct service *s = cls;
    return http_use_certificate(s->http, c->chain.p, c->key.p, e);
}

/* Before the first connection is accepted. */
static int start_certificates(struct service *s, const struct listeners *listeners, struct err *e)
{
    const struct certificates_host host = {.now_s = wall_clock, .use = use_certificate, .cls = s};
    struct certificate provided;
    struct faults faults;
    faults_init(&faults);
    int r = certificates_read(s->config, &faults, &provided);
    report_faults(&faults);
    faults_done(&faults);
    if (r < 0)
        return err_set(e, r, "the certificate for TLS cannot be used");
    return certificates_start(&s->certificates, &host, s->core, s->state, listeners, &provided,
                              &s->loop, e);
}

static int listen_all(struct service *s, const struct listeners *listeners, struct err *e)
{
    const struct config_limits *from = &s->config->limits;
    struct http_limits limits = {
        .connections = from->connections,
        .connections_per_address = from->connections_per_address,
        .request_ms = from->request_seconds * 1000,
        .answer_ms = from->answer_seconds * 1000,
        .proxies = s->config->proxies,
        .proxies_n = s->config->proxies_n,
    };
    make_tftp(s);
    int r = http_server_new(&s->loop, core_port(s->core), pool_port(s->pool), &limits, &s->http, e);
    if (r == 0)
        r = state_start(s->state, &s->loop, e);
    if (r == 0)
        r = start_certificates(s, listeners, e);
    for (unsigned i = 0; r == 0 && i < listeners->n; i++) {
        const struct listener *l = &listeners->list[i];
        r = l->kind == LISTENER_TFTP ? tftp_server_listen(s->tftp, l, e)
                                     : http_server_listen(s->http, l, e);
    }
    return r;
}

/* Nothing can be done about a thread that waits for a share, and whatever it uses must stay. All is
 * answered and stored. */
static _Noreturn void end_at_once(const struct listeners *listeners)
{
    if (listeners->path)
        unlink(listeners->path);
    log_warning("reload-stuck", LOG_TEXT("reason", STR("a file of the seed tree, the templates, a "
                                                       "secret or the certificate cannot be read: "
                                                       "its share may be gone")));
    log_notice("stopped", LOG_TEXT("reason", STR("asked to")));
    log_drain();
    _exit(EXIT_SUCCESS);
}

static void set_alarm(uv_timer_t *timer, uv_timer_cb on_alarm, uint64_t due_boot_ms)
{
    uint64_t now = clock_boot_ms();
    if (due_boot_ms == UINT64_MAX)
        uv_timer_stop(timer);
    else /* never 0, which in a timer's own callback keeps the loop there */
        uv_timer_start(timer, on_alarm, due_boot_ms > now ? due_boot_ms - now : 1, 0);
}

static void on_mint_alarm(uv_timer_t *timer)
{
    struct service *s = timer->data;
    minter_on_alarm(s->minter);
}

static void set_mint_alarm(void *cls, uint64_t due_boot_ms)
{
    struct service *s = cls;
    set_alarm(&s->mint_alarm, on_mint_alarm, due_boot_ms);
}

static void on_node_alarm(uv_timer_t *timer)
{
    struct service *s = timer->data;
    nodewatcher_on_alarm(s->nodewatcher);
}

static void set_node_alarm(void *cls, uint64_t due_boot_ms)
{
    struct service *s = cls;
    set_alarm(&s->node_alarm, on_node_alarm, due_boot_ms);
}

static void on_approval_alarm(uv_timer_t *timer)
{
    struct service *s = timer->data;
    csrapprover_on_alarm(s->csrapprover);
}

static void set_approval_alarm(void *cls, uint64_t due_boot_ms)
{
    struct service *s = cls;
    set_alarm(&s->approval_alarm, on_approval_alarm, due_boot_ms);
}

/* Streams flow all the time: they must not take the room of mints. */
static void reach_clusters(struct service *s)
{
    static const struct fetcher_limits limits = {
        .transfers = 4 * MINTER_REQUESTS_MAX + STREAMS_MAX,
        .transfers_per_server = 50,
        .queue = 4 * MINTER_REQUESTS_MAX,
    };
    uv_timer_init(&s->loop, &s->mint_alarm);
    uv_timer_init(&s->loop, &s->node_alarm);
    uv_timer_init(&s->loop, &s->approval_alarm);
    s->mint_alarm.data = s->node_alarm.data = s->approval_alarm.data = s;
    s->fetcher = fetcher_new(&s->loop, &limits);
    const struct minter_host minter = {
        .fetch = fetcher_port(s->fetcher),
        .alarm = {set_mint_alarm, s},
        .boot_ms = clock_boot_ms,
        .wall_ms = clock_wall_ms,
    };
    const struct nodewatcher_host nodewatcher = {
        .fetch = fetcher_port(s->fetcher),
        .alarm = {set_node_alarm, s},
        .boot_ms = clock_boot_ms,
    };
    const struct csrapprover_host csrapprover = {
        .fetch = fetcher_port(s->fetcher),
        .alarm = {set_approval_alarm, s},
        .boot_ms = clock_boot_ms,
    };
    s->csrapprover = csrapprover_new(&csrapprover);
    s->minter = minter_new(&minter);
    s->renewer = renewer_new(fetcher_port(s->fetcher));
    s->examiner = examiner_new(fetcher_port(s->fetcher), clock_wall_ms);
    s->nodewatcher = nodewatcher_new(&nodewatcher);
}

/* Where OTLP is spoken below the URL of a collector (opentelemetry-proto, "OTLP/HTTP Request"). */
static int read_traces(struct service *s, struct str *ret_url, struct str *ret_ca, struct err *e)
{
    const struct config_traces *t = &s->config->traces;
    *ret_url = STR("");
    *ret_ca = (struct str){NULL, 0};
    if (!t->url.n)
        return 0;
    bool has_slash = str_ends(t->url, STR("/"));
    *ret_url = ARENA_JOIN(&s->texts, t->url, has_slash ? STR("v1/traces") : STR("/v1/traces"));
    if (!t->ca.n)
        return 0;
    int r = fs_read(t->ca.p, TRACES_CA_MAX_BYTES, &s->texts, ret_ca, e);
    return r < 0 ? err_prefix(e, "traces: ca") : 0;
}

int service_run(const struct config *c, struct snapshot *first, struct state *state,
                const struct listeners *listeners, struct err *e)
{
    struct service s = {.config = c, .state = state};
    struct str traces_url, traces_ca;
    signal(SIGPIPE, SIG_IGN);
    arena_init(&s.texts, 1024);
    int r = read_traces(&s, &traces_url, &traces_ca, e);
    if (r == 0 && (r = uv_loop_init(&s.loop)) < 0)
        err_errno(e, r, "cannot make an event loop");
    if (r < 0) {
        arena_done(&s.texts);
        snapshot_unref(first);
        return r;
    }
    s.pool = pool_new(&s.loop, &pool_limits);
    reach_clusters(&s);
    const struct core_host host = {.reload = on_reload_requested,
                                   .extend = on_extend_requested,
                                   .change_ca = on_ca_change_requested,
                                   .load = on_load_wanted,
                                   .process = on_process_wanted,
                                   .held_beats = c->limits.hold_seconds * 1000 / HEARTBEAT_MS,
                                   .assets = c->assets_dir.p,
                                   .work = pool_port(s.pool),
                                   .mint = minter_port(s.minter),
                                   .approver = csrapprover_port(s.csrapprover),
                                   .renewals = renewer_port(s.renewer),
                                   .checkups = examiner_port(s.examiner),
                                   .fetch = fetcher_port(s.fetcher),
                                   .traces = {traces_url, traces_ca},
                                   .nodes = nodewatcher_port(s.nodewatcher),
                                   .cls = &s};
    s.core = core_new(first, state->fleet, state->sealer, &host);
    checker_init(&s.checker, s.core, &s.loop);
    reload_init(&s.reload, s.core, &s.checker, &s.certificates, c, state, &s.loop);
    start_handles(&s);
    r = listen_all(&s, listeners, e);
    if (r == 0) {
        announce(&s, listeners);
        certificates_log(&s.certificates);
        checker_start(&s.checker);
    } else {
        http_server_free(s.http);
        tftp_server_free(s.tftp);
        reload_stop(&s.reload);
        checker_close(&s.checker);
        close_handles(&s);
    }
    uv_run(&s.loop, UV_RUN_DEFAULT);
    if (reload_is_stuck(&s.reload))
        end_at_once(listeners);
    uv_loop_close(&s.loop);
    if (listeners->path)
        unlink(listeners->path);
    certificates_done(&s.certificates);
    core_free(s.core);
    arena_done(&s.texts);
    return r;
}
