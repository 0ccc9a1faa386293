/* SPDX-License-Identifier: Apache-2.0 */
/* notify: systemd's small protocols: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3). */
#ifndef CLOUDSEED_DAEMON_NOTIFY_H
#define CLOUDSEED_DAEMON_NOTIFY_H

#include "base/str.h"

/* Sends lines such as "READY=1" to the supervisor, if there is one. Never blocks. */
void notify_send(const char *lines);

/* Half of the time within which systemd wants a WATCHDOG=1; 0: it wants none. */
uint64_t notify_watchdog_ms(void);

/* How many listening sockets were passed to us, from descriptor NOTIFY_FIRST_FD on, and their names
 * with colons between them (the caller frees them; NULL: none came). The variables are removed, so
 * that child processes do not use them. */
#define NOTIFY_FIRST_FD 3
unsigned notify_passed_sockets(char **ret_names);

#endif
