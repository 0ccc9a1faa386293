/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known: what the tool keeps of servers and hosts, each by a name.
 *
 * Each kind has a folder below $XDG_CONFIG_HOME/cloudseed (~/.config/cloudseed): NAME.json says
 * where one is and by which certificates it is verified, NAME.token beside it is the secret. Files
 * are 0600, and replaced as a whole.
 */
#ifndef CLOUDSEED_CLI_COMMON_KNOWN_H
#define CLOUDSEED_CLI_COMMON_KNOWN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"

#define KNOWN_CONTEXTS "contexts"
#define KNOWN_PVE "pve"

/* "pve1" of "https://pve1.home.arpa:8006"; `other` of an address. */
struct str known_default_name(struct str url, struct str other, struct arena *a);

/* The path of NAME.END. -EINVAL for what is not a name. */
int known_path(const char *kind, const char *name, const char *end, struct arena *a,
               struct str *ret, struct err *e);
/* The names of those that there are, in order. */
int known_names(const char *kind, struct arena *a, const struct str **ret, size_t *ret_n,
                struct err *e);

/* What NAME.json says. -ENOENT where there is none. */
int known_load(const char *kind, const char *name, struct arena *a, struct value *ret,
               struct err *e);
/* Writes NAME.json, over an earlier one. *ret_path is the file. */
int known_save(const char *kind, const char *name, struct value v, struct arena *a,
               struct str *ret_path, struct err *e);

/* A secret in a file that nobody else may read. */
int known_read_secret(const char *path, struct arena *a, struct str *ret, struct err *e);
/* Writes a file of the kind's folder, over an earlier one. */
int known_write(const char *kind, struct str path, struct str text, struct arena *a, struct err *e);

#endif
