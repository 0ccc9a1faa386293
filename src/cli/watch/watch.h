/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: the parts of `cloudseed watch` and `cloudseed wait`, which follow nodes by the server's
 * events.
 *
 * tracker keeps nodes up to date; learn estimates how far a boot is; frame makes the table.
 */
#ifndef CLOUDSEED_CLI_WATCH_WATCH_H
#define CLOUDSEED_CLI_WATCH_WATCH_H

#include "cli/common/api.h"

#include <stdio.h>

/* --- event_text: events of the journal (docs/formats/api.md) in words ----------------------- */

/* The event in words, without time, node and kind; not escaped for a terminal. */
struct str event_text(struct value event, struct arena *a);

/* Whether to highlight it: failures, alarms, reports with result FAIL. */
bool event_is_bad(struct value event);

/* Prints a line with time, number, node, kind and text, escaped for a terminal. */
void event_print(FILE *f, struct value event, bool color);

/* --- learn: how far a boot is, by the marks that earlier boots of the role reached ---------- */

/* A mark is the beginning or end of a stage; for each the average time since the beginning of the
 * boot is kept. */
struct learn {
    struct learn_role *roles;
    uint32_t n, room;
};

void learn_done(struct learn *l);

/* A boot of that role reached the mark, or its end, that long after its beginning. */
void learn_mark(struct learn *l, const char *role, const char *stage, bool ended, int64_t after_ms);
void learn_end(struct learn *l, const char *role, int64_t after_ms);

/* The done part, 0 to 1, of a boot that has been running so long and reached that mark last; below
 * 0 if no boot of that role has ended yet. */
double learn_fraction(const struct learn *l, const char *role, const char *stage, bool ended,
                      int64_t running_ms);

/* --- fleetview (tracker.c): nodes as the server reported them; no I/O ----------------------- */

#define NODE_VIEW_STATE_SIZE 16

struct node_view {
    char *name, *role;
    char *stage;   /* of the current or the last boot */
    char *message; /* the latest message; not escaped for a terminal */
    char state[NODE_VIEW_STATE_SIZE];
    int64_t since_ms; /* beginning of the state; -1: unknown */
    int64_t began_ms; /* beginning of the boot; -1: no boot */
    int64_t ended_ms; /* end of that boot; -1: not ended */
    bool stage_ended; /* the stage has ended, not only begun */
    bool reboot;      /* a reboot, not a build */
    bool bad;         /* the message is about a failure or an alarm */
    bool step_failed; /* a step of this boot ended with FAIL: the message stays with that */
    bool bootstraps;  /* its role joins a cluster: being up is not enough */
};

struct fleetview {
    struct node_view *list; /* sorted by name */
    uint32_t n, room;
};

void fleetview_done(struct fleetview *v);

/* Adds or updates a node from an answer of the server (docs/formats/api.md). */
struct node_view *fleetview_put(struct fleetview *v, struct value node);
struct node_view *fleetview_find(const struct fleetview *v, struct str name);
void fleetview_drop(struct fleetview *v, struct str name);

/* Applies an event; NULL if the node is not in the view. A deleted node stays until it is dropped.
 */
struct node_view *fleetview_event(struct fleetview *v, struct value event);

/* --- tracker: a fleetview that is kept up to date ------------------------------------------- */

struct tracker {
    struct api api;
    struct fleetview view;
    struct learn learn;
    struct client_stream *stream;
    struct arena arena; /* reset for each answer or event */
    bool missed;        /* events were lost: load all nodes again */
    uint64_t looked_ms; /* when joining nodes were loaded last */
    /* Called for an event of a tracked node, after the view was updated. May be NULL. */
    void (*on_event)(void *cls, struct value event, const struct node_view *s);
    void *cls;
    uint64_t news; /* incremented with every change of the view */
    struct err why;
};

/* Loads the nodes named on the command line, or all, and if `learns` the duration of earlier boots.
 * CLI_FAILED after printing the reason; call tracker_close in any case. */
int tracker_open(struct cli *c, bool learns, struct tracker *ret);
void tracker_close(struct tracker *t);

/* Like client_stream_wait; CLI_FAILED with the reason in `why`, which the caller prints after
 * restoring the screen. */
int tracker_wait(struct tracker *t, int timeout_ms, int fd);

/* The done part of the node's boot, 0 to 1; below 0: unknown, or no boot. */
double tracker_fraction(const struct tracker *t, const struct node_view *s, int64_t now_ms);

/* --- frame: the table of `watch`, made to fit a terminal; no I/O ---------------------------- */

struct frame {
    uint32_t rows, columns; /* of the terminal */
    int64_t now_ms;
    bool color;
    bool last;           /* the last frame: all nodes, even if they exceed the rows */
    const char *trouble; /* why the connection is lost; NULL: it is not */
};

/* Appends the lines, separated by "\n", each ending in a sequence that clears the rest of the line.
 * They never exceed the rows and columns. */
void frame_write(const struct frame *f, const struct tracker *t, struct buf *out);

#endif
