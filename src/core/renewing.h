/* SPDX-License-Identifier: Apache-2.0 */
/*
 * renewing: keeps the tokens good by which the clusters know this server.
 *
 * Those of every cluster that stands are renewed at a third of their life. What could not be
 * renewed is tried again, and is an event at half of it. Another token is in the store before it is
 * used.
 */
#ifndef CLOUDSEED_CORE_RENEWING_H
#define CLOUDSEED_CORE_RENEWING_H

#include "fleet/cluster.h"
#include "port/renewal.h"

struct core;
struct renewings;

/* Renews none where the core's host has no port for it. */
struct renewings *renewings_new(struct core *c);
/* NULL is fine. */
void renewings_free(struct renewings *all);

/* Why the last attempt to renew the account's token has failed; NULL: it has not. */
const char *renewings_trouble(const struct renewings *all, struct str cluster,
                              enum cluster_account account);

#endif
