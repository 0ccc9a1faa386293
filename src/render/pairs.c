/* SPDX-License-Identifier: Apache-2.0 */
#include "render/pairs.h"

#include <assert.h>

void pairs_put(struct pairs *m, struct str key, struct value v)
{
    assert(m->n < PAIRS_MAX);
    m->list[m->n].key = value_str(key);
    m->list[m->n++].value = v;
}

struct value pairs_value(const struct pairs *m, struct arena *a)
{
    struct value_pair *list = ARENA_ARRAY(a, struct value_pair, m->n);
    memcpy(list, m->list, m->n * sizeof(*list));
    return value_map(list, m->n);
}

struct value pairs_text(struct str s)
{
    return s.n ? value_str(s) : value_none();
}

struct value pairs_number(uint32_t n)
{
    return n ? value_int(n) : value_none();
}

struct value pairs_address(struct address addr, struct arena *a)
{
    char text[ADDRESS_TEXT_SIZE];
    if (!addr.family)
        return value_none();
    return value_str(arena_str(a, str_from(address_text(addr, text))));
}

struct value pairs_cidr(struct cidr c, struct arena *a)
{
    char text[CIDR_TEXT_SIZE];
    if (!c.base.family)
        return value_none();
    return value_str(arena_str(a, str_from(cidr_text(c, text))));
}

struct value pairs_texts(const struct str *list, uint32_t n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n);
    for (uint32_t i = 0; i < n; i++)
        items[i] = value_str(list[i]);
    return value_list(items, n);
}

struct value pairs_addresses(const struct address *list, uint32_t n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n);
    for (uint32_t i = 0; i < n; i++)
        items[i] = pairs_address(list[i], a);
    return value_list(items, n);
}

struct value pairs_route(const struct network_route *r, struct arena *a)
{
    struct pairs m = {.n = 0};
    pairs_put(&m, STR("to"), pairs_cidr(r->to, a));
    pairs_put(&m, STR("via"), pairs_address(r->via, a));
    pairs_put(&m, STR("metric"), pairs_number(r->metric));
    pairs_put(&m, STR("on_link"), value_bool(r->on_link));
    return pairs_value(&m, a);
}
