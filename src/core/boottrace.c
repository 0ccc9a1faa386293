/* SPDX-License-Identifier: Apache-2.0 */
#include "core/boottrace.h"

#include "base/json.h"
#include "core/answer.h"
#include "crypto/digest.h"
#include "model/role.h"

#include <inttypes.h>

#define TRACE_ID_LEN 32
#define SPAN_ID_LEN 16
#define ATTRIBUTES_MAX 8
#define NO_PARENT SIZE_MAX

enum { KIND_INTERNAL = 1 };               /* of a span */
enum { STATUS_OK = 1, STATUS_ERROR = 2 }; /* 0: it is not known how it ended */

struct span {
    struct str name;
    char id[SPAN_ID_LEN + 1];
    size_t parent;
    int64_t from_ms, to_ms;
    bool is_open;
    int status;
    struct str message; /* of STATUS_ERROR */
    struct value_pair attributes[ATTRIBUTES_MAX];
    size_t attributes_n;
};

/* What happened at one moment of the whole boot. */
struct mark {
    int64_t at_ms;
    struct str name, text;
};

struct making {
    const struct boottrace *t;
    struct arena *arena;
    char id[TRACE_ID_LEN + 1];
    struct span *spans; /* the first is the whole boot */
    size_t n;
    struct mark *marks;
    size_t marks_n;
    size_t phase; /* the span of the step that is under way, below the whole; 0: none */
};

/* --- The events' order ----------------------------------------------------------------------- */

bool boottrace_ends(struct str kind)
{
    return str_is(kind, "ready") || str_is(kind, "failed");
}

static bool begins(struct str kind)
{
    return str_is(kind, "armed") || str_is(kind, "reprovisioned");
}

/* How many of the events, from the newest on, are of this boot. A window that is opened for a new
 * generation has both events, the reprovision first. */
static size_t count_events(const struct boottrace *t)
{
    size_t n = 0;
    while (n < t->n && !begins(t->events[n].event.kind))
        n++;
    if (n == t->n)
        return n; /* the beginning is not in the journal any more */
    n++;
    return n < t->n && begins(t->events[n].event.kind) ? n + 1 : n;
}

/* --- Spans ----------------------------------------------------------------------------------- */

static void hash_id(struct making *m, struct str what, uint64_t number, char *ret, size_t n)
{
    char hash[DIGEST_TEXT_SIZE], digits[STR_U64_SIZE];
    struct str text = ARENA_JOIN(m->arena, STR("cloudseed boot\n"), m->t->uid, STR("\n"), what,
                                 STR("\n"), str_of_u64(number, digits));
    memcpy(ret, digest_text(text, hash), n);
    ret[n] = '\0';
}

static size_t begin(struct making *m, size_t parent, struct str name, const struct store_entry *e)
{
    struct span *s = &m->spans[m->n];
    *s = (struct span){.name = name,
                       .parent = parent,
                       .from_ms = e->event.at_ms,
                       .to_ms = e->event.at_ms,
                       .is_open = true};
    hash_id(m, name, e->id, s->id, SPAN_ID_LEN);
    return m->n++;
}

/* A clock that was set back gives no span that ends before it has begun. */
static void end_at(struct span *s, int64_t at_ms)
{
    s->is_open = false;
    if (at_ms > s->to_ms)
        s->to_ms = at_ms;
}

static void add(struct span *s, const char *key, struct value v)
{
    bool is_there = v.kind == VALUE_STR ? v.n > 0 : v.kind != VALUE_UNDEFINED;
    if (is_there && s->attributes_n < ATTRIBUTES_MAX)
        s->attributes[s->attributes_n++] = (struct value_pair){value_str(str_from(key)), v};
}

static void end_phase(struct making *m, int64_t at_ms)
{
    if (m->phase)
        end_at(&m->spans[m->phase], at_ms);
    m->phase = 0;
}

/* Each step of the way begins where the one before it has ended. */
static struct span *begin_phase(struct making *m, const char *name, const struct store_entry *e)
{
    end_phase(m, e->event.at_ms);
    m->phase = begin(m, 0, str_from(name), e);
    return &m->spans[m->phase];
}

static bool is_phase(const struct making *m, const char *name)
{
    return m->phase && str_is(m->spans[m->phase].name, name);
}

/* --- Reports of cloud-init -------------------------------------------------------------------- */

/* The latest span of this name that has not ended; NO_PARENT: there is none. */
static size_t find_open(const struct making *m, struct str name)
{
    for (size_t i = m->n; i-- > 1;) {
        if (m->spans[i].is_open && str_eq(m->spans[i].name, name))
            return i;
    }
    return NO_PARENT;
}

/* A module is within its stage ("modules-config/config-ntp"), a stage of an installer within the
 * installation. */
