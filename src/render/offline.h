/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offline: what a node without the Internet would still fetch from there: a warning for each.
 *
 * A node is one if the variable `offline` is true, or a list of domains that it reaches besides.
 * Reached are private addresses and the site's networks, names without a dot, those of the server
 * and of the cluster's endpoint, and names in the search domains of the networks and in home.arpa,
 * internal and local. Registries count by `registry_mirrors`.
 */
#ifndef CLOUDSEED_RENDER_OFFLINE_H
#define CLOUDSEED_RENDER_OFFLINE_H

#include "model/node.h"
#include "render/document.h"
#include "render/inspect.h"
#include "tree/tree.h"

struct offline {
    const struct site *site;
    const struct cluster *cluster; /* NULL: none */
    struct value domains;          /* reached besides; not a list: none */
    struct value mirrors;          /* registry: URL */
};

/* False where the node has the Internet, or is NULL. */
bool offline_applies(const struct site *site, const struct node *n, struct arena *a,
                     struct offline *ret);

/* Warns in a rendered document; `docs` is what was parsed of it. */
void offline_check(struct inspect *in, const struct offline *o, struct document d, struct str text,
                   const struct yaml_documents *docs);

/* Warns of addons that a cluster fetches from the Internet. */
void offline_check_addons(const struct tree *t, struct faults *faults);

#endif
