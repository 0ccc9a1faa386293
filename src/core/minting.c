/* SPDX-License-Identifier: Apache-2.0 */
#include "core/minting.h"

#include "base/hash.h"
#include "base/mem.h"
#include "core/internal.h"
#include "crypto/keys.h"
#include "crypto/token.h"

#include <stdlib.h>
#include <string.h>

/* Chains of mints by the node's uid: there are some thousands at most. */
#define CHAINS 1024

struct asking;

struct minting {
    TAILQ_ENTRY(minting) entry;
    LIST_ENTRY(minting) link;
    struct slot_ref slot;
    char *uid, *id, *claim, *cluster;
    uint32_t epoch;
    struct mint *mint;
    struct asking *asking; /* the newest request that waits for it; NULL: none does */
};

struct mintings {
    struct fleet *fleet;
    const struct sealer *sealer;
    const struct mint_port *port;
    struct slots slots;
    TAILQ_HEAD(, minting) list;
    LIST_HEAD(, minting) chains[CHAINS];
    bool draining;
};

struct asking {
    struct mintings *all;
    struct minting_request q;
    minting_then *then;
    void *state;
    struct waiter waiter;
    bool superseded; /* by a newer request of the same node */
    struct cluster_record cluster;
    struct str offered, taken; /* ids */
    struct mint_record record;
    struct str token;
    uint64_t began; /* in heartbeats */
};

/* --- The mints ------------------------------------------------------------------------------- */

struct mintings *mintings_new(struct fleet *f, const struct sealer *s, const struct mint_port *port)
{
    struct mintings *all = MEM_NEW(struct mintings);
    all->fleet = f;
    all->sealer = s;
    all->port = port;
    TAILQ_INIT(&all->list);
    return all;
}

void mintings_drain(struct mintings *all)
{
    all->draining = true;
}

uint32_t mintings_count(const struct mintings *all)
{
    const struct minting *m;
    uint32_t n = 0;
    TAILQ_FOREACH(m, &all->list, entry)
    n += m->mint->outcome == MINT_PENDING;
    return n;
}

static struct minting *find(const struct mintings *all, struct str uid)
{
    struct minting *m;
    LIST_FOREACH(m, &all->chains[hash64(uid) % CHAINS], link)
    {
        if (str_is(uid, m->uid))
            break;
    }
    return m;
}

static void on_end(void *cls, struct slot_ref ref);

static struct waiter end_waiter(struct mintings *all, const struct minting *m)
{
    return (struct waiter){{on_end, all}, m->slot};
}

/* The request that waits for it looks again, and finds none or another one. */
static void drop(struct mintings *all, struct minting *m)
{
    struct waiter waiter = m->asking ? m->asking->waiter : (struct waiter){0};
    fleet_unwatch_mint(all->fleet, end_waiter(all, m));
    mint_end(m->mint);
    TAILQ_REMOVE(&all->list, m, entry);
    LIST_REMOVE(m, link);
    slots_remove(&all->slots, m->slot);
    free(m->uid);
    free(m->id);
    free(m->claim);
    free(m->cluster);
    free(m);
    waiter_wake(waiter);
}

/* Nobody can join by it any more. */
static void on_end(void *cls, struct slot_ref ref)
{
    struct mintings *all = cls;
    struct minting *m = slots_find(&all->slots, ref);
    if (m)
        drop(all, m);
}

void mintings_free(struct mintings *all)
{
    struct minting *m;
    if (!all)
        return;
    while ((m = TAILQ_FIRST(&all->list)))
        drop(all, m);
    slots_done(&all->slots);
    free(all);
}

/* Admins see why it is not there yet, though no node may be waiting at the moment. */
static void tell(const struct mintings *all, const struct minting *m)
{
    const struct mint_change c = {
        .kind = MINT_TELL,
        .claim = str_from(m->claim),
        .cluster = str_from(m->cluster),
        .epoch = m->epoch,
        .token = {str_from(m->id), STR("")},
        .taken = STR(""),
        .reason = str_from(m->mint->err.msg),
    };
    fleet_forget(all->fleet, fleet_mint(all->fleet, str_from(m->uid), &c, (struct waiter){0}));
}

static void on_news(void *cls, struct slot_ref ref)
{
    struct mintings *all = cls;
    struct minting *m = slots_find(&all->slots, ref);
    if (m && m->mint->err.msg[0])
        tell(all, m);
    if (m && m->mint->outcome != MINT_PENDING && m->asking)
        waiter_wake(m->asking->waiter);
}

/* --- A request ------------------------------------------------------------------------------- */

static enum exchange_verdict offer(struct exchange *x, struct asking *a);
static enum exchange_verdict look(struct exchange *x, void *state);

static enum exchange_verdict give_up(struct exchange *x, struct asking *a, enum minting_end end,
                                     const char *reason)
{
    const struct minting_result result = {.end = end,
                                          .reason = arena_str(&x->arena, str_from(reason))};
    return a->then(x, a->state, &result);
}

