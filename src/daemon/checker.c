/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/checker.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/report.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>

static void on_node(void *cls, uint32_t number, enum check_verdict verdict)
{
    struct checker *c = cls;
    snapshot_set_verdict(c->snapshot, tree_node(c->tree, number), verdict);
}

static bool wants(void *cls, uint32_t number)
{
    const struct checker *c = cls;
    return snapshot_verdict(c->snapshot, tree_node(c->tree, number)) == CHECK_UNCHECKED;
}

static int check(struct checker *c, const struct tree *t)
{
    const struct check_run run = {
        .yields = true, .stop = &c->stop, .wants = wants, .on_node = on_node, .cls = c};
    struct check_result result;
    c->tree = t;
    int r = check_tree(t, snapshot_tables(c->snapshot), &run, &c->faults, &result);
    if (r < 0)
        return r;
    c->result.nodes += result.nodes;
    c->result.faulty += result.faulty;
    return 0;
}

static void on_thread(void *cls)
{
    struct checker *c = cls;
    const struct tree *registered = snapshot_registered(c->snapshot);
    /* On Linux this concerns the calling thread only. Those that it starts inherit it, and any
     * thread that is not idle, like the loop, takes their core at once when it wakes. */
    c->priority_errno = sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0}) ? errno : 0;
    c->result = (struct check_result){0};
    c->outcome = check(c, snapshot_tree(c->snapshot));
    if (c->outcome == 0 && registered)
        c->outcome = check(c, registered);
    uv_async_send(&c->done);
}

static void report(struct checker *c)
{
    report_found(&c->faults);
    if (c->priority_errno)
        log_warning("check-priority", LOG_TEXT("reason", str_from(strerror(c->priority_errno))));
    log_notice("checked", LOG_NUMBER("nodes", c->result.nodes),
               LOG_NUMBER("faulty", c->result.faulty),
               LOG_NUMBER("ms", clock_boot_ms() - c->begun_ms));
}

static void on_done(uv_async_t *done)
{
    struct checker *c = done->data;
    uv_thread_join(&c->thread);
    c->running = false;
    if (c->outcome == 0 && !atomic_load(&c->stop))
        report(c);
    faults_done(&c->faults);
    snapshot_unref(c->snapshot);
    c->snapshot = NULL;
    /* Not in the idle thread: it would keep the lock that the loop allocates under. */
    malloc_trim(0);
    if (c->closing)
        uv_close((uv_handle_t *)&c->done, NULL);
    else if (c->again)
        checker_start(c);
}

void checker_init(struct checker *c, struct core *core, uv_loop_t *loop)
{
    *c = (struct checker){.core = core};
    c->done.data = c;
    uv_async_init(loop, &c->done, on_done);
}

void checker_start(struct checker *c)
{
    if (c->running)
        atomic_store(&c->stop, true);
    checker_continue(c);
}

void checker_continue(struct checker *c)
{
    c->again = c->running;
    if (c->closing || c->running)
        return;
    atomic_store(&c->stop, false);
    c->snapshot = core_pin(c->core);
    c->begun_ms = clock_boot_ms();
    faults_init(&c->faults);
    c->running = uv_thread_create(&c->thread, on_thread, c) == 0;
    if (c->running)
        return;
    log_warning("check-failed", LOG_TEXT("reason", STR("no thread could be started")));
    faults_done(&c->faults);
    snapshot_unref(c->snapshot);
}

void checker_close(struct checker *c)
{
    if (c->closing)
        return;
    c->closing = true;
    if (c->running)
        atomic_store(&c->stop, true);
    else
        uv_close((uv_handle_t *)&c->done, NULL);
}
