/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

/* Marks a message that did not fit by ending it with "…". */
static void mark_cut(char *msg, size_t size, int wanted)
{
    static const char dots[] = "…";
    if (wanted < 0 || (size_t)wanted < size)
        return;
    size_t end = str_head((struct str){msg, size - 1}, size - sizeof(dots)).n;
    memcpy(msg + end, dots, sizeof(dots));
}

__attribute__((format(printf, 3, 0))) static void set_v(struct err *e, int code, const char *fmt,
                                                        va_list ap)
{
    e->code = code;
    int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
    mark_cut(e->msg, sizeof(e->msg), n);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    assert(code < 0);
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        set_v(e, code, fmt, ap);
        va_end(ap);
    }
    return code;
}

int err_errno(struct err *e, int code, const char *fmt, ...)
{
    assert(code < 0);
    if (e) {
        struct err what;
        va_list ap;
        va_start(ap, fmt);
        set_v(&what, code, fmt, ap);
        va_end(ap);
        err_set(e, code, "%s: %s", what.msg, strerror(-code));
    }
    return code;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
    if (!e)
        return -EINVAL;
    struct err front;
    va_list ap;
    va_start(ap, fmt);
    set_v(&front, e->code, fmt, ap);
    va_end(ap);
    struct err back = *e;
    return err_set(e, back.code, "%s: %s", front.msg, back.msg);
}
