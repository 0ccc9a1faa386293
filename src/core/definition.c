/* SPDX-License-Identifier: Apache-2.0 */
#include "core/definition.h"

#include "base/json.h"

#define TEXT_MAX_BYTES (1024 * 1024)

const char *const definition_members[] = {"name",   "role",      "cluster",   "macs",      "uuid",
                                          "serial", "addresses", "variables", "key_epoch", NULL};

struct value definition_new(struct value body, struct arena *a)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, body.n);
    uint32_t n = 0;
    for (uint32_t i = 0; i < body.n; i++) {
        if (body.pairs[i].value.kind != VALUE_NONE)
            pairs[n++] = body.pairs[i];
    }
    return value_map(pairs, n);
}

struct value definition_patch(struct value old, struct value patch, struct arena *a)
{
    if (patch.kind != VALUE_MAP)
        return patch;
    uint32_t room = patch.n + (old.kind == VALUE_MAP ? old.n : 0), n = 0;
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, room);
    for (uint32_t i = 0; old.kind == VALUE_MAP && i < old.n; i++) {
        struct value change = value_get(patch, value_text(old.pairs[i].key));
        if (change.kind == VALUE_NONE)
            continue;
        pairs[n] = old.pairs[i];
        if (change.kind != VALUE_UNDEFINED)
            pairs[n].value = definition_patch(old.pairs[i].value, change, a);
        n++;
    }
    for (uint32_t i = 0; i < patch.n; i++) {
        struct value_pair p = patch.pairs[i];
        if (p.value.kind != VALUE_NONE && value_get(old, value_text(p.key)).kind == VALUE_UNDEFINED)
            pairs[n++] =
                (struct value_pair){p.key, definition_patch((struct value){0}, p.value, a)};
    }
    return value_map(pairs, n);
}

struct value definition_with(struct value old, struct str key, struct value v, struct arena *a)
{
    const struct value_pair pair = {value_str(key), v};
    return value_copy(a, definition_patch(old, value_map(&pair, 1), a));
}

struct str definition_text(struct value definition, struct arena *a)
{
    struct buf b;
    buf_init(&b, TEXT_MAX_BYTES);
    json_write(&b, definition, false);
    struct str text = arena_str(a, buf_view(&b));
    buf_done(&b);
    return text;
}

struct value definition_read(struct str json, struct arena *a)
{
    struct value v;
    if (json_read(json, a, &v, NULL) < 0 || v.kind != VALUE_MAP)
        return value_map(NULL, 0);
    return v;
}
