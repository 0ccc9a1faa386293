/* SPDX-License-Identifier: Apache-2.0 */
/* access: what an admin may do. Each level may do all that the ones before it may. */
#ifndef CLOUDSEED_MODEL_ACCESS_H
#define CLOUDSEED_MODEL_ACCESS_H

enum access {
    ACCESS_VIEWER,   /* looks, and sees no key */
    ACCESS_OPERATOR, /* builds nodes: registers, arms and disarms them */
    ACCESS_ADMIN,    /* everything: clusters, the CA, tokens, backups */
    ACCESS_COUNT
};

/* "viewer", "operator", "admin", and NULL behind them. */
extern const char *const access_names[];

#endif
