/* SPDX-License-Identifier: Apache-2.0 */
/* A state that was found older than it had been: kept as a record until an admin acknowledges it.
 */
#include "fleet/internal.h"

#include "base/json.h"

#define KIND_LOSS STR("loss")
#define KEY_LOSS STR("state")
#define LOSS_ARENA_BYTES 512

bool loss_is(struct str kind)
{
    return str_eq(kind, KIND_LOSS);
}

static uint64_t number(struct value v, const char *name)
{
    struct value n = value_get(v, str_from(name));
    return n.kind == VALUE_INT && n.i > 0 ? (uint64_t)n.i : 0;
}

/* A record that cannot be read is still a loss. */
void loss_keep(struct fleet *f, const struct store_record *record)
{
    struct value v = value_none();
    struct arena a;
    arena_init(&a, LOSS_ARENA_BYTES);
    if (json_read(record->bytes, &a, &v, NULL) < 0)
        v = value_none();
    f->loss = (struct fleet_loss){.found = number(v, "found"),
                                  .noted = number(v, "noted"),
                                  .at_ms = (int64_t)number(v, "at_ms")};
    f->has_loss = true;
    f->loss_round = f->round;
    arena_done(&a);
}

void loss_drop(struct fleet *f)
{
    f->has_loss = false;
}

void loss_sweep(struct fleet *f)
{
    if (f->loss_round != f->round)
        f->has_loss = false;
}

static struct op *loss_op(struct fleet *f, const char *event, const struct change *by,
                          struct waiter w)
{
    struct op *op = op_new(f, OP_LOSS, NULL, w);
    const struct value_pair data[] = {
        JSON_INT("found", (int64_t)f->loss.found),
        JSON_INT("noted", (int64_t)f->loss.noted),
    };
    op->why = (struct event){event, value_copy(&op->arena, value_map(data, 2))};
    op->own = (struct own_record){KIND_LOSS, KEY_LOSS, STR("")};
    op->name = STR(""); /* no node's */
    op->change.cause = arena_str(&op->arena, by->cause);
    op->change.peer = arena_str(&op->arena, by->peer);
    f->host.now(f->host.cls, &op->change.at);
    return op;
}

static struct str record_text(struct op *op, const struct fleet_loss *l)
{
    const struct value_pair pairs[] = {
        JSON_INT("v", 1),
        JSON_INT("found", (int64_t)l->found),
        JSON_INT("noted", (int64_t)l->noted),
        JSON_INT("at_ms", l->at_ms),
    };
    return op_json(op, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

void loss_begin(struct fleet *f)
{
    struct fleet_loss loss = {.found = f->revision, .noted = store_noted(f->store)};
    if (loss.noted <= loss.found)
        return;
    static const struct change start = {.cause = {"start", 5}, .peer = {"", 0}};
    f->has_loss = true;
    f->loss = loss;
    struct op *op = loss_op(f, "state-behind", &start, (struct waiter){0});
    f->loss.at_ms = op->change.at.wall_ms;
    op->own.bytes = record_text(op, &f->loss);
    op->forgotten = true;
    op_begin(f, op);
}

bool fleet_lost(const struct fleet *f, struct fleet_loss *ret)
{
    if (f->has_loss)
        *ret = f->loss;
    return f->has_loss;
}

struct slot_ref fleet_acknowledge(struct fleet *f, const struct change *by, struct waiter w)
{
    struct op *op = loss_op(f, "state-acknowledged", by, w);
    struct slot_ref ticket = op->ticket;
    op_begin(f, op);
    return ticket;
}