static enum exchange_verdict give_up_skew(struct exchange *x, struct asking *a,
                                          struct kubeversion version)
{
    const struct minting_result result = {.end = MINTING_SKEW, .version = version};
    return a->then(x, a->state, &result);
}

static enum exchange_verdict begin_again(struct exchange *x, struct asking *a)
{
    const struct minting_result result = {.end = MINTING_AGAIN};
    return a->then(x, a->state, &result);
}

static enum exchange_verdict give(struct exchange *x, struct asking *a)
{
    const struct minting_result result = {
        .end = MINTING_GOOD, .token = a->token, .end_wall_ms = a->record.end_wall_ms};
    return a->then(x, a->state, &result);
}

static bool is_written(const struct fleet_result *result)
{
    return result->answer == FLEET_DONE && result->status == 200;
}

static enum exchange_verdict on_unwritten(struct exchange *x, struct asking *a,
                                          const struct fleet_result *result)
{
    if (result->answer == FLEET_DONE)
        return begin_again(x, a);
    return give_up(x, a, MINTING_BUSY, result->reason);
}

/* The token is given away only as what was written: the boot gets the same one again. */
static enum exchange_verdict on_confirmed(struct exchange *x, void *state,
                                          const struct fleet_result *result)
{
    struct asking *a = state;
    struct minting *m = find(a->all, a->q.uid);
    if (!is_written(result))
        return on_unwritten(x, a, result);
    if (m && str_is(a->record.token.id, m->id))
        drop(a->all, m); /* others find it in the record */
    return give(x, a);
}

static enum exchange_verdict confirm(struct exchange *x, struct asking *a);

static enum exchange_verdict on_learned(struct exchange *x, void *state,
                                        const struct fleet_result *result)
{
    struct asking *a = state;
    if (!is_written(result))
        return give_up(x, a, MINTING_BUSY, result->reason);
    return confirm(x, a);
}

/* The node's documents are made for the version that its cluster runs, and whenever it asks again,
 * too: it is written before the token can be given away. */
static enum exchange_verdict learn(struct exchange *x, struct asking *a, struct kubeversion version)
{
    char text[KUBEVERSION_TEXT_SIZE];
    struct fleet *f = a->all->fleet;
    const struct cluster_change c = {
        .kind = CLUSTER_SEEN,
        .cluster = a->q.cluster,
        .cause = STR("cluster"),
        .peer = STR(""),
        .seen = {a->cluster.epoch, str_from(kubeversion_text(version, text))},
    };
    return await_fleet(x, f, fleet_cluster_change(f, &c, x->waiter), on_learned, a);
}

static enum exchange_verdict confirm(struct exchange *x, struct asking *a)
{
    const struct mint_change c = {
        .kind = MINT_CONFIRM,
        .claim = a->q.claim,
        .cluster = a->q.cluster,
        .epoch = a->cluster.epoch,
        .token = a->record.token,
        .taken = STR(""),
    };
    return await_fleet(x, a->all->fleet, fleet_mint(a->all->fleet, a->q.uid, &c, x->waiter),
                       on_confirmed, a);
}

static void leave(struct exchange *x, void *state)
{
    struct asking *a = state;
    struct minting *m = find(a->all, a->q.uid);
    fleet_unwatch_clusters(a->all->fleet, x->waiter);
    if (m && m->asking == a)
        m->asking = NULL;
}

/* The node has given up an older request. */
static enum exchange_verdict wait_for(struct exchange *x, struct asking *a, struct minting *m)
{
    struct asking *older = m->asking;
    m->asking = a;
    fleet_watch_clusters(a->all->fleet, x->waiter); /* heartbeats */
    if (older) {
        older->superseded = true;
        waiter_wake(older->waiter);
    }
    return exchange_hold(x, look, a);
}

static enum exchange_verdict look(struct exchange *x, void *state)
{
    struct asking *a = state;
    struct minting *m = find(a->all, a->q.uid);
    leave(x, a);
    if (a->superseded)
        return give_up(x, a, MINTING_BUSY,
                       arena_printf(&x->arena,
                                    "another request of %.*s came later, and waits instead",
                                    STR_ARG(a->q.name))
                           .p);
    if (!m || !str_is(a->record.token.id, m->id))
        return begin_again(x, a);
    const struct mint *mint = m->mint;
    switch (mint->outcome) {
    case MINT_SIGNED: return learn(x, a, mint->version);
    case MINT_SKEW: return give_up_skew(x, a, mint->version);
    case MINT_TAKEN: a->taken = a->record.token.id; return offer(x, a);
    case MINT_REFUSED:
    case MINT_LATE: return give_up(x, a, MINTING_API, mint->err.msg);
    case MINT_PENDING: break;
    }
    if (a->all->draining || fleet_beats(a->all->fleet) - a->began >= a->q.beats)
        return give_up(x, a, mint->fate == MINT_PRESENT ? MINTING_TOKEN : MINTING_API,
                       mint->err.msg[0] ? mint->err.msg : "the API server has not answered yet");
    return wait_for(x, a, m);
}

