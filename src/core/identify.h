/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify: which node a request speaks for.
 *
 * By its seed key, by the key of its build window, or by weak evidence, which counts only within a
 * build window.
 */
#ifndef CLOUDSEED_CORE_IDENTIFY_H
#define CLOUDSEED_CORE_IDENTIFY_H

#include "core/machine.h"
#include "core/route.h"
#include "core/snapshot.h"
#include "fleet/fleet.h"

struct identified {
    const struct node *node; /* NULL: none, or not by this; then why */
    struct fleet_view view;
    int status;
    const char *reason;
    const struct node *suspect; /* of weak evidence that does not count now: an alarm is due */
};

/* By what the path has of a key or evidence. The reason tells the peer no more than it knew: not
 * whether such a machine exists. */
struct identified identify(const struct snapshot *s, struct fleet *f, enum identity wanted,
                           const struct route_path *path);

/* Whose machine asks for its boot script. */
struct identified_machine {
    const struct node *node; /* NULL: nobody's */
    struct fleet_view view;
    /* What of it the site lets count; EVIDENCE_COUNT: nothing, and it is given no key. */
    enum evidence evidence;
    bool is_torn; /* its MAC is the node's, but its uuid is another's, or not the node's */
};

struct identified_machine identify_machine(const struct snapshot *s, const struct fleet *f,
                                           const struct machine *m);

#endif
