/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of core/ share.
 *
 * core.c begins a request by its row in route.c and sees to it that the peer is who the row wants;
 * then the row's function answers: in boot.c what nodes fetch, script.c what boot programs do,
 * assets.c files, node_reports.c what nodes report, admin*.c what admins ask for. Such a function
 * answers at once, or says what comes next and waits (port/exchange.h).
 */
#ifndef CLOUDSEED_CORE_INTERNAL_H
#define CLOUDSEED_CORE_INTERNAL_H

#include "base/value.h"
#include "core/core.h"
#include "core/discovered.h"
#include "core/route.h"

struct core {
    struct exchange_port port;
    struct snapshot *snapshot;
    struct fleet *fleet;
    struct discovered *discovered; /* machines that asked for a boot script and belong to no node */
    const struct sealer *sealer;
    struct core_host host;
    int64_t started_wall_ms, loaded_wall_ms;
    /* Definitions are checked and written one at a time. */
    struct {
        bool is_taken;
        struct define *define;  /* whose turn it is; NULL: nobody's, or its exchange has ended */
        struct slot_ref ticket; /* of what the fleet is writing for it */
    } turn;
    bool draining;
    /* The latest reload that has ended. */
    uint64_t reloads, reload_ms;
    bool reload_ok;
    struct faults reload_faults;
    struct waiters waiters; /* for another snapshot, the end of a reload, or the turn */
};

/* What core keeps of an exchange, as exchange.core and as the first step's state. */
struct request_ctx {
    struct core *core;
    const struct route *route;
    struct route_path path;
    /* Of routes that want a key or evidence: */
    const struct node *node;
    struct fleet_view view;
};

/* The exchange sees the world as it is by now: for those who change it. */
void request_look_again(struct exchange *x, struct core *c);
/* A change of `n` that the node causes itself, from where it speaks. */
struct change request_change(struct exchange *x, const struct node *n, enum change_kind kind);

/* --- Waiting --------------------------------------------------------------------------------- */

/* The exchange goes on with `then` when the fleet has answered, which may be at once. */
typedef enum exchange_verdict fleet_then(struct exchange *x, void *state,
                                         const struct fleet_result *result);
enum exchange_verdict await_fleet(struct exchange *x, struct fleet *f, struct slot_ref ticket,
                                  fleet_then *then, void *state);

/* The exchange goes on with `next` when another snapshot is in force, a reload has ended, or
 * core_wake_waiters says so: `next` looks whether that was what it waits for. */
enum exchange_verdict core_await(struct core *c, struct exchange *x, exchange_next *next,
                                 void *state);
/* At the exchange's end, for flows that may have waited so. */
void core_leave(struct core *c, struct exchange *x);
void core_wake_waiters(struct core *c);

/* --- What nodes and boot programs ask for ---------------------------------------------------- */

#define REPORT_MAX_BYTES (256 * 1024) /* it may carry files, which we do not keep */
#define PHONE_HOME_MAX_BYTES (64 * 1024)

enum exchange_verdict boot_answer(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict script_ipxe(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict script_grub(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict asset_answer(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict node_report(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict node_phone_home(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict health_alive(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict health_ready(struct exchange *x, struct request_ctx *rq);

/* What is in the bodies. Each returns NULL, or one line that says what is wrong. Texts live in the
 * arena. */
const char *node_reports_read_report(struct str body, struct arena *a, struct report *ret);
const char *node_reports_read_phone_home(struct str body, struct arena *a, struct phone_home *ret);

/* Where a node's files are by that key. */
struct str boot_seed_url(struct exchange *x, struct str key);
/* A template stopped. */
void boot_render_failed(struct exchange *x, const struct template_fault *f);
/* A fetch changes the node's state, by weak evidence or by a key (EVIDENCE_COUNT). The answer does
 * not wait for that: it is written behind it. */
void boot_tell_fleet(struct exchange *x, const struct request_ctx *rq, const struct node *n,
                     enum evidence evidence);

/* --- What admins ask for (docs/formats/api.md) ----------------------------------------------- */

#define ADMIN_BODY_MAX_BYTES (256 * 1024)

enum exchange_verdict admin_list_nodes(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_node(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_list_documents(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_document(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_create_node(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_change_node(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_delete_node(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_rekey_node(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_arm(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_disarm(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_unlock(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_reprovision(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_list_discovered(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_list_events(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_server(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_reload(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_backup(struct exchange *x, struct request_ctx *rq);

/* One of `?name=value` of a request. */
struct admin_param {
    const char *name;
    struct str value; /* p == NULL: not given */
};
/* Fills the values in; false after a refusal, also for a name that is not listed. */
bool admin_params(struct exchange *x, struct admin_param *list, size_t n);
/* A number of a parameter between min and max, `fallback` where it is not given. */
bool admin_number(struct exchange *x, const struct admin_param *p, uint64_t min, uint64_t max,
                  uint64_t fallback, uint64_t *ret);
/* The body as a JSON object with no other members than these (NULL behind the last; NULL: none at
 * all); an empty body is an empty object. False after a refusal. */
bool admin_body(struct exchange *x, const char *const *members, struct value *ret);

/* The node of the path, NULL after a refusal. */
const struct node *admin_node(struct exchange *x, const struct request_ctx *rq);
/* Whether If-Match, where it is given, still holds; else it is refused. */
bool admin_matches(struct exchange *x, const struct request_ctx *rq, const struct node *n);
/* NODE of docs/formats/api.md. */
struct value admin_node_value(struct exchange *x, const struct request_ctx *rq,
                              const struct node *n);
/* "uid 0": what is noted as the cause of a change. */
struct str admin_cause(struct exchange *x);
struct value admin_text_or_none(struct str s);

/* admin_define.c: a registered node's definition as JSON; an empty map for what is not one. */
struct value definition_read(struct str json, struct arena *a);
/* The map with `key` set to `v`. */
struct value definition_with(struct value old, struct str key, struct value v, struct arena *a);
/* At core's own end: the fleet must not wake it any more. */
void definitions_stop(struct core *c);

#endif
