/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bootstrap_answer.h"

#include "base/base64.h"
#include "base/clock.h"
#include "core/answer.h"
#include "core/internal.h"
#include "kube/manifests.h"

#include <assert.h>
#include <inttypes.h>

/* The contract's limits, beyond those of the tree and of any document. */
#define ANSWER_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define KUBEADM_MAX_BYTES 65536

#define WAIT_S 30 /* until an admin may have fixed a template */

/* An answer that is being made. */
struct making {
    struct exchange *x;
    const struct node *node;
    const struct bootstrap_answer *what;
    struct render_env env;
    bool failed; /* the exchange has been answered with a refusal */
};

/* --- Documents ------------------------------------------------------------------------------- */

static void fail(struct making *m, struct str what, const char *log_reason)
{
    answer_reason(m->x, 503, "busy",
                  arena_printf(&m->x->arena,
                               "what %.*s gets to bootstrap cannot be made (%.*s): see the "
                               "server's log and 'cloudseed check'",
                               STR_ARG(m->node->name), STR_ARG(what))
                      .p);
    m->x->out.event = "render-failed";
    m->x->out.reason = log_reason;
    m->x->out.retry_after_s = WAIT_S;
    m->failed = true;
}

static void fail_to_render(struct making *m, struct str what, const struct template_fault *f)
{
    fail(m, what,
         arena_printf(&m->x->arena, "%s:%" PRIu32 ":%" PRIu32 ": %s", f->at.file ? f->at.file : "?",
                      f->at.line, f->at.column, f->msg)
             .p);
}

/* The document's text, in the arena; empty after a failure. */
static struct str render(struct making *m, enum document_kind kind, uint32_t number,
                         size_t min_bytes, size_t max_bytes)
{
    struct exchange *x = m->x;
    struct document d = {kind, number};
    struct template_fault fault;
    struct buf out;
    struct str text = STR("");
    if (m->failed)
        return text;
    buf_init(&out, DOCUMENT_MAX_BYTES);
    out.secret = true;
    struct str name = document_name(m->node, d, &x->arena);
    if (sealed_render(snapshot_tables(x->snapshot), m->node, d, &m->env,
                      snapshot_values(x->snapshot), &x->arena, &out, &fault) < 0)
        fail_to_render(m, name, &fault);
    else if (out.n < min_bytes || out.n > max_bytes)
        fail(m, name,
             arena_printf(&x->arena, "%.*s has %zu bytes: a node takes %zu to %zu", STR_ARG(name),
                          out.n, min_bytes, max_bytes)
                 .p);
    else
        text = arena_str(&x->arena, buf_view(&out));
    buf_done(&out);
    return text;
}

static struct str in_base64(struct str text, struct arena *a)
{
    char *to = arena_alloc(a, base64_length(text.n) + 1);
    base64_write(text, to);
    return (struct str){to, base64_length(text.n)};
}

/* Anyone on the network may have the window's key, which opens no secret. */
static struct value files_value(struct making *m)
{
    const struct role *r = m->node->role;
    struct arena *a = &m->x->arena;
    uint32_t n = m->what->with_files ? r->sealed_n : 0;
    struct value *list = ARENA_ARRAY(a, struct value, n);
    for (uint32_t i = 0; i < n; i++) {
        struct str text = render(m, DOCUMENT_SEALED, i, 0, DOCUMENT_MAX_BYTES);
        list[i] = JSON_MAP(
            a, JSON_STR("path", r->sealed[i].path), JSON_STR("mode", r->sealed[i].mode),
            JSON_STR("owner", r->sealed[i].owner), JSON_STR("content", in_base64(text, a)));
    }
    return value_list(list, n);
}

static struct value text_or_none(struct str s)
{
    return s.n ? value_str(s) : value_none();
}

static struct value addon_value(struct making *m, uint32_t number)
{
    const struct addon *addon = &m->node->cluster->addons[number];
    struct arena *a = &m->x->arena;
    struct value *wait = ARENA_ARRAY(a, struct value, addon->wait_n);
    struct str manifest = STR("");
    for (uint32_t i = 0; i < addon->wait_n; i++)
        wait[i] = value_str(addon->wait[i]);
    if (addon->template)
        manifest = render(m, DOCUMENT_ADDON, number, 1, DOCUMENT_MAX_BYTES);
    return JSON_MAP(a, JSON_STR("name", addon->name), JSON_VALUE("url", text_or_none(addon->url)),
                    JSON_VALUE("manifest", text_or_none(manifest)),
                    JSON_VALUE("sha256", text_or_none(addon->sha256)),
                    JSON_VALUE("wait", value_list(wait, addon->wait_n)));
}

