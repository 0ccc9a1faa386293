/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/apiwatch.h"

#include "base/json.h"

#include <errno.h>

static const char *const types[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"};

#define TYPES (sizeof(types) / sizeof(types[0]))

void apiwatch_init(struct apiwatch *w)
{
    lines_init(&w->lines, APIWATCH_EVENT_MAX);
    w->rest = STR("");
}

void apiwatch_done(struct apiwatch *w)
{
    lines_done(&w->lines);
}

void apiwatch_reset(struct apiwatch *w)
{
    apiwatch_done(w);
    apiwatch_init(w);
}

void apiwatch_feed(struct apiwatch *w, struct str bytes)
{
    w->rest = bytes;
}

static int read_error(struct value status, struct apiwatch_event *ret, struct err *e)
{
    struct value code = value_get(status, STR("code"));
    if (code.kind == VALUE_INT && code.i == 410) {
        *ret = (struct apiwatch_event){.type = APIWATCH_EXPIRED};
        return 1;
    }
    char text[200];
    struct buf shown = {.max_bytes = sizeof(text)};
    buf_escaped(&shown, value_get_text(status, STR("message")), sizeof(text) / 4 - 4);
    err_set(e, -EIO, "the API server ends the watch: %.*s", STR_ARG(buf_view(&shown)));
    buf_done(&shown);
    return -EIO;
}

static int read_event(struct str line, struct arena *a, struct apiwatch_event *ret, struct err *e)
{
    struct value event;
    size_t i = 0;
    if (json_read(line, a, &event, NULL) < 0)
        return err_set(e, -EINVAL, "the watch brought a line that is not JSON");
    struct str type = value_get_text(event, STR("type"));
    struct value object = value_get(event, STR("object"));
    if (str_is(type, "ERROR"))
        return read_error(object, ret, e);
    while (i < TYPES && !str_is(type, types[i]))
        i++;
    struct str version = value_get_text(value_get(object, STR("metadata")), STR("resourceVersion"));
    if (i == TYPES || !version.n)
        return err_set(e, -EINVAL, "the watch brought something that is not an event");
    *ret = (struct apiwatch_event){(enum apiwatch_type)i, object, version};
    if (ret->type == APIWATCH_BOOKMARK)
        ret->object = (struct value){0};
    return 1;
}

int apiwatch_next(struct apiwatch *w, struct arena *a, struct apiwatch_event *ret, struct err *e)
{
    struct str line;
    int r = lines_next(&w->lines, &w->rest, &line);
    if (r < 0)
        return err_set(e, r, "an event of the watch has more than %zu bytes", APIWATCH_EVENT_MAX);
    return r ? read_event(line, a, ret, e) : 0;
}
