/* SPDX-License-Identifier: Apache-2.0 */
/* tracker: nodes as they are, kept up to date by the server's events: for `watch` and `wait`. */
#ifndef CLOUDSEED_CLI_WATCH_TRACKER_H
#define CLOUDSEED_CLI_WATCH_TRACKER_H

#include "cli/common/api.h"
#include "cli/watch/fleetview.h"
#include "cli/watch/learn.h"

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

#endif
