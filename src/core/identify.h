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
    const struct node *node; /* NULL: none, or refused; then status and reason say why */
    struct fleet_view view;
    int status;
    const char *reason;
    const struct node *suspect; /* whose weak evidence does not count now: raises an alarm */
    bool is_locked;             /* the suspect is, after an alarm */
    struct str mismatch;        /* what of the suspect does not fit, as identified_machine's */
};

/* By the key or the evidence in the path, which the query may contradict. The reason does not
 * reveal whether such a machine exists. */
struct identified identify(const struct snapshot *s, struct fleet *f, enum identity wanted,
                           const struct route_path *path, struct str query, struct arena *a);

/* What the uuid that the machine of a known node reports (NULL: none that counts) says against it:
 * "uuid A instead of B", "no uuid instead of B". Empty: nothing. The text lives in the arena. */
struct str identify_foreign_uuid(const struct snapshot *s, const struct node *n,
                                 const struct uuid *reported, struct arena *a);

/* Which node's machine asks for a boot script. */
struct identified_machine {
    const struct node *node; /* NULL: of no node */
    struct fleet_view view;
    /* Which evidence the site accepts; EVIDENCE_COUNT: none, and it gets no key. */
    enum evidence evidence;
    /* What fits the node and what does not, with both values: "has the MAC of n1, but uuid A
     * instead of B". Empty: nothing contradicts. */
    struct str mismatch;
};

/* A reported MAC that the node does not list contradicts, whatever else fits; so do another
 * uuid, one that cannot be read and two different ones.
 * The text lives in the arena. */
struct identified_machine identify_machine(const struct snapshot *s, const struct fleet *f,
                                           const struct machine *m, struct arena *a);

#endif
