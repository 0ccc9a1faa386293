/* SPDX-License-Identifier: Apache-2.0 */
/* daemon: puts the parts together, runs them on one loop, and takes them apart again. */
#ifndef CLOUDSEED_DAEMON_DAEMON_H
#define CLOUDSEED_DAEMON_DAEMON_H

/* The whole of cloudseedd; returns its exit status: 0 after an orderly end, 1 when it could not
 * start, 2 for a wrong command line. */
int daemon_main(int argc, char **argv);

#endif
