/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt: SIGINT and its like, put off until what was begun is cleared away. */
#ifndef CLOUDSEED_CLI_COMMON_INTERRUPT_H
#define CLOUDSEED_CLI_COMMON_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP are only noted; those that were ignored still are. */
void interrupt_hold(void);
/* Whether one came: whoever works for long asks, and gives up. */
bool interrupt_came(void);
/* They have their meaning back: the one that came ends the process. */
void interrupt_release(void);

#endif
