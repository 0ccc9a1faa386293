/* SPDX-License-Identifier: Apache-2.0 */
/* ports: whether an address and port of this machine is free, and which program has it. */
#ifndef CLOUDSEED_CLI_DOCTOR_PORTS_H
#define CLOUDSEED_CLI_DOCTOR_PORTS_H

#include "base/arena.h"
#include "model/address.h"

/* Whether a socket can be bound there; it is closed again. Where that fails for another reason than
 * that it is taken, it counts as free. */
bool ports_free(struct endpoint at, bool udp);

/* "nginx (pid 812)"; "another program" where that cannot be seen, as without root. */
struct str ports_holder(uint16_t port, bool udp, struct arena *a);

#endif
