/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core: answers requests.
 *
 * It knows neither HTTP's library nor the loop: a listener hands it an exchange through the port
 * and sends the answer. It owns the current snapshot. All calls come from the loop's thread.
 */
#ifndef CLOUDSEED_CORE_CORE_H
#define CLOUDSEED_CORE_CORE_H

#include "core/snapshot.h"
#include "crypto/sealing.h"
#include "fleet/fleet.h"
#include "port/approver.h"
#include "port/checkup.h"
#include "port/exchange.h"
#include "port/fetch.h"
#include "port/mint.h"
#include "port/nodewatch.h"
#include "port/renewal.h"
#include "port/work.h"

struct core;

enum core_ca_change {
    CORE_CA_RENEW,
    CORE_CA_ROTATE,     /* the former CA stays valid while windows are open that have its pin */
    CORE_CA_ROTATE_NOW, /* it does not */
};

/* What TLS presents, and the CA that nodes check it by. Times are seconds since 1970. */
struct core_tls {
    struct str ca;                  /* ca.pem */
    struct str pin;                 /* for windows that are opened from now on */
    struct str former_pin;          /* empty: no rotation is under way */
    bool provided;                  /* by an admin, in files: the CA is not ours */
    int64_t ca_since_s, ca_until_s; /* of ours */
    int64_t since_s, until_s;       /* of the server's own certificate */
    struct str names;               /* "seed.home.arpa,10.0.10.5"; of provided ones empty */
    const struct str *warnings;
    uint32_t warnings_n;
};

/* How transfers by TFTP end. */
enum core_tftp_end {
    CORE_TFTP_DONE,
    CORE_TFTP_REFUSED,
    CORE_TFTP_PROBED, /* the client wanted only the size */
    CORE_TFTP_ABORTED,
    CORE_TFTP_TIMED_OUT,
    CORE_TFTP_UNANSWERED, /* core did not answer in time */
    CORE_TFTP_FAILED,
    CORE_TFTP_ENDS
};

/* What the listeners hold at the moment. A client that left holds nothing. */
struct core_load {
    uint32_t connections; /* of HTTP, the admins' included */
    uint32_t requests;    /* on them, from the request line to the end of the answer */
    uint32_t transfers;   /* of TFTP */
    /* Since the start: */
    uint64_t http_bytes; /* of answers, without heads */
    uint64_t tftp_bytes; /* of files, once each */
    uint64_t tftp_blocks, tftp_resent;
    uint64_t tftp_ended[CORE_TFTP_ENDS];
};

/* The process, as the kernel sees it. */
struct core_process {
    uint64_t cpu_ns;
    uint64_t resident_bytes, virtual_bytes;
    uint64_t open_fds, max_fds;
    uint64_t disk_bytes, disk_free_bytes; /* of the state folder's disk */
};

/* What core needs from the daemon. */
struct core_host {
    /* Begins a reload and returns its number, which core_reloaded reports at its end. If one is
     * under way already, another follows: the first may have read the tree before the admin's
     * change. */
    uint64_t (*reload)(void *cls);
    /* The fleet's definitions have changed: the daemon must make a snapshot that has them and call
     * core_replace. */
    void (*extend)(void *cls);
    /* Begins to renew or replace our CA, and returns the number of the change, which
     * core_ca_changed reports at its end. 0, with a reason that is static, if that is refused. */
    uint64_t (*change_ca)(void *cls, enum core_ca_change change, const char **ret_reason);
    void (*load)(void *cls, struct core_load *ret);       /* NULL: there are no listeners */
    void (*process)(void *cls, struct core_process *ret); /* NULL: nothing is known of it */
    /* How many heartbeats (fleet_rouse) a node that waits for its cluster is held; 0: it is not. */
    unsigned held_beats;
    const char *assets;                   /* their folder */
    const struct work_port *work;         /* opens files; NULL: no asset is served */
    const struct mint_port *mint;         /* NULL: no node joins a cluster */
    const struct approver_port *approver; /* NULL: no certificate is approved */
    const struct nodewatch_port *nodes;   /* NULL: nobody knows which nodes are Ready */
    const struct renewal_port *renewals;  /* NULL: no cluster's token is renewed */
    const struct checkup_port *checkups;  /* NULL: no API server's certificate and clock are seen */
    int64_t (*wall_ms)(void);             /* NULL: that of base/clock.h */
    const struct fetch_port *fetch;       /* NULL: endpoints are not probed */
    /* Where boots are sent to as traces, with `fetch`; both outlive the core. */
    struct {
        struct str url; /* for OTLP over HTTP; empty: nowhere */
        struct str ca;  /* PEM: verifies it only by these; p == NULL: by the system's */
    } traces;
    void *cls;
};

/* Takes the reference to `first` over. Fleet and sealer stay the caller's and must outlive the
 * core. */
struct core *core_new(struct snapshot *first, struct fleet *fleet, const struct sealer *sealer,
                      const struct core_host *host);
void core_free(struct core *c);

/* For listeners. It lives as long as the core. */
const struct exchange_port *core_port(const struct core *c);

/* Whether a definition is being written that was checked against the current snapshot: a snapshot
 * with another base must wait for it, and be checked against it. */
bool core_is_defining(const struct core *c);
/* New exchanges see `next` from now on; exchanges under way keep their snapshot. Takes the
 * reference over. */
void core_replace(struct core *c, struct snapshot *next);
const struct snapshot *core_snapshot(const struct core *c);
/* The same, with a reference that the caller gives back. */
struct snapshot *core_pin(struct core *c);

/* Reload `number` has ended, with these faults if it was refused; core_replace was called before.
 * The faults are copied. */
void core_reloaded(struct core *c, uint64_t number, uint64_t took_ms, bool ok,
                   const struct faults *faults);

/* Copied. Without it there is no /ca.pem, and serials have no pin. */
void core_set_tls(struct core *c, const struct core_tls *tls);
/* Change `number` of the CA has ended; `reason` (NULL: it was made) is copied. core_set_tls was
 * called before. */
void core_ca_changed(struct core *c, uint64_t number, const char *reason);

/* Now and then: those that watch events get a sign of life, and those whose token has ended are
 * ended. */
void core_on_beat(struct core *c);
/* From now on /readyz answers 503, so that load balancers turn elsewhere. */
void core_set_draining(struct core *c);
/* Once all exchanges have ended: the ports to the clusters are not used any more. */
void core_end_clusters(struct core *c);

#endif
