/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/cluster_record.h"

#include "base/json.h"
#include "fleet/fields.h"
#include "model/node.h"

#include <errno.h>

#define VERSION 1

const char *const cluster_phase_names[] = {"none", "init", "standing", "unconfirmed", NULL};

void cluster_record_init(struct cluster_record *r)
{
    *r = (struct cluster_record){.epoch = CLUSTER_FIRST_EPOCH};
}

static struct value boot_value(const struct cluster_boot *b, struct arena *a)
{
    struct fields m = {.n = 0};
    fields_put(&m, STR("uid"), value_str(b->uid));
    fields_text(&m, STR("name"), b->name);
    fields_put(&m, STR("generation"), value_int(b->generation));
    fields_text(&m, STR("claim"), b->claim);
    fields_text(&m, STR("machine"), b->machine);
    return fields_value(&m, a);
}

static struct value token_value(const struct cluster_token *t, struct arena *a)
{
    struct fields m = {.n = 0};
    fields_put(&m, STR("sealed"), value_str(t->sealed));
    fields_put(&m, STR("expires_ms"), value_int(t->expires_wall_ms));
    fields_count(&m, STR("made_ms"), t->made_wall_ms > 0 ? (uint64_t)t->made_wall_ms : 0);
    fields_flag(&m, STR("late"), t->is_late);
    return fields_value(&m, a);
}

struct value cluster_record_value(const struct cluster_record *r, struct arena *a)
{
    struct fields m = {.n = 0};
    fields_put(&m, STR("v"), value_int(VERSION));
    fields_put(&m, STR("phase"), value_str(str_from(cluster_phase_names[r->phase])));
    fields_put(&m, STR("since_ms"), value_int(r->since_wall_ms));
    fields_put(&m, STR("epoch"), value_int(r->epoch));
    if (r->holder.uid.n)
        fields_put(&m, STR("holder"), boot_value(&r->holder, a));
    fields_text(&m, STR("endpoint"), r->endpoint);
    fields_text(&m, STR("ca"), r->ca);
    if (r->minter.sealed.n)
        fields_put(&m, STR("minter"), token_value(&r->minter, a));
    if (r->approver.sealed.n)
        fields_put(&m, STR("approver"), token_value(&r->approver, a));
    fields_text(&m, STR("version"), r->version);
    fields_count(&m, STR("init_ends_ms"), (uint64_t)r->init_ends_wall_ms);
    if (r->certificate.sealed.n)
        fields_put(&m, STR("certificate"), token_value(&r->certificate, a));
    if (r->turn.uid.n)
        fields_put(&m, STR("turn"), boot_value(&r->turn, a));
    fields_flag(&m, STR("turn_stuck"), r->turn_stuck);
    fields_flag(&m, STR("autoapproves"), r->autoapproves);
    fields_flag(&m, STR("returning"), r->returning);
    fields_count(&m, STR("told_end_ms"), (uint64_t)r->told_end_wall_ms);
    fields_text(&m, STR("told_requests"), r->told_requests);
    fields_flag(&m, STR("clock_is_off"), r->clock_is_off);
    return fields_value(&m, a);
}

static struct cluster_boot read_boot(struct fields_reader *rd, const char *key)
{
    struct fields_reader in = fields_get_map(rd, key);
    if (in.map.kind != VALUE_MAP)
        return (struct cluster_boot){.uid = STR("")};
    struct cluster_boot b = {
        .uid = fields_get_text(&in, "uid"),
        .name = fields_get_text(&in, "name"),
        .generation =
            (uint32_t)fields_get_int(&in, "generation", NODE_FIRST_GENERATION, UINT32_MAX),
        .claim = fields_get_text(&in, "claim"),
        .machine = fields_get_text(&in, "machine"),
    };
    if (!b.uid.n)
        in.wrong = key;
    fields_end_map(rd, &in);
    return b;
}

static struct cluster_token read_token(struct fields_reader *rd, const char *key)
{
    struct fields_reader in = fields_get_map(rd, key);
    if (in.map.kind != VALUE_MAP)
        return (struct cluster_token){.sealed = STR("")};
    struct cluster_token t = {
        .sealed = fields_get_text(&in, "sealed"),
        .expires_wall_ms =
            fields_get_int(&in, "expires_ms", -FIELDS_TIME_MAX_MS, FIELDS_TIME_MAX_MS),
        .made_wall_ms = fields_get_int(&in, "made_ms", 0, FIELDS_TIME_MAX_MS),
        .is_late = fields_get_flag(&in, "late"),
    };
    fields_end_map(rd, &in);
    return t;
}

int cluster_record_read(struct str json, struct arena *a, struct cluster_record *ret, struct err *e)
{
    struct fields_reader rd = {.wrong = NULL};
    int result = json_read(json, a, &rd.map, e);
    if (result < 0)
        return result;
    fields_get_int(&rd, "v", VERSION, VERSION);
    struct cluster_record r = {
        .phase = (enum cluster_phase)fields_get_name(&rd, "phase", cluster_phase_names),
        .since_wall_ms = fields_get_int(&rd, "since_ms", -FIELDS_TIME_MAX_MS, FIELDS_TIME_MAX_MS),
        .epoch = (uint32_t)fields_get_int(&rd, "epoch", CLUSTER_FIRST_EPOCH, UINT32_MAX),
        .holder = read_boot(&rd, "holder"),
        .endpoint = fields_get_text(&rd, "endpoint"),
        .ca = fields_get_text(&rd, "ca"),
        .minter = read_token(&rd, "minter"),
        .approver = read_token(&rd, "approver"),
        .version = fields_get_text(&rd, "version"),
        .init_ends_wall_ms = fields_get_int(&rd, "init_ends_ms", 0, FIELDS_TIME_MAX_MS),
        .certificate = read_token(&rd, "certificate"),
        .turn = read_boot(&rd, "turn"),
        .turn_stuck = fields_get_flag(&rd, "turn_stuck"),
        .autoapproves = fields_get_flag(&rd, "autoapproves"),
        .returning = fields_get_flag(&rd, "returning"),
        .told_end_wall_ms = fields_get_int(&rd, "told_end_ms", 0, FIELDS_TIME_MAX_MS),
        .told_requests = fields_get_text(&rd, "told_requests"),
        .clock_is_off = fields_get_flag(&rd, "clock_is_off"),
    };
    if (r.phase == CLUSTER_INIT && !r.holder.uid.n && !rd.wrong)
        rd.wrong = "holder";
    if (rd.wrong)
        return err_set(e, -EINVAL, "a cluster's record has no such '%s'", rd.wrong);
    *ret = r;
    return 0;
}

static void copy_boot(struct cluster_boot *b, struct arena *a)
{
    struct str *const texts[] = {&b->uid, &b->name, &b->claim, &b->machine};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = texts[i]->n ? arena_str(a, *texts[i]) : STR("");
}

void cluster_record_copy(const struct cluster_record *from, struct arena *a,
                         struct cluster_record *ret)
{
    *ret = *from;
    copy_boot(&ret->holder, a);
    copy_boot(&ret->turn, a);
    struct str *const texts[] = {
        &ret->endpoint,           &ret->ca,      &ret->minter.sealed, &ret->approver.sealed,
        &ret->certificate.sealed, &ret->version, &ret->told_requests};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = texts[i]->n ? arena_str(a, *texts[i]) : STR("");
}
