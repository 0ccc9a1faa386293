/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apiresponse: what a cluster's API server answers.
 *
 * Pure: bodies in, values in the arena out. Fields that are not known are passed over, as the API's
 * rules for clients want it. What an error says is foreign text: escape it where it is shown.
 */
#ifndef CLOUDSEED_KUBE_APIRESPONSE_H
#define CLOUDSEED_KUBE_APIRESPONSE_H

#include "base/err.h"
#include "base/value.h"
#include "model/kubeversion.h"

#define APIRESPONSE_MAX_BYTES ((size_t)32 << 20) /* of a page of nodes with all their images */

struct apiresponse_failure {
    struct str reason;  /* Kubernetes' own word: "AlreadyExists", "Expired"; empty: not known */
    struct str message; /* at most 512 bytes */
};

/* What the answer to a request that failed says. Proxies and overloaded API servers (429) send no
 * Status object; then the message is the first line of what they send. */
struct apiresponse_failure apiresponse_failure(struct str body, struct arena *a);

/* The seconds of a Retry-After header, at most 300; 0: none. */
unsigned apiresponse_retry_after(struct str header);
/* By how much the clock that wrote a Date header is ahead of ours, to a second; false: not a date.
 */
bool apiresponse_clock(struct str header, int64_t wall_ms, int64_t *ret_ahead_ms);

/* The rest returns -EINVAL, with a message that holds nothing of the body, where a 200 or 201 is
 * not what it should be. */

int apiresponse_version(struct str body, struct arena *a, struct kubeversion *ret, struct err *e);

/* What the ConfigMap kube-public/cluster-info tells nodes: a kubeconfig. */
int apiresponse_kubeconfig(struct str body, struct arena *a, struct str *ret, struct err *e);

enum apiresponse_signature {
    APIRESPONSE_UNSIGNED, /* the token is not there yet, or not any more */
    APIRESPONSE_SIGNED,   /* a node's discovery by this token succeeds */
    APIRESPONSE_FOREIGN   /* another token has this id */
};

struct apiresponse_jws {
    struct str id, text; /* of the token */
};

/* The ConfigMap kube-public/cluster-info. */
struct apiresponse_info {
    struct str kubeconfig;
    const struct apiresponse_jws *list; /* by id */
    uint32_t n;                         /* so many tokens are good for discovery */
};

int apiresponse_cluster_info(struct str body, struct arena *a, struct apiresponse_info *ret,
                             struct err *e);
/* Whether it is signed with the token of that id, whichever it is. */
bool apiresponse_has(const struct apiresponse_info *info, struct str id);
enum apiresponse_signature apiresponse_signature(const struct apiresponse_info *info,
                                                 struct str token);

struct apiresponse_token {
    struct str token;
    int64_t end_wall_ms;
};

/* A TokenRequest's. The arena must be secret. */
int apiresponse_renewed(struct str body, struct arena *a, struct apiresponse_token *ret,
                        struct err *e);

struct apiresponse_list {
    const struct value *items; /* for object.h */
    uint32_t n;
    struct str version; /* from which a watch sees all that comes after this page's list */
    struct str next;    /* the next page; empty: this is the last one */
};

int apiresponse_list(struct str body, struct arena *a, struct apiresponse_list *ret, struct err *e);

/* Whether kubeadm's binding for approving (apirequest_autoapprove) has a subject. */
int apiresponse_autoapproves(struct str body, struct arena *a, bool *ret, struct err *e);

#endif