static struct value addons_value(struct making *m)
{
    uint32_t n = m->what->action == CLUSTER_DO_INIT ? m->node->cluster->addons_n : 0;
    struct value *list = ARENA_ARRAY(&m->x->arena, struct value, n);
    for (uint32_t i = 0; i < n; i++)
        list[i] = addon_value(m, i);
    return value_list(list, n);
}

static struct value manifests_value(struct making *m)
{
    struct buf b;
    if (m->what->action != CLUSTER_DO_INIT)
        return value_none();
    buf_init(&b, ANSWER_MAX_BYTES);
    manifests_write(&b, m->node->cluster->hardened ? MANIFESTS_HARDENED : MANIFESTS_OF_MINTER);
    struct str text = arena_str(&m->x->arena, buf_view(&b));
    buf_done(&b);
    return value_str(text);
}

/* --- The whole ------------------------------------------------------------------------------- */

static struct value kubeadm_value(struct making *m)
{
    switch (m->what->action) {
    case CLUSTER_DO_INIT:
        return value_str(render(m, DOCUMENT_KUBEADM_INIT, 0, 1, KUBEADM_MAX_BYTES));
    case CLUSTER_DO_JOIN:
        return value_str(render(m, DOCUMENT_KUBEADM_JOIN, 0, 1, KUBEADM_MAX_BYTES));
    default: return value_none();
    }
}

/* Without the key in its configuration kubeadm would make one that nobody else knows. */
static bool uploads(const struct bootstrap_answer *what, struct value kubeadm)
{
    struct str key = what->values.certificate_key;
    return what->action == CLUSTER_DO_INIT && key.n && memmem(kubeadm.s, kubeadm.n, key.p, key.n);
}

/* In whole seconds, without the fraction that clock_text writes. */
static struct str expires_text(int64_t wall_ms, struct arena *a)
{
    char text[CLOCK_TEXT_SIZE];
    clock_text(wall_ms, text);
    return ARENA_JOIN(a, str_head(str_from(text), strlen("2026-11-22T10:19:31")), STR("Z"));
}

static void write_answer(struct making *m, struct value v)
{
    struct exchange *x = m->x;
    struct buf b;
    buf_init(&b, ANSWER_MAX_BYTES);
    b.secret = true;
    if (!json_write(&b, v, false) || !buf_char(&b, '\n')) {
        fail(m, STR("all of it"), "the answer is larger than 16 MiB");
    } else {
        x->out.status = 200;
        x->out.type = "application/json";
        x->out.cache = "no-store";
        x->out.body = arena_str(&x->arena, buf_view(&b));
    }
    buf_done(&b);
}

struct str bootstrap_answer(struct exchange *x, const struct request_ctx *rq,
                            const struct bootstrap_answer *what)
{
    static const char *const names[] = {
        [CLUSTER_DO_INIT] = "init", [CLUSTER_DO_JOIN] = "join", [CLUSTER_DO_NONE] = "none"};
    static const char *const events[] = {[CLUSTER_DO_INIT] = "bootstrap-init",
                                         [CLUSTER_DO_JOIN] = "bootstrap-join",
                                         [CLUSTER_DO_NONE] = "bootstrap-none"};
    struct making m = {.x = x, .node = rq->node, .what = what};
    enum cluster_verdict action = what->action;
    struct arena *a = &x->arena;
    assert(x->is_secret && action <= CLUSTER_DO_NONE);
    m.env = (struct render_env){
        .seed_url = boot_seed_url(x, rq->path.key),
        .generation = fleet_look(rq->core->fleet, rq->node->uid).generation,
        .bootstrap = &what->values,
    };
    x->out.event = events[action];
    struct value kubeadm = kubeadm_value(&m);
    struct value v = JSON_MAP(
        a, JSON_STR("action", str_from(names[action])),
        JSON_STR("expires", expires_text(what->expires_wall_ms, a)), JSON_VALUE("kubeadm", kubeadm),
        JSON_BOOL("upload_certs", uploads(what, kubeadm)), JSON_VALUE("files", files_value(&m)),
        JSON_VALUE("addons", addons_value(&m)), JSON_VALUE("manifests", manifests_value(&m)));
    if (!m.failed)
        write_answer(&m, v);
    return m.failed ? str_from(x->out.reason) : STR("");
}
