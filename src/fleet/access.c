/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/internal.h"

#include "base/json.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/keys.h"
#include "fleet/fields.h"
#include "model/node.h"

#include <errno.h>
#include <stdlib.h>

#define VERSION 1
#define ARENA_BYTES 512
/* The time of its last use is written this often at most; after a failure it is tried again. */
#define NOTE_MS (5 * 60 * 1000)
#define NOTE_AGAIN_MS (60 * 1000)

/* --- The record ------------------------------------------------------------------------------ */

bool access_token_is_valid(const struct access_token *t, int64_t now_wall_ms)
{
    return !t->ends_wall_ms || (now_wall_ms >= t->created_wall_ms && now_wall_ms < t->ends_wall_ms);
}

struct value access_token_value(const struct access_token *t, struct arena *a)
{
    struct fields m = {.n = 0};
    fields_put(&m, STR("v"), value_int(VERSION));
    fields_text(&m, STR("name"), t->name);
    fields_text(&m, STR("role"), str_from(access_names[t->access]));
    fields_text(&m, STR("digest"), t->digest);
    fields_count(&m, STR("created_ms"), (uint64_t)t->created_wall_ms);
    fields_text(&m, STR("by"), t->by);
    fields_count(&m, STR("ends_ms"), (uint64_t)t->ends_wall_ms);
    fields_count(&m, STR("used_ms"), (uint64_t)t->used_wall_ms);
    fields_text(&m, STR("used_from"), t->used_from);
    return fields_value(&m, a);
}

int access_token_read(struct str json, struct arena *a, struct access_token *ret, struct err *e)
{
    struct fields_reader rd = {.wrong = NULL};
    int r = json_read(json, a, &rd.map, e);
    if (r < 0)
        return -EINVAL;
    struct access_token t = {
        .name = fields_get_text(&rd, "name"),
        .digest = fields_get_text(&rd, "digest"),
        .by = fields_get_text(&rd, "by"),
        .access = (enum access)fields_get_name(&rd, "role", access_names),
        .created_wall_ms = fields_get_int(&rd, "created_ms", 0, FIELDS_TIME_MAX_MS),
        .ends_wall_ms = fields_get_int(&rd, "ends_ms", 0, FIELDS_TIME_MAX_MS),
        .used_wall_ms = fields_get_int(&rd, "used_ms", 0, FIELDS_TIME_MAX_MS),
        .used_from = fields_get_text(&rd, "used_from"),
    };
    fields_get_int(&rd, "v", VERSION, VERSION);
    if (!rd.wrong && !node_name_valid(t.name))
        rd.wrong = "name";
    if (!rd.wrong && !digest_text_valid(t.digest))
        rd.wrong = "digest";
    if (rd.wrong)
        return err_set(e, -EINVAL, "a token's record: '%s' is missing or wrong", rd.wrong);
    *ret = t;
    return 0;
}

struct event access_event(const char *kind, const struct access_token *t, struct arena *a)
{
    const struct value_pair data[] = {
        JSON_STR("name", t->name),
        JSON_STR("role", str_from(access_names[t->access])),
    };
    return (struct event){kind, value_copy(a, value_map(data, 2))};
}

/* --- What the store has ---------------------------------------------------------------------- */

struct access_kept {
    struct arena arena; /* of the texts */
    struct access_token token;
    uint64_t revision;
    uint32_t round;         /* of the store's feed that named it last */
    uint64_t noted_boot_ms; /* when its last use was written, or that was tried; 0: never */
};

bool access_is(struct str kind)
{
    return str_eq(kind, KIND_ACCESS);
}

static struct access_kept *find(const struct fleet *f, struct str name)
{
    for (uint32_t i = 0; i < f->access_n; i++) {
        if (str_eq(f->access[i]->token.name, name))
            return f->access[i];
    }
    return NULL;
}

static void forget(struct fleet *f, struct access_kept *k)
{
    uint32_t i = 0;
    while (f->access[i] != k)
        i++;
    memmove(f->access + i, f->access + i + 1, (--f->access_n - i) * sizeof(struct access_kept *));
    arena_done(&k->arena);
    free(k);
}

/* One that cannot be read opens nothing. */
void access_keep(struct fleet *f, const struct store_record *record)
{
    struct access_kept *k = MEM_NEW(struct access_kept), *old = find(f, record->key);
    arena_init(&k->arena, ARENA_BYTES);
    k->revision = record->revision;
    k->round = f->round;
    k->noted_boot_ms = old ? old->noted_boot_ms : 0;
    bool ok = access_token_read(record->bytes, &k->arena, &k->token, NULL) == 0 &&
              str_eq(k->token.name, record->key);
    if (old)
        forget(f, old);
    f->access = mem_grow(f->access, f->access_n, &f->access_room, sizeof(struct access_kept *));
    f->access[f->access_n++] = k;
    if (!ok)
        forget(f, k);
}

