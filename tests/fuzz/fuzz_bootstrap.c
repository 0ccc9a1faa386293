/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_bootstrap: what nodes post while they join their cluster, and admins of one that runs, by
 * each of the readers. */
#include "wire/bootstrap.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

/* A refusal says why, in a line that quotes nothing which a console must not see. */
static bool understood(int r, const struct err *e)
{
    need(r == e->code && (r == 0 || e->msg[0]));
    for (const char *p = e->msg; r < 0 && *p; p++)
        need(*p >= 0x20 && *p < 0x7F);
    return r == 0;
}

static void check_request(struct str body, struct arena *a)
{
    struct bootstrap_request q;
    struct err e = {.code = 0};
    if (!understood(bootstrap_read_request(body, a, &q, &e), &e))
        return;
    need(q.claim.n == BOOTSTRAP_CLAIM_LEN && q.hostname.n > 0 && q.hostname.n < 254);
    need(q.addresses_n <= BOOTSTRAP_ADDRESSES_MAX && q.attempt >= 1);
    need((!q.uuid.n || q.uuid.n == 36) && (!q.machine.n || q.machine.n == 32));
}

static void check_cluster(struct str body, struct arena *a)
{
    struct bootstrap_cluster c;
    struct err e = {.code = 0};
    if (!understood(bootstrap_read_cluster(body, a, &c, &e), &e))
        return;
    need(c.claim.n == BOOTSTRAP_CLAIM_LEN && c.minter.token.n >= 5);
    need(str_starts(c.endpoint, STR("https://")) && str_starts(c.ca, STR("-----BEGIN")));
    need(!c.has_approver || c.approver.token.n >= 5);
}

static void check_adoption(struct str body, struct arena *a)
{
    struct bootstrap_adoption c;
    struct err e = {.code = 0};
    if (!understood(bootstrap_read_adoption(body, a, &c, &e), &e))
        return;
    need(str_starts(c.endpoint, STR("https://")) && str_starts(c.ca, STR("-----BEGIN")));
    need(c.has_minter == (c.minter.token.n >= 5) && c.has_approver == (c.approver.token.n >= 5));
}

static void check_result(struct str body, struct arena *a)
{
    struct bootstrap_result r;
    struct err e = {.code = 0};
    if (!understood(bootstrap_read_result(body, a, &r, &e), &e))
        return;
    need(r.claim.n == BOOTSTRAP_CLAIM_LEN && r.log.n <= BOOTSTRAP_LOG_MAX_BYTES);
    need(r.ok == str_is(r.stage, "done"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data, size};
    struct arena a;
    arena_init(&a, 4096);
    a.secret = true;
    check_request(body, &a);
    check_cluster(body, &a);
    check_adoption(body, &a);
    check_result(body, &a);
    arena_done(&a);
    return 0;
}
