/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/storm/storm.h"
#include "crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

#define PAUSE_FIRST_MS 1000U
#define PAUSE_MAX_MS 8000
#define ANSWER_MS 60000
#define CLAIM_BYTES 32
#define STEP_ARENA_BYTES 16384
#define BODY_MAX_BYTES ((size_t)65536)

static const char *const seed_files[] = {"network-config", "meta-data", "user-data", "vendor-data"};

/* The steps, in the order of a boot. The last report comes after the call home: the service that
 * asks to bootstrap starts when cloud-init has ended. `group`: with which phase it runs by_phase.
 */
static const struct {
    enum storm_phase phase, group;
    uint32_t n;
} steps[] = {
    {STORM_ARM, STORM_ARM, 1},
    {STORM_LOADER, STORM_LOADER, 1},
    {STORM_SCRIPT, STORM_SCRIPT, 1},
    {STORM_SEED, STORM_SEED, 4},
    {STORM_REPORT, STORM_REPORT, STORM_REPORTS - 1},
    {STORM_PHONE_HOME, STORM_PHONE_HOME, 1},
    {STORM_REPORT, STORM_PHONE_HOME, 1},
    {STORM_BOOTSTRAP, STORM_BOOTSTRAP, 1},
    {STORM_RESULT, STORM_RESULT, 1},
};

#define STEPS_N (sizeof(steps) / sizeof(steps[0]))

/* Where the machine is: a row of `steps`, and the number of the step within its phase. */
struct place {
    size_t row;
    uint32_t number;
};

static struct place place_of(const struct machine *m)
{
    struct place p = {0, m->step};
    while (p.row < STEPS_N && p.number >= steps[p.row].n)
        p.number -= steps[p.row++].n;
    if (p.row < STEPS_N && steps[p.row].group != steps[p.row].phase)
        p.number = STORM_REPORTS - 1;
    return p;
}

unsigned machine_group(const struct machine *m)
{
    struct place p = place_of(m);
    return p.row < STEPS_N ? steps[p.row].group : STORM_PHASES;
}

static enum storm_phase phase_of(const struct machine *m)
{
    return steps[place_of(m).row].phase;
}

/* --- What is sent --------------------------------------------------------------------------- */

static struct str json_text(struct arena *a, struct value v)
{
    struct buf b;
    buf_init(&b, BODY_MAX_BYTES);
    json_write(&b, v, false);
    struct str text = arena_str(a, buf_view(&b));
    buf_done(&b);
    return text;
}

static struct str report_body(struct storm *s, uint32_t number)
{
    bool first = number == 0, last = number == STORM_REPORTS - 1;
    struct str stage = first  ? STR("init-network")
                       : last ? STR("modules-final")
                              : arena_printf(&s->arena, "modules-config/config-%02u", number);
    const struct value_pair pairs[] = {
        JSON_STR("name", stage),
        JSON_STR("description", arena_printf(&s->arena, "running %.*s", STR_ARG(stage))),
        JSON_STR("event_type", first ? STR("start") : STR("finish")),
        JSON_STR("origin", STR("cloudinit")),
        JSON_VALUE("timestamp", value_float((double)clock_wall_ms() / 1000)),
        JSON_STR("result", STR("SUCCESS")),
    };
    return json_text(&s->arena, value_map(pairs, first ? 5 : 6));
}

/* As long as real ones. */
static struct str host_keys(struct arena *a)
{
    static const struct {
        const char *kind;
        int n;
    } keys[] = {{"rsa", 544}, {"ecdsa", 140}, {"ed25519", 68}};
    struct buf b;
    buf_init(&b, BODY_MAX_BYTES);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        buf_printf(&b, "&pub_key_%s=ssh-%s%%20", keys[i].kind, keys[i].kind);
        for (int k = 0; k < keys[i].n; k++)
            buf_char(&b, 'A');
    }
    struct str text = arena_str(a, buf_view(&b));
    buf_done(&b);
    return text;
}

void machine_prepare(struct storm *s)
{
    for (uint32_t i = 0; i < STORM_REPORTS; i++)
        s->reports[i] = report_body(s, i);
    s->keys = host_keys(&s->arena);
}

