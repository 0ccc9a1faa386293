/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificates: what TLS presents, and when that changes.
 *
 * Either our own CA issues it, for every name and address that the server's URLs and listeners
 * have; it is issued again when two thirds of its time have passed, when the names change, and when
 * the clock was set. Or an admin provides it in files, which are read at the start and at reloads.
 * The CA is in the store, sealed, so that it lasts and is part of backups.
 */
#ifndef CLOUDSEED_DAEMON_CERTIFICATES_H
#define CLOUDSEED_DAEMON_CERTIFICATES_H

#include "core/core.h"
#include "crypto/ca.h"
#include "daemon/listeners.h"
#include "daemon/state.h"

#include <uv.h>

/* Reads what an admin provides; all zero if the configuration names no files. -EINVAL with a fault
 * reported. Blocks; may run on any thread. */
int certificates_read(const struct config *c, struct faults *faults, struct certificate *ret);

struct certificates_host {
    int64_t (*now_s)(void *cls); /* the wall clock */
    /* Presents it from now on. -errno, with the former one in use, if the TLS library refuses it.
     */
    int (*use)(void *cls, const struct certificate *c, struct err *e);
    void *cls;
};

#define CERTIFICATES_WARNINGS_MAX 4

struct certificates {
    struct certificates_host host;
    struct core *core;
    struct state *state;
    struct certificate served; /* issued, or provided */
    bool provided;
    bool refused; /* the files hold a certificate that is not valid now, and it is not used */
    struct {
        struct ca *in_force;    /* NULL: the certificate is provided */
        bool unsaved;           /* it is not in the store yet */
        struct ca *next;        /* being written, to be in force then; NULL: none */
        struct slot_ref ticket; /* generation 0: nothing is being written */
        bool wanted;            /* `next`: by an admin, who waits for change number `changes` */
        uint64_t changes;
    } ca;
    struct endpoint listening[LISTENERS_MAX];
    unsigned listening_n;
    struct arena names_arena;
    struct str names; /* "seed.home.arpa,10.0.10.5": those that `served` was issued for */
    struct arena warnings_arena;
    struct str warnings[CERTIFICATES_WARNINGS_MAX];
    uint32_t warnings_n;
    uv_timer_t timer, soon; /* regularly, and after something that may end a rotation */
    uv_poll_t clock;        /* readable when the wall clock was set */
    int clock_fd;
    bool watching; /* the fleet's events */
    bool started;
};

/* `provided` is from certificates_read and is taken over. Core and state must have been started.
 * Needs certificates_stop and certificates_done even if it fails. */
int certificates_start(struct certificates *c, const struct certificates_host *host,
                       struct core *core, struct state *state, const struct listeners *listeners,
                       struct certificate *provided, uv_loop_t *loop, struct err *e);
/* One line about what is presented. */
void certificates_log(const struct certificates *c);
/* A reload was activated; `provided` is taken over. */
void certificates_reloaded(struct certificates *c, struct certificate *provided);
/* As core_host.change_ca. */
uint64_t certificates_change_ca(struct certificates *c, enum core_ca_change change,
                                const char **ret_reason);
/* Looks whether something is due: after time has passed, or the clock was set. */
void certificates_look(struct certificates *c);
/* Closes the loop's handles; certificates_done, after the loop, frees the rest. */
void certificates_stop(struct certificates *c);
void certificates_done(struct certificates *c);

#endif
