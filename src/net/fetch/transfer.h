/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer: one fetch: what is asked of libcurl, and what becomes of the answer.
 *
 * It knows nothing of the loop: its fetcher begins it, looks after its deadline, and wakes its
 * waiter once libcurl has returned.
 */
#ifndef CLOUDSEED_NET_FETCH_TRANSFER_H
#define CLOUDSEED_NET_FETCH_TRANSFER_H

#include "base/buf.h"
#include "net/fetch/easy.h"
#include "port/fetch.h"

#include <sys/queue.h>

struct fetcher;

enum transfer_stage {
    TRANSFER_QUEUED,
    TRANSFER_CONNECTING,
    TRANSFER_ASKED, /* there is a connection, but no answer yet */
    TRANSFER_ANSWERED,
    TRANSFER_DONE
};

struct transfer {
    struct fetch fetch; /* the part that its owner sees, first */
    struct fetcher *fetcher;
    enum transfer_stage stage;
    CURL *easy;
    struct curl_slist *headers;
    char *server; /* "https://HOST:PORT" */
    struct waiter waiter;
    uint32_t connect_ms, answer_ms, silence_ms, whole_ms;
    uint64_t stage_due_ms, whole_due_ms; /* of the loop's clock */
    bool stream, follows, is_head;
    bool paused; /* a stream that its owner does not take */
    size_t header_bytes;
    bool is_head_whole; /* the last answer's: there may be redirects before it */
    struct buf body;
    struct buf taken; /* what fetch_take has given out */
    char why[CURL_ERROR_SIZE];
    /* Of the fetcher: */
    bool is_roused;
    TAILQ_ENTRY(transfer) all, roused;
};

/* Checks the request and prepares it. The fetcher sets `fetcher` and the port. */
int transfer_new(const struct fetch_request *q, uint64_t now_ms, struct transfer **ret,
                 struct err *e);
/* libcurl does not have it any more. */
void transfer_free(struct transfer *t);

uint64_t transfer_due_ms(const struct transfer *t);
/* libcurl is through with it … */
void transfer_finish(struct transfer *t, CURLcode code);
/* … or a deadline has passed, and libcurl does not have it any more. */
void transfer_finish_late(struct transfer *t);

struct str transfer_take(struct transfer *t);
struct str transfer_header(struct transfer *t, const char *name);

/* For transfer.c, by fetcher.c: the loop's clock, and that the waiter must be woken. */
uint64_t fetcher_now_ms(const struct fetcher *f);
void fetcher_rouse(struct fetcher *f, struct transfer *t);

#endif
