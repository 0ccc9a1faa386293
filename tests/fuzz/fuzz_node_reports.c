/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_node_reports: the bodies that nodes post: reports, calls home, and forms at large.
 *
 * The first byte chooses. What was understood goes through the fleet's transitions, and the record
 * that comes out must be read again as it was written.
 */
#include "base/json.h"
#include "core/internal.h"
#include "fleet/event.h"
#include "wire/form.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static struct str text_of(struct value v, struct arena *a)
{
    struct buf b;
    buf_init(&b, 256 * 1024);
    need(json_write(&b, v, false));
    need(!memchr(b.p, '\n', b.n));
    struct str text = arena_str(a, buf_view(&b));
    buf_done(&b);
    return text;
}

static void check_record(const struct record *r, struct arena *a)
{
    struct record again;
    struct err e;
    struct str text = text_of(record_value(r, a), a);
    need(record_read(text, a, &again, &e) == 0);
    need(str_eq(text_of(record_value(&again, a), a), text));
}

static void apply(struct record *r, struct change *c, struct arena *a)
{
    struct outcome out;
    state_apply(r, c, a, &out);
    need(out.events_n <= EVENTS_MAX && (out.status == 200 || out.reason));
    for (uint32_t i = 0; i < out.events_n; i++)
        text_of(event_value(&out.events[i], STR("n1"), c, a), a);
    check_record(r, a);
}

static void live(struct change *told, struct arena *a)
{
    struct record r;
    struct change arm = {.kind = CHANGE_ARM, .at = {1, 1, STR("b")}, .cause = STR("uid 0")};
    arm.arm.length_ms = WINDOW_DEFAULT_MS;
    record_init(&r);
    apply(&r, told, a);
    apply(&r, &arm, a);
    apply(&r, told, a);
    apply(&r, told, a);
}

static void check_report(struct str body, struct arena *a)
{
    struct change c = {.kind = CHANGE_REPORT, .at = {2, 2, STR("b")}, .cause = STR("node")};
    const char *wrong = node_reports_read_report(body, a, &c.report);
    if (wrong) {
        need(wrong[0] && !strchr(wrong, '\n'));
        return;
    }
    need(c.report.name.n && c.report.name.n <= 255 && c.report.type.n && c.report.type.n <= 16);
    live(&c, a);
}

static void check_phone_home(struct str body, struct arena *a)
{
    struct change c = {.kind = CHANGE_PHONE_HOME, .at = {2, 2, STR("b")}, .cause = STR("node")};
    const char *wrong = node_reports_read_phone_home(body, a, &c.phone_home);
    if (wrong)
        need(wrong[0] && !strchr(wrong, '\n'));
    else
        live(&c, a);
}

static void check_form(struct str body, struct arena *a)
{
    struct form_field field;
    size_t bytes = 0;
    form_has_type(body);
    while (form_next(&body, a, &field))
        bytes += field.name.n + field.value.n + 1;
    need(bytes <= 2 * (1 << 20));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct str body = {(const char *)data + 1, size ? size - 1 : 0};
    arena_init(&a, 4096);
    if (!size || data[0] == 'f')
        check_form(size ? body : STR(""), &a);
    else if (data[0] == 'r')
        check_report(body, &a);
    else
        check_phone_home(body, &a);
    arena_done(&a);
    return 0;
}
