/* SPDX-License-Identifier: Apache-2.0 */
/* onefetch: what asks an API server one thing at a time meets a fetch of the test's. */
#ifndef CLOUDSEED_TESTS_UNIT_KUBE_ONEFETCH_H
#define CLOUDSEED_TESTS_UNIT_KUBE_ONEFETCH_H

#include "lib/unit.h"

#include "port/fetch.h"

#include "golden.h"

#include <errno.h>

static struct {
    struct arena arena;
    struct fetch_port port;
    struct fetch fetch;
    struct fetch_request asked;
    struct waiter waiter; /* of the fetch */
    int start_status;     /* of fetch_start */
    uint32_t live, wakes;
} onefetch;

static int fake_start(void *cls, const struct fetch_request *q, struct fetch **ret, struct err *e)
{
    (void)cls;
    if (onefetch.start_status < 0)
        return err_set(e, onefetch.start_status, "too many wait");
    assert_int_equal(onefetch.live, 0);
    onefetch.fetch =
        (struct fetch){.port = &onefetch.port, .body = STR(""), .certificate = STR("")};
    onefetch.asked = *q;
    onefetch.asked.url = arena_str(&onefetch.arena, q->url);
    onefetch.asked.bearer = arena_str(&onefetch.arena, q->bearer);
    onefetch.asked.body = arena_str(&onefetch.arena, q->body);
    onefetch.waiter = q->waiter;
    onefetch.live++;
    *ret = &onefetch.fetch;
    return 0;
}

static struct str fake_header(struct fetch *f, const char *name)
{
    assert_ptr_equal(f, &onefetch.fetch);
    return strcmp(name, "Date") == 0 ? STR("Sun, 29 Nov 2026 21:46:53 GMT") : (struct str){NULL, 0};
}

static void fake_end(struct fetch *f)
{
    assert_ptr_equal(f, &onefetch.fetch);
    assert_int_equal(onefetch.live--, 1);
}

static void onefetch_on_wake(void *cls, struct slot_ref ref)
{
    (void)cls, (void)ref;
    onefetch.wakes++;
}

static void onefetch_finish(enum fetch_fault fault, int status, struct str body)
{
    onefetch.fetch.done = true;
    onefetch.fetch.fault = fault;
    onefetch.fetch.status = status;
    onefetch.fetch.body = body;
    if (fault != FETCH_OK)
        err_set(&onefetch.fetch.err, -EIO, "k:6443: fault %d", fault);
    waiter_wake(onefetch.waiter);
}

static void onefetch_begin(void)
{
    memset(&onefetch, 0, sizeof(onefetch));
    arena_init(&onefetch.arena, 16384);
    onefetch.port =
        (struct fetch_port){.start = fake_start, .header = fake_header, .end = fake_end};
}

static void onefetch_end(void)
{
    assert_int_equal(onefetch.live, 0);
    arena_done(&onefetch.arena);
}

#endif
