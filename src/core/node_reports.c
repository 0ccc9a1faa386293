/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes report about themselves, in cloud-init's own formats (docs/cloud-init.md). */
#include "core/internal.h"

#include "base/json.h"
#include "core/answer.h"
#include "wire/form.h"

#include <math.h>

#define NAME_MAX_BYTES 255
#define DESCRIPTION_MAX_BYTES 1024
#define HOST_KEY_MAX_BYTES 8192
#define KIND_MAX_BYTES 32
#define TYPE_MAX_BYTES 16

/* --- Reports --------------------------------------------------------------------------------- */

static struct str text_of(struct value map, const char *key, size_t max_bytes)
{
    struct value v = value_get(map, str_from(key));
    return v.kind == VALUE_STR ? str_head(value_text(v), max_bytes) : (struct str){"", 0};
}

static enum report_result result_of(struct value map)
{
    struct str result = text_of(map, "result", 16);
    if (str_is(result, "SUCCESS"))
        return REPORT_SUCCESS;
    if (str_is(result, "WARN"))
        return REPORT_WARN;
    return str_is(result, "FAIL") ? REPORT_FAIL : REPORT_NONE;
}

static double duration_of(struct value map)
{
    struct value v = value_get(map, STR("duration"));
    if (v.kind == VALUE_INT && v.i >= 0)
        return (double)v.i;
    return v.kind == VALUE_FLOAT && isfinite(v.f) && v.f >= 0 ? v.f : -1;
}

/* "start", "finish"; Ubuntu's installer sends further ones, such as "log". */
static bool is_event_type(struct str type)
{
    for (size_t i = 0; i < type.n; i++) {
        char c = type.p[i];
        if (!(c >= 'a' && c <= 'z') && c != '_' && c != '-')
            return false;
    }
    return type.n > 0 && type.n <= TYPE_MAX_BYTES;
}

/* Unknown members are ignored: a newer cloud-init may send more. */
const char *node_reports_read_report(struct str body, struct arena *a, struct report *ret)
{
    struct value map;
    struct err e;
    if (json_read(body, a, &map, &e) < 0)
        return arena_printf(a, "the report is not JSON: %s", e.msg).p;
    if (map.kind != VALUE_MAP)
        return "the report is not a JSON object";
    struct report r = {
        .name = text_of(map, "name", NAME_MAX_BYTES),
        .description = text_of(map, "description", DESCRIPTION_MAX_BYTES),
        .type = text_of(map, "event_type", TYPE_MAX_BYTES + 1),
        .result = result_of(map),
        .duration_s = duration_of(map),
    };
    if (!r.name.n)
        return "the report has no 'name'";
    if (!is_event_type(r.type))
        return "the report has no 'event_type' such as 'start' or 'finish'";
    *ret = r;
    return NULL;
}

/* --- Calls home ------------------------------------------------------------------------------ */

/* cloud-init says "N/A" for what it does not have. Text with a NUL is dropped: JSON that has one
 * could not be read again. */
static struct str text_given(struct str value, size_t max_bytes)
{
    value = str_trim(value);
    bool is_text = value.n <= max_bytes && !(value.n && memchr(value.p, '\0', value.n));
    return !is_text || str_is(value, "N/A") ? (struct str){"", 0} : value;
}

/* "ed25519" */
static bool is_kind(struct str kind)
{
    for (size_t i = 0; i < kind.n; i++) {
        char c = kind.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return kind.n > 0 && kind.n <= KIND_MAX_BYTES;
}

/* "ssh-ed25519 AAAA… comment": it goes into known_hosts files, one line each. */
static bool is_host_key(struct str key)
{
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] < 0x20 || key.p[i] >= 0x7F)
            return false;
    }
    return (str_starts(key, STR("ssh-")) || str_starts(key, STR("ecdsa-sha2-"))) &&
           memchr(key.p, ' ', key.n);
}

