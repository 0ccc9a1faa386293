/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record: what is known of one node's life, as the store keeps it (docs/formats/fleet.md).
 *
 * A plain value: texts are static or belong to an arena. A node without a record is registered, in
 * its first generation, and has never reported anything. state.h has how a record changes.
 */
#ifndef CLOUDSEED_FLEET_RECORD_H
#define CLOUDSEED_FLEET_RECORD_H

#include "base/err.h"
#include "base/value.h"

#define CLAIM_DIGEST_LEN 64 /* SHA-256 in hexadecimal */
#define RECORD_HOST_KEYS_MAX 8
/* How long a boot may report by the key of a window that has ended. */
#define OLD_KEY_MS ((uint64_t)60 * 60 * 1000)

enum node_state {
    STATE_REGISTERED,
    STATE_ARMED,
    STATE_INSTALLING, /* its installer is at work, and the machine does not run from its disk yet */
    STATE_BOOTING,
    STATE_UP,
    STATE_JOINING,
    STATE_READY,
    STATE_FAILED,
    STATE_COUNT
};

extern const char *const node_state_names[]; /* "registered", …, and NULL behind */

/* The wall clock is for people, the boot-time clock for deadlines; the latter is valid within one
 * boot of the server's machine. */
struct moment {
    int64_t wall_ms;
    uint64_t boot_ms;
    struct str boot_id;
};

/* Until when a node may be built, and with which keys. */
struct window {
    int64_t opened_wall_ms;
    uint64_t length_ms;
    uint64_t ends_boot_ms; /* valid while the server's machine has `boot_id` */
    struct str boot_id;
    struct str join_key, window_key; /* sealed, in base64 */
    struct str claim;                /* digest of the first claim; empty: none yet */
    struct str uuid;                 /* of the first machine that claimed it and has one */
    struct str pin;                  /* of the CA that its node was given; empty: none */
};

struct host_key {
    struct str kind, key; /* "ed25519", "ssh-ed25519 AAAA…" without a comment's end of line */
};

/* The latest boot that the node reported. */
struct boot {
    int64_t began_wall_ms, last_wall_ms;
    uint32_t events, warnings;
    struct str stage;  /* "modules-config/config-apt_configure" */
    struct str failed; /* the latest step that failed, or the stage where no step of it did */
    /* Of a window that ended before the boot, sealed: until key_ends_boot_ms, on the clock that is
     * valid within key_boot_id, the boot may still report. */
    struct str window_key;
    int64_t key_closed_wall_ms;
    uint64_t key_ends_boot_ms;
    struct str key_boot_id;
    bool finished; /* modules-final has ended */
    bool reboot;   /* of a node that had been up before */
};

/* The virtual machine that the node runs on. */
struct vm {
    struct str endpoint; /* as the admin's tool names the hypervisor; empty: no VM is known */
    struct str host;     /* of a cluster of hosts, where it was made */
    uint32_t vmid;
};

/* Of a VM that was given up with its host, while the host is not seen again without it. */
struct tombstone {
    struct vm vm;
    uint32_t generation; /* of the node, when it was given up */
};
#define RECORD_TOMBSTONES_MAX 8

struct record {
    struct str name; /* of the node, at the latest change */
    enum node_state state;
    int64_t since_wall_ms; /* when it entered this state */
    struct str stage;      /* where it failed */
    struct str reason;     /* and why, in a line */
    struct str log;        /* what it reported of that, several lines; empty: nothing */
    uint32_t generation;   /* counts from NODE_FIRST_GENERATION */
    uint32_t alarms;
    struct str alarm, alarm_detail; /* the reason for the latest, and what it was about */
    int64_t alarm_wall_ms;
    int64_t burst_wall_ms; /* when the alarms that are counted in `burst` began */
    uint32_t burst;
    bool locked;
    struct str machine;      /* hash of machine-id, of the boot that made the latest claim */
    bool installer;          /* its installer was heard of, in this window */
    bool installed;          /* and so was the system that it has installed */
    uint64_t boot_ms;        /* how long the boot may be silent; 0: BOOTING_SILENT_MS */
    bool joined;             /* it has reported so, in this window */
    struct str joined_claim; /* ready: digest of the claim of the boot that has joined */
    bool handed;             /* it was given what it needs to join, in this window */
    bool seen;               /* its cluster had it as Ready when it was heard of last */
    /* Of a node that is ready: why its cluster does not have it as Ready; empty: it does. */
    struct str away;
    int64_t away_wall_ms;
    struct str waits; /* joining: why its turn has not come; empty: it has, or it has not asked */
    uint64_t joining_ms; /* how long joining may take without a word; 0: JOINING_MS */
    struct vm vm;
    const struct tombstone *tombstones; /* the latest last */
    uint32_t tombstones_n;
    bool has_window, has_boot;
    struct window window;
    struct boot boot;
    struct str hostname, fqdn, instance_id; /* as the node reported */
    struct host_key host_keys[RECORD_HOST_KEYS_MAX];
    uint32_t host_keys_n;
    /* Reported by a node that is up, and kept until an admin accepts them. */
    struct host_key offered_keys[RECORD_HOST_KEYS_MAX];
    uint32_t offered_keys_n;
};

/* The record of a node of which nothing is known. */
void record_init(struct record *r);

/* A copy whose texts live in the arena: the same as if it was written and read again. */
void record_copy(const struct record *from, struct arena *a, struct record *ret);

/* Its JSON. The value points at the record's texts. */
struct value record_value(const struct record *r, struct arena *a);

/* Reads the store's JSON; texts live in the arena. -EINVAL for anything that no version of
 * cloudseed wrote. */
int record_read(struct str json, struct arena *a, struct record *ret, struct err *e);

/* Its installer was heard of, but not the system on its disk: that is not the node's yet. */
bool record_awaits_disk(const struct record *r);

/* Milliseconds until the window ends; 0: it is over. A wall clock that was set back does not
 * prolong it beyond its length. */
uint64_t window_left_ms(const struct window *w, const struct moment *now);
/* The same for boot.window_key. */
uint64_t old_key_left_ms(const struct boot *b, const struct moment *now);

#endif
