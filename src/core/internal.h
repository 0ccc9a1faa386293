/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of core/ share.
 *
 * core.c finds the request's row in route.c, and identify.c the node that it speaks for; then the
 * row's function answers: in boot.c with a node's files, in script.c with boot scripts, in assets.c
 * with files, in node_reports.c to reports, in bootstrap.c to nodes that join, whom hold.c holds
 * until it is their turn and minting.c gets tokens for, in admin*.c to admins. Such a function
 * answers at once, or says what comes next and waits (port/exchange.h). watching.c follows the
 * clusters' nodes, and approving.c has the certificates approved that they ask for.
 */
#ifndef CLOUDSEED_CORE_INTERNAL_H
#define CLOUDSEED_CORE_INTERNAL_H

#include "base/value.h"
#include "core/census.h"
#include "core/checkups.h"
#include "core/core.h"
#include "core/discovered.h"
#include "core/guard.h"
#include "core/metrics.h"
#include "core/minting.h"
#include "core/page.h"
#include "core/refused.h"
#include "core/renewing.h"
#include "core/route.h"
#include "core/tracing.h"
#include "core/watching.h"
#include "render/document.h"
#include "wire/bootstrap.h"

#include <sys/queue.h>

TAILQ_HEAD(holds, hold);

struct core {
    struct exchange_port port;
    struct snapshot *snapshot;
    struct fleet *fleet;
    struct refused *refused;       /* nodes that were refused for want of a window */
    struct discovered *discovered; /* machines that asked for a boot script and belong to no node */
    struct guard *guard;
    struct page *page; /* the web page */
    struct census *census;
    struct metrics *metrics;
    struct sheets *sheets; /* what documents are answered from */
    const struct sealer *sealer;
    struct core_host host;
    int64_t started_wall_ms, loaded_wall_ms;
    uint32_t exchanges; /* that have begun and not ended */
    /* Definitions are checked and written one at a time. */
    struct {
        bool is_taken;
        struct define
            *define; /* the request that has the turn; NULL: none, or its exchange has ended */
        struct slot_ref ticket; /* of what the fleet writes for it */
    } turn;
    uint32_t provenances; /* documents whose parts are looked for now */
    bool draining;
    /* The latest reload that has ended. */
    uint64_t reloads, reload_ms;
    bool reload_ok;
    struct faults reload_faults;
    struct core_tls tls; /* its texts are in the arena */
    struct arena tls_arena;
    uint64_t ca_changes; /* that have ended */
    char ca_reason[256]; /* why the latest was not made; empty: it was */
    struct holds held;   /* nodes that wait for their cluster */
    uint32_t held_n;
    struct hold *held_next;      /* the first that was not looked at yet; NULL: all were */
    uint32_t passing;            /* that were let go … */
    uint32_t passing_max;        /* … of so many */
    bool holds_watch;            /* hold.c is woken when a cluster changes */
    struct mintings *mintings;   /* tokens of nodes that join */
    struct watchings *watchings; /* the clusters' nodes */
    struct renewings *renewings; /* the clusters' tokens */
    struct checkups *checkups;   /* the clusters' API servers */
    struct tracing *tracing;     /* NULL: boots are not sent as traces */
    struct waiters waiters;      /* for another snapshot, the end of a reload, or the turn */
};

/* What core keeps of an exchange, as exchange.core and as the first step's state. */
struct request_ctx {
    struct core *core;
    const struct route *route;
    struct route_path path;
    /* Of routes that want a key or evidence: */
    const struct node *node;
    struct fleet_view view;
    const struct node *suspect; /* whose evidence did not count */
    bool by_join_key;           /* it has shown that of the open window */
    /* Of an admin's request about a node: which one has its name before. Else empty. */
    struct str uid;
};

/* The wall clock, as the host has it. */
int64_t core_wall_ms(const struct core *c);
/* Why the server is not ready, in one line; NULL: it is. */
const char *core_unready(const struct core *c, struct arena *a);
/* Pins the current snapshot instead, for a request that changes nodes. */
void request_look_again(struct exchange *x, struct core *c);
/* A change of `n` that the node itself causes, with the peer's address. */
struct change request_change(struct exchange *x, const struct node *n, enum change_kind kind);