static struct str bootstrap_body(const struct machine *m, struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_STR("claim", str_from(m->claim)),
        JSON_VALUE("uuid", value_none()),
        JSON_VALUE("machine", value_none()),
        JSON_STR("hostname", m->name),
        JSON_VALUE("addresses", value_list(NULL, 0)),
        JSON_VALUE("kubeadm", value_none()),
        JSON_INT("attempt", m->tries + 1),
    };
    return json_text(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

static struct str result_body(const struct machine *m, struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_STR("claim", str_from(m->claim)),
        JSON_BOOL("ok", true),
        JSON_STR("stage", STR("done")),
        JSON_STR("log", STR("")),
    };
    return json_text(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

static struct str below_key(const struct machine *m, const char *what, struct arena *a)
{
    return arena_printf(a, "/s/%.*s/%s", STR_ARG(m->key), what);
}

static void fill(const struct machine *m, struct place p, struct arena *a, struct ask_request *q)
{
    const struct storm *s = m->storm;
    *q = (struct ask_request){.peer = &s->plan.boot, .method = "POST", .type = STR("")};
    switch (steps[p.row].phase) {
    case STORM_ARM:
        q->peer = &s->plan.admin;
        q->target = arena_printf(a, "/v1/nodes/%.*s/arm", STR_ARG(m->name));
        q->body = STR("");
        q->bearer = s->plan.token;
        q->keeps = true;
        break;
    case STORM_SEED:
        q->method = "GET";
        q->target = below_key(m, seed_files[p.number], a);
        break;
    case STORM_REPORT:
        q->target = below_key(m, "report", a);
        q->body = s->reports[p.number];
        break;
    case STORM_PHONE_HOME:
        q->target = below_key(m, "phone-home", a);
        q->type = STR("application/x-www-form-urlencoded");
        q->body = ARENA_JOIN(a, STR("hostname="), m->name, s->keys);
        break;
    case STORM_BOOTSTRAP:
    case STORM_RESULT:
        q->peer = &s->plan.node;
        q->type = STR("application/json");
        q->bearer = str_from(m->join_key);
        q->target = below_key(m, storm_phase_names[steps[p.row].phase], a);
        q->body = steps[p.row].phase == STORM_RESULT ? result_body(m, a) : bootstrap_body(m, a);
        break;
    default: abort();
    }
}

/* --- What comes back ------------------------------------------------------------------------ */

static void step(struct machine *m);

/* "… cs=JOINKEY.PIN" */
static bool read_join_key(struct machine *m, struct str body)
{
    struct arena a;
    struct value armed;
    struct err e;
    arena_init(&a, STEP_ARENA_BYTES);
    bool ok = false;
    if (json_read(body, &a, &armed, &e) == 0) {
        struct str serial = value_get_text(value_get(armed, STR("arm")), STR("serial"));
        const char *at = memmem(serial.p, serial.n, " cs=", 4);
        struct str rest = at ? str_skip(serial, (size_t)(at + 4 - serial.p)) : STR("");
        struct str key = str_cut(&rest, '.');
        ok = key.n && key.n < sizeof(m->join_key);
        snprintf(m->join_key, sizeof(m->join_key), "%.*s", ok ? (int)key.n : 0, key.p);
    }
    arena_done(&a);
    return ok;
}

static void new_claim(struct machine *m)
{
    char bytes[CLAIM_BYTES];
    random_bytes(bytes, sizeof(bytes));
    base64url_write((struct str){bytes, sizeof(bytes)}, m->claim);
}

static void end(struct machine *m, bool booted)
{
    m->runs = false;
    uv_timer_stop(&m->timer);
    if (booted)
        latency_add(&m->storm->tally.whole, (clock_boot_ns() - m->began_ns) / 1000);
    storm_on_end(m->storm, booted);
}

static void on_pause_over(uv_timer_t *timer)
{
    step(timer->data);
}

/* As cloud-init and the join script do, it asks again until its time is over. */
static void fail(struct machine *m, const char *kind, struct str detail, uint32_t retry_after_s,
                 bool is_final)
{
    uint64_t pause_ms = retry_after_s * 1000ull, now_ms = uv_now(&m->storm->loop);
    tally_fail(&m->storm->tally, phase_of(m), kind, m->name, detail);
    if (!pause_ms)
        pause_ms = m->tries < 3 ? PAUSE_FIRST_MS << m->tries : PAUSE_MAX_MS;
    m->tries++;
    if (is_final || now_ms + pause_ms >= m->due_ms)
        end(m, false);
    else
        uv_timer_start(&m->timer, on_pause_over, pause_ms, 0);
}

/* To the next step. The loader comes by TFTP, as the script behind it. */
static void advance(struct machine *m)
{
    m->tries = 0;
    m->step++;
    if (machine_group(m) == STORM_LOADER && !m->storm->plan.with_tftp)
        m->step += 2;
}

static void succeed(struct machine *m)
{
    unsigned group = machine_group(m);
    tally_add(&m->storm->tally, phase_of(m), (clock_boot_ns() - m->step_ns) / 1000);
    uv_timer_stop(&m->timer);
    advance(m);
    if (machine_group(m) == STORM_PHASES)
        end(m, true);
    else if (m->storm->plan.by_phase && machine_group(m) != group)
        storm_on_arrival(m->storm);
    else
        step(m);
}

/* "status 503", and what a problem of the server says. */
static void refuse(struct machine *m, const struct ask_answer *answer)
{
    char kind[32];
    struct arena a;
    struct value problem;
    struct err e;
    struct str detail = answer->body;
    bool passes = answer->status >= 500 || answer->status == 429 || answer->status == 408;
    arena_init(&a, STEP_ARENA_BYTES);
    snprintf(kind, sizeof(kind), "status %d", answer->status);
    if (json_read(answer->body, &a, &problem, &e) == 0)
        detail = value_get_text(problem, STR("detail"));
    detail = str_cut(&detail, '\n');
    fail(m, kind, detail, answer->retry_after_s, !passes);
    arena_done(&a);
}

static void on_answer(void *cls, const struct ask_answer *answer)
{
    struct machine *m = cls;
    m->ask = NULL;
    if (answer->trouble)
        fail(m, answer->trouble, answer->body, 0, false);
    else if (answer->status < 200 || answer->status > 299)
        refuse(m, answer);
    else if (phase_of(m) == STORM_ARM && !read_join_key(m, answer->body))
        fail(m, "no join key in the answer", STR(""), 0, true);
    else
        succeed(m);
}

static void on_file(void *cls, const char *trouble, struct str detail)
{
    struct machine *m = cls;
    m->download = NULL;
    if (trouble)
        fail(m, trouble, detail, 0, false);
    else
        succeed(m);
}

static void on_no_answer(uv_timer_t *timer)
{
    struct machine *m = timer->data;
    if (m->ask)
        ask_cancel(m->ask);
    m->ask = NULL;
    fail(m, "no answer within 60 s", STR(""), 0, false);
}

/* --- Its life ------------------------------------------------------------------------------- */

static void request(struct machine *m, struct place p)
{
    struct arena a;
    struct ask_request q;
    arena_init(&a, STEP_ARENA_BYTES);
    fill(m, p, &a, &q);
    m->ask = ask_start(m->storm->asker, &q, on_answer, m);
    uv_timer_start(&m->timer, on_no_answer, ANSWER_MS, 0);
    arena_done(&a);
}

static void fetch_file(struct machine *m, enum storm_phase phase)
{
    char script[64];
    snprintf(script, sizeof(script), "ipxe/mac/%.*s", STR_ARG(m->mac));
    m->download =
        download_start(&m->storm->loop, &m->storm->plan.tftp,
                       phase == STORM_LOADER ? STR("undionly.kpxe") : str_from(script), on_file, m);
}

static void step(struct machine *m)
{
    struct place p = place_of(m);
    enum storm_phase phase = steps[p.row].phase;
    m->step_ns = clock_boot_ns();
    if (phase == STORM_LOADER || phase == STORM_SCRIPT)
        fetch_file(m, phase);
    else
        request(m, p);
}

void machine_boot(struct machine *m)
{
    m->runs = true;
    m->step = m->tries = 0;
    m->began_ns = clock_boot_ns();
    m->due_ms = uv_now(&m->storm->loop) + m->storm->plan.timeout_ms;
    new_claim(m);
    step(m);
}

void machine_go_on(struct machine *m)
{
    step(m);
}

void machine_stop(struct machine *m)
{
    if (m->ask)
        ask_cancel(m->ask);
    if (m->download)
        download_cancel(m->download);
    m->ask = NULL;
    m->download = NULL;
    m->runs = false;
    uv_timer_stop(&m->timer);
}
