/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch/watch.h"

#include "base/mem.h"

#define ROLE_SIZE 64
#define STAGE_SIZE 96
#define MARKS_MAX 256
#define BOOTS_WEIGHED 8  /* a moving average over that many boots */
#define NEARLY_DONE 0.99 /* 100 % only after the end */

struct mean {
    double ms;
    uint32_t n;
};

struct mark {
    char stage[STAGE_SIZE];
    bool ended;
    struct mean after;
};

struct learn_role {
    char name[ROLE_SIZE];
    struct mean total;
    struct mark *marks;
    uint32_t n, room;
};

void learn_done(struct learn *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        free(l->roles[i].marks);
    free(l->roles);
    *l = (struct learn){0};
}

static void take(struct mean *m, int64_t ms)
{
    if (ms < 0)
        return;
    m->n = m->n < BOOTS_WEIGHED ? m->n + 1 : BOOTS_WEIGHED;
    m->ms += ((double)ms - m->ms) / m->n;
}

static struct learn_role *find_role(const struct learn *l, const char *name)
{
    for (uint32_t i = 0; i < l->n; i++) {
        if (strncmp(l->roles[i].name, name, ROLE_SIZE - 1) == 0)
            return &l->roles[i];
    }
    return NULL;
}

static struct learn_role *get_role(struct learn *l, const char *name)
{
    struct learn_role *r = find_role(l, name);
    if (r)
        return r;
    l->roles = mem_grow(l->roles, l->n, &l->room, sizeof(*l->roles));
    r = &l->roles[l->n++];
    *r = (struct learn_role){.n = 0};
    memcpy(r->name, name, strnlen(name, ROLE_SIZE - 1));
    return r;
}

static struct mark *find_mark(const struct learn_role *r, const char *stage, bool ended)
{
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->marks[i].ended == ended && strncmp(r->marks[i].stage, stage, STAGE_SIZE - 1) == 0)
            return &r->marks[i];
    }
    return NULL;
}

void learn_mark(struct learn *l, const char *role, const char *stage, bool ended, int64_t after_ms)
{
    struct learn_role *r = get_role(l, role);
    struct mark *m = find_mark(r, stage, ended);
    if (!m && r->n == MARKS_MAX)
        return;
    if (!m) {
        r->marks = mem_grow(r->marks, r->n, &r->room, sizeof(*r->marks));
        m = &r->marks[r->n++];
        *m = (struct mark){.ended = ended};
        memcpy(m->stage, stage, strnlen(stage, STAGE_SIZE - 1));
    }
    take(&m->after, after_ms);
}

void learn_end(struct learn *l, const char *role, int64_t after_ms)
{
    take(&get_role(l, role)->total, after_ms);
}

/* A boot that is ahead of its marks jumps forward; one that is behind waits at the next mark. */
double learn_fraction(const struct learn *l, const char *role, const char *stage, bool ended,
                      int64_t running_ms)
{
    const struct learn_role *r = find_role(l, role);
    if (!r || r->total.ms <= 0)
        return -1;
    const struct mark *m = find_mark(r, stage, ended);
    double at = m ? m->after.ms : 0, next = r->total.ms, running = (double)running_ms;
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->marks[i].after.ms > at && r->marks[i].after.ms < next)
            next = r->marks[i].after.ms;
    }
    double done = (running < at ? at : running > next ? next : running) / r->total.ms;
    return done < 0 ? 0 : done > NEARLY_DONE ? NEARLY_DONE : done;
}
