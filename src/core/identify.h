/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify: which node a request speaks for.
 *
 * By its seed key, by the key of its build window, or by weak evidence, which counts within a build
 * window alone.
 */
#ifndef CLOUDSEED_CORE_IDENTIFY_H
#define CLOUDSEED_CORE_IDENTIFY_H

#include "core/machine.h"
#include "core/route.h"
#include "core/snapshot.h"
#include "fleet/fleet.h"

struct identified {
    const struct node *node; /* NULL: nobody, or not this way; then why */
    struct fleet_view view;
    int status;
    const char *reason;
    const struct node *suspect; /* of weak evidence that does not count now: the fleet is told */
};

/* The reason tells the one who asks no more than he knew: not whether such a machine exists. */
struct identified identify(const struct snapshot *s, struct fleet *f, const struct route *r);

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
