/* SPDX-License-Identifier: Apache-2.0 */
/* The machines that asked for their boot script and are no node's. */
#include "core/admin.h"
#include "core/internal.h"
#include "core/problem.h"

static struct value text_or_none(struct str s)
{
    return s.n ? value_str(s) : value_none();
}

static struct value uuid_or_none(const struct machine *said, struct arena *a)
{
    char text[UUID_TEXT_SIZE];
    return said->has_uuid ? value_str(arena_str(a, str_from(uuid_text(said->uuid, text))))
                          : value_none();
}

static struct value machine_value(const struct discovered_machine *d, struct arena *a)
{
    char mac[MAC_TEXT_SIZE], address[ADDRESS_TEXT_SIZE];
    const struct machine *said = &d->said;
    return JSON_MAP(
        a, JSON_STR("mac", arena_str(a, str_from(mac_text(said->mac, mac)))),
        JSON_VALUE("uuid", uuid_or_none(said, a)),
        JSON_VALUE("manufacturer", text_or_none(said->manufacturer)),
        JSON_VALUE("product", text_or_none(said->product)),
        JSON_VALUE("platform", text_or_none(said->platform)),
        JSON_VALUE("arch", text_or_none(said->arch)),
        JSON_VALUE("address", text_or_none(arena_str(a, str_from(address_text(d->peer, address))))),
        JSON_VALUE("first", json_time(d->first_wall_ms, a)),
        JSON_VALUE("last", json_time(d->last_wall_ms, a)), JSON_INT("times", (int64_t)d->times));
}

/* All in one answer: a full table of the longest texts has room in it, as a test holds. */
void admin_list_discovered(struct exchange *x, struct call *call)
{
    struct value *items = ARENA_ARRAY(&x->arena, struct value, DISCOVERED_MAX);
    const struct discovered_machine *d;
    size_t n = 0;
    if (!admin_params(x, NULL, 0))
        return;
    for (uint32_t i = 0; (d = discovered_at(call->core->discovered, i)); i++) {
        if (!snapshot_find_mac(x->snapshot, d->said.mac))
            items[n++] = machine_value(d, &x->arena);
    }
    answer_json(x, 200, JSON_MAP(&x->arena, JSON_VALUE("machines", value_list(items, n))));
}
