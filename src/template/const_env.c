/* SPDX-License-Identifier: Apache-2.0 */
#include "template/const_env.h"

#include "base/mem.h"

#include <stdlib.h>

void const_env_init(struct const_env *env, const struct activation *act, const struct const_env *by,
                    const struct template_scope *scope)
{
    *env =
        (struct const_env){.scope = scope, .by = by, .include = act->include, .slots = act->slots};
    env->is_const = MEM_ARRAY(bool, act->t->slots);
}

void const_env_done(struct const_env *env)
{
    free(env->is_const);
    free(env->log);
}

/* --- Frames and branches ------------------------------------------------------------------- */

void const_env_change(struct const_env *env, uint32_t slot)
{
    env->log = mem_grow(env->log, env->n, &env->room, sizeof(*env->log));
    env->log[env->n++] = (struct const_change){slot, env->is_const[slot], env->slots[slot]};
    env->is_const[slot] = false;
}

void const_env_hold(struct const_env *env, uint32_t slot)
{
    env->is_const[slot] = true;
}

void const_env_enter(struct const_env *env, const struct frame *f)
{
    for (uint32_t i = 0; i < f->inits_n; i++) {
        const struct slot_init *init = &f->inits[i];
        const_env_change(env, init->slot);
        if (init->kind != SLOT_ALIAS || !env->is_const[init->from])
            continue;
        env->slots[init->slot] = env->slots[init->from];
        const_env_hold(env, init->slot);
    }
}

void const_env_restore(struct const_env *env, uint32_t mark)
{
    for (uint32_t i = env->n; i > mark; i--) {
        const struct const_change *c = &env->log[i - 1];
        env->is_const[c->slot] = c->was_const;
        env->slots[c->slot] = c->value;
    }
}

void const_env_leave(struct const_env *env, uint32_t mark)
{
    const_env_restore(env, mark);
    env->n = mark;
}

void const_env_forget(struct const_env *env, uint32_t mark)
{
    for (uint32_t i = mark; i < env->n; i++)
        env->is_const[env->log[i].slot] = false;
}

/* --- What is constant ---------------------------------------------------------------------- */

/* A name from outside: an includer's, if it is visible at an include, else the scope's. */
static bool is_const_outside(const struct const_env *env, struct str name)
{
    struct value unused;
    for (; env->by; env = env->by) {
        const struct visible *v = include_find(env->include, name);
        if (v)
            return env->by->is_const[v->slot];
    }
    const struct template_scope *s = env->scope;
    return s->lookup(s->cls, name, &unused) || (s->is_undefined && s->is_undefined(s->cls, name));
}

static bool is_const_name(void *cls, struct expr *e)
{
    const struct const_env *env = cls;
    return env->is_const[e->slot] || (e->origin == ORIGIN_OUTER && is_const_outside(env, e->name));
}

bool is_const_expr(struct const_env *env, struct expr *e)
{
    return walk_names(e, is_const_name, env);
}

static bool is_const_block(struct const_env *env, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        if (!is_const_stmt(env, &b->list[i]))
            return false;
    }
    return true;
}

static bool is_const_choice(struct const_env *env, const struct choice *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        if (!is_const_expr(env, c->list[i].test) || !is_const_block(env, &c->list[i].body))
            return false;
    }
    return true;
}

static void hold_for_now(struct const_env *env, uint32_t slot)
{
    const_env_change(env, slot);
    const_env_hold(env, slot);
}

/* What the loop gives to its own names follows from its items. */
static bool is_const_loop(struct const_env *env, const struct loop *l)
{
    uint32_t mark = env->n;
    if (!is_const_expr(env, l->iter) || !is_const_block(env, &l->otherwise.block))
        return false;
    for (uint32_t i = 0; i < l->targets.n; i++) {
        hold_for_now(env, l->targets.list[i].slot);
        if (l->test)
            hold_for_now(env, l->targets.list[i].test_slot);
    }
    if (l->uses_loop)
        hold_for_now(env, l->loop_slot);
    bool ok = is_const_expr(env, l->test) && is_const_block(env, &l->body.block);
    const_env_leave(env, mark);
    return ok;
}

bool is_const_stmt(struct const_env *env, const struct stmt *s)
{
    switch (s->kind) {
    case STMT_TEXT: return true;
    case STMT_OUTPUT: return is_const_expr(env, s->expr);
    case STMT_IF: return is_const_choice(env, s->choice);
    case STMT_FOR: return is_const_loop(env, s->loop);
    case STMT_SET:
    case STMT_INCLUDE: return false;
    }
    return false;
}
