/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/event.h"

#include "base/json.h"
#include "model/event.h"

#include <assert.h>

static struct value made(const struct value_pair *pairs, size_t n, struct arena *a)
{
    struct value_pair *list = ARENA_ARRAY(a, struct value_pair, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (pairs[i].value.kind != VALUE_UNDEFINED)
            list[kept++] = pairs[i];
    }
    return value_map(list, kept);
}

#define MADE(a, ...)                               \
    made((const struct value_pair[]){__VA_ARGS__}, \
         sizeof((const struct value_pair[]){__VA_ARGS__}) / sizeof(struct value_pair), (a))

/* Left out if there is none. */
static struct value text_if_any(struct str s)
{
    return s.n ? value_str(s) : (struct value){.kind = VALUE_UNDEFINED};
}

static struct value flag_if_set(bool set)
{
    return set ? value_bool(true) : (struct value){.kind = VALUE_UNDEFINED};
}

struct value event_reason(struct str reason, struct arena *a)
{
    return MADE(a, JSON_STR("reason", reason));
}

struct value event_alarm(struct str what, struct str detail, struct arena *a)
{
    return MADE(a, JSON_STR("reason", what), JSON_VALUE("detail", text_if_any(detail)));
}

struct value event_armed(uint64_t length_ms, uint32_t generation, struct arena *a)
{
    return MADE(a, JSON_INT("minutes", (int64_t)(length_ms / 60000)),
                JSON_INT("generation", generation));
}

struct value event_generation(uint32_t generation, struct arena *a)
{
    return MADE(a, JSON_INT("generation", generation));
}

struct value event_fetch(const struct change *c, struct arena *a)
{
    struct str ignored = c->fetch.placeholder_uuid;
    if (ignored.n)
        ignored = ARENA_JOIN(a, STR("uuid "), ignored, STR(": many machines report it"));
    return MADE(a, JSON_STR("file", c->fetch.file),
                JSON_VALUE("evidence", text_if_any(c->fetch.evidence)),
                JSON_VALUE("ignored", text_if_any(ignored)));
}

static struct value result_value(enum report_result r)
{
    static const char *const names[] = {"", "SUCCESS", "WARN", "FAIL"};
    return text_if_any(str_from(names[r]));
}

struct value event_progress(const struct report *p, bool reboot, struct arena *a)
{
    struct value duration = {.kind = VALUE_UNDEFINED};
    if (p->duration_s >= 0)
        duration = value_float(p->duration_s);
    return MADE(a, JSON_STR("stage", p->name), JSON_STR("type", p->type),
                JSON_VALUE("result", result_value(p->result)), JSON_VALUE("duration", duration),
                JSON_VALUE("description", text_if_any(p->description)),
                JSON_VALUE("reboot", flag_if_set(reboot)));
}

struct value event_finished(const struct report *p, uint32_t warnings, struct arena *a)
{
    return MADE(a, JSON_VALUE("result", result_value(p->result)), JSON_INT("warnings", warnings));
}

struct value event_failed(struct str stage, struct str reason, struct str log, struct arena *a)
{
    return MADE(a, JSON_VALUE("stage", text_if_any(stage)), JSON_STR("reason", reason),
                JSON_VALUE("log", text_if_any(log)));
}

static struct value kinds_value(const struct host_key *keys, uint32_t n, struct arena *a)
{
    struct value *kinds = ARENA_ARRAY(a, struct value, n);
    for (uint32_t i = 0; i < n; i++)
        kinds[i] = value_str(keys[i].kind);
    return value_list(kinds, n);
}

struct value event_identity(const struct record *r, struct arena *a)
{
    return MADE(a, JSON_VALUE("hostname", text_if_any(r->hostname)),
                JSON_VALUE("fqdn", text_if_any(r->fqdn)),
                JSON_VALUE("instance_id", text_if_any(r->instance_id)),
                JSON_VALUE("host_keys", kinds_value(r->host_keys, r->host_keys_n, a)));
}

struct value event_vm(const struct vm *v, struct arena *a)
{
    return MADE(a, JSON_STR("endpoint", v->endpoint), JSON_STR("host", v->host),
                JSON_INT("vmid", v->vmid));
}

struct value event_approved(bool serving, struct arena *a)
{
    return MADE(a, JSON_STR("certificate", serving ? STR("serving") : STR("client")));
}

struct value event_with_from(struct value data, enum node_state from, struct arena *a)
{
    uint32_t n = data.kind == VALUE_MAP ? data.n : 0;
    struct value_pair *list = ARENA_ARRAY(a, struct value_pair, n + 1);
    list[0] = (struct value_pair)JSON_STR("from", str_from(node_state_names[from]));
    for (uint32_t i = 0; i < n; i++)
        list[i + 1] = data.pairs[i];
    return value_map(list, n + 1);
}

/* The reference lists every key. */
static bool is_in_reference(const struct event *e)
{
    const struct event_kind *k = event_kind_find(str_from(e->kind));
    uint32_t n = e->data.kind == VALUE_MAP ? e->data.n : 0;
    for (uint32_t i = 0; k && i < n; i++) {
        if (!event_kind_has(k, value_text(e->data.pairs[i].key)))
            return false;
    }
    return k;
}

struct value event_value(const struct event *e, struct str name, const struct change *c,
                         struct arena *a)
{
    assert(is_in_reference(e));
    return MADE(a, JSON_STR("node", name), JSON_VALUE("cause", text_if_any(c->cause)),
                JSON_VALUE("peer", text_if_any(c->peer)),
                JSON_VALUE("data", e->data.kind == VALUE_MAP ? e->data : value_map(NULL, 0)));
}
