/* SPDX-License-Identifier: Apache-2.0 */
/* cli: the admin's tool as a whole, from its command line to its exit status. */
#ifndef CLOUDSEED_CLI_CLI_H
#define CLOUDSEED_CLI_CLI_H

/* The whole of cloudseed; returns its exit status (cli/call.h). */
int cli_main(int argc, char **argv);

#endif
