/* SPDX-License-Identifier: Apache-2.0 */
/* seedurl: the URLs below which nodes find their files, by the server's secret. */
#ifndef CLOUDSEED_CLI_COMMON_SEEDURL_H
#define CLOUDSEED_CLI_COMMON_SEEDURL_H

#include "cli/common/seedtree.h"

#define SEEDURL_PLACEHOLDER "SEED-KEY"

struct keyer;

struct seedurl {
    struct str base;     /* without a slash at its end */
    struct keyer *keyer; /* NULL: the placeholder stands for the key */
};

/* Reads the secret. -errno where that cannot be done: `ret` then makes placeholders, and is to be
 * closed all the same. */
int seedurl_open(const struct config *config, const struct tree *t, struct seedurl *ret,
                 struct err *e);
/* Makes placeholders, for what is shown to others. */
void seedurl_open_placeholder(const struct config *config, const struct tree *t,
                              struct seedurl *ret);
void seedurl_close(struct seedurl *u);

/* With a slash at its end. */
struct str seedurl_of(const struct seedurl *u, const struct node *n, struct arena *a);

#endif
