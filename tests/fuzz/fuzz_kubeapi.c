/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_kubeapi: what an API server answers, as each kind of answer and as a watch's stream. */
#include "kube/apiresponse.h"
#include "kube/apiwatch.h"
#include "kube/object.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static void read_object(struct value v, struct arena *a)
{
    struct object_node n;
    struct object_csr c;
    if (object_node(v, a, &n))
        need(n.name.n > 0 && n.addresses_n <= OBJECT_ADDRESSES_MAX &&
             (n.ready != (n.reason.n > 0)));
    if (object_csr(v, a, &c))
        need(c.pem.n > 0 && c.usages_n <= OBJECT_USAGES_MAX && c.groups_n <= OBJECT_GROUPS_MAX);
}

static void read_answers(struct str body, struct arena *a)
{
    struct kubeversion version;
    struct apiresponse_info info;
    struct apiresponse_token token;
    struct apiresponse_list list;
    bool is;
    need(apiresponse_failure(body, a).message.n <= 512);
    need(apiresponse_retry_after(body) <= 300);
    if (apiresponse_version(body, a, &version, NULL) == 0)
        need(version.major > 0);
    if (apiresponse_cluster_info(body, a, &info, NULL) == 0)
        need(apiresponse_signature(&info, STR("cs4xk2.0f8r7q2m5n1w9t3z")) == APIRESPONSE_UNSIGNED ||
             apiresponse_has(&info, STR("cs4xk2")));
    if (apiresponse_renewed(body, a, &token, NULL) == 0)
        need(token.token.n > 0);
    apiresponse_autoapproves(body, a, &is, NULL);
    if (apiresponse_list(body, a, &list, NULL) < 0)
        return;
    for (uint32_t i = 0; i < list.n; i++)
        read_object(list.items[i], a);
}

/* In two parts: the events are the same as in one. */
static uint32_t read_stream(struct str bytes, size_t cut, struct arena *a)
{
    struct apiwatch w;
    struct apiwatch_event event;
    uint32_t events = 0;
    int r = 0;
    apiwatch_init(&w);
    for (int part = 0; part < 2 && r >= 0; part++) {
        apiwatch_feed(&w, part ? str_skip(bytes, cut) : (struct str){bytes.p, cut});
        for (; (r = apiwatch_next(&w, a, &event, NULL)) > 0; events++)
            read_object(event.object, a);
    }
    apiwatch_done(&w);
    return events;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct str bytes = {(const char *)data, size};
    arena_init(&a, 4096);
    read_answers(bytes, &a);
    need(read_stream(bytes, size / 2, &a) == read_stream(bytes, size, &a));
    arena_done(&a);
    return 0;
}
