/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: one request and its answer, as core sees them.
 *
 * A listener fills `in`, asks the port to step, and sends `out`; it knows nothing else of core. A
 * step may say that it waits: it is called again once the exchange was woken. An exchange ends
 * once, when its answer went out or its peer left. It pins one snapshot: a reload never changes the
 * world under it. Everything that it needs beyond that lives in its arena and dies with it.
 */
#ifndef CLOUDSEED_PORT_EXCHANGE_H
#define CLOUDSEED_PORT_EXCHANGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/address.h"
#include "port/wake.h"

struct snapshot;

enum exchange_method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OTHER
};
enum exchange_listener { LISTENER_BOOT, LISTENER_NODE, LISTENER_ADMIN, LISTENER_TFTP };

struct exchange_in {
    enum exchange_method method;
    enum exchange_listener listener;
    struct str path;  /* as it came, nothing decoded, without the query */
    struct str query; /* likewise, without its question mark; p == NULL where there is none */
    /* Header values; p == NULL where there is none. */
    struct str if_none_match, if_match, if_range, range, accept, accept_encoding, content_type,
        last_event_id, user_agent;
    struct str body;     /* whole, from the first step on */
    struct address peer; /* family 0: somebody on this machine, through a unix socket */
    uint32_t peer_uid;   /* who that is (SO_PEERCRED) */
};

/* A part of a file as an answer's body. Core opened it, and closes `fd` when the exchange ends; a
 * listener that needs it for longer takes it over by leaving -1, and closes it by port/closer.h
 * where it is remote. */
struct exchange_file {
    int fd;
    uint64_t offset, length; /* what is sent: `length` bytes from `offset` on */
    bool remote;             /* it lies on a share, where a read may hang: never on the loop */
};

/* What is sent. Text and body live in the exchange's arena or buffer, or for ever. */
struct exchange_out {
    int status;                /* HTTP's numbers */
    const char *type;          /* Content-Type, NULL: none */
    const char *etag;          /* with its quotes, NULL: none */
    const char *encoding;      /* Content-Encoding, NULL: none */
    const char *cache;         /* Cache-Control, NULL: none */
    const char *allow;         /* for 405 */
    const char *location;      /* of what was made, NULL: none */
    const char *content_range; /* for 206 and 416, NULL: none */
    bool accept_ranges;
    bool vary_encoding;
    bool retry_later; /* Retry-After */
    /* The body has no known end: it is what the steps put into the exchange's buffer, which is
     * emptied before each of them. A step that says WAIT is called again when woken. */
    bool stream;
    struct str body; /* for HEAD and 304 too: the listener leaves it out but tells its length */
    struct exchange_file *content; /* the body, where it is a file's; else NULL */
    /* For the log, never sent: */
    const char *event; /* "served", "refused", …; NULL: nothing worth a line */
    struct str node;
    struct str file;
    struct str evidence; /* what the peer said of itself, foreign text; p == NULL: nothing */
    const char *check;   /* what the check says of the node, where it is not well; else NULL */
    const char *reason;  /* why it was refused */
};

struct exchange {
    struct exchange_in in;
    struct exchange_out out;
    struct arena arena;
    struct buf body; /* where core renders to */
    struct snapshot *snapshot;
    size_t body_max_bytes; /* set by begin; 0: no body is taken */
    struct wake wake;      /* set by the listener: wakes `ref`, this exchange */
    struct slot_ref ref;
    void *core; /* what core keeps of it, in the arena; NULL at first */
};

enum exchange_verdict { EXCHANGE_DONE, EXCHANGE_WAIT };

/* Who answers, as a listener sees him. `begin` pins the snapshot and says how much of a body may
 * come; where it has filled in `out.status` already, that is the answer, and no body is read.
 * `step` is called once the request is whole, and again each time that it was woken after
 * EXCHANGE_WAIT; a listener gives up waiting after a minute by itself. `end` is called once for
 * each begun exchange, whatever became of its peer. `refuse` fills in `out` where the listener
 * itself refuses a begun exchange: for its form, its body's size, or the minute that is over; NULL:
 * the answer is the reason as a line of text. */
struct exchange_port {
    void (*begin)(void *cls, struct exchange *x);
    enum exchange_verdict (*step)(void *cls, struct exchange *x);
    void (*end)(void *cls, struct exchange *x);
    void (*refuse)(void *cls, struct exchange *x, int status, const char *reason);
    void *cls;
};

#endif
