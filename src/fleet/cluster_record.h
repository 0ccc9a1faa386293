/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_record: what is kept of a cluster, and its form in the store (docs/formats/fleet.md).
 *
 * A cluster without a record is in phase none, in its first epoch. What a record means for those
 * who ask is not known here: cluster.h has that.
 */
#ifndef CLOUDSEED_FLEET_CLUSTER_RECORD_H
#define CLOUDSEED_FLEET_CLUSTER_RECORD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"

#define CLUSTER_FIRST_EPOCH 1
/* The key of the record that holds for clusters without one of their own: after a restore. */
#define CLUSTER_ANY STR("*")

enum cluster_phase {
    CLUSTER_NONE,        /* nobody was given 'init' in this epoch */
    CLUSTER_INIT,        /* the holder of the lease makes it */
    CLUSTER_STANDING,    /* the holder has reported it */
    CLUSTER_UNCONFIRMED, /* what the record says may be out of date: an admin must decide */
    CLUSTER_PHASE_COUNT
};

extern const char *const cluster_phase_names[]; /* "none", …, and NULL behind */

/* A node, and which of its boots. */
struct cluster_boot {
    struct str uid, name;
    uint32_t generation;
    struct str claim;   /* its digest */
    struct str machine; /* hash of machine-id: another disk has another one; empty: unknown */
};

struct cluster_token {
    struct str sealed;
    int64_t expires_wall_ms;
    int64_t made_wall_ms; /* of an account's; 0: not known */
    bool is_late;         /* it should have been renewed long ago, which was reported as an event */
};

/* By which a cluster knows this server. */
enum cluster_account { CLUSTER_MINTER, CLUSTER_APPROVER, CLUSTER_ACCOUNTS };

struct cluster_record {
    enum cluster_phase phase;
    int64_t since_wall_ms; /* when it entered this phase */
    uint32_t epoch;        /* counts from CLUSTER_FIRST_EPOCH; an admin's reset begins the next */
    /* The lease: without an end, until a reset. Empty uid: nobody has it. */
    struct cluster_boot holder;
    struct str endpoint;                   /* "https://HOST:PORT" */
    struct str ca;                         /* PEM */
    struct cluster_token minter, approver; /* empty: none */
    struct str version; /* that its API server reported last: "1.29.15"; empty: not known */
    /* Until when the holder gets the same 'init' again. */
    int64_t init_ends_wall_ms;
    /* The key of the certificates that 'init', or an admin, uploads for further masters, while they
     * are kept: kubeadm has the cluster delete them after two hours. Empty: there is none. */
    struct cluster_token certificate;
    /* The further master that joins now, or joined last. Empty uid: none has yet. */
    struct cluster_boot turn;
    bool turn_stuck;   /* it has failed, which was reported as an event */
    bool autoapproves; /* kubeadm's binding was seen with subjects: the cluster approves any name */
    /* An admin hands approval back to the cluster: once that binding is seen so, the approver's
     * token is forgotten. */
    bool returning;
    /* Which end of an API server's certificate was reported last as an event; 0: none was. */
    int64_t told_end_wall_ms;
    /* The certificate requests that were reported last as events, by name, with spaces between. */
    struct str told_requests;
    bool clock_is_off; /* its clock, which was reported as an event */
};

void cluster_record_init(struct cluster_record *r);
static inline const struct cluster_token *cluster_record_token(const struct cluster_record *r,
                                                               enum cluster_account account)
{
    return account == CLUSTER_MINTER ? &r->minter : &r->approver;
}
struct value cluster_record_value(const struct cluster_record *r, struct arena *a);
/* Reads the store's JSON; texts live in the arena. -EINVAL for anything that no version of
 * cloudseed wrote. */
int cluster_record_read(struct str json, struct arena *a, struct cluster_record *ret,
                        struct err *e);
void cluster_record_copy(const struct cluster_record *from, struct arena *a,
                         struct cluster_record *ret);

#endif
