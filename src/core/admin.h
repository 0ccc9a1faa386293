/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin: what admins ask for (docs/formats/api.md): its routes, and the steps that answer them.
 */
#ifndef CLOUDSEED_CORE_ADMIN_H
#define CLOUDSEED_CORE_ADMIN_H

#include "base/value.h"
#include "port/exchange.h"

#define ADMIN_BODY_MAX_BYTES (256 * 1024)

enum admin_kind {
    ADMIN_NONE,
    ADMIN_NODES,
    ADMIN_NODE,
    ADMIN_ARM,
    ADMIN_DISARM,
    ADMIN_UNLOCK,
    ADMIN_REKEY,
    ADMIN_REPROVISION,
    ADMIN_DOCUMENTS,
    ADMIN_DOCUMENT,
    ADMIN_DISCOVERED,
    ADMIN_EVENTS,
    ADMIN_SERVER,
    ADMIN_RELOAD,
    ADMIN_BACKUP
};

struct admin_route {
    enum admin_kind kind;
    struct str name;     /* of the node */
    struct str document; /* its name */
};

/* `path` begins with "/v1/". */
struct admin_route admin_route_parse(struct str path, struct arena *a);
/* The methods of a route, for Allow: "GET, HEAD". */
const char *admin_methods(enum admin_kind kind);

struct call;
struct node;

/* Refuses what no route takes; else says how much of a body may come. */
void admin_begin(struct exchange *x, struct call *call);
enum exchange_verdict admin_step(struct exchange *x, struct call *call);

/* --- What the steps share -------------------------------------------------------------------- */

/* One of `?name=value` of a request. */
struct admin_param {
    const char *name;
    struct str value; /* p == NULL: not given */
};
/* Fills the values in; false after a refusal, for a name that is none of them too. */
bool admin_params(struct exchange *x, struct admin_param *list, size_t n);
/* A number of a parameter between min and max, `fallback` where it is not given. */
bool admin_number(struct exchange *x, const struct admin_param *p, uint64_t min, uint64_t max,
                  uint64_t fallback, uint64_t *ret);

/* The body as a JSON object with these members at most; an empty body is an empty object. */
bool admin_body(struct exchange *x, const char *const *members, struct value *ret);

/* The node of the route, NULL after a refusal. */
const struct node *admin_node(struct exchange *x, const struct call *call);
/* Whether If-Match, where it is given, still holds; else it is refused. */
bool admin_matches(struct exchange *x, const struct call *call, const struct node *n);
/* NODE of docs/formats/api.md. */
struct value admin_node_value(struct exchange *x, const struct call *call, const struct node *n);

/* "uid 0": who asks. */
struct str admin_cause(struct exchange *x);

/* --- The steps -------------------------------------------------------------------------------- */

void admin_list_nodes(struct exchange *x, struct call *call);
void admin_show_node(struct exchange *x, struct call *call);
enum exchange_verdict admin_define(struct exchange *x, struct call *call);
enum exchange_verdict admin_act(struct exchange *x, struct call *call);
void admin_list_documents(struct exchange *x, struct call *call);
void admin_show_document(struct exchange *x, struct call *call);
void admin_list_discovered(struct exchange *x, struct call *call);
enum exchange_verdict admin_list_events(struct exchange *x, struct call *call);
void admin_show_server(struct exchange *x, struct call *call);
enum exchange_verdict admin_reload(struct exchange *x, struct call *call);
enum exchange_verdict admin_backup(struct exchange *x, struct call *call);

#endif
