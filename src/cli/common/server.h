/* SPDX-License-Identifier: Apache-2.0 */
/* server: which cloudseedd a command talks to, as options, environment and configuration name it.
 */
#ifndef CLOUDSEED_CLI_COMMON_SERVER_H
#define CLOUDSEED_CLI_COMMON_SERVER_H

#include "cli/common/cli.h"
#include "config/config.h"

struct server_address {
    const char *where;  /* as it was named, for messages; NULL: there shall be none */
    const char *socket; /* NULL: `url` */
    const char *url;    /* without a slash at its end */
    bool named;         /* for this very call, by option or environment */
    const char *group;  /* whose members may open the socket, as far as the configuration tells */
};

/* --server, else $CLOUDSEED_SERVER, else the configuration's socket. CLI_MISUSED after saying what
 * is wrong with it. */
int server_find(struct cli *c, const struct config *config, struct server_address *ret);

#endif