/* --- Waiting --------------------------------------------------------------------------------- */

/* Goes on with `then` when the fleet has answered, which may be at once. */
typedef enum exchange_verdict fleet_then(struct exchange *x, void *state,
                                         const struct fleet_result *result);
enum exchange_verdict await_fleet(struct exchange *x, struct fleet *f, struct slot_ref ticket,
                                  fleet_then *then, void *state);

/* Goes on with `next` when another snapshot is in force, a reload has ended, or core_wake_waiters
 * was called. `next` checks whether it was what it waits for. */
enum exchange_verdict core_await(struct core *c, struct exchange *x, exchange_next *next,
                                 void *state);
/* For the end of an exchange that may have called core_await. */
void core_leave(struct core *c, struct exchange *x);
void core_wake_waiters(struct core *c);

/* hold.c: a node that waits for its cluster. `then` is called when what it asks is no longer
 * answered with "wait", and then may hold it again; when a newer request of the same node waits;
 * and when it has waited for long enough, too many others do, or the server stops. */
enum hold_end { HOLD_CHANGED, HOLD_SUPERSEDED, HOLD_OVER };
typedef enum exchange_verdict hold_then(struct exchange *x, void *state, enum hold_end end);
struct hold;
/* `ask` and `state` live as long as the exchange. */
struct hold *hold_new(struct exchange *x, struct core *c, const struct cluster_change *ask,
                      hold_then *then, void *state);
enum exchange_verdict hold_wait(struct exchange *x, struct hold *h);
/* What it was let go for is in the store: the next one may go. NULL is fine. */
void hold_passed(struct hold *h);
/* For core_free. */
void holds_end(struct core *c);
/* How many nodes wait for that cluster now. */
uint32_t hold_count(const struct core *c, struct str cluster);

/* --- What nodes and boot programs ask for ---------------------------------------------------- */

#define REPORT_MAX_BYTES                                                     \
    (4 * 1024 * 1024) /* an installer's carries its logs, which are not kept \
                       */
#define PHONE_HOME_MAX_BYTES (64 * 1024)