void access_drop(struct fleet *f, const struct store_record *record)
{
    struct access_kept *k = find(f, record->key);
    if (k)
        forget(f, k);
}

void access_sweep(struct fleet *f)
{
    for (uint32_t i = f->access_n; i-- > 0;) {
        if (f->access[i]->round != f->round)
            forget(f, f->access[i]);
    }
}

void access_done(struct fleet *f)
{
    while (f->access_n)
        forget(f, f->access[0]);
    free(f->access);
}

/* --- What others see ------------------------------------------------------------------------- */

const struct access_token *fleet_access_at(const struct fleet *f, uint32_t i)
{
    return i < f->access_n ? &f->access[i]->token : NULL;
}

const struct access_token *fleet_access_named(const struct fleet *f, struct str name)
{
    const struct access_kept *k = find(f, name);
    return k ? &k->token : NULL;
}

/* Looks at all of them: the time says nothing of which one it is, or how much of it fits. */
const struct access_token *fleet_access_find(const struct fleet *f, struct str digest)
{
    const struct access_token *found = NULL;
    for (uint32_t i = 0; i < f->access_n; i++) {
        if (keys_same(f->access[i]->token.digest, digest))
            found = &f->access[i]->token;
    }
    return found;
}

/* --- Changes --------------------------------------------------------------------------------- */

static struct op *new_op(struct fleet *f, struct str name, const struct change *by, struct waiter w)
{
    struct op *op = op_new(f, OP_ACCESS, NULL, w);
    op->own = (struct own_record){KIND_ACCESS, arena_str(&op->arena, name), STR("")};
    op->name = STR(""); /* no node's */
    op->change.cause = arena_str(&op->arena, by->cause);
    op->change.peer = arena_str(&op->arena, by->peer);
    f->host.now(f->host.cls, &op->change.at);
    return op;
}

static struct slot_ref begin(struct fleet *f, struct op *op)
{
    struct slot_ref ticket = op->ticket;
    op_begin(f, op);
    return ticket;
}

struct slot_ref fleet_access_create(struct fleet *f, const struct access_token *t,
                                    const struct change *by, struct waiter w)
{
    struct op *op = new_op(f, t->name, by, w);
    op->expected = STORE_ABSENT;
    op->own.bytes = op_json(op, access_token_value(t, &op->arena));
    op->why = access_event("token-created", t, &op->arena);
    return begin(f, op);
}

struct slot_ref fleet_access_revoke(struct fleet *f, const struct access_token *t,
                                    const struct change *by, struct waiter w)
{
    struct op *op = new_op(f, t->name, by, w);
    op->expected = STORE_ANY;
    op->why = access_event("token-revoked", t, &op->arena);
    return begin(f, op);
}

/* Only over the record as it is: one that is revoked meanwhile must not come back. */
void fleet_access_used(struct fleet *f, struct str name, struct str from)
{
    static const struct change nobody = {.cause = {"", 0}, .peer = {"", 0}};
    struct access_kept *k = find(f, name);
    struct moment now;
    f->host.now(f->host.cls, &now);
    if (!k || (k->noted_boot_ms && now.boot_ms - k->noted_boot_ms < NOTE_AGAIN_MS))
        return;
    int64_t since = now.wall_ms - k->token.used_wall_ms;
    if (since >= 0 && since < NOTE_MS)
        return;
    struct access_token next = k->token;
    struct op *op = new_op(f, name, &nobody, (struct waiter){0});
    k->noted_boot_ms = now.boot_ms;
    next.used_wall_ms = now.wall_ms;
    next.used_from = from;
    op->expected = k->revision;
    op->own.bytes = op_json(op, access_token_value(&next, &op->arena));
    op->forgotten = true;
    op_begin(f, op);
}

void access_run(struct fleet *f, struct op *op)
{
    const struct store_write write = {op->own.bytes.n ? STORE_PUT : STORE_DELETE, KIND_ACCESS,
                                      op->own.key, op->expected, op->own.bytes};
    if (op->expected == STORE_ABSENT && f->access_n >= ACCESS_TOKENS_MAX) {
        op_end(op, FLEET_DONE, 409, "there are 256 tokens, which is the most: revoke one");
        return;
    }
    if (op->why.kind)
        op_make_events(op, &op->why, 1);
    op_commit(f, op, &write, 1);
}

void access_on_commit(struct fleet *f, struct op *op, uint64_t revision)
{
    const struct store_record record = {KIND_ACCESS, op->own.key, op->own.bytes, revision};
    if (op->own.bytes.n)
        access_keep(f, &record);
    else
        access_drop(f, &record);
}