static size_t parent_of(const struct making *m, struct str stage)
{
    const char *slash = memrchr(stage.p, '/', stage.n);
    size_t parent = NO_PARENT;
    if (slash)
        parent = find_open(m, (struct str){stage.p, (size_t)(slash - stage.p)});
    if (parent == NO_PARENT && is_phase(m, "install"))
        parent = m->phase;
    return parent == NO_PARENT ? 0 : parent;
}

static void finish(struct making *m, struct str stage, struct value data,
                   const struct store_entry *e)
{
    struct str result = value_get_text(data, STR("result"));
    size_t i = find_open(m, stage);
    if (i == NO_PARENT) /* its start was lost */
        i = begin(m, parent_of(m, stage), stage, e);
    struct span *s = &m->spans[i];
    end_at(s, e->event.at_ms);
    add(s, "cloudinit.result", value_get(data, STR("result")));
    add(s, "cloudinit.duration_s", value_get(data, STR("duration")));
    s->status = str_is(result, "FAIL") ? STATUS_ERROR : STATUS_OK;
    if (s->status == STATUS_ERROR)
        s->message = value_get_text(data, STR("description"));
}

static void report(struct making *m, struct value data, const struct store_entry *e)
{
    struct str stage = value_get_text(data, STR("stage"));
    if (!is_phase(m, "install"))
        end_phase(m, e->event.at_ms);
    if (str_is(value_get_text(data, STR("type")), "finish"))
        finish(m, stage, data, e);
    else
        add(&m->spans[begin(m, parent_of(m, stage), stage, e)], "cloudinit.description",
            value_get(data, STR("description")));
}

/* --- The way of a node ----------------------------------------------------------------------- */

static void mark(struct making *m, const struct store_entry *e, struct str text)
{
    m->marks[m->marks_n++] = (struct mark){e->event.at_ms, e->event.kind, text};
}

static void fail(struct making *m, struct value data, const struct store_entry *e)
{
    struct str reason = value_get_text(data, STR("reason"));
    for (size_t i = 0; i < m->n; i++) {
        struct span *s = &m->spans[i];
        if (!s->is_open)
            continue;
        s->status = STATUS_ERROR;
        s->message = reason;
        end_at(s, e->event.at_ms);
    }
    add(&m->spans[0], "cloudseed.failed_stage", value_get(data, STR("stage")));
    m->phase = 0;
}

static void succeed(struct making *m, const struct store_entry *e)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->spans[i].is_open)
            end_at(&m->spans[i], e->event.at_ms);
    }
    end_at(&m->spans[0], e->event.at_ms); /* also after a failure that was only silence */
    m->spans[0].status = STATUS_OK;
    m->spans[0].message = STR("");
}

/* A machine with a cloud image asks for its files, another one for a script first, and an installed
 * one reports from its disk. */
static void boot(struct making *m, bool installs, struct value data, const struct store_entry *e)
{
    struct str file = value_get_text(data, STR("file"));
    bool is_seed = seed_file_parse(file) != SEED_FILE_COUNT;
    struct span *s = begin_phase(m, installs ? "install" : is_seed ? "seed" : "kernel", e);
    add(s, "cloudseed.file", value_get(data, STR("file")));
    add(s, "cloudseed.evidence", value_get(data, STR("evidence")));
}

static void take(struct making *m, const struct store_entry *e)
{
    struct str kind = e->event.kind;
    struct value whole = value_map(NULL, 0);
    json_read(e->event.bytes, m->arena, &whole, NULL);
    struct value data = value_get(whole, STR("data"));
    if (str_is(kind, STORE_REPORT_KIND))
        report(m, data, e);
    else if (begins(kind) && !m->phase)
        begin_phase(m, "firmware", e); /* nobody reports when the machine was switched on */
    else if (str_is(kind, "installing") || str_is(kind, "booting"))
        boot(m, str_is(kind, "installing"), data, e);
    else if (str_is(kind, "joining"))
        begin_phase(m, "bootstrap wait", e);
    else if (str_is(kind, "minted") || str_is(kind, "cluster-init"))
        begin_phase(m, "kubeadm", e);
    else if (str_is(kind, "joined"))
        begin_phase(m, "Ready", e);
    else if (str_is(kind, "failed"))
        fail(m, data, e);
    else if (str_is(kind, "ready"))
        succeed(m, e);
    else
        mark(m, e, value_get_text(data, STR("reason")));
}

static void make(struct making *m, size_t n)
{
    const struct boottrace *t = m->t;
    const struct store_entry *first = &t->events[n - 1];
    m->spans = ARENA_ARRAY(m->arena, struct span, 2 * n + 1);
    m->marks = ARENA_ARRAY(m->arena, struct mark, n);
    hash_id(m, STR("trace"), first->id, m->id, TRACE_ID_LEN);
    begin(m, NO_PARENT, ARENA_JOIN(m->arena, STR("boot "), t->node), first);
    add(&m->spans[0], "cloudseed.node", value_str(t->node));
    add(&m->spans[0], "cloudseed.uid", value_str(t->uid));
    add(&m->spans[0], "cloudseed.role", value_str(t->role));
    add(&m->spans[0], "cloudseed.cluster", value_str(t->cluster));
    for (size_t i = n; i-- > 0;)
        take(m, &t->events[i]);
}

