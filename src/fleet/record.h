/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record: what is known of one node's life, as the store keeps it (docs/formats/fleet.md).
 *
 * A plain value: texts belong to an arena, or live for ever. A node without a record is registered,
 * in its first generation, and has never been heard of. How a record changes is state.h's.
 */
#ifndef CLOUDSEED_FLEET_RECORD_H
#define CLOUDSEED_FLEET_RECORD_H

#include "base/err.h"
#include "base/value.h"

#define CLAIM_DIGEST_LEN 64 /* SHA-256 in hexadecimal */
#define RECORD_HOST_KEYS_MAX 8

enum node_state {
    STATE_REGISTERED,
    STATE_ARMED,
    STATE_BOOTING,
    STATE_UP,
    STATE_JOINING,
    STATE_READY,
    STATE_FAILED,
    STATE_COUNT
};

extern const char *const node_state_names[]; /* "registered", …, and NULL behind */

/* Wall clock for people, boot-time clock for deadlines; the latter counts within one boot of the
 * server's machine. */
struct moment {
    int64_t wall_ms;
    uint64_t boot_ms;
    struct str boot_id;
};

/* Until when a node may be built, and by whom. The keys are sealed where they are written. */
struct window {
    int64_t opened_wall_ms;
    uint64_t length_ms;
    uint64_t ends_boot_ms; /* holds while the server's machine has `boot_id` */
    struct str boot_id;
    struct str join_key, window_key; /* as sealed, in base64 */
    struct str claim;                /* digest of the first; empty: none yet */
};

struct host_key {
    struct str kind, key; /* "ed25519", "ssh-ed25519 AAAA…" without a comment's end of line */
};

/* The latest boot that the node spoke of. */
struct boot {
    int64_t began_wall_ms, last_wall_ms;
    uint32_t events, warnings;
    struct str stage;      /* "modules-config/config-apt_configure" */
    struct str failed;     /* the latest step that failed, or the stage where no step of it did */
    struct str window_key; /* of a window that ended first, as sealed: the boot may tell its end */
    bool finished;         /* modules-final came to its end */
    bool reboot;           /* of a node that had been up before */
};

struct record {
    struct str name; /* of the node, as it was called when it was heard of last */
    enum node_state state;
    int64_t since_wall_ms; /* when it came to this state */
    struct str stage;      /* where it failed */
    struct str reason;     /* and why, in a line */
    uint32_t generation;   /* counts from NODE_FIRST_GENERATION */
    uint32_t alarms;
    struct str alarm; /* what the latest was for */
    int64_t alarm_wall_ms;
    bool locked;
    bool has_window, has_boot;
    struct window window;
    struct boot boot;
    struct str hostname, fqdn, instance_id; /* as the node says */
    struct host_key host_keys[RECORD_HOST_KEYS_MAX];
    uint32_t host_keys_n;
};

/* That of a node that nobody has heard of. */
void record_init(struct record *r);

/* A copy whose texts live in the arena: the same as if it was written and read again. */
void record_copy(const struct record *from, struct arena *a, struct record *ret);

/* Its JSON. The value points at the record's texts. */
struct value record_value(const struct record *r, struct arena *a);

/* Reads the store's JSON; texts live in the arena. -EINVAL for what no version of ours wrote. */
int record_read(struct str json, struct arena *a, struct record *ret, struct err *e);

/* Milliseconds until the window ends; 0: it is over. A clock that was set back, or has yet to be
 * set, does not prolong it beyond its length. */
uint64_t window_left_ms(const struct window *w, const struct moment *now);

#endif
