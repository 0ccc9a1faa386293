/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apiserver: requests of the tool to a cluster's API server, as one of its admins.
 */
#ifndef CLOUDSEED_CLI_CLUSTER_APISERVER_H
#define CLOUDSEED_CLI_CLUSTER_APISERVER_H

#include "base/arena.h"
#include "base/err.h"
#include "kube/apirequest.h"

struct apiserver;

/* Texts need only live until apiserver_new returns. */
struct apiserver_access {
    struct str endpoint; /* "https://HOST:PORT" */
    struct str ca;       /* PEM: it is verified only by these */
    struct str certificate, key, token;
};

/* Sends nothing. */
struct apiserver *apiserver_new(const struct apiserver_access *access);
/* Accepts NULL. */
void apiserver_free(struct apiserver *s);

struct apiserver_answer {
    int status;
    struct str body; /* in the arena, which must be secret */
};

/* `what` it does, for messages: "create a token". -errno unless the answer is 2xx; `ret` may be
 * NULL. */
int apiserver_ask(struct apiserver *s, const struct apirequest *q, const char *what,
                  struct arena *a, struct apiserver_answer *ret, struct err *e);

#endif
