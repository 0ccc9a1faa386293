/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storm: simulated machines that boot, each from its arming to the result of its bootstrap.
 *
 * machine.c has the life of one, storm.c starts them in time and ends when they have, run.c the
 * command. None of them touches a node that `cloudseed storm tree` has not made.
 */
#ifndef CLOUDSEED_CLI_STORM_STORM_H
#define CLOUDSEED_CLI_STORM_STORM_H

#include "cli/storm/ask.h"
#include "cli/storm/download.h"
#include "cli/storm/tally.h"

/* What marks a node as a storm's own: its name and its role. */
#define STORM_NAME "storm-"
#define STORM_ROLE "storm"
#define STORM_CLUSTER "storm"
/* The endpoint of a cluster without an API server: the port 'discard' of this machine. */
#define STORM_NO_ENDPOINT "127.0.0.1:9"

/* Whether it is the name of a node of a storm: "storm-" and at least five digits. */
bool storm_owns(struct str name, struct str role);

/* Of the TFTP in the configuration that `storm tree` writes: port 69 takes privileges. */
#define STORM_TFTP_PORT 6969

#define STORM_REPORTS 60

struct storm;

struct machine {
    struct storm *storm;
    uint32_t step;  /* of those that machine.c lists */
    uint32_t tries; /* of this step that failed */
    bool runs;
    struct str name, key, mac; /* its seed key */
    char join_key[32], claim[48];
    uint64_t began_ns, step_ns, due_ms; /* the boot, the step; when it is given up */
    struct ask *ask;
    struct download *download;
    uv_timer_t timer;
};

struct storm_plan {
    struct ask_peer admin, boot, node; /* the API, plain HTTP, and TLS */
    struct str token;                  /* for the API over TLS; empty: none */
    struct sockaddr_storage tftp;
    bool with_tftp;
    bool by_phase; /* no machine begins a phase before all have ended the one before */
    double starts_per_s;
    uint64_t for_ms;     /* start again and again for so long; 0: each machine once */
    uint64_t timeout_ms; /* of a boot */
};

/* What the server says of itself, by /metrics; below 0: unknown. */
struct storm_server {
    double cpu_s, resident_bytes, descriptors;
};

struct storm {
    struct storm_plan plan;
    uv_loop_t loop;
    struct asker *asker;
    struct machine *machines;
    uint32_t machines_n;
    struct str reports[STORM_REPORTS]; /* bodies */
    struct str keys;                   /* the host keys of a phone-home */
    struct arena arena;

    uv_timer_t starter, ticker;
    uint64_t began_ns, ended_ns;
    uint64_t started, booted, lost, late; /* late: starts that found no machine idle */
    uint32_t running, next;
    unsigned group;   /* with by_phase: the phase that may run … */
    uint32_t arrived; /* … and how many machines wait behind it */
    uint64_t group_ns, group_started;
    struct storm_server at_start, at_end;
    double phase_cpu_s[STORM_PHASES]; /* by_phase */
    double phase_s[STORM_PHASES];
    struct storm_server (*look)(void *cls); /* asks the server; blocks */
    void (*on_tick)(void *cls);             /* once a second */
    bool (*stops)(void *cls);
    void *cls;
    bool stopped;
    struct tally tally;
};

/* --- storm.c -------------------------------------------------------------------------------- */

void storm_init(struct storm *s, const struct storm_plan *plan);
/* All of them, before it runs. Text is copied. */
void storm_add(struct storm *s, struct str name, struct str key, struct str mac);
/* Returns when all have booted or are lost, or `stops` says so. */
void storm_run(struct storm *s);
void storm_done(struct storm *s);

/* For machine.c: it has ended; or, with by_phase, it waits for the others before that phase. */
void storm_on_end(struct storm *s, bool booted);
void storm_on_arrival(struct storm *s);

/* --- machine.c ------------------------------------------------------------------------------ */

/* The bodies that all machines send. */
void machine_prepare(struct storm *s);
void machine_boot(struct machine *m);
/* With by_phase: goes on, where it waits. */
void machine_go_on(struct machine *m);
/* Ends it, whatever it does. */
void machine_stop(struct machine *m);
/* The phase of its next step; STORM_PHASES behind the last one. */
unsigned machine_group(const struct machine *m);

#endif
