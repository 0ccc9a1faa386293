/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_record: the record of a node, a cluster or a token as it may be found in the store: read,
 * lived on with, and written. */
#include "base/json.h"
#include "fleet/cluster.h"
#include "fleet/mint.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static void check_written(const struct record *r, struct arena *a)
{
    struct record again;
    struct buf b;
    buf_init(&b, 16 << 20);
    need(json_write(&b, record_value(r, a), false));
    need(record_read(buf_view(&b), a, &again, NULL) == 0);
    need(again.state == r->state && again.generation == r->generation);
    buf_done(&b);
}

static struct change change_of(enum change_kind kind)
{
    const struct str none = {"", 0};
    struct change c = {.kind = kind, .at = {5000, 5000, STR("b")}, .cause = STR("node")};
    c.peer = none;
    switch (kind) {
    case CHANGE_ARM:
    case CHANGE_REPROVISION: c.arm.join_key = c.arm.window_key = STR("1:aa"); break;
    case CHANGE_FETCH: c.fetch.file = c.fetch.evidence = STR("name"); break;
    case CHANGE_REPORT:
        c.report =
            (struct report){.name = STR("modules-final"), .type = STR("finish"), .duration_s = -1};
        c.report.description = none;
        break;
    case CHANGE_PHONE_HOME:
        c.phone_home.hostname = c.phone_home.fqdn = c.phone_home.instance_id = none;
        break;
    case CHANGE_CLAIM: c.claim = (struct claim){STR("1:aa"), STR("c")}; break;
    case CHANGE_RESULT:
        c.result =
            (struct join_result){{STR("1:aa"), STR("c")}, false, STR("s"), STR("r"), STR("l")};
        break;
    default: break;
    }
    return c;
}

static void check_cluster_written(const struct cluster_record *r, struct arena *a)
{
    struct cluster_record again;
    struct buf b;
    buf_init(&b, 16 << 20);
    need(json_write(&b, cluster_record_value(r, a), false));
    need(cluster_record_read(buf_view(&b), a, &again, NULL) == 0);
    need(again.phase == r->phase && again.epoch == r->epoch);
    need(str_eq(again.holder.uid, r->holder.uid) && str_eq(again.turn.uid, r->turn.uid));
    buf_done(&b);
}

static struct cluster_change cluster_change_of(enum cluster_change_kind kind,
                                               const struct cluster_master *master)
{
    struct cluster_change c = {
        .kind = kind, .cluster = STR("c"), .by = {STR("u"), STR("n"), 1, STR("claim"), STR("m")}};
    if (kind == CLUSTER_ASK) {
        c.ask.is_master = true;
        c.ask.masters = master;
        c.ask.masters_n = 1;
        c.ask.only = c.ask.certificate = STR("");
        c.ask.probe = CLUSTER_ABSENT;
    } else if (kind == CLUSTER_REPORT) {
        c.report.endpoint = c.report.declared = STR("https://e:1");
        c.report.ca = STR("ca");
        c.report.minter.sealed = c.report.approver.sealed = STR("1:aa");
    } else if (kind == CLUSTER_CERTS) {
        c.certificate = STR("1:aa");
    }
    return c;
}

static void fuzz_cluster(struct str json, struct arena *a)
{
    static const enum cluster_change_kind kinds[] = {CLUSTER_ASK,   CLUSTER_REPORT, CLUSTER_ASK,
                                                     CLUSTER_CERTS, CLUSTER_ASK,    CLUSTER_RESET};
    const struct cluster_master master = {STR("u"), STR("n"), STATE_FAILED, 1};
    struct cluster_record r;
    struct err e;
    int result = cluster_record_read(json, a, &r, &e);
    need(result == 0 || (e.code == result && e.msg[0]));
    for (size_t i = 0; result == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct cluster_outcome out;
        struct cluster_change c = cluster_change_of(kinds[i], &master);
        check_cluster_written(&r, a);
        cluster_apply(&r, &c, 5000, a, &out);
        need(out.status == 200 || out.decision.detail.n);
    }
}

static void check_mint_written(const struct mint_record *r, struct arena *a)
{
    struct mint_record again;
    struct buf b;
    buf_init(&b, 16 << 20);
    need(json_write(&b, mint_record_value(r, a), false));
    need(mint_record_read(buf_view(&b), a, &again, NULL) == 0);
    need(again.phase == r->phase && again.epoch == r->epoch && again.end_wall_ms == r->end_wall_ms);
    need(str_eq(again.token.id, r->token.id) && str_eq(again.claim, r->claim));
    buf_done(&b);
}

static void fuzz_mint(struct str json, struct arena *a)
{
    struct mint_record r;
    struct mint_result first, second;
    struct err e;
    int result = mint_record_read(json, a, &r, &e);
    need(result == 0 || (e.code == result && e.msg[0]));
    if (result < 0)
        return;
    check_mint_written(&r, a);
    struct mint_change c = {MINT_INTEND, r.claim,   r.cluster, r.epoch, {STR("i"), STR("1:aa")},
                            STR(""),     STR("why")};
    mint_apply(&r, &c, 5000, a, &first);
    need(first.status == 200);
    need(str_eq(first.record.token.id, first.writes ? c.token.id : r.token.id));
    check_mint_written(&first.record, a);
    c.token = first.record.token;
    for (c.kind = MINT_TELL; c.kind <= MINT_CONFIRM; c.kind++) {
        mint_apply(&first.record, &c, 5000, a, &second);
        need(second.status == 200);
        check_mint_written(&second.record, a);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct record r;
    struct err e;
    arena_init(&a, 4096);
    fuzz_cluster((struct str){(const char *)data, size}, &a);
    fuzz_mint((struct str){(const char *)data, size}, &a);
    int result = record_read((struct str){(const char *)data, size}, &a, &r, &e);
    if (result < 0) {
        need(e.code == result && e.msg[0]);
    } else {
        check_written(&r, &a);
        for (int kind = 0; kind < CHANGE_COUNT; kind++) {
            struct outcome out;
            struct record next = r;
            struct change c = change_of((enum change_kind)kind);
            state_due(&next, &c.at, 0);
            state_apply(&next, &c, &a, &out);
            need(out.events_n <= EVENTS_MAX);
            check_written(&next, &a);
        }
    }
    arena_done(&a);
    return 0;
}
