/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster: how far a cluster is, and what its nodes are to do.
 *
 * Pure: no clock, no store, no randomness. A cluster without a record is in phase none, in its
 * first epoch. cluster_apply takes the record and what was asked, and makes the next record
 * together with the event that explains it; the caller writes both or neither, before anyone is
 * answered. docs/formats/fleet.md has the record, docs/formats/bootstrap.md what nodes are
 * answered.
 */
#ifndef CLOUDSEED_FLEET_CLUSTER_H
#define CLOUDSEED_FLEET_CLUSTER_H

#include "fleet/state.h"

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
