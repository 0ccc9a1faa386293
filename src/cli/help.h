/* SPDX-License-Identifier: Apache-2.0 */
/* help: `cloudseed help [COMMAND]` and --help. */
#ifndef CLOUDSEED_CLI_HELP_H
#define CLOUDSEED_CLI_HELP_H

#include "cli/common/cli.h"

#include <stdio.h>

int help_run(struct cli *c);
/* About the command, or the group of commands, that the words name; about all without words. */
int help_show(struct cli *c, const char *const *words, size_t n);
void help_print_all(FILE *f);

#endif
