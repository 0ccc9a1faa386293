/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MSG_MAX 1024

void faults_init(struct faults *fs)
{
    *fs = (struct faults){0};
    arena_init(&fs->arena, 4096);
}

void faults_done(struct faults *fs)
{
    free(fs->list);
    arena_done(&fs->arena);
    *fs = (struct faults){0};
}

static const char *keep(struct faults *fs, const char *text)
{
    return text ? arena_str(&fs->arena, str_from(text)).p : NULL;
}

__attribute__((format(printf, 2, 0))) static const char *format_msg(struct faults *fs,
                                                                    const char *fmt, va_list ap)
{
    char msg[MSG_MAX];
    int n = vsnprintf(msg, sizeof(msg), fmt, ap);
    if (n < MSG_MAX)
        return keep(fs, n < 0 ? fmt : msg);
    struct str head = str_head((struct str){msg, MSG_MAX - 1}, MSG_MAX - sizeof("…"));
    return arena_printf(&fs->arena, "%.*s…", STR_ARG(head)).p;
}

/* The place of the next fault, or NULL. An error replaces the last warning when all are taken. */
static struct fault *take_slot(struct faults *fs, bool warning)
{
    if (!fs->list)
        fs->list = MEM_ARRAY(struct fault, FAULTS_KEPT_MAX);
    if (fs->kept < FAULTS_KEPT_MAX)
        return &fs->list[fs->kept++];
    for (size_t i = fs->kept; !warning && i > 0; i--) {
        if (fs->list[i - 1].warning)
            return &fs->list[i - 1];
    }
    return NULL;
}

__attribute__((format(printf, 3, 0))) static void add(struct faults *fs, struct fault f,
                                                      const char *fmt, va_list ap)
{
    if (f.warning)
        fs->warnings++;
    else
        fs->errors++;
    struct fault *slot = take_slot(fs, f.warning);
    if (!slot)
        return;
    f.at.file = keep(fs, f.at.file);
    f.msg = format_msg(fs, fmt, ap);
    f.excerpt = keep(fs, f.excerpt);
    f.owner = keep(fs, fs->owner);
    f.part = keep(fs, fs->part);
    *slot = f;
}

void fault_add(struct faults *fs, struct place at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(fs, (struct fault){.at = at}, fmt, ap);
    va_end(ap);
}

void fault_warn(struct faults *fs, struct place at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(fs, (struct fault){.at = at, .warning = true}, fmt, ap);
    va_end(ap);
}

void fault_add_excerpt(struct faults *fs, struct place at, const char *excerpt, const char *fmt,
                       ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(fs, (struct fault){.at = at, .excerpt = excerpt}, fmt, ap);
    va_end(ap);
}

void fault_warn_excerpt(struct faults *fs, struct place at, const char *excerpt, const char *fmt,
                        ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(fs, (struct fault){.at = at, .excerpt = excerpt, .warning = true}, fmt, ap);
    va_end(ap);
}

static int by_place(const struct fault *a, const struct fault *b)
{
    int c = str_cmp(str_from(a->at.file), str_from(b->at.file));
    if (c)
        return c;
    if (a->at.line != b->at.line)
        return a->at.line < b->at.line ? -1 : 1;
    return (a->at.column > b->at.column) - (a->at.column < b->at.column);
}

/* Insertion sort: it is stable, and the list is short and nearly sorted. */
void faults_sort(struct faults *fs)
{
    for (size_t i = 1; i < fs->kept; i++) {
        struct fault f = fs->list[i];
        size_t j = i;
        for (; j > 0 && by_place(&fs->list[j - 1], &f) > 0; j--)
            fs->list[j] = fs->list[j - 1];
        fs->list[j] = f;
    }
}
