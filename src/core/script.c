/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts for iPXE and grub: a first one, by which the machine asks again and says what it is, then
 * its own. */
#include "base/clock.h"
#include "core/answer.h"
#include "core/identify.h"
#include "core/internal.h"
#include "render/scope.h"

/* --- What it boots --------------------------------------------------------------------------- */

/* Whether one of its kernels gets the URL of the node's files on its command line. */
static bool tells_url(const struct boot_plan *b)
{
    bool tells = b->entry.tells_url;
    for (uint32_t i = 0; i < b->menu_n; i++)
        tells |= b->menu[i].tells_url;
    return tells;
}

/* Why the node must boot its disk, as a phrase that follows its name; NULL: it may be built. */
static const char *refusal(const struct identified_machine *who)
{
    enum node_state state = who->view.state;
    if (who->node->role->boot.entry.kind == BOOT_LOCAL)
        return NULL;
    if (who->view.locked)
        return "is locked after an alarm: 'cloudseed node unlock' lifts that";
    if (state == STATE_UP || state == STATE_JOINING || state == STATE_READY)
        return "is built already";
    if (!who->view.window_key.n)
        return "is not to be built now: 'cloudseed node arm' opens that";
    if (who->view.installer)
        return "was installed in this build window: 'cloudseed node arm' installs it again";
    if (who->evidence == EVIDENCE_COUNT && tells_url(&who->node->role->boot))
        return "cannot get its URL: this site does not list 'mac' under 'evidence'";
    return NULL;
}

static void put_machine(struct exchange *x, const struct machine *m, struct render_env *env)
{
    char text[UUID_TEXT_SIZE];
    if (m->has_mac)
        env->mac = arena_str(&x->arena, str_from(mac_text(m->mac, text)));
    if (m->has_uuid)
        env->uuid = arena_str(&x->arena, str_from(uuid_text(m->uuid, text)));
    x->out.evidence = m->has_mac ? env->mac : env->uuid;
}

static void answer(struct exchange *x)
{
    x->out.status = 200;
    x->out.type = "text/plain; charset=utf-8";
    x->out.cache = "no-store";
    x->out.body = buf_view(&x->body);
}

static void render_for_anyone(struct exchange *x, enum boot_loader loader, enum script_for whom,
                              const struct render_env *env)
{
    const struct template *t = tree_script(snapshot_tree(x->snapshot), loader, whom);
    struct template_fault fault;
    if (!t)
        answer_refuse(x, 404, "the site has no template for this script");
    else if (document_render_script(snapshot_tables(x->snapshot), t, env, &x->arena, &x->body,
                                    &fault) < 0)
        boot_render_failed(x, &fault);
    else
        answer(x);
}

static void render_for_node(struct exchange *x, enum boot_loader loader, const struct node *n,
                            const struct render_env *env)
{
    const struct document d = {DOCUMENT_BOOT, loader};
    struct template_fault fault;
    x->out.node = n->name;
    if (!document_template(n, d))
        answer_refuse(x, 404, "the site has no template for this script");
    else if (document_render(snapshot_tables(x->snapshot), n, d, env, &x->arena, &x->body, NULL,
                             &fault) < 0)
        boot_render_failed(x, &fault);
    else
        answer(x);
}

/* A machine with another node's MAC and uuid, or a new one that has a uuid twice: it is listed
 * among the discovered ones as well, so that it can be adopted. */
static void report_mismatch(struct exchange *x, const struct request_ctx *rq, const struct node *n,
                            const struct machine *m, struct str mismatch)
{
    if (m->has_mac && !snapshot_find_mac(x->snapshot, m->mac))
        discovered_note(rq->core->discovered, m, x->in.peer, clock_wall_ms());
    if (x->out.status != 200)
        return;
    x->out.event = "mismatch";
    x->out.reason = arena_str(&x->arena, mismatch).p;
    boot_tell_mismatch(x, rq, n, mismatch);
}

static void answer_machine(struct exchange *x, struct request_ctx *rq, enum boot_loader loader,
                           const struct machine *m)
{
    struct core *c = rq->core;
    struct identified_machine who = identify_machine(x->snapshot, c->fleet, m, &x->arena);
    struct render_env env = {0};
    put_machine(x, m, &env);
    if (!who.node) {
        if (discovered_note(c->discovered, m, x->in.peer, clock_wall_ms()))
            x->out.event = "discovered";
        if (m->placeholder_uuid.n)
            x->out.reason = ARENA_JOIN(&x->arena, STR("many machines report uuid "),
                                       m->placeholder_uuid, STR(": it identifies no node"))
                                .p;
        render_for_anyone(x, loader, SCRIPT_UNKNOWN, &env);
        return;
    }
    const char *why = refusal(&who);
    if (who.mismatch.n)
        env.boot_refusal = ARENA_JOIN(&x->arena, STR("this machine "), who.mismatch);
    else if (why)
        env.boot_refusal = ARENA_JOIN(&x->arena, who.node->name, STR(" "), str_from(why));
    env.generation = who.view.generation;
    env.seed_url = boot_seed_url(x, who.view.window_key);
    if (!env.boot_refusal.n && tells_url(&who.node->role->boot)) {
        rq->node = who.node; /* for the audit: it gets a key */
        rq->path.evidence = who.evidence;
        rq->path.value = who.evidence == EVIDENCE_UUID ? env.uuid : env.mac;
    }
    render_for_node(x, loader, who.node, &env);
    if (who.mismatch.n)
        report_mismatch(x, rq, who.node, m, who.mismatch);
    else if (who.view.awaited && who.evidence != EVIDENCE_COUNT &&
             x->in.listener != LISTENER_SOCKET)
        boot_tell_fleet(x, rq, who.node, who.evidence, m->placeholder_uuid);
}

static enum exchange_verdict answer_script(struct exchange *x, struct request_ctx *rq,
                                           enum boot_loader loader)
{
    const struct route_path *path = &rq->path;
    x->out.file = str_from(boot_script_names[loader]);
    if (path->value.n || x->in.query.n) {
        struct machine m = machine_of_request(path->evidence, path->value, x->in.query, &x->arena);
        answer_machine(x, rq, loader, &m);
    } else {
        render_for_anyone(x, loader, SCRIPT_FIRST, &(struct render_env){0});
    }
    return EXCHANGE_DONE;
}

enum exchange_verdict script_ipxe(struct exchange *x, struct request_ctx *rq)
{
    return answer_script(x, rq, LOADER_IPXE);
}

enum exchange_verdict script_grub(struct exchange *x, struct request_ctx *rq)
{
    return answer_script(x, rq, LOADER_GRUB);
}
