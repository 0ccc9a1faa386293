/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller: a node that asks or reports at bootstrap: who it is, what it has shown, and its claim.
 *
 * What it asks for is up to bootstrap.c. Everything that is refused here is refused in the words of
 * docs/formats/bootstrap.md.
 */
#ifndef CLOUDSEED_CORE_CALLER_H
#define CLOUDSEED_CORE_CALLER_H

#include "core/internal.h"

struct caller;
typedef enum exchange_verdict caller_then(struct exchange *x, struct caller *c);

struct caller {
    struct request_ctx *rq;
    const struct node *node;
    struct claim claim;
    struct str pinned_uuid; /* of the machine that has claimed the window */
    struct str uuid;        /* as it counts, empty: none does */
    struct str machine;     /* hash of machine-id, empty: unknown */
    bool by_join_key; /* else only by the key of its window, which anyone on the network may read */
    bool is_trusted;  /* with secrets: has the join key, or the site says that the other one is as
                         good */
    bool is_claimed;  /* the window, by whatever boot */
    caller_then *then;
    /* What the request is about, for those that go on with it. */
    struct asking *asking;              /* of bootstrap */
    struct bootstrap_cluster *reported; /* of cluster */
};

/* In the exchange's arena. */
struct caller *caller_new(struct exchange *x, struct request_ctx *rq);

/* Each returns false after a refusal. */
bool caller_sends_json(struct exchange *x);
/* Whether the node's window is open, and the caller has its key. */
bool caller_admit(struct exchange *x, struct caller *c, struct str claim);
/* Whether the machine is the one that the node is registered with, or that came first. */
bool caller_check_uuid(struct exchange *x, struct caller *c, struct str text);
/* What is kept of a claim. */
struct str caller_digest(struct str claim, struct arena *a);
/* `cluster` and `result` come from the boot that asked before. */
bool caller_has_asked(struct exchange *x, const struct caller *c);

/* Why the node gets nothing, whatever its cluster: the contract's word and one line; NULL: it may
 * ask. */
const char *caller_refusal(const struct node *n, const struct record *r, struct arena *a,
                           struct str *ret_words);

/* Goes on with `then` once the claim is written: the first one in a window wins. */
enum exchange_verdict caller_claim(struct exchange *x, struct caller *c, caller_then *then);
/* The same for a change that comes with the claim; caller_change begins one. */
enum exchange_verdict caller_submit(struct exchange *x, struct caller *c,
                                    const struct change *change, caller_then *then);
struct change caller_change(struct exchange *x, const struct caller *c, enum change_kind kind);
/* For admins: an alarm, or what the node waits for. It is not waited for until it is written. */
void caller_tell(struct exchange *x, const struct caller *c, enum change_kind kind,
                 struct str text);

/* --- Refusals: `return caller_refuse(…)` ------------------------------------------------------ */

enum exchange_verdict caller_refuse(struct exchange *x, int status, const char *reason,
                                    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
enum exchange_verdict caller_refuse_malformed(struct exchange *x, const char *what);
enum exchange_verdict caller_refuse_unknown(struct exchange *x);
enum exchange_verdict caller_refuse_unwritten(struct exchange *x,
                                              const struct fleet_result *result);
/* 503: not yet. */
enum exchange_verdict caller_wait(struct exchange *x, const char *reason, unsigned retry_after_s,
                                  struct str detail);

#endif