static int begin(struct exchange *x, struct asking *a, struct err *e)
{
    struct mintings *all = a->all;
    struct minting *m = MEM_NEW(struct minting);
    struct str purpose = keys_cluster_purpose(a->q.cluster, STR("minter"), &x->arena), bearer;
    if (!sealer_unseal(all->sealer, purpose, a->cluster.minter.sealed, &x->arena, &bearer))
        bearer = STR("");
    m->slot = slots_put(&all->slots, m);
    const struct mint_intent intent = {
        .endpoint = a->cluster.endpoint,
        .ca = a->cluster.ca,
        .bearer = bearer,
        .token = a->token,
        .description = ARENA_JOIN(&x->arena, STR("cloudseed: "), a->q.name),
        .end_wall_ms = a->record.end_wall_ms,
        .kubeadm = a->q.kubeadm,
        .fate = str_eq(a->record.token.id, a->offered) ? MINT_ABSENT : MINT_UNKNOWN,
        .within_ms = (uint32_t)MINT_LENGTH_MS,
        .waiter = {{on_news, all}, m->slot},
    };
    int status = mint_begin(all->port, &intent, &m->mint, e);
    if (status < 0) {
        slots_remove(&all->slots, m->slot);
        free(m);
        return status;
    }
    m->uid = mem_copy(a->q.uid.p, a->q.uid.n);
    m->id = mem_copy(a->record.token.id.p, a->record.token.id.n);
    m->claim = mem_copy(a->q.claim.p, a->q.claim.n);
    m->cluster = mem_copy(a->q.cluster.p, a->q.cluster.n);
    m->epoch = a->record.epoch;
    TAILQ_INSERT_TAIL(&all->list, m, entry);
    LIST_INSERT_HEAD(&all->chains[hash64(a->q.uid) % CHAINS], m, link);
    fleet_watch_mint(all->fleet, a->q.uid, a->q.cluster, end_waiter(all, m));
    return 0;
}

/* Its outcome is no reason not to ask again: an admin may have done something. */
static bool is_over(const struct minting *m, struct str id)
{
    enum mint_outcome o = m->mint->outcome;
    return !str_is(id, m->id) || o == MINT_REFUSED || o == MINT_SKEW || o == MINT_LATE;
}

static enum exchange_verdict on_intended(struct exchange *x, void *state,
                                         const struct fleet_result *result)
{
    struct asking *a = state;
    struct mintings *all = a->all;
    struct err e;
    hold_passed(a->q.hold);
    if (!is_written(result))
        return on_unwritten(x, a, result);
    if (!fleet_minted(all->fleet, a->q.uid, &x->arena, &a->record))
        return begin_again(x, a);
    if (!sealer_unseal(all->sealer, keys_token_purpose(a->q.uid, &x->arena), a->record.token.sealed,
                       &x->arena, &a->token)) {
        a->taken = a->record.token.id; /* this server has another key now */
        return offer(x, a);
    }
    if (a->record.phase == MINT_PHASE_SIGNED)
        return give(x, a);
    struct minting *m = find(all, a->q.uid);
    if (m && is_over(m, a->record.token.id)) {
        drop(all, m);
        m = NULL;
    }
    if (!m && begin(x, a, &e) < 0)
        return give_up(x, a, MINTING_API, e.msg);
    return look(x, a);
}

static enum exchange_verdict offer(struct exchange *x, struct asking *a)
{
    char token[TOKEN_LEN + 1];
    struct fleet *f = a->all->fleet;
    fleet_cluster(f, a->q.cluster, &x->arena, &a->cluster);
    if (a->cluster.phase != CLUSTER_STANDING)
        return begin_again(x, a);
    token_new(token);
    struct str text = {token, TOKEN_LEN};
    a->offered = arena_str(&x->arena, token_id(text));
    const struct mint_change c = {
        .kind = MINT_INTEND,
        .claim = a->q.claim,
        .cluster = a->q.cluster,
        .epoch = a->cluster.epoch,
        .token = {a->offered, sealer_seal(a->all->sealer, keys_token_purpose(a->q.uid, &x->arena),
                                          text, &x->arena)},
        .taken = a->taken,
    };
    explicit_bzero(token, sizeof(token));
    return await_fleet(x, f, fleet_mint(f, a->q.uid, &c, x->waiter), on_intended, a);
}

enum exchange_verdict minting_await(struct exchange *x, struct mintings *all,
                                    const struct minting_request *q, minting_then *then,
                                    void *state)
{
    struct asking *a = ARENA_NEW(&x->arena, struct asking);
    *a = (struct asking){
        .all = all, .q = *q, .then = then, .state = state, .waiter = x->waiter, .taken = STR("")};
    a->began = fleet_beats(all->fleet);
    exchange_at_end(x, leave, a);
    return offer(x, a);
}
