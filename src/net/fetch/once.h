/* SPDX-License-Identifier: Apache-2.0 */
/*
 * once: HTTP requests to other servers by the tool, which waits for each answer.
 *
 * Retries and the meaning of answers are up to the caller. Neither request nor answer is in a
 * message. It must not know libuv.
 */
#ifndef CLOUDSEED_NET_FETCH_ONCE_H
#define CLOUDSEED_NET_FETCH_ONCE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

struct once_access {
    struct str ca;               /* PEM: verifies the server only by these; empty: the system's */
    struct str certificate, key; /* PEM: who we are; empty: nobody */
    bool anyone; /* the server is not verified: for what is public, and verified in another way */
    size_t answer_max_bytes;
};

struct once;

/* Texts need only live until it returns. Sends nothing. */
struct once *once_new(const struct once_access *access);
/* NULL is fine. */
void once_free(struct once *o);

struct once_header {
    struct str name, value; /* without line ends */
};

/* A form whose last part is a file (RFC 7578). The file is read while it is sent. */
struct once_form {
    const struct once_header *fields; /* the parts before it */
    size_t fields_n;
    const char *name, *file_name; /* of the file's part; no quotes or semicolons */
    int fd;                       /* read from the file's start, wherever it is positioned */
    uint64_t size;
    void (*on_read)(void *cls, uint64_t bytes); /* so much of the file has been read */
    void *cls;
};

struct once_request {
    const char *method;
    struct str url;
    const struct once_header *headers;
    size_t headers_n;
    struct str type, body;        /* type.p == NULL: there is no body */
    const struct once_form *form; /* in the place of both; NULL: there is none */
    /* On a connection that turns out to be dead libcurl would send it twice. */
    bool fresh;
    uint32_t connect_ms, whole_ms;
    uint32_t silence_ms; /* without a byte in either direction; 0: no bound */
};

struct once_answer {
    int status;
    struct str reason; /* of the status line */
    struct str body;
    int64_t date_ms; /* the server's clock, by its header Date; -1: it does not say */
};

/* Texts of the answer lie in the arena. -ECONNREFUSED: nothing was sent, as there was no
 * connection; -EACCES: nothing was sent, as the server's certificate is not trusted; -ETIMEDOUT or
 * -EIO: it may have taken effect. The message is the reason, without the server's name. */
int once_ask(struct once *o, const struct once_request *q, struct arena *a, struct once_answer *ret,
             struct err *e);

/* The certificate that a server shows, PEM, without checking it. Nothing is sent to it but a TLS
 * handshake. */
int once_certificate(struct str url, uint32_t connect_ms, struct arena *a, struct str *ret,
                     struct err *e);

#endif
