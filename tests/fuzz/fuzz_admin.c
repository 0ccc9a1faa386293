/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_admin: requests of admins, as a listener hands them to core: "POST /v1/nodes?a=b", a line
 * feed, and the body; the tree is the example, the store forgets.
 *
 * Every answer is one complete JSON text, or one of the few texts that are not JSON.
 */
#include "base/json.h"
#include "core/core.h"
#include "store/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct core *core;
static struct fleet *fleet;
static struct sealer *sealer;

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static void now(void *cls, struct moment *ret)
{
    (void)cls;
    *ret = (struct moment){1795343968000, 1000000, STR("boot")};
}

static bool unseal(void *cls, struct str uid, struct str sealed, struct arena *a, struct str *ret)
{
    (void)cls;
    (void)uid;
    (void)a;
    (void)sealed;
    *ret = STR("wabcdefghijklmnopqrstuvwxyz");
    return true;
}

static void on_store(void *cls)
{
    (void)cls;
}

static void on_wake(void *cls, struct slot_ref who)
{
    (void)cls;
    (void)who;
}

static uint64_t reload(void *cls)
{
    (void)cls;
    return UINT64_MAX; /* it never ends */
}

static void extend(void *cls)
{
    (void)cls;
}

static struct snapshot *load(void)
{
    static const struct secrets secrets = {.list = {{.kid = 'a', .bytes = {1, 2, 3}}}, .n = 1};
    const char *source = getenv("CLOUDSEED_SOURCE");
    struct faults faults;
    struct tree *tree;
    struct arena a;
    faults_init(&faults);
    arena_init(&a, 1024);
    source = source ? source : "..";
    const struct tree_source from = {.seed_dir = arena_printf(&a, "%s/seed", source).p,
                                     .templates_dir = arena_printf(&a, "%s/templates", source).p,
                                     .url = STR("http://10.0.10.5:8080")};
    need(tree_load(&from, &faults, &tree) == 0);
    faults_done(&faults);
    arena_done(&a);
    return snapshot_new(tree, &secrets);
}

static void make_sealer(void)
{
    char folder[] = "/tmp/cloudseed-fuzz-XXXXXX", path[64];
    need(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/key", folder);
    need(sealer_new(path, &sealer, NULL) == 0);
    unlink(path);
    rmdir(folder);
}

static void end_world(void)
{
    core_free(core);
    fleet_close(fleet);
    sealer_free(sealer);
}

static void make_world(void)
{
    static const struct fleet_host fleet_host = {now, unseal, NULL};
    static const struct core_host host = {.reload = reload, .extend = extend};
    const struct store_retention keep = {.max_events = {1000, 1000}};
    struct err e;
    make_sealer();
    need(fleet_open(memory_new((struct store_limits){0}, keep), &fleet_host, &fleet, &e) == 0);
    need(fleet_start(fleet, on_store, NULL, (struct alarm){NULL, NULL}, &e) == 0);
    fleet_on_store(fleet);
    core = core_new(load(), fleet, sealer, &host);
    atexit(end_world);
}

static enum exchange_method method_of(struct str name)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL};
    for (int i = 0; names[i]; i++) {
        if (str_is(name, names[i]))
            return (enum exchange_method)i;
    }
    return METHOD_OTHER;
}

static void check_answer(struct exchange *x)
{
    struct value v;
    struct err e;
    struct str type = str_from(x->out.type ? x->out.type : "");
    need(x->out.status >= 200 && x->out.status < 600);
    if (str_is(type, "application/json") || str_is(type, "application/problem+json"))
        need(json_read(x->out.body, &x->arena, &v, &e) == 0);
    if (x->out.reason)
        need(!strchr(x->out.reason, '\n'));
}

static void ask(struct exchange *x)
{
    enum exchange_verdict verdict = EXCHANGE_WAIT;
    exchange_begin(x, core_port(core));
    if (x->in.body.n > x->body_max_bytes)
        x->in.body = str_head(x->in.body, x->body_max_bytes);
    for (int i = 0; i < 4 && !x->out.status && verdict == EXCHANGE_WAIT; i++) {
        exchange_wake(x);
        verdict = exchange_step(x);
        fleet_on_store(fleet);
    }
    if (x->out.status)
        check_answer(x);
    exchange_end(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    struct exchange x = {.in = {.listener = LISTENER_SOCKET, .principal.kind = PRINCIPAL_SOCKET},
                         .waiter = {{on_wake, NULL}, {1, 1}}};
    if (!core)
        make_world();
    struct str line = str_cut(&rest, '\n');
    x.in.method = method_of(str_cut(&line, ' '));
    x.in.path = line.p ? str_cut(&line, '?') : STR("");
    x.in.query = line;
    x.in.body = rest.p ? rest : STR("");
    arena_init(&x.arena, 8192);
    buf_init(&x.body, 1 << 20);
    if (!memchr(x.in.path.p, '\0',
                x.in.path.n)) /* C's strings end there, and so does HTTP's path */
        ask(&x);
    arena_done(&x.arena);
    buf_done(&x.body);
    return 0;
}
