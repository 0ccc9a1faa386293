/* SPDX-License-Identifier: Apache-2.0 */
/* options: the command line of cloudseedd; its flags win over the configuration file. */
#ifndef CLOUDSEED_DAEMON_OPTIONS_H
#define CLOUDSEED_DAEMON_OPTIONS_H

#include "config/config.h"

#define OPTIONS_ENDPOINTS_MAX 16

/* NULL or 0: not given. The texts belong to argv. */
struct options {
    const char *config;
    const char *seed;
    const char *templates;
    const char *assets;
    const char *state;
    const char *restore; /* a backup; NULL: serve */
    const char *sealing_key;
    const char *socket;
    const char *url;
    const char *user;
    const char *log_level;
    const char *log_format;
    struct endpoint http[OPTIONS_ENDPOINTS_MAX];
    uint32_t http_n;
    struct endpoint https[OPTIONS_ENDPOINTS_MAX];
    uint32_t https_n;
    struct endpoint admin[OPTIONS_ENDPOINTS_MAX];
    uint32_t admin_n;
    struct endpoint tftp[OPTIONS_ENDPOINTS_MAX];
    uint32_t tftp_n;
    bool check;
    bool recovery; /* make a recovery passphrase */
};

enum options_verdict { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/* OPTIONS_DONE after --help and --version, which are printed; OPTIONS_WRONG after a line on
 * standard error that says what is wrong. */
enum options_verdict options_parse(int argc, char **argv, struct options *ret);

/* Overrides the configuration by the flags that were given. `o` must outlive `c`. */
void options_apply(const struct options *o, struct config *c);

#endif
