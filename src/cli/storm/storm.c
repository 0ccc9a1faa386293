/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/storm/storm.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)262144)
#define START_EVERY_MS 10
#define TICK_MS 1000
#define NAME_DIGITS_MIN 5

bool storm_owns(struct str name, struct str role)
{
    struct str digits = str_skip(name, sizeof(STORM_NAME) - 1);
    if (!str_starts(name, STR(STORM_NAME)) || !str_is(role, STORM_ROLE) ||
        digits.n < NAME_DIGITS_MIN)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
    }
    return true;
}

void storm_init(struct storm *s, const struct storm_plan *plan)
{
    *s = (struct storm){.plan = *plan, .group = STORM_ARM};
    arena_init(&s->arena, ARENA_BYTES);
    s->arena.secret = true;
}

void storm_add(struct storm *s, struct str name, struct str key, struct str mac)
{
    if ((s->machines_n & (s->machines_n - 1)) == 0)
        s->machines = mem_resize(s->machines, s->machines_n ? 2 * (size_t)s->machines_n : 1,
                                 sizeof(*s->machines));
    s->machines[s->machines_n++] = (struct machine){
        .name = arena_str(&s->arena, name),
        .key = arena_str(&s->arena, key),
        .mac = arena_str(&s->arena, mac),
    };
}

void storm_done(struct storm *s)
{
    free(s->machines);
    arena_done(&s->arena);
}

/* --- Starts --------------------------------------------------------------------------------- */

static double seconds_since(uint64_t ns)
{
    return (double)(clock_boot_ns() - ns) / 1e9;
}

static bool starts_again(const struct storm *s)
{
    return s->plan.for_ms && !s->stopped &&
           seconds_since(s->began_ns) * 1000 < (double)s->plan.for_ms;
}

/* Whether more machines will start than have, in this phase. */
static bool has_starts(const struct storm *s)
{
    return s->plan.for_ms ? starts_again(s) : s->group_started < s->machines_n;
}

static struct machine *next_idle(struct storm *s)
{
    for (uint32_t i = 0; i < s->machines_n; i++) {
        struct machine *m = &s->machines[s->next];
        s->next = (s->next + 1) % s->machines_n;
        if (!m->runs)
            return m;
    }
    return NULL;
}

static void boot_next(struct storm *s)
{
    struct machine *m = next_idle(s);
    s->group_started++;
    if (!m) {
        s->late++;
        return;
    }
    s->started++;
    s->running++;
    machine_boot(m);
}

/* Those that were lost have left their place in the order empty. */
static void go_on_next(struct storm *s)
{
    struct machine *m = &s->machines[s->group_started++];
    if (m->runs)
        machine_go_on(m);
}

static void on_start(uv_timer_t *timer)
{
    struct storm *s = timer->data;
    double due = seconds_since(s->group_ns) * s->plan.starts_per_s;
    while (!s->stopped && has_starts(s) && (double)s->group_started < due) {
        if (s->group == STORM_ARM)
            boot_next(s);
        else
            go_on_next(s);
    }
}

/* --- Ends ----------------------------------------------------------------------------------- */

static void stop(struct storm *s)
{
    if (s->stopped)
        return;
    s->stopped = true;
    s->ended_ns = clock_boot_ns();
    uv_close((uv_handle_t *)&s->starter, NULL);
    uv_close((uv_handle_t *)&s->ticker, NULL);
    for (uint32_t i = 0; i < s->machines_n; i++) {
        machine_stop(&s->machines[i]);
        uv_close((uv_handle_t *)&s->machines[i].timer, NULL);
    }
}

static void note_phase(struct storm *s)
{
    struct storm_server now = s->look(s->cls);
    s->phase_s[s->group] = seconds_since(s->group_ns);
    s->phase_cpu_s[s->group] = now.cpu_s - s->at_end.cpu_s;
    s->at_end = now;
}

static void begin_group(struct storm *s)
{
    uint32_t i = 0;
    while (!s->machines[i].runs)
        i++;
    s->group = machine_group(&s->machines[i]);
    s->group_ns = clock_boot_ns();
    s->group_started = s->arrived = 0;
}

static void look_for_end(struct storm *s)
{
    bool over = s->running == 0 && !has_starts(s);
    bool all_wait = s->plan.by_phase && s->running > 0 && s->arrived == s->running;
    if (s->plan.by_phase && (over || (all_wait && !has_starts(s))))
        note_phase(s);
    if (over)
        stop(s);
    else if (all_wait && !has_starts(s))
        begin_group(s);
}

void storm_on_end(struct storm *s, bool booted)
{
    if (s->stopped)
        return;
    s->running--;
    s->booted += booted;
    s->lost += !booted;
    look_for_end(s);
}

void storm_on_arrival(struct storm *s)
{
    s->arrived++;
    look_for_end(s);
}

static void on_tick(uv_timer_t *timer)
{
    struct storm *s = timer->data;
    if (s->stops(s->cls))
        stop(s);
    else if (s->on_tick)
        s->on_tick(s->cls);
    if (!s->stopped)
        look_for_end(s);
}

/* --- The run -------------------------------------------------------------------------------- */

void storm_run(struct storm *s)
{
    uv_loop_init(&s->loop);
    s->asker = asker_new(&s->loop);
    machine_prepare(s);
    for (uint32_t i = 0; i < s->machines_n; i++) {
        struct machine *m = &s->machines[i];
        m->storm = s;
        uv_timer_init(&s->loop, &m->timer);
        m->timer.data = m;
    }
    uv_timer_init(&s->loop, &s->starter);
    uv_timer_init(&s->loop, &s->ticker);
    s->starter.data = s->ticker.data = s;
    s->at_start = s->at_end = s->look(s->cls);
    s->began_ns = s->group_ns = clock_boot_ns();
    uv_timer_start(&s->starter, on_start, 0, START_EVERY_MS);
    uv_timer_start(&s->ticker, on_tick, TICK_MS, TICK_MS);
    /* What the machines asked ends with them, what asked for them after that. */
    while (!s->stopped)
        uv_run(&s->loop, UV_RUN_ONCE);
    asker_free(s->asker);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&s->loop) < 0)
        abort();
    s->at_end = s->look(s->cls);
}
