/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask: HTTP requests of simulated machines, thousands at a time on one loop.
 *
 * Each has a connection of its own, as those of cloud-init have. Over TLS they go through
 * net/fetch, which verifies the server. Plain ones are written here: a load generator must cost
 * less than what it loads (docs/why/storm.md). Deadlines are the caller's, who cancels.
 */
#ifndef CLOUDSEED_CLI_STORM_ASK_H
#define CLOUDSEED_CLI_STORM_ASK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <sys/socket.h>
#include <uv.h>

/* Where requests go. Texts live as long as the peer. */
struct ask_peer {
    enum { ASK_TCP, ASK_SOCKET, ASK_TLS } kind;
    struct sockaddr_storage address; /* ASK_TCP */
    const char *socket;              /* ASK_SOCKET */
    struct str url;                  /* without a slash at its end */
    struct str host;                 /* of the URL, with the port */
    struct str ca;                   /* ASK_TLS: PEM; empty: the system's */
};

/* Reads "http://HOST:PORT" or "https://…", what follows is ignored; resolves a name, which blocks.
 * -EINVAL, or -EADDRNOTAVAIL, with the reason. */
int ask_peer_at(struct str url, struct str ca, struct arena *a, struct ask_peer *ret,
                struct err *e);

struct ask_request {
    const struct ask_peer *peer;
    const char *method;
    struct str target; /* "/s/KEY/report" */
    struct str type;   /* empty: none */
    struct str body;   /* p == NULL: none */
    struct str bearer; /* only over TLS; empty: none */
    bool keeps;        /* the body of a good answer, else only that of an error */
};

struct ask_answer {
    const char *trouble; /* why there is no whole answer; NULL: there is one */
    int status;
    uint32_t retry_after_s; /* 0: it does not say */
    struct str body;        /* its beginning */
};

typedef void (*ask_fn)(void *cls, const struct ask_answer *answer);

struct asker;
struct ask;

struct asker *asker_new(uv_loop_t *loop);
/* All asks have ended. It is gone when the loop has ended. NULL is fine. */
void asker_free(struct asker *asker);

/* Copies what it is given, and calls `fn` once, later, when it has ended. */
struct ask *ask_start(struct asker *asker, const struct ask_request *q, ask_fn fn, void *cls);
/* Ends it without a call. Not from within the call, which ends it anyway. */
void ask_cancel(struct ask *ask);

/* --- For tests: what a server sent ---------------------------------------------------------- */

#define ASK_HEAD_MAX_BYTES 16384

struct ask_head {
    int status;
    uint32_t retry_after_s;
    uint64_t body_bytes;
    bool has_length;
};

/* The head of an answer up to and with its empty line: 0 where it has not come as a whole, its
 * length, or -EPROTO. */
int ask_read_head(struct str bytes, struct ask_head *ret);

#endif
