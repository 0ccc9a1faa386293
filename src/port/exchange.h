/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: one request and its answer, as core sees them.
 *
 * A listener fills `in`, lets the exchange begin and step, and sends `out`; it knows nothing else
 * of core. A step that has to wait keeps what comes next (exchange_wait) and goes on exactly there
 * once the exchange was woken. An exchange ends once, when its answer went out or its peer left.
 * It pins one snapshot: a reload does not change the world under it. Everything else that it needs
 * lives in its arena and dies with it.
 */
#ifndef CLOUDSEED_PORT_EXCHANGE_H
#define CLOUDSEED_PORT_EXCHANGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/access.h"
#include "model/address.h"
#include "port/waiter.h"

struct snapshot;
struct exchange;

enum exchange_method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OTHER
};
enum exchange_listener {
    LISTENER_BOOT,
    LISTENER_NODE,   /* TLS */
    LISTENER_ADMIN,  /* TLS, for admins with a token */
    LISTENER_SOCKET, /* unix sockets, for admins on this machine */
    LISTENER_PAGE,   /* a connection there that has given up its rights: a browser's, which
                        `cloudseed ui` passes on */
    LISTENER_TFTP,
    LISTENER_COUNT
};
/* "boot", … */
extern const char *const exchange_listener_names[LISTENER_COUNT];

/* Who speaks: as far as the connection itself shows it, until core has looked at the token. */
struct principal {
    enum { PRINCIPAL_NONE, PRINCIPAL_SOCKET, PRINCIPAL_TOKEN } kind;
    uint32_t uid;       /* of the process at the other end of a unix socket (SO_PEERCRED) */
    struct str token;   /* the token's name, in the arena */
    enum access access; /* of both, once core has admitted it */
    uint64_t session;   /* of the web page, by which it was admitted; 0: without one */
};

struct exchange_in {
    enum exchange_method method;
    enum exchange_listener listener;
    struct str path;  /* as it came, nothing decoded, without the query */
    struct str query; /* likewise, without its question mark; p == NULL where there is none */
    /* Header values; p == NULL where there is none. */
    struct str if_none_match, if_match, if_range, range, accept, accept_encoding, content_type,
        last_event_id, user_agent;
    struct str bearer; /* what follows "Bearer " in Authorization; p == NULL where there is none */
    /* Host, Cookie, X-Cloudseed-CSRF, Sec-Fetch-Site, likewise. */
    struct str host, cookie, csrf, fetch_site;
    struct str body;     /* whole, from the first step on */
    struct address peer; /* family 0: a process on this machine, through a unix socket */
    struct principal principal;
};

/* A part of a file as an answer's body. Core opened it, and closes `fd` when the exchange ends; a
 * listener that needs it for longer takes it over by leaving -1, and closes it by port/closer.h
 * where it is remote. */
struct exchange_file {
    int fd;
    uint64_t offset, length; /* what is sent: `length` bytes from `offset` on */
    bool remote;             /* it lies on a share, where a read may hang: never on the loop */
};

/* A header that only few answers have. */
struct exchange_header {
    const char *name, *value;
};

/* What is sent. Text and body live in the exchange's arena or buffer, or for ever. */
struct exchange_out {
    int status;                /* HTTP's numbers; 0: no answer yet */
    const char *type;          /* Content-Type, NULL: none */
    const char *etag;          /* with its quotes, NULL: none */
    const char *encoding;      /* Content-Encoding, NULL: none */
    const char *cache;         /* Cache-Control, NULL: none */
    const char *allow;         /* for 405 */
    const char *authenticate;  /* WWW-Authenticate, for 401 */
    const char *location;      /* of what was made, NULL: none */
    const char *content_range; /* for 206 and 416, NULL: none */
    /* Further headers, the last without a name. NULL: none. */
    const struct exchange_header *headers;
    bool accept_ranges;
    bool vary_encoding;
    unsigned retry_after_s; /* Retry-After, 0: none. A 503 with it says 'not yet' */
    bool gives_up_rights;   /* its connection is LISTENER_PAGE from now on, and its peer nobody */
    /* The body has no known end: it is what the steps put into the exchange's buffer, which is
     * emptied before each of them. */
    bool stream;
    bool more; /* of a stream: the next step is due as soon as the peer has taken this one's */
    struct str body;               /* for HEAD and 304 too: the listener sends only its length */
    struct exchange_file *content; /* the body, where it is a file's; else NULL */
    /* For the log, never sent: */
    const char *event; /* "served", "refused", …; NULL: nothing worth a line */
    struct str node;
    struct str file;
    struct str evidence; /* what the peer said of itself, foreign text; p == NULL: nothing */
    const char *check;   /* what the check says of the node, where it is not well; else NULL */
    const char *reason;  /* why it was refused */
};