/* --- OTLP ------------------------------------------------------------------------------------ */

static struct value nanoseconds(struct arena *a, int64_t ms)
{
    return value_str(arena_printf(a, "%" PRId64 "000000", ms > 0 ? ms : 0));
}

/* AnyValue of OTLP: one member, by the kind. */
static struct value any_value(struct arena *a, struct value v)
{
    const char *key = v.kind == VALUE_INT     ? "intValue"
                      : v.kind == VALUE_FLOAT ? "doubleValue"
                      : v.kind == VALUE_BOOL  ? "boolValue"
                                              : "stringValue";
    struct value_pair *only = ARENA_NEW(a, struct value_pair);
    if (v.kind == VALUE_INT)
        v = value_str(arena_printf(a, "%" PRId64, v.i));
    *only = (struct value_pair){value_str(str_from(key)), v};
    return value_map(only, 1);
}

static struct value attribute_list(struct arena *a, const struct value_pair *pairs, size_t n)
{
    struct value *list = ARENA_ARRAY(a, struct value, n + 1);
    for (size_t i = 0; i < n; i++)
        list[i] = JSON_MAP(a, JSON_VALUE("key", pairs[i].key),
                           JSON_VALUE("value", any_value(a, pairs[i].value)));
    return value_list(list, n);
}

static struct value mark_list(const struct making *m)
{
    struct arena *a = m->arena;
    struct value *list = ARENA_ARRAY(a, struct value, m->marks_n + 1);
    for (size_t i = 0; i < m->marks_n; i++) {
        const struct mark *k = &m->marks[i];
        const struct value_pair reason = JSON_STR("reason", k->text);
        list[i] = JSON_MAP(a, JSON_VALUE("timeUnixNano", nanoseconds(a, k->at_ms)),
                           JSON_STR("name", k->name),
                           JSON_VALUE("attributes", attribute_list(a, &reason, k->text.n > 0)));
    }
    return value_list(list, m->marks_n);
}

static struct value span_value(const struct making *m, const struct span *s)
{
    struct arena *a = m->arena;
    bool is_whole = s->parent == NO_PARENT;
    return JSON_MAP(a, JSON_STR("traceId", str_from(m->id)), JSON_STR("spanId", str_from(s->id)),
                    JSON_STR("parentSpanId", is_whole ? STR("") : str_from(m->spans[s->parent].id)),
                    JSON_STR("name", s->name), JSON_INT("kind", KIND_INTERNAL),
                    JSON_VALUE("startTimeUnixNano", nanoseconds(a, s->from_ms)),
                    JSON_VALUE("endTimeUnixNano", nanoseconds(a, s->to_ms)),
                    JSON_VALUE("attributes", attribute_list(a, s->attributes, s->attributes_n)),
                    JSON_VALUE("events", is_whole ? mark_list(m) : value_list(NULL, 0)),
                    JSON_VALUE("status", JSON_MAP(a, JSON_INT("code", s->status),
                                                  JSON_STR("message", s->message))));
}

static struct value list_of(struct arena *a, struct value only)
{
    struct value *list = ARENA_NEW(a, struct value);
    *list = only;
    return value_list(list, 1);
}

static struct value request_value(const struct making *m)
{
    struct arena *a = m->arena;
    struct value *spans = ARENA_ARRAY(a, struct value, m->n);
    const struct value_pair who[] = {JSON_STR("service.name", STR("cloudseed")),
                                     JSON_STR("service.version", STR(CLOUDSEED_VERSION))};
    for (size_t i = 0; i < m->n; i++)
        spans[i] = span_value(m, &m->spans[i]);
    struct value scope = JSON_MAP(a, JSON_STR("name", STR("cloudseed.boot")));
    struct value scoped =
        JSON_MAP(a, JSON_VALUE("scope", scope), JSON_VALUE("spans", value_list(spans, m->n)));
    struct value resource = JSON_MAP(a, JSON_VALUE("attributes", attribute_list(a, who, 2)));
    struct value of_resource =
        JSON_MAP(a, JSON_VALUE("resource", resource), JSON_VALUE("scopeSpans", list_of(a, scoped)));
    return JSON_MAP(a, JSON_VALUE("resourceSpans", list_of(a, of_resource)));
}

bool boottrace_write(const struct boottrace *t, struct arena *a, struct buf *out)
{
    struct making m = {.t = t, .arena = a};
    if (!t->n || !boottrace_ends(t->events[0].event.kind))
        return false;
    make(&m, count_events(t));
    json_write(out, request_value(&m), false);
    return true;
}
