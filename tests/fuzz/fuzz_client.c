/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_client: what servers answer to the admin's tool: a stream of events in two pieces, each
 * event as `watch` prints it, and the answers of a Proxmox VE host.
 *
 * The events are the same however the stream is cut, and nothing that reaches the terminal could
 * command it.
 */
#include "base/json.h"
#include "cli/common/client.h"
#include "cli/common/table.h"
#include "cli/pve/pve.h"
#include "cli/pve/shape.h"
#include "cli/watch/watch.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

struct seen {
    unsigned n;
    struct buf all;
};

/* What was printed is one line, or several, of what a terminal only shows. */
static void check_shown(FILE *f, char **text, const size_t *n)
{
    need(fclose(f) == 0);
    for (size_t i = 0; i < *n; i++)
        need((unsigned char)(*text)[i] >= 0x20 || (*text)[i] == '\n');
    free(*text);
}

static void show(struct value v, struct arena *a)
{
    char *text;
    size_t n;
    struct table t;
    FILE *f = open_memstream(&text, &n);
    event_print(f, v, false);
    event_is_bad(v);
    table_init(&t, a, 2);
    table_head(&t, (const char *const[]){"EVENT", "TEXT"});
    table_add(&t, event_text(v, a));
    table_add(&t, v.kind == VALUE_STR ? value_text(v) : STR(""));
    table_print(&t, f, false);
    check_shown(f, &text, &n);
}

static void on_event(void *cls, const struct sse_event *event)
{
    struct seen *s = cls;
    struct arena a;
    struct value v;
    s->n++;
    need(event->kind.n > 0);
    buf_str(&s->all, event->id);
    buf_str(&s->all, event->kind);
    buf_str(&s->all, event->data);
    arena_init(&a, 1024);
    if (json_read(event->data, &a, &v, NULL) == 0)
        show(v, &a);
    arena_done(&a);
}

static bool feed(struct str bytes, size_t cut, struct seen *s)
{
    struct sse sse;
    *s = (struct seen){.n = 0};
    buf_init(&s->all, 8 << 20);
    sse_init(&sse, on_event, s);
    bool ok = sse_feed(&sse, (struct str){bytes.p, cut}) && sse_feed(&sse, str_skip(bytes, cut));
    sse_done(&sse);
    return ok;
}

static void check_stream(struct str bytes)
{
    struct seen whole, parts;
    bool ok = feed(bytes, bytes.n, &whole);
    need(feed(bytes, bytes.n / 2, &parts) == ok);
    need(whole.n == parts.n && str_eq(buf_view(&whole.all), buf_view(&parts.all)));
    buf_done(&whole.all);
    buf_done(&parts.all);
}

static void check_vm(struct value config, struct arena *a)
{
    static const struct proxmox plan = {.disks_n = 0};
    static const char *const members[] = {"vmid", "memory", "cores", "maxdisk", "uptime"};
    struct pve_changes changes;
    struct err e = {.code = 0};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        pve_number(config, members[i], -1);
        pve_truth(config, members[i]);
        pve_text(config, members[i], a);
    }
    const struct pve_aim aim = {.name = STR("n"),
                                .plan = &plan,
                                .mac = STR("bc:24:11:0a:14:0b"),
                                .vlan = STR("20"),
                                .smbios1 = STR("serial=eA==,base64=1"),
                                .uuid = STR("")};
    int r = pve_compare(&aim, config, a, &changes, &e);
    need(r == e.code && (r == 0 || e.msg[0]));
    need(r < 0 || changes.n <= PVE_CHANGES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = {(const char *)data, size};
    struct arena a;
    struct value v;
    arena_init(&a, 4096);
    check_stream(s);
    if (json_read(s, &a, &v, NULL) == 0) {
        check_vm(v, &a);
        show(v, &a);
    }
    arena_done(&a);
    return 0;
}
