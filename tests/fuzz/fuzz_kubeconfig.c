/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_kubeconfig: an admin's kubeconfig, and what a cluster tells the nodes that join. */
#include "cli/cluster/kubeconfig.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static void check_part(const struct kubeconfig_part *p)
{
    need(!p->text.n || !p->file.n);
}

static bool is_there(const struct kubeconfig_part *p)
{
    return p->text.n || p->file.n;
}

static void check_server(struct str server)
{
    need(str_starts(server, STR("https://")) && !memchr(server.p + 8, '/', server.n - 8) &&
         !memchr(server.p, '@', server.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct kubeconfig k;
    struct str text = {(const char *)data, size}, server, ca;
    struct err e = {.code = 0};
    arena_init(&a, 4096);
    a.secret = true;
    int r = kubeconfig_read("FILE", text, NULL, &a, &k, &e);
    need(r == e.code && (r == 0 || e.msg[0]));
    if (r == 0) {
        check_server(k.server);
        need(is_there(&k.ca) && is_there(&k.certificate) == is_there(&k.key) &&
             (is_there(&k.key) || is_there(&k.token)));
        check_part(&k.ca);
        check_part(&k.certificate);
        check_part(&k.key);
        check_part(&k.token);
    }
    if (kubeconfig_read_cluster_info(text, &a, &server, &ca, NULL) == 0) {
        check_server(server);
        need(ca.n > 0);
    }
    arena_done(&a);
    return 0;
}
