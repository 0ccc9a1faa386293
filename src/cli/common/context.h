/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context: the servers that `cloudseed login` has met, each by a name, and the one in use.
 *
 * Their files are those of known.h, of the kind "contexts". The name of the one in use is in
 * current.name beside them.
 */
#ifndef CLOUDSEED_CLI_COMMON_CONTEXT_H
#define CLOUDSEED_CLI_COMMON_CONTEXT_H

#include "base/arena.h"
#include "base/err.h"

struct context {
    struct str name;
    struct str url;   /* "https://seed.home.arpa:8444" */
    struct str ca;    /* PEM; empty: the system's CAs */
    struct str token; /* "cloudseed_…" */
};

/* Reads one, with its token. -ENOENT: there is none of that name. */
int context_load(const char *name, struct arena *a, struct context *ret, struct err *e);
/* The one with this URL. -ENOENT: there is none. */
int context_find(struct str url, struct arena *a, struct context *ret, struct err *e);
/* Their names, in order. */
int context_names(struct arena *a, const struct str **ret, size_t *ret_n, struct err *e);
/* Over an earlier one of that name. *ret_path is the file. */
int context_save(const struct context *k, struct arena *a, struct str *ret_path, struct err *e);
/* The one in use is then none. */
int context_remove(const char *name, struct arena *a, struct err *e);

/* The name of the one in use; empty: none. */
struct str context_current(struct arena *a);
/* Uses it from now on; NULL: none. It is not checked. */
int context_use(const char *name, struct arena *a, struct err *e);

/* A token of `text`, without the spaces around it. */
int context_read_token(struct str text, const char *where, struct str *ret, struct err *e);

#endif
