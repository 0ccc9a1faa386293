/* SPDX-License-Identifier: Apache-2.0 */
/* taken: how much of what was sent has arrived. */
#ifndef CLOUDSEED_NET_HTTP_TAKEN_H
#define CLOUDSEED_NET_HTTP_TAKEN_H

#include <stdint.h>

/* Bytes that the peer of a TCP connection has acknowledged; 0 where nobody counts. */
uint64_t http_taken(int fd);

#endif
