/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/mint.h"

#include "base/json.h"
#include "fleet/cluster.h"
#include "fleet/fields.h"

#include <errno.h>

#define VERSION 1

const char *const mint_phase_names[] = {"intended", "signed", NULL};

struct value mint_record_value(const struct mint_record *r, struct arena *a)
{
    struct fields m = {.n = 0};
    fields_put(&m, STR("v"), value_int(VERSION));
    fields_put(&m, STR("phase"), value_str(str_from(mint_phase_names[r->phase])));
    fields_put(&m, STR("claim"), value_str(r->claim));
    fields_put(&m, STR("cluster"), value_str(r->cluster));
    fields_put(&m, STR("epoch"), value_int(r->epoch));
    fields_put(&m, STR("id"), value_str(r->token.id));
    fields_put(&m, STR("sealed"), value_str(r->token.sealed));
    fields_put(&m, STR("end_ms"), value_int(r->end_wall_ms));
    fields_text(&m, STR("reason"), r->reason);
    return fields_value(&m, a);
}

static struct str get_needed(struct fields_reader *rd, const char *key)
{
    struct str text = fields_get_text(rd, key);
    if (!text.n && !rd->wrong)
        rd->wrong = key;
    return text;
}

int mint_record_read(struct str json, struct arena *a, struct mint_record *ret, struct err *e)
{
    struct fields_reader rd = {.wrong = NULL};
    int result = json_read(json, a, &rd.map, e);
    if (result < 0)
        return result;
    fields_get_int(&rd, "v", VERSION, VERSION);
    struct mint_record r = {
        .phase = (enum mint_phase)fields_get_name(&rd, "phase", mint_phase_names),
        .claim = get_needed(&rd, "claim"),
        .cluster = get_needed(&rd, "cluster"),
        .epoch = (uint32_t)fields_get_int(&rd, "epoch", CLUSTER_FIRST_EPOCH, UINT32_MAX),
        .token.id = get_needed(&rd, "id"),
        .token.sealed = get_needed(&rd, "sealed"),
        .end_wall_ms = fields_get_int(&rd, "end_ms", -FIELDS_TIME_MAX_MS, FIELDS_TIME_MAX_MS),
        .reason = fields_get_text(&rd, "reason"),
    };
    if (rd.wrong)
        return err_set(e, -EINVAL, "a token's record has no such '%s'", rd.wrong);
    *ret = r;
    return 0;
}

/* --- Deciding -------------------------------------------------------------------------------- */

/* Much more than its whole length is left where the clock was set back: nobody knows its end then.
 * Small corrections are no reason to make another one. */
static bool lives(const struct mint_record *r, int64_t wall_ms)
{
    int64_t left_ms = r->end_wall_ms - wall_ms;
    return left_ms >= MINT_LEFT_MS && left_ms <= MINT_LENGTH_MS + MINT_LEFT_MS;
}

static bool serves(const struct mint_record *r, const struct mint_change *c, int64_t wall_ms)
{
    return str_eq(r->claim, c->claim) && str_eq(r->cluster, c->cluster) && r->epoch == c->epoch &&
           !str_eq(r->token.id, c->taken) && lives(r, wall_ms);
}

static void write_with(struct mint_result *ret, const char *kind, struct arena *a)
{
    const struct mint_record *r = &ret->record;
    struct fields m = {.n = 0};
    fields_put(&m, STR("cluster"), value_str(r->cluster));
    fields_put(&m, STR("token"), value_str(r->token.id));
    fields_text(&m, STR("reason"), r->reason);
    ret->event = (struct event){kind, fields_value(&m, a)};
    ret->writes = true;
}

static void intend(const struct mint_record *r, const struct mint_change *c, int64_t wall_ms,
                   struct arena *a, struct mint_result *ret)
{
    if (r && serves(r, c, wall_ms)) {
        ret->record = *r;
        return;
    }
    ret->record = (struct mint_record){
        .phase = MINT_PHASE_INTENDED,
        .claim = c->claim,
        .cluster = c->cluster,
        .epoch = c->epoch,
        .token = c->token,
        .end_wall_ms = wall_ms + MINT_LENGTH_MS,
    };
    write_with(ret, "minting", a);
}

void mint_apply(const struct mint_record *r, const struct mint_change *c, int64_t wall_ms,
                struct arena *a, struct mint_result *ret)
{
    *ret = (struct mint_result){.status = 200};
    if (c->kind == MINT_INTEND) {
        intend(r, c, wall_ms, a, ret);
        return;
    }
    if (!r || !str_eq(r->token.id, c->token.id) || !str_eq(r->claim, c->claim)) {
        ret->status = 409;
        return;
    }
    ret->record = *r;
    if (r->phase == MINT_PHASE_SIGNED)
        return; /* what was told late is not true any more */
    ret->record.reason = c->kind == MINT_TELL ? c->reason : STR("");
    if (c->kind == MINT_CONFIRM) {
        ret->record.phase = MINT_PHASE_SIGNED;
        write_with(ret, "minted", a);
    } else if (!str_eq(r->reason, c->reason)) {
        write_with(ret, "mint-waits", a);
    }
}
