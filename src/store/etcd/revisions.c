/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd/revisions.h"

#include "base/mem.h"

/* A deleted record keeps its place, with revision 0: a map has no deletion. */
struct revisions_record {
    char *key;
    size_t key_n;
    uint64_t revision;
};

static struct str key_of(const void *list, uint32_t i)
{
    const struct revisions_record *x = (const struct revisions_record *)list + i;
    return (struct str){x->key, x->key_n};
}

void revisions_done(struct revisions *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        free(r->list[i].key);
    free(r->list);
    map_done(&r->by_key);
    *r = (struct revisions){0};
}

uint64_t revisions_get(const struct revisions *r, struct str key)
{
    uint32_t i = map_find(&r->by_key, key_of, r->list, key);
    return i == MAP_NONE ? 0 : r->list[i].revision;
}

void revisions_set(struct revisions *r, struct str key, uint64_t revision)
{
    uint32_t i = map_find(&r->by_key, key_of, r->list, key);
    if (i == MAP_NONE) {
        r->list = mem_grow(r->list, r->n, &r->room, sizeof(*r->list));
        r->list[r->n] = (struct revisions_record){.key = mem_copy(key.p, key.n), .key_n = key.n};
        map_put(&r->by_key, key_of, r->list, r->n);
        i = r->n++;
    }
    r->list[i].revision = revision;
}
