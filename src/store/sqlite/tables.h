/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables: the layout of the state file, and how each version of it became the next.
 *
 * docs/formats/store.md describes what is made here.
 */
#ifndef CLOUDSEED_STORE_SQLITE_TABLES_H
#define CLOUDSEED_STORE_SQLITE_TABLES_H

#include "base/err.h"

struct sqlite3;

/* steps[i] makes version i+1 of version i. */
extern const char *const tables_steps[];
extern const int tables_version;

/* Brings the file to version `n`, each step a transaction. -EPROTO where it is newer than that. */
int tables_migrate(struct sqlite3 *handle, const char *const *steps, int n, struct err *e);

#endif
