/* SPDX-License-Identifier: Apache-2.0 */
/* recovery_run: makes a recovery passphrase, and asks for one. */
#ifndef CLOUDSEED_DAEMON_RECOVERY_RUN_H
#define CLOUDSEED_DAEMON_RECOVERY_RUN_H

#include "base/err.h"
#include "config/config.h"
#include "crypto/recovery.h"

/* Makes a passphrase and `recovery` in the state folder, a copy of the sealing key for it, as the
 * daemon's user; the sealing key, too, if there is none. Prints the passphrase: nothing else has
 * it. A server may run meanwhile, and takes it into its state at the next reload. */
int recovery_run(const struct config *c, struct err *e);

/* The sealing key of a copy: asks at the terminal, or reads a line of standard input. */
int recovery_ask(const struct recovery *recovery, struct sealer **ret, struct err *e);

#endif
