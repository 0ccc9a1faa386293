/* SPDX-License-Identifier: Apache-2.0 */
#include "render/bootvalue.h"

#include "base/json.h"
#include "crypto/keys.h"

static struct value text_or_none(struct str s)
{
    return s.n ? value_str(s) : value_none();
}

static struct value file_value(const struct boot_file *f, struct arena *a)
{
    if (!f->url.n)
        return value_none();
    const struct value_pair pairs[] = {
        JSON_STR("url", f->url),
        JSON_VALUE("asset", text_or_none(f->asset)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

static struct value initrd_list(const struct boot_entry *e, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, e->initrd_n);
    for (uint32_t i = 0; i < e->initrd_n; i++)
        items[i] = file_value(&e->initrd[i], a);
    return value_list(items, e->initrd_n);
}

static struct value discovery_value(const struct boot_entry *e, const struct render_env *env,
                                    struct arena *a)
{
    if (e->kind != BOOT_KERNEL || e->discovery != DISCOVERY_KERNEL)
        return value_none();
    return value_str(ARENA_JOIN(a, STR(KEYS_DISCOVERY), env->seed_url));
}

/* As a role's own entry and those of its menu have it. */
static struct value entry_value(const struct boot_entry *e, const struct render_env *env,
                                struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_VALUE("title", text_or_none(e->title)),
        JSON_STR("kind", str_from(boot_kind_names[e->kind])),
        JSON_VALUE("kernel", file_value(&e->kernel, a)),
        JSON_VALUE("initrd", initrd_list(e, a)),
        JSON_STR("arguments", e->arguments),
        JSON_VALUE("discovery", discovery_value(e, env, a)),
        JSON_VALUE("chain", file_value(&e->chain, a)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

static struct value menu_list(const struct boot_plan *b, const struct render_env *env,
                              struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, b->menu_n);
    for (uint32_t i = 0; i < b->menu_n; i++)
        items[i] = entry_value(&b->menu[i], env, a);
    return value_list(items, b->menu_n);
}

static struct value node_value(const struct boot_plan *b, const struct render_env *env,
                               struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_VALUE("entry", entry_value(&b->entry, env, a)),
        JSON_VALUE("menu", menu_list(b, env, a)),
        JSON_INT("timeout", b->timeout_s),
        JSON_VALUE("refusal", text_or_none(env->boot_refusal)),
        JSON_VALUE("mac", text_or_none(env->mac)),
        JSON_VALUE("uuid", text_or_none(env->uuid)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

struct value bootvalue(const struct role *r, const struct render_env *env, struct arena *a)
{
    static const struct boot_plan disk = {.entry = {.kind = BOOT_LOCAL}};
    return node_value(r && !env->boot_refusal.n ? &r->boot : &disk, env, a);
}
