/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apiwatch: the stream of changes that an API server sends to a watch.
 *
 * It is cut into lines, one event each, however the network cut it. A stream may end anywhere: the
 * next one begins at the version that was seen last. When that is too old (410), list again.
 */
#ifndef CLOUDSEED_KUBE_APIWATCH_H
#define CLOUDSEED_KUBE_APIWATCH_H

#include "base/err.h"
#include "base/value.h"
#include "wire/lines.h"

#define APIWATCH_EVENT_MAX ((size_t)4 << 20) /* etcd keeps objects of 1.5 MiB */

struct apiwatch {
    struct lines lines;
    struct str rest; /* what apiwatch_feed brought and apiwatch_next has not taken */
};

void apiwatch_init(struct apiwatch *w);
void apiwatch_done(struct apiwatch *w);
/* For a new stream: forgets half an event. */
void apiwatch_reset(struct apiwatch *w);

/* What came. The bytes must stay until apiwatch_next has returned 0. */
void apiwatch_feed(struct apiwatch *w, struct str bytes);

enum apiwatch_type {
    APIWATCH_ADDED,
    APIWATCH_MODIFIED,
    APIWATCH_DELETED,
    APIWATCH_BOOKMARK, /* only the version counts */
    APIWATCH_EXPIRED   /* the version is too old: list again */
};

struct apiwatch_event {
    enum apiwatch_type type;
    struct value object; /* for object.h; undefined with bookmarks and EXPIRED */
    struct str version;  /* from which to go on */
};

/* 1 with the next event, in the arena; 0 where more must come first. Otherwise end the stream: -EIO
 * with what the API server says, -EMSGSIZE, or -EINVAL for what is not an event. */
int apiwatch_next(struct apiwatch *w, struct arena *a, struct apiwatch_event *ret, struct err *e);

#endif
