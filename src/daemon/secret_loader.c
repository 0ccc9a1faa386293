/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/secret_loader.h"

#include "base/mem.h"

#include <stdlib.h>

#define CHUNK_BYTES 4096

/* One loading. */
struct reading {
    const struct config *config;
    struct sealed_cache *cache;
    bool first;
    const atomic_bool *stop;
    struct faults *faults;
    struct sealed_values *values;
    struct secret_value value;
};

static void report_undefined(struct faults *faults, const struct secret_need *need)
{
    fault_add(faults, need->at,
              "secrets.%.*s: nothing says where its value comes from; define it in "
              "cloudseedd.yaml, as in secrets: {%.*s: {file: /etc/cloudseed/secrets/%.*s}}",
              STR_ARG(need->name), STR_ARG(need->name), STR_ARG(need->name));
}

void secret_loader_check(const struct config *c, const struct tree *t, struct faults *faults)
{
    uint32_t n;
    struct arena a;
    arena_init(&a, CHUNK_BYTES);
    const struct secret_need *needs = sealed_needs(t, &a, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (needs[i].at.file && !config_find_secret(c, needs[i].name))
            report_undefined(faults, &needs[i]);
    }
    arena_done(&a);
}

static void miss(struct reading *r, const struct config_secret *s, bool needed, const char *why)
{
    struct str last;
    if (r->first && sealed_cache_get(r->cache, OWN_SECRET, s->name, &last) == 0) {
        sealed_values_put(r->values, s->name, last);
        fault_warn(r->faults, s->at,
                   "secret '%.*s' cannot be read, its last good value is used: %s",
                   STR_ARG(s->name), why);
    } else if (needed) {
        fault_add(r->faults, s->at, "secret '%.*s' cannot be read: %s", STR_ARG(s->name), why);
    } else {
        fault_warn(r->faults, s->at, "secret '%.*s' cannot be read: %s", STR_ARG(s->name), why);
    }
}

static void read_one(struct reading *r, const struct secret_need *need)
{
    const struct config_secret *s = config_find_secret(r->config, need->name);
    struct err e;
    if (!s) {
        if (need->at.file)
            report_undefined(r->faults, need);
    } else if (secret_source_read(s, SECRET_COMMAND_MS, r->stop, &r->value, &e) < 0) {
        miss(r, s, need->at.file != NULL, e.msg);
    } else {
        const struct str text = {r->value.bytes, r->value.n};
        sealed_values_put(r->values, s->name, text);
        sealed_cache_put(r->cache, OWN_SECRET, s->name, text);
    }
}

struct sealed_values *secret_loader_read(const struct config *c, const struct tree *t,
                                         struct sealed_cache *cache, bool first,
                                         const atomic_bool *stop, struct faults *faults)
{
    struct reading *r = MEM_NEW(struct reading);
    struct arena a;
    uint32_t n;
    *r = (struct reading){.config = c,
                          .cache = cache,
                          .first = first,
                          .stop = stop,
                          .faults = faults,
                          .values = sealed_values_new()};
    arena_init(&a, CHUNK_BYTES);
    const struct secret_need *needs = sealed_needs(t, &a, &n);
    for (uint32_t i = 0; i < n && !(stop && atomic_load(stop)); i++)
        read_one(r, &needs[i]);
    arena_done(&a);
    struct sealed_values *values = r->values;
    explicit_bzero(r, sizeof(*r));
    free(r);
    return values;
}
