/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster: how far a cluster is, and what its nodes are to do.
 *
 * Pure: no clock, no store, no randomness. cluster_apply takes the record (cluster_record.h) and
 * what was asked, and makes the next record together with the event that explains it; the caller
 * writes both or neither, before anyone is answered. docs/formats/bootstrap.md has what nodes are
 * answered.
 */
#ifndef CLOUDSEED_FLEET_CLUSTER_H
#define CLOUDSEED_FLEET_CLUSTER_H

#include "fleet/cluster_record.h"
#include "fleet/state.h"

/* --- What is asked --------------------------------------------------------------------------- */

/* A declared master of the cluster, and how far it is. */
struct cluster_master {
    struct str uid, name;
    enum node_state state;
    uint32_t generation;
};

/* Whether something is at the declared endpoint of a cluster that nobody has made yet. */
enum cluster_probe {
    CLUSTER_UNPROBED,
    CLUSTER_ABSENT,   /* nothing answers there */
    CLUSTER_ANSWERED, /* it may be the cluster, or another one */
};

enum cluster_change_kind {
    CLUSTER_ASK,         /* a node: what am I to do? */
    CLUSTER_REPORT,      /* the holder: the cluster stands */
    CLUSTER_SEEN,        /* its API server has answered */
    CLUSTER_CERTIFICATE, /* it has shown a certificate */
    CLUSTER_CLOCK,       /* it has shown its clock */
    CLUSTER_RENEW,       /* an account has another token, or should have */
    CLUSTER_CERTS,       /* an admin: uploads the certificates for further masters again */
    CLUSTER_RESET,       /* an admin: it is gone */
    CLUSTER_ADOPT,       /* an admin: it stands */
    CLUSTER_BINDING,     /* its API server has shown kubeadm's binding */
    CLUSTER_HARDEN,      /* an admin: we approve, or it does */
    CLUSTER_STUCK,       /* the further master that has the turn has failed */
    CLUSTER_REQUEST,     /* a certificate request that belongs to none of its nodes stays pending */
};

#define CLUSTER_CLOCK_RIGHT_MS 30000 /* clocks that differ by no more agree */

struct cluster_change {
    enum cluster_change_kind kind;
    struct str cluster; /* its name */
    struct str cause, peer;
    struct cluster_boot by; /* of CLUSTER_ASK, CLUSTER_REPORT and CLUSTER_STUCK */
    union {
        struct {
            bool is_master;
            bool has_joined;                      /* this boot has reported so */
            const struct cluster_master *masters; /* by name */
            uint32_t masters_n;
            struct str only; /* uid of the master whose address is the endpoint's; empty: none is */
            struct str certificate; /* sealed, for an 'init' that needs a new one; may be empty */
            struct str unfit;       /* why its kubeadm cannot make the cluster; empty: it can */
            enum cluster_probe probe;
            struct str endpoint; /* "HOST:PORT", that was probed */
        } ask;
        struct {
            struct str endpoint, declared; /* both "https://HOST:PORT" */
            struct str ca;
            struct cluster_token minter, approver;
            bool replaces_ca; /* of CLUSTER_ADOPT, whose report it is, too */
        } report;
        struct {
            uint32_t epoch; /* in which it was asked */
            struct str version;
        } seen;
        struct {
            uint32_t epoch;
            int64_t end_wall_ms;
        } shown;
        struct {
            uint32_t epoch;
            int64_t ahead_ms; /* of ours */
        } clock;
        struct {
            uint32_t epoch;
            enum cluster_account account;
            struct str former;          /* the token that was renewed */
            struct cluster_token token; /* empty: it was not, for this reason */
            struct str why;
        } renew;
        struct str certificate; /* of CLUSTER_CERTS: sealed */
        struct {
            uint32_t epoch;
            bool approves;
        } binding;
        bool harden; /* else hand it back */
        uint32_t stuck_epoch;
        struct str request; /* its name, a colon, and why it stays pending, in one line */
    };
};

/* --- What is decided ------------------------------------------------------------------------- */

enum cluster_verdict {
    CLUSTER_DO_INIT,
    CLUSTER_DO_JOIN,
    CLUSTER_DO_NONE, /* it is a member already */
    CLUSTER_DO_WAIT,
    CLUSTER_DO_REFUSE,
    CLUSTER_DO_PROBE, /* see whether the endpoint answers, and ask again; nothing is written */
};

struct cluster_decision {
    enum cluster_verdict verdict;
    const char *reason; /* of wait and refuse: the contract's word */
    struct str of;      /* the name of the node that is waited for; empty: none */
    struct str detail;  /* of wait and refuse: one line */
    bool is_stuck;      /* it waits for a master that has failed to join */
    /* Of init, as they were written, of a further master's join, and of CLUSTER_CERTS: */
    int64_t expires_wall_ms; /* of no use any more then */
    struct str certificate;  /* sealed key; empty: no further master can use one */
};

/* What CLUSTER_ASK is answered. Its texts live as long as record, change and arena. */
void cluster_decide(const struct cluster_record *r, const struct cluster_change *c, int64_t wall_ms,
                    struct arena *a, struct cluster_decision *ret);

struct cluster_outcome {
    bool writes;
    int status; /* HTTP's: 200, or of a refusal */
    struct cluster_decision decision;
    struct event event; /* kind NULL: none */
};

/* Changes the record in place. */
void cluster_apply(struct cluster_record *r, const struct cluster_change *c, int64_t wall_ms,
                   struct arena *a, struct cluster_outcome *ret);

#endif
