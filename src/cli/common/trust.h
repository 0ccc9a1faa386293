/* SPDX-License-Identifier: Apache-2.0 */
/* trust: asks whether a fingerprint is the right one, as ssh does. */
#ifndef CLOUDSEED_CLI_COMMON_TRUST_H
#define CLOUDSEED_CLI_COMMON_TRUST_H

#include "cli/common/cli.h"

struct trust_question {
    const char *flag;    /* the option that answers it: "fingerprint" */
    const char *what;    /* "the host's certificate has the SHA-256 fingerprint" */
    const char *compare; /* where it can be seen: "'pvenode cert info' on the host" */
    bool any_case;       /* hexadecimal digits */
};

/* Asks on a terminal unless the option is given; CLI_FAILED after printing the reason. */
int trust_confirm(const struct cli *c, const struct trust_question *q, const char *found);

#endif
