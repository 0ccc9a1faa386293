/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch/watch.h"

#include "base/clock.h"
#include "base/guess.h"
#include "cli/common/span.h"

#include <stdio.h>

#define POLL_MS 1000

/* The first five in the order of a boot: a node in a later one has passed the earlier ones. */
static const char *const states[] = {"installing", "booting", "up",     "joining",
                                     "ready",      "armed",   "failed", "registered"};
#define STATES 8
#define STATES_ON_THE_WAY 5

struct waiting {
    struct tracker t;
    int wanted;      /* index in `states`; below 0: what the node's role can reach */
    uint64_t due_ms; /* on the boot-time clock; UINT64_MAX: never */
};

static int state_number(const char *name)
{
    for (int i = 0; i < STATES; i++) {
        if (strcmp(states[i], name) == 0)
            return i;
    }
    return -1;
}

static int wanted_of(const struct waiting *w, const struct node_view *s)
{
    return w->wanted >= 0 ? w->wanted : state_number(s->bootstraps ? "ready" : "up");
}

static bool has_reached(const struct waiting *w, const struct node_view *s)
{
    int state = state_number(s->state), wanted = wanted_of(w, s);
    if (wanted < STATES_ON_THE_WAY)
        return state >= wanted && state < STATES_ON_THE_WAY;
    return state == wanted;
}

static void on_event(void *cls, struct value event, const struct node_view *s)
{
    struct str kind = api_text(event, "kind");
    int state = state_number(s->state);
    (void)cls;
    if (state >= 0 && str_is(kind, s->state))
        fprintf(stderr, "%s is %s\n", s->name, states[state]);
}

/* CLI_OK: all nodes have reached the state; CLI_FAILED after printing the reason; -1: not yet. */
static int look(const struct waiting *w)
{
    const struct cli *c = w->t.api.cli;
    int status = CLI_OK;
    for (size_t i = 0; i < c->operands_n; i++) {
        const struct node_view *s = fleetview_find(&w->t.view, str_from(c->operands[i]));
        if (!s)
            return cli_fail(c, "%s is gone", c->operands[i]);
        if (has_reached(w, s))
            continue;
        if (strcmp(s->state, "failed") == 0)
            return cli_fail(c, "%s has failed%s%s: %s", s->name, *s->stage ? " in " : "", s->stage,
                            s->message);
        status = -1;
    }
    return status;
}

static int say_late(const struct waiting *w)
{
    const struct cli *c = w->t.api.cli;
    for (size_t i = 0; i < c->operands_n; i++) {
        const struct node_view *s = fleetview_find(&w->t.view, str_from(c->operands[i]));
        if (s && !has_reached(w, s))
            cli_fail(c, "%s is not %s in time: it is %s%s%s%s%s", s->name, states[wanted_of(w, s)],
                     s->state, *s->stage ? ", " : "", s->stage, *s->message ? ": " : "",
                     s->message);
    }
    return CLI_LATE;
}

static int wait_for_all(struct waiting *w)
{
    bool noted = false;
    int status = look(w);
    while (status == -1) {
        uint64_t now = clock_boot_ms();
        if (now >= w->due_ms)
            return say_late(w);
        uint64_t left = w->due_ms - now;
        if (tracker_wait(&w->t, left < POLL_MS ? (int)left : POLL_MS, -1) != CLI_OK)
            return cli_fail(w->t.api.cli, "%s", w->t.why.msg);
        api_note_trouble(&w->t.api, w->t.stream, &noted);
        status = look(w);
    }
    return status;
}

static int misuse_state(struct cli *c, const char *given)
{
    struct guess guess;
    guess_init(&guess, str_from(given));
    for (int i = 0; i < STATES; i++)
        guess_offer(&guess, str_from(states[i]));
    return cli_misuse(c, "--for '%s': there is no such state%s", given, guess_text(&guess));
}

static int run(struct cli *c)
{
    const char *state = flags_value(&c->flags, "for"), *timeout = flags_value(&c->flags, "timeout");
    struct waiting w = {.wanted = state ? state_number(state) : -1, .due_ms = UINT64_MAX};
    uint32_t seconds;
    if (state && w.wanted < 0)
        return misuse_state(c, state);
    if (timeout && !span_read(timeout, &seconds))
        return cli_misuse(c, "--timeout '%s': expected a time, as in 90s or 20m", timeout);
    if (timeout)
        w.due_ms = clock_boot_ms() + (uint64_t)seconds * 1000;
    int status = tracker_open(c, false, &w.t);
    w.t.on_event = on_event;
    if (status == CLI_OK)
        status = wait_for_all(&w);
    tracker_close(&w.t);
    return status;
}

const struct command command_wait = {
    .name = "wait",
    .operands = "NODE...",
    .operands_min = 1,
    .operands_max = UINT8_MAX,
    .flags = FLAGS({"for", "STATE", "wait for this state"},
                   {"timeout", "TIME", "give up after this time, as in 90s or 20m"}),
    .summary = "wait until nodes are ready",
    .help = "Waits until all of them are ready. For a node whose role joins no cluster it is\n"
            "enough that it is up: it is ready when cloud-init has ended, for which --for\n"
            "ready waits. --for names another state: installing, booting, up, joining or\n"
            "ready, which a node that is further counts as having reached; or armed, failed\n"
            "or registered. Each change of state is printed on standard error.\n"
            "\n"
            "Exit status: 0 all are in that state, 1 one has failed, 3 --timeout has passed, 64\n"
            "wrong usage.\n"
            "\n"
            "Examples:\n"
            "  cloudseed wait k8s-worker-2 --timeout 20m\n"
            "  cloudseed wait k8s-worker-2 k8s-worker-3 --for up\n",
    .run = run,
};
