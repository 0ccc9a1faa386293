/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reload.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/notify.h"
#include "daemon/report.h"
#include "daemon/world.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

void reload_hold_signal(bool hold)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void reload_init(struct reload *r, struct core *core, struct checker *checker,
                 const struct config *config)
{
    *r = (struct reload){.core = core, .checker = checker, .config = config};
    r->work.data = r;
}

static void on_work(uv_work_t *work)
{
    struct reload *r = work->data;
    r->result = world_load(r->config, false, &r->faults, &r->loaded);
}

static void take(struct reload *r)
{
    uint64_t took = clock_boot_ms() - r->begun_ms;
    uint32_t nodes = tree_node_count(snapshot_tree(r->loaded));
    core_replace(r->core, r->loaded);
    checker_start(r->checker);
    log_notice("reloaded", LOG_NUMBER("nodes", nodes), LOG_NUMBER("ms", took));
    notify_send("READY=1\nSTATUS=Serving the seed tree as it was at the last reload.");
}

static void refuse(struct reload *r)
{
    log_error("reload-refused", LOG_NUMBER("faults", r->faults.errors),
              LOG_TEXT("serving", STR("the tree as it was before")));
    notify_send("READY=1\nSTATUS=Serving an older seed tree: the new one has faults.");
}

static void on_done(uv_work_t *work, int status)
{
    struct reload *r = work->data;
    (void)status;
    r->running = false;
    if (r->stopped) {
        if (r->result == 0)
            snapshot_unref(r->loaded);
    } else {
        report_faults(&r->faults);
        if (r->result == 0)
            take(r);
        else
            refuse(r);
        core_reloaded(r->core, r->number, clock_boot_ms() - r->begun_ms, r->result == 0,
                      &r->faults);
    }
    faults_done(&r->faults);
    if (r->again && !r->stopped)
        reload_start(r, work->loop);
}

uint64_t reload_start(struct reload *r, uv_loop_t *loop)
{
    if (r->running) {
        r->again = true;
        return r->number + 1;
    }
    char lines[64];
    snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic_us());
    notify_send(lines);
    r->running = true;
    r->again = false;
    r->number++;
    r->begun_ms = clock_boot_ms();
    faults_init(&r->faults);
    uv_queue_work(loop, &r->work, on_work, on_done);
    return r->number;
}

void reload_stop(struct reload *r)
{
    r->stopped = true;
}