enum exchange_verdict boot_answer(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict script_ipxe(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict script_grub(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict asset_answer(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict node_report(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict node_installer_report(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict node_phone_home(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict bootstrap_ask(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict bootstrap_cluster(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict bootstrap_result(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict ca_answer(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict page_answer(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict page_sign_in(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict page_show_session(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict page_sign_out(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict page_make_code(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict page_relay(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict page_moved(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict health_alive(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict health_ready(struct exchange *x, struct request_ctx *rq);

/* Read a body. They return NULL, or one line that says what is wrong. Texts live in the arena. */
const char *node_reports_read_report(struct str body, struct arena *a, struct report *ret);
const char *node_reports_read_phone_home(struct str body, struct arena *a, struct phone_home *ret);

/* Whether a path of the node listener is one of bootstrap's three, known or not. */
bool bootstrap_is_path(struct str path);
/* Fills in what a CLUSTER_ASK of the node says of its cluster. */
void bootstrap_question(struct exchange *x, const struct node *n, struct cluster_change *ret);
/* A ServiceAccount's token, as the cluster's record keeps it. */
struct cluster_token bootstrap_seal(struct exchange *x, const struct core *c, struct str cluster,
                                    const char *account, const struct bootstrap_token *t);
/* Refuses what never reached these functions, in the words of docs/formats/bootstrap.md. */
void bootstrap_refuse(struct exchange *x, int status, const char *reason);

/* The URL of a node's files, by that key. */
struct str boot_seed_url(struct exchange *x, struct str key);
/* Answers 500; the log gets the place in the template. */
void boot_render_failed(struct exchange *x, const struct template_fault *f);
/* Reports a fetch by weak evidence, or by a key (EVIDENCE_COUNT), to the fleet. The answer does not
 * wait for the write. `placeholder_uuid`: what the machine reported
 * that did not count; empty: nothing. */
void boot_tell_fleet(struct exchange *x, const struct request_ctx *rq, const struct node *n,
                     enum evidence evidence, struct str placeholder_uuid);
/* Raises an alarm: a machine has part of what identifies the node. */
void boot_tell_mismatch(struct exchange *x, const struct request_ctx *rq, const struct node *n,
                        struct str mismatch);

/* ca.c: no CA is known. For core_new. */
void ca_forget(struct core *c);

/* --- What admins ask for (docs/formats/api.md) ----------------------------------------------- */

#define ADMIN_BODY_MAX_BYTES (256 * 1024)

enum exchange_verdict admin_list_nodes(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_node(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_list_documents(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_document(struct exchange *x, struct request_ctx *rq);
/* The document with where each part of it comes from: not on the loop, as it may take long. */
enum exchange_verdict admin_trace_document(struct exchange *x, struct request_ctx *rq,
                                           const struct node *n, struct document d);
enum exchange_verdict admin_create_node(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_change_node(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_delete_node(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_rekey_node(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_arm(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_disarm(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_unlock(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_reprovision(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_accept_keys(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_set_vm(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_lose_vm(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_bury_vm(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_forget_vm(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_list_targets(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_list_clusters(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_cluster(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_cluster_certs(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_reset_cluster(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_harden_cluster(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_adopt_cluster(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_list_discovered(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_list_events(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_list_audit(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_self(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_list_tokens(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_create_token(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_revoke_token(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_metrics(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_server(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_openapi(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_reload(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_backup(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_acknowledge(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_ca(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_renew_ca(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_rotate_ca(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_join(struct exchange *x, struct request_ctx *rq);
enum exchange_verdict admin_show_serial(struct exchange *x, struct request_ctx *rq);

/* One of `?name=value` of a request. */
struct admin_param {
    const char *name;
    struct str value; /* p == NULL: not given */
};
/* Fills the values in; false after a refusal, also for a name that is not listed. */
bool admin_params(struct exchange *x, struct admin_param *list, size_t n);
/* Whether it is the name of a state; false after a refusal. */
bool admin_state(struct exchange *x, struct str name);
/* A number of a parameter between min and max, `fallback` where it is not given. */
bool admin_number(struct exchange *x, const struct admin_param *p, uint64_t min, uint64_t max,
                  uint64_t fallback, uint64_t *ret);
/* Whether the body is said to be JSON; false after a refusal. */
bool admin_json(struct exchange *x);
/* The body as a JSON object with no other members than these (NULL behind the last; NULL: none at
 * all); an empty body is an empty object. False after a refusal. */
bool admin_body(struct exchange *x, const char *const *members, struct value *ret);

/* 404: "there is no such node: 'x'; did you mean 'y'?" */
struct guess;
void admin_refuse_name(struct exchange *x, const char *what, struct str name, struct guess *g);
/* The node of the path, NULL after a refusal. */
const struct node *admin_node(struct exchange *x, const struct request_ctx *rq);
/* Whether If-Match, where it is given, still holds; else it is refused. */
bool admin_matches(struct exchange *x, const struct request_ctx *rq, const struct node *n);
/* NODE of docs/formats/api.md. */
struct value admin_node_value(struct exchange *x, const struct request_ctx *rq,
                              const struct node *n);
/* "uid 0" or "token ci", and from where: of a change, for its event. */
struct str admin_cause(struct exchange *x);
struct str admin_peer(struct exchange *x);
/* Whether the keys of nodes may be shown to the one who asks. */
bool admin_sees_keys(const struct exchange *x);
struct value admin_text_or_none(struct str s);

/* admin_define.c: reads a registered node's definition; an empty map if it cannot be read. */
struct value definition_read(struct str json, struct arena *a);
/* The map with `key` set to `v`. */
struct value definition_with(struct value old, struct str key, struct value v, struct arena *a);
/* For core_free: the fleet must not wake it any more. */
void definitions_stop(struct core *c);

#endif
