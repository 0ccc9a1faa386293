/* SPDX-License-Identifier: Apache-2.0 */
/* The records of tokens: written one after the other with what else changes of their node, and
 * forgotten together with the window that they were for. */
#include "base/mem.h"
#include "fleet/internal.h"

#include <stdlib.h>

/* One that cannot be read counts as never written: another token is made. */
static bool current(const struct member *m, struct arena *a, struct mint_record *ret)
{
    return m && m->mint.bytes &&
           mint_record_read((struct str){m->mint.bytes, m->mint.n}, a, ret, NULL) == 0;
}

bool fleet_minted(const struct fleet *f, struct str uid, struct arena *a, struct mint_record *ret)
{
    const struct member *m = member_find(f, uid);
    return current(m, a, ret) && member_is_claimed(m, ret->claim, a);
}

struct slot_ref fleet_mint(struct fleet *f, struct str uid, const struct mint_change *c,
                           struct waiter w)
{
    struct op *op = op_new(f, OP_MINT, member_get(f, uid), w);
    struct slot_ref ticket = op->ticket;
    struct arena *a = &op->arena;
    op->mint_change = *c;
    struct str *const texts[] = {&op->mint_change.claim,    &op->mint_change.cluster,
                                 &op->mint_change.token.id, &op->mint_change.token.sealed,
                                 &op->mint_change.taken,    &op->mint_change.reason};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = arena_str(a, *texts[i]);
    op_begin(f, op);
    return ticket;
}

void mint_run(struct fleet *f, struct op *op)
{
    struct member *m = op->member;
    struct arena *a = &op->arena;
    struct mint_record now;
    struct mint_result out;
    struct record r;
    if (m->deleted) {
        op_end(op, FLEET_DONE, 404, "there is no such node");
        return;
    }
    f->host.now(f->host.cls, &op->change.at);
    member_record(m, a, &r);
    if (!member_is_claimed(m, op->mint_change.claim, a)) {
        op_end(op, FLEET_DONE, 409, OP_SUPERSEDED);
        return;
    }
    mint_apply(current(m, a, &now) ? &now : NULL, &op->mint_change, op->change.at.wall_ms, a, &out);
    op->result.status = out.status;
    op->result.revision = m->mint.revision;
    if (!out.writes) {
        op_end(op, FLEET_DONE, out.status,
               out.status == 200 ? NULL : "another token was made meanwhile");
        return;
    }
    op->json = op_json(op, mint_record_value(&out.record, a));
    op->name = arena_str(a, r.name);
    op->change.cause = op->mint_change.kind == MINT_INTEND ? STR("node") : STR("cluster");
    op->change.peer = STR("");
    op_make_events(op, &out.event, 1);
    const struct store_write list[] = {
        {STORE_PUT, KIND_MINT, str_from(m->uid), m->mint.revision, op->json},
        /* The window is not closed meanwhile. */
        {STORE_CHECK, KIND_STATE, str_from(m->uid), m->state.revision, STR("")},
    };
    op_commit(f, op, list, 2);
}

bool mint_was_given(const struct member *m, const struct record *r, struct arena *a)
{
    struct mint_record mint;
    return current(m, a, &mint) && mint.phase == MINT_PHASE_SIGNED &&
           str_eq(mint.claim, r->window.claim);
}

bool mint_is_over(const struct member *m, const struct record *next, struct arena *a)
{
    struct mint_record mint;
    if (!m->mint.bytes)
        return false;
    return !next->has_window || !current(m, a, &mint) || !str_eq(next->window.claim, mint.claim);
}

/* --- Those that have a token made ------------------------------------------------------------ */

void fleet_watch_mint(struct fleet *f, struct str uid, struct str cluster, struct waiter w)
{
    f->mint_watches = mem_grow(f->mint_watches, f->mint_watches_n, &f->mint_watches_room,
                               sizeof(*f->mint_watches));
    f->mint_watches[f->mint_watches_n++] =
        (struct mint_watch){member_get(f, uid), cluster_get(f, cluster), w};
}

static void unwatch(struct fleet *f, uint32_t i)
{
    f->mint_watches[i] = f->mint_watches[--f->mint_watches_n];
}

void fleet_unwatch_mint(struct fleet *f, struct waiter w)
{
    for (uint32_t i = 0; i < f->mint_watches_n; i++) {
        if (waiter_same(f->mint_watches[i].waiter, w)) {
            unwatch(f, i);
            return;
        }
    }
}

/* Of the member or of the cluster. Those that are woken may watch again. */
static void wake(struct fleet *f, const struct member *m, const struct cluster *c)
{
    for (uint32_t i = 0; !f->stopped && i < f->mint_watches_n;) {
        const struct mint_watch watch = f->mint_watches[i];
        if (watch.member != m && watch.cluster != c) {
            i++;
            continue;
        }
        unwatch(f, i);
        waiter_wake(watch.waiter);
        i = 0;
    }
}

void mint_forget(struct fleet *f, struct member *m)
{
    kept_unset(&m->mint);
    wake(f, m, NULL);
}

void mints_on_epoch(struct fleet *f, const struct cluster *c)
{
    wake(f, NULL, c);
}

void mints_done(struct fleet *f)
{
    free(f->mint_watches);
}
