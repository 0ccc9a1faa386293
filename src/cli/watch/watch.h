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

/* --- event_text ----------------------------------------------------------------------------------
 */

/* What happened, without time, node and kind: not yet safe for a terminal. */
struct str event_text(struct value event, struct arena *a);

/* Whether it is to be seen: failures, alarms, reports of FAIL. */
bool event_is_bad(struct value event);

/* A line with all of it: time, number, node, kind and text, safe for a terminal. */
void event_print(FILE *f, struct value event, bool color);

/* --- learn ---------------------------------------------------------------------------------------
 */

struct learn {
    struct learn_role *roles;
    uint32_t n, room;
};

void learn_done(struct learn *l);

/* A boot of that role came to the mark, or to its end, so long after its beginning. */
void learn_mark(struct learn *l, const char *role, const char *stage, bool ended, int64_t after_ms);
void learn_end(struct learn *l, const char *role, int64_t after_ms);

/* How much of a boot is done that runs for so long and came to that mark last: 0 to 1; below 0
 * where no boot of that role came to its end. */
double learn_fraction(const struct learn *l, const char *role, const char *stage, bool ended,
                      int64_t running_ms);

/* --- fleetview -----------------------------------------------------------------------------------
 */

#define NODE_VIEW_STATE_SIZE 16
#define NODE_VIEW_STAGE_SIZE 96
#define NODE_VIEW_MESSAGE_SIZE 256

struct node_view {
    char *name, *role;
    char state[NODE_VIEW_STATE_SIZE];
    char stage[NODE_VIEW_STAGE_SIZE];     /* of the boot under way, or the last one */
    char message[NODE_VIEW_MESSAGE_SIZE]; /* the latest news, as told: not safe for a terminal */
    int64_t since_ms;                     /* of the state; -1: not known */
    int64_t began_ms;                     /* the boot under way; -1: none is */
    int64_t ended_ms;                     /* of that boot; -1: it has not */
    bool stage_ended;                     /* not merely begun */
    bool reboot;                          /* the boot is no building */
    bool bad;                             /* the message is of a failure or an alarm */
};

struct fleetview {
    struct node_view *list; /* by name */
    uint32_t n, room;
};

void fleetview_done(struct fleetview *v);

/* Takes a NODE of the server's answers (docs/formats/api.md), new or known. */
struct node_view *fleetview_put(struct fleetview *v, struct value node);
struct node_view *fleetview_find(const struct fleetview *v, struct str name);
void fleetview_drop(struct fleetview *v, struct str name);

/* Takes an event of a node that is known; NULL where it is not. A node that is deleted stays until
 * it is dropped. */
struct node_view *fleetview_event(struct fleetview *v, struct value event);

/* --- tracker -------------------------------------------------------------------------------------
 */

struct tracker {
    struct api api;
    struct fleetview view;
    struct learn learn;
    struct client_stream *stream;
    struct arena arena; /* of one answer or event */
    bool missed;        /* events are lost: all is to be asked anew */
    /* An event of a node that is tracked, when the view has taken it. May be NULL. */
    void (*on_event)(void *cls, struct value event, const struct node_view *s);
    void *cls;
    uint64_t news; /* how often the view changed */
    struct err why;
};

/* Asks for the nodes that the call names, or all, and for what earlier boots took where
 * `learns`. CLI_FAILED after saying why; to be closed in any case. */
int tracker_open(struct cli *c, bool learns, struct tracker *ret);
void tracker_close(struct tracker *t);

/* As client_stream_wait; CLI_FAILED with `why` where it cannot go on, for the caller to say once
 * the screen is free. */
int tracker_wait(struct tracker *t, int timeout_ms, int fd);

/* How much of the node's boot is done: 0 to 1; below 0: not known, or none is under way. */
double tracker_fraction(const struct tracker *t, const struct node_view *s, int64_t now_ms);

/* --- frame ---------------------------------------------------------------------------------------
 */

struct frame {
    uint32_t rows, columns; /* of the terminal */
    int64_t now_ms;
    bool color;
    bool last;           /* nothing follows: all nodes, whatever the rows */
    const char *trouble; /* why the server is not heard just now; NULL: it is */
};

/* Appends the lines, each with what clears the rest of it, and "\n" between them. They are never
 * more than the rows, and never wider than the columns. */
void frame_write(const struct frame *f, const struct tracker *t, struct buf *out);

#endif
