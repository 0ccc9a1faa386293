/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form: settings for another program, printed in one of several syntaxes that --for names, or as
 * data with --json.
 */
#ifndef CLOUDSEED_CLI_COMMON_FORM_H
#define CLOUDSEED_CLI_COMMON_FORM_H

#include "base/buf.h"
#include "cli/common/cli.h"

#define FORM_TEXT_MAX_BYTES ((size_t)1 << 30)

/* The index of --for's value among `names`, which end in NULL; -1 if only --json is given.
 * CLI_MISUSED after printing that it is missing or unknown; `what` is the thing that it names. */
int form_choose(struct cli *c, const char *what, const char *const *names, int *ret);

/* Prints the text; with --json the map `data`, with the text in it unless it is NULL. */
void form_print(struct cli *c, struct value data, const struct buf *text);

#endif
