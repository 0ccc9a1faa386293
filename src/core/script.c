/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts for iPXE and grub: a first one, by which the machine asks again and says what it is, then
 * its own. */
#include "base/clock.h"
#include "core/answer.h"
#include "core/internal.h"
#include "render/scope.h"

/* --- Which node it is of --------------------------------------------------------------------- */

/* Which node's machine asks for a boot script. */
struct identified_machine {
    const struct node *node; /* NULL: of no node */
    struct fleet_view view;
    /* Which evidence the site accepts; EVIDENCE_COUNT: none, and it gets no key. */
    enum evidence evidence;
    bool is_torn; /* its MAC is the node's, its uuid is not */
};

static bool has_uuid_of(const struct machine *m, const struct node *n)
{
    return n->uuid && m->has_uuid && memcmp(n->uuid, &m->uuid, sizeof(m->uuid)) == 0;
}

/* Its MAC if the site accepts that, else its uuid. */
static enum evidence what_counts(const struct snapshot *s, const struct node *by_mac,
                                 const struct node *by_uuid)
{
    const bool *lists = tree_site(snapshot_tree(s))->evidence;
    if (by_mac && lists[EVIDENCE_MAC])
        return EVIDENCE_MAC;
    return by_uuid && lists[EVIDENCE_UUID] ? EVIDENCE_UUID : EVIDENCE_COUNT;
}

static struct identified_machine identify_machine(const struct snapshot *s, const struct fleet *f,
                                                  const struct machine *m)
{
    const struct node *by_mac = m->has_mac ? snapshot_find_mac(s, m->mac) : NULL;
    const struct node *by_uuid = m->has_uuid ? snapshot_find_uuid(s, m->uuid) : NULL;
    struct identified_machine who = {.node = by_mac ? by_mac : by_uuid};
    if (!who.node)
        return who;
    who.view = fleet_look(f, who.node->uid);
    who.evidence = what_counts(s, by_mac, by_uuid);
    who.is_torn = (by_uuid && by_uuid != who.node) ||
                  (who.node->uuid && m->has_uuid && !has_uuid_of(m, who.node));
    return who;
}

/* --- What it boots --------------------------------------------------------------------------- */

/* Whether one of its kernels gets the URL of the node's files on its command line. */
static bool tells_url(const struct boot_plan *b)
{
    bool tells = b->entry.kind == BOOT_KERNEL && b->entry.discovery == DISCOVERY_KERNEL;
    for (uint32_t i = 0; i < b->menu_n; i++)
        tells |= b->menu[i].kind == BOOT_KERNEL && b->menu[i].discovery == DISCOVERY_KERNEL;
    return tells;
}

/* Why the node must boot its disk, as a phrase that follows its name; NULL: it may be built. */
static const char *refusal(const struct identified_machine *who)
{
    enum node_state state = who->view.state;
    if (who->node->role->boot.entry.kind == BOOT_LOCAL)
        return NULL;
    if (who->is_torn)
        return "has the MAC of this machine, but not its uuid";
    if (who->view.locked)
        return "is locked after an alarm: 'cloudseed node unlock' lifts that";
    if (state == STATE_UP || state == STATE_JOINING || state == STATE_READY)
        return "is built already";
    if (!who->view.window_key.n)
        return "is not to be built now: 'cloudseed node arm' opens that";
    if (who->evidence == EVIDENCE_COUNT && tells_url(&who->node->role->boot))
        return "cannot be told its URL: this site does not list 'mac' under 'evidence'";
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

static void answer_machine(struct exchange *x, struct request_ctx *rq, enum boot_loader loader,
                           const struct machine *m)
{
    struct core *c = rq->core;
    struct identified_machine who = identify_machine(x->snapshot, c->fleet, m);
    struct render_env env = {0};
    put_machine(x, m, &env);
    if (!who.node) {
        if (discovered_note(c->discovered, m, x->in.peer, clock_wall_ms()))
            x->out.event = "discovered";
        render_for_anyone(x, loader, SCRIPT_UNKNOWN, &env);
        return;
    }
    const char *why = refusal(&who);
    if (why)
        env.boot_refusal = ARENA_JOIN(&x->arena, who.node->name, STR(" "), str_from(why));
    env.generation = who.view.generation;
    env.seed_url = boot_seed_url(x, who.view.window_key);
    render_for_node(x, loader, who.node, &env);
    if (who.view.state == STATE_ARMED && who.evidence != EVIDENCE_COUNT && !who.is_torn)
        boot_tell_fleet(x, rq, who.node, who.evidence);
}

static enum exchange_verdict answer_script(struct exchange *x, struct request_ctx *rq,
                                           enum boot_loader loader)
{
    const struct route_path *path = &rq->path;
    x->out.file = str_from(boot_script_names[loader]);
    if (path->value.n || x->in.query.n) {
        struct machine m = path->value.n ? machine_of_evidence(path->evidence, path->value)
                                         : machine_of_query(x->in.query, &x->arena);
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
