/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reload.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/notify.h"
#include "daemon/report.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#define WRITING_MS 5 /* about what a disk takes to write a node */
#define PATIENCE_MS 1000

void reload_hold_signal(bool hold)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void reload_init(struct reload *r, struct core *core, struct checker *checker,
                 struct certificates *certificates, const struct config *config,
                 struct state *state, uv_loop_t *loop)
{
    *r = (struct reload){.core = core,
                         .checker = checker,
                         .certificates = certificates,
                         .config = config,
                         .state = state,
                         .loop = loop};
    r->work.data = r;
    uv_timer_init(loop, &r->patience);
}

/* --- On the pool's thread --------------------------------------------------------------------- */

static void on_work(uv_work_t *work)
{
    struct reload *r = work->data;
    const struct secret_loader l = {.config = r->config, .cache = &r->cache, .stop = &r->stop};
    if (r->again_soon)
        uv_sleep(WRITING_MS);
    r->result = 0;
    if (!r->base) {
        r->result = loader_load(&l, &r->faults, &r->base);
        certificates_read(r->config, &r->faults, &r->provided);
    }
    if (r->result == 0)
        r->loaded = loader_extend(r->base, &r->definitions, &r->faults);
    if (r->loaded)
        snapshot_compare(r->loaded, r->before);
}

/* --- On the loop ------------------------------------------------------------------------------ */

static void on_done(uv_work_t *work, int status);

static void queue(struct reload *r)
{
    assert(!r->running);
    r->running = true;
    r->extend = false;
    r->loaded = NULL;
    r->before = core_pin(r->core);
    loader_definitions_init(&r->definitions, r->state->fleet);
    uv_queue_work(r->loop, &r->work, on_work, on_done);
}

static void activate(struct reload *r)
{
    assert(r->reloading && r->loaded && !r->stopped);
    uint64_t took = clock_boot_ms() - r->begun_ms;
    uint32_t nodes = snapshot_node_count(r->loaded);
    core_replace(r->core, r->loaded);
    certificates_reloaded(r->certificates, &r->provided);
    record_writer_write(&r->state->writer, &r->cache);
    checker_start(r->checker);
    log_notice("reloaded", LOG_NUMBER("nodes", nodes), LOG_NUMBER("ms", took));
    notify_send("READY=1\nSTATUS=Serving the seed tree as it was at the last reload.");
}

static void refuse(struct reload *r)
{
    snapshot_unref(r->loaded);
    certificate_done(&r->provided);
    log_error("reload-refused", LOG_NUMBER("faults", r->faults.errors),
              LOG_TEXT("serving", STR("the tree as it was before")));
    notify_send("READY=1\nSTATUS=Serving an older seed tree: the new one has faults.");
}

static void end_reload(struct reload *r)
{
    bool ok = r->faults.errors == 0;
    report_faults(&r->faults);
    if (ok)
        activate(r);
    else
        refuse(r);
    core_reloaded(r->core, r->number, clock_boot_ms() - r->begun_ms, ok, &r->faults);
}

/* A node that is left out was faulty before: core registers no node that conflicts. */
static void end_extension(struct reload *r)
{
    report_faults(&r->faults);
    core_replace(r->core, r->loaded);
    checker_continue(r->checker);
}

/* Whether a node was registered while the files were read: it must be checked against them, too. */
static bool is_behind(struct reload *r)
{
    if (!r->reloading || r->faults.errors)
        return false;
    r->again_soon = core_is_defining(r->core);
    return r->again_soon ||
           snapshot_version(r->loaded) != fleet_definitions_version(r->state->fleet);
}

static void begin_extension(struct reload *r)
{
    r->reloading = r->again_soon = false;
    r->base = core_pin(r->core);
    faults_init(&r->faults);
    queue(r);
}

static void begin_next(struct reload *r)
{
    if (r->again && !r->stopped)
        reload_start(r);
    else if (r->extend &&
             snapshot_version(core_snapshot(r->core)) != fleet_definitions_version(r->state->fleet))
        begin_extension(r);
}

static void end(struct reload *r)
{
    assert(r->running);
    loader_definitions_done(&r->definitions);
    snapshot_unref(r->base);
    r->base = NULL;
    r->running = false;
    if (r->stopped && r->reloading) {
        snapshot_unref(r->loaded);
        certificate_done(&r->provided);
    } else if (is_behind(r)) {
        r->base = r->loaded;
        queue(r);
        return;
    } else if (r->reloading) {
        end_reload(r);
    } else {
        end_extension(r);
    }
    faults_done(&r->faults);
    if (r->reloading)
        sealed_cache_done(&r->cache);
    begin_next(r);
    if (r->closing && !r->running)
        uv_close((uv_handle_t *)&r->patience, NULL);
}

/* The snapshot that it was compared with is held until another one is in use. */
static void on_done(uv_work_t *done, int status)
{
    struct reload *r = done->data;
    struct snapshot *before = r->before;
    (void)status;
    end(r);
    snapshot_unref(before);
}

uint64_t reload_start(struct reload *r)
{
    if (r->running) {
        r->again = true;
        return r->number + 1;
    }
    char lines[64];
    snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic_us());
    notify_send(lines);
    r->reloading = true;
    r->again = r->again_soon = false;
    r->number++;
    r->begun_ms = clock_boot_ms();
    faults_init(&r->faults);
    sealed_cache_init(&r->cache, r->state->fleet, r->state->sealer);
    queue(r);
    return r->number;
}

void reload_extend(struct reload *r)
{
    if (r->running)
        r->extend = true;
    else
        begin_extension(r);
}

void reload_stop(struct reload *r)
{
    r->stopped = true;
    atomic_store(&r->stop, true);
}

static void on_stuck(uv_timer_t *patience)
{
    uv_stop(patience->loop);
}

void reload_close(struct reload *r)
{
    r->closing = true;
    if (r->running)
        uv_timer_start(&r->patience, on_stuck, PATIENCE_MS, 0);
    else
        uv_close((uv_handle_t *)&r->patience, NULL);
}

bool reload_is_stuck(const struct reload *r)
{
    return r->running;
}
