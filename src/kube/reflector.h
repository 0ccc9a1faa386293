/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reflector: follows all objects of a kind in one cluster.
 *
 * It lists them page by page, and then watches what changes. Wherever the stream ends it watches on
 * from the version that it has seen last; only where that is too old it lists again. Failures are
 * retried for ever, with pauses. What the objects are is its owner's to know.
 */
#ifndef CLOUDSEED_KUBE_REFLECTOR_H
#define CLOUDSEED_KUBE_REFLECTOR_H

#include "base/value.h"
#include "kube/apirequest.h"
#include "port/fetch.h"

struct reflector;

/* What the owner receives, on a turn of the loop; objects lie in the arena until the call returns.
 * Only on_turn may call the reflector, and may free it. */
struct reflector_owner {
    void (*on_list)(void *cls); /* a list begins: what it does not name is not there any more */
    void (*on_object)(void *cls, struct value object, struct arena *a); /* as it is now */
    void (*on_gone)(void *cls, struct value object, struct arena *a);
    void (*on_listed)(void *cls); /* the list was whole */
    void (*on_turn)(void *cls);   /* behind all of them: reflector_due and reflector_err are new */
    void *cls;
};

/* All that it points to is copied, but `fetch`. */
struct reflector_target {
    const struct fetch_port *fetch;
    uint64_t (*boot_ms)(void);
    enum apirequest_kind kind;
    struct str endpoint; /* "https://10.0.0.1:6443" */
    struct str ca;       /* PEM: the API server is verified only by these */
    struct str bearer;   /* of an account that may list and watch them */
};

/* Begins at once. -EINVAL: the target is malformed. */
int reflector_new(const struct reflector_target *t, const struct reflector_owner *owner,
                  struct reflector **ret, struct err *e);
/* NULL is fine. */
void reflector_free(struct reflector *r);

/* Another token of the account. A stream that flows goes on; what waits after a failure is tried at
 * once. */
void reflector_set_bearer(struct reflector *r, struct str bearer);

/* When reflector_run must be called, on the boot-time clock; UINT64_MAX: it waits for an answer. */
uint64_t reflector_due(const struct reflector *r);
void reflector_run(struct reflector *r);

/* Why it does not follow them now, in one line; empty: it does, or has only just begun. */
const struct err *reflector_err(const struct reflector *r);

#endif