static const char *take_host_key(struct phone_home *p, struct str kind, struct str key)
{
    if (!key.n)
        return NULL;
    if (!is_kind(kind))
        return "a public key's kind is not a word such as ed25519";
    if (!is_host_key(key))
        return "a public key is not one of ssh's";
    for (uint32_t i = 0; i < p->host_keys_n; i++) {
        if (str_eq(p->host_keys[i].kind, kind)) {
            p->host_keys[i].key = key;
            return NULL;
        }
    }
    if (p->host_keys_n == RECORD_HOST_KEYS_MAX)
        return "too many kinds of public keys";
    p->host_keys[p->host_keys_n++] = (struct host_key){kind, key};
    return NULL;
}

/* *ret_known: it is a field that a call home has. */
static const char *take_field(struct phone_home *p, const struct form_field *field, bool *ret_known)
{
    static const struct str prefix = {"pub_key_", 8};
    *ret_known = true;
    if (str_is(field->name, "hostname"))
        p->hostname = text_given(field->value, NAME_MAX_BYTES);
    else if (str_is(field->name, "fqdn"))
        p->fqdn = text_given(field->value, NAME_MAX_BYTES);
    else if (str_is(field->name, "instance_id"))
        p->instance_id = text_given(field->value, NAME_MAX_BYTES);
    else if (str_starts(field->name, prefix) && field->name.n > prefix.n)
        return take_host_key(p, str_skip(field->name, prefix.n),
                             text_given(field->value, HOST_KEY_MAX_BYTES));
    else
        *ret_known = false;
    return NULL;
}

const char *node_reports_read_phone_home(struct str body, struct arena *a, struct phone_home *ret)
{
    struct phone_home p = {.hostname = {"", 0}, .fqdn = {"", 0}, .instance_id = {"", 0}};
    struct form_field field;
    bool understood = false, known;
    while (form_next(&body, a, &field)) {
        const char *wrong = take_field(&p, &field, &known);
        if (wrong)
            return wrong;
        understood |= known;
    }
    if (!understood)
        return "nothing in this call is known: it is a form, such as "
               "hostname=NAME&instance_id=ID&pub_key_ed25519=KEY";
    *ret = p;
    return NULL;
}

/* --- The requests ---------------------------------------------------------------------------- */

static enum exchange_verdict on_changed(struct exchange *x, void *state,
                                        const struct fleet_result *result)
{
    (void)state;
    if (result->answer == FLEET_DONE && result->status == 200)
        answer_line(x, 200, "ok");
    else
        answer_refuse(x, result->status, result->reason);
    return EXCHANGE_DONE;
}

static enum exchange_verdict tell_fleet(struct exchange *x, const struct request_ctx *rq,
                                        const struct change *c)
{
    struct fleet *f = rq->core->fleet;
    const struct node *n = rq->node;
    return await_fleet(x, f, fleet_change(f, n->uid, n->name, c, x->waiter), on_changed, NULL);
}

static enum exchange_verdict take_report(struct exchange *x, const struct request_ctx *rq,
                                         bool by_installer)
{
    struct change c = request_change(x, rq->node, CHANGE_REPORT);
    c.by_installer = by_installer;
    c.by_window_key = !snapshot_find_key(x->snapshot, rq->path.key);
    const char *wrong = node_reports_read_report(x->in.body, &x->arena, &c.report);
    if (!wrong)
        return tell_fleet(x, rq, &c);
    answer_refuse(x, 400, wrong);
    return EXCHANGE_DONE;
}

enum exchange_verdict node_report(struct exchange *x, struct request_ctx *rq)
{
    return take_report(x, rq, false);
}

enum exchange_verdict node_installer_report(struct exchange *x, struct request_ctx *rq)
{
    return take_report(x, rq, true);
}

enum exchange_verdict node_phone_home(struct exchange *x, struct request_ctx *rq)
{
    struct change c = request_change(x, rq->node, CHANGE_PHONE_HOME);
    c.by_window_key = !snapshot_find_key(x->snapshot, rq->path.key);
    bool is_form = !x->in.content_type.p || form_has_type(x->in.content_type);
    const char *wrong = is_form ? node_reports_read_phone_home(x->in.body, &x->arena, &c.phone_home)
                                : "a call home is a form: its Content-Type is " FORM_TYPE
                                  ", or there is none";
    if (!wrong)
        return tell_fleet(x, rq, &c);
    answer_refuse(x, is_form ? 400 : 415, wrong);
    return EXCHANGE_DONE;
}