enum exchange_verdict { EXCHANGE_DONE, EXCHANGE_WAIT };

/* What an exchange does next; `state` is that flow's own. */
typedef enum exchange_verdict exchange_next(struct exchange *x, void *state);
/* What a flow has to give back when the exchange ends. */
typedef void exchange_end_fn(struct exchange *x, void *state);

struct exchange_port;
struct exchange_ending;

struct exchange {
    struct exchange_in in;
    struct exchange_out out;
    struct arena arena;
    struct buf body; /* where core renders to */
    struct snapshot *snapshot;
    size_t body_max_bytes; /* set by begin; 0: no body is taken */
    struct waiter waiter;  /* set by the listener: wakes this exchange */
    bool is_secret; /* it carried a key: arena and buffers are wiped before they are used again */
    void *core;     /* what core keeps of it, in the arena; NULL at first */
    /* Of exchange.c: */
    unsigned magic;
    enum {
        EXCHANGE_NEW,
        EXCHANGE_BEGUN,
        EXCHANGE_STEPPING,
        EXCHANGE_WAITING,
        EXCHANGE_ANSWERED,
        EXCHANGE_ENDED
    } phase;
    bool woken;        /* since its last step began */
    bool held;         /* it waits for somebody else: that time is not its own */
    uint64_t since_ns; /* boot-time clock: when its own time went on last */
    uint64_t spent_ns; /* own time, from the whole request to the answer */
    const struct exchange_port *port;
    exchange_next *next;
    void *state;
    struct exchange_ending *endings; /* the one added last comes first */
};

/* --- For core: who answers ------------------------------------------------------------------- */

struct exchange_port {
    /* Pins the snapshot, says how much of a body may come, and either sets `next` or answers at
     * once by filling in `out`: then no body is read. */
    void (*begin)(void *cls, struct exchange *x);
    /* Fills in `out`, which is empty but for the status, where the listener refuses the exchange.
     * NULL: the reason is answered as a line of text. */
    void (*refuse)(void *cls, struct exchange *x, int status, const char *reason);
    /* Comes once for each begun exchange, after what exchange_at_end has registered. */
    void (*end)(void *cls, struct exchange *x);
    void *cls;
};

/* `return exchange_wait(x, on_changed, state);`: goes on with `next` once x->waiter was woken. The
 * wake may have had another reason: `next` looks, and waits again if need be. */
enum exchange_verdict exchange_wait(struct exchange *x, exchange_next *next, void *state);
/* The same, where it waits for somebody else: a node's turn, a cluster, news. */
enum exchange_verdict exchange_hold(struct exchange *x, exchange_next *next, void *state);
/* `end` is called once, when the exchange ends, whatever became of it; the last one first. */
void exchange_at_end(struct exchange *x, exchange_end_fn *end, void *state);

/* One that waits, or whose body is still coming, goes on with `next` instead, and is woken. What it
 * waited for is given back at its end as usual. All others stay as they are. */
void exchange_divert(struct exchange *x, exchange_next *next, void *state);

/* --- For listeners --------------------------------------------------------------------------- */

/* The head of the request is there. With out.status set afterwards that is the answer. */
void exchange_begin(struct exchange *x, const struct exchange_port *port);
/* The request is whole, or the exchange was woken while it waited. After EXCHANGE_WAIT without
 * out.stream there is no answer yet. A listener gives up waiting after a minute by itself. */
enum exchange_verdict exchange_step(struct exchange *x);
/* The listener's wake was called for it. True where it is to be stepped: at once or at the loop's
 * next turn. False from within a step, which then goes on by itself, and for an exchange that does
 * not wait. */
bool exchange_wake(struct exchange *x);
/* The listener refuses it, for its form, its body's size, or because it waited for too long. */
void exchange_refuse(struct exchange *x, int status, const char *reason);
/* Its answer went out, or its peer left. Once for each begun exchange; never from within a step. */
void exchange_end(struct exchange *x);

#endif
