/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleetview: what is known of nodes' lives, from the server's answers and the events that followed.
 *
 * Pure: it asks nobody, and knows no terminal.
 */
#ifndef CLOUDSEED_CLI_WATCH_FLEETVIEW_H
#define CLOUDSEED_CLI_WATCH_FLEETVIEW_H

#include "base/value.h"

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

#endif
