/* SPDX-License-Identifier: Apache-2.0 */
#include "render/bootstrap.h"

#include "base/json.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

/* The first master has nothing to join: no token yet, and no CA to know. */
static struct bootstrap_values placeholders(const struct node *n, bool init)
{
    static const struct str ca_hash = {"sha256:" ZEROS, 7 + 64};
    struct bootstrap_values v = {.endpoint = n->cluster->endpoint};
    if (n->role->bootstrap == BOOTSTRAP_MASTER)
        v.certificate_key = STR(ZEROS);
    if (init)
        return v;
    v.token = STR("abcdef.0123456789abcdef");
    v.ca_hashes = &ca_hash;
    v.ca_hashes_n = 1;
    return v;
}

static struct value text_or_none(struct str s)
{
    return s.n ? value_str(s) : value_none();
}

struct value bootstrap_value(const struct node *n, bool init, const struct bootstrap_values *values,
                             struct arena *a)
{
    struct bootstrap_values v = values ? *values : placeholders(n, init);
    struct value *hashes = ARENA_ARRAY(a, struct value, v.ca_hashes_n);
    for (uint32_t i = 0; i < v.ca_hashes_n; i++)
        hashes[i] = value_str(v.ca_hashes[i]);
    const struct value_pair pairs[] = {
        JSON_STR("action", init ? STR("init") : STR("join")),
        JSON_BOOL("control_plane", n->role->bootstrap == BOOTSTRAP_MASTER),
        JSON_STR("endpoint", v.endpoint),
        JSON_VALUE("token", text_or_none(v.token)),
        JSON_VALUE("ca_hashes", value_list(hashes, v.ca_hashes_n)),
        JSON_VALUE("certificate_key", text_or_none(v.certificate_key)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}
