/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay: passes bytes on between 127.0.0.1 and the server's socket, for `cloudseed ui`.
 *
 * It reads none of them. Any user of this machine may connect to the port, so each connection to
 * the socket gives up its rights before a byte is passed on (docs/why/page.md).
 */
#ifndef CLOUDSEED_CLI_ACCESS_RELAY_H
#define CLOUDSEED_CLI_ACCESS_RELAY_H

#include "base/err.h"

#include <stdint.h>

/* Fewer than the server keeps for admins beside all other connections. */
#define RELAY_MAX 12

struct relay;

/* Listens at 127.0.0.1; port 0 takes a free one. `socket` is the server's, and must outlive it. */
int relay_new(const char *socket, uint16_t port, struct relay **ret, struct err *e);
/* NULL is fine. */
void relay_free(struct relay *r);
uint16_t relay_port(const struct relay *r);

/* Until cli_interrupted(). */
int relay_run(struct relay *r, struct err *e);

#endif
