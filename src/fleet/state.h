/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: how a node's record changes with what happens to it.
 *
 * Pure: no clock, no store, no randomness. One function takes a record and a change, and makes the
 * next record together with the events that explain it, or says why the change is refused. The
 * caller writes both or neither.
 */
#ifndef CLOUDSEED_FLEET_STATE_H
#define CLOUDSEED_FLEET_STATE_H

#include "fleet/record.h"

/* Unless its role says more. */
#define BOOTING_SILENT_MS ((uint64_t)15 * 60 * 1000)
/* Without a word of the node, unless its claim said more: kubeadm's reset, its half hour, and the
 * result. */
#define JOINING_MS (45 * 60 * 1000)
#define WINDOW_DEFAULT_MS (2 * 60 * 60 * 1000)
#define WINDOW_MAX_MS ((uint64_t)7 * 24 * 60 * 60 * 1000)

enum change_kind {
    CHANGE_ARM,
    CHANGE_DISARM,
    CHANGE_UNLOCK,
    CHANGE_REPROVISION,
    CHANGE_ACCEPT_KEYS, /* the ssh host keys that a node that is up has offered */
    CHANGE_VM,          /* the VM that it runs on, or that it has none any more */
    CHANGE_VM_LOST,     /* that VM is given up with its host */
    CHANGE_VM_BURIED,   /* one that was given up is no more */
    CHANGE_FETCH,
    CHANGE_MISMATCH,  /* a machine has the node's MAC or uuid, and something else that is not its */
    CHANGE_WRONG_KEY, /* somebody wants to join as the node, without its join key */
    CHANGE_REPORT,
    CHANGE_PHONE_HOME,
    CHANGE_CLAIM,
    CHANGE_RESULT,      /* how joining went */
    CHANGE_NODE_READY,  /* the cluster has it, and it is Ready */
    CHANGE_NODE_AWAY,   /* the cluster does not have it, or it is not Ready */
    CHANGE_WAITS,       /* it has asked what to do, and its turn has not come */
    CHANGE_UNRENDERED,  /* what it is to be answered cannot be made, or can be again */
    CHANGE_CERTIFICATE, /* it asked its cluster for one, or somebody did in its name */
    CHANGE_DEADLINE,    /* time has passed: a window may be over, or a node silent for too long */
    CHANGE_RESTORE, /* the record comes from a backup: keys that it opened must not open again */
    CHANGE_COUNT
};

enum report_result { REPORT_NONE, REPORT_SUCCESS, REPORT_WARN, REPORT_FAIL };

/* A webhook's event (docs/formats/fleet.md). */
struct report {
    struct str name, description;
    struct str type; /* "start", "finish", or of an installer "log" and others */
    enum report_result result;
    double duration_s; /* below 0: not given */
};

/* What a node reports about itself when it is up; empty texts: not given. */
struct phone_home {
    struct str hostname, fqdn, instance_id;
    struct host_key host_keys[RECORD_HOST_KEYS_MAX];
    uint32_t host_keys_n;
};

/* Who joins: the window whose key it showed (sealed, as the record has it) and its claim's digest.
 */
struct claim {
    struct str join_key, digest;
    struct str uuid, machine; /* of CHANGE_CLAIM, as the machine said; empty: it did not */
};

struct join_result {
    struct claim by;
    bool ok;
    struct str stage;  /* what failed */
    struct str reason; /* a line of the log */
    struct str log;
};

/* What is fetched: by the system on the disk, by its installer, or by the machine's firmware, which
 * asks what to boot. */
enum fetch_what { FETCH_SEED, FETCH_DOCUMENT, FETCH_SCRIPT };

struct change {
    enum change_kind kind;
    struct moment at;
    struct str cause;           /* "uid 0", "node", "deadline" */
    struct str peer;            /* its address, empty: none */
    bool is_master, bootstraps; /* of the node's role */
    bool installs;              /* of the node's role: an installer comes before the first boot */
    uint64_t boot_ms;           /* of that role: how long a boot may be silent */
    bool lock_on_alarm;         /* by the site's policy */
    bool by_window_key;         /* not by the node's seed key: of a report or a call */
    bool by_installer;          /* of a report: it came at the installer's URL */
    struct str twin;            /* another node with the claim's `machine`; set by the fleet */
    bool handed;                /* its boot was given what it needs to join; set by the fleet */
    uint64_t joining_ms;        /* of CHANGE_CLAIM: how long joining may take without a word */
    /* Record and definition must be as they were (fleet_seen). */
    bool as_seen;
    uint64_t seen_state, seen_node;
    union {
        struct {
            uint64_t length_ms;
            struct str join_key, window_key; /* sealed */
            struct str pin;                  /* of the CA, empty: none */
        } arm;                               /* and CHANGE_REPROVISION */
        struct vm vm;                        /* without an endpoint: none */
        struct {
            struct str file;
            struct str evidence;         /* empty: by a key; else the weak evidence: "mac" */
            struct str placeholder_uuid; /* reported, but it did not count; empty: none */
            enum fetch_what what;
        } fetch;
        struct str mismatch; /* "has the MAC of n1, but uuid A instead of B" */
        struct report report;
        struct phone_home phone_home;
        struct claim claim;
        struct join_result result;
        struct {
            bool approved, serving;
            struct str why; /* it is not approved, in one line */
        } certificate;
        struct str away;       /* why it is not Ready, in one line */
        struct str waits;      /* for what, in one line */
        struct str unrendered; /* where and why; empty: it was made */
        uint64_t silent_ms;    /* of CHANGE_DEADLINE and NODE_READY: since the last sign of life */
        uint32_t generation;   /* of CHANGE_RESTORE: the one that it had reached */
    };
};

/* A repeated alarm is noted once within this time, and of different ones no more than this many. */
#define ALARM_QUIET_MS (10 * 60 * 1000)
#define ALARM_BURST_MAX 8
#define EVENTS_MAX 4

struct event {
    const char *kind; /* "armed", "booting", "progress", "alarm", … */
    struct value data;
};

struct outcome {
    enum { OUTCOME_SAME, OUTCOME_WRITE } verdict; /* whether there is something to write */
    int status; /* HTTP's: 200, or why it is refused (an alarm may be written all the same) */
    const char *reason; /* of a refusal, one line */
    struct event events[EVENTS_MAX];
    uint32_t events_n;
};

/* Changes the record in place. What the events point at lives as long as record, change and arena.
 */
void state_apply(struct record *r, const struct change *c, struct arena *a, struct outcome *ret);

/* When CHANGE_DEADLINE is due next, on the boot-time clock; UINT64_MAX: never. `heard_boot_ms` is
 * the time of the node's last sign of life, or of the server's start. */
uint64_t state_due(const struct record *r, const struct moment *now, uint64_t heard_boot_ms);

#endif
