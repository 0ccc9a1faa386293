/* SPDX-License-Identifier: Apache-2.0 */
/* report: what a storm found, as text and as JSON; and the line that shows how far it is. */
#ifndef CLOUDSEED_CLI_STORM_REPORT_H
#define CLOUDSEED_CLI_STORM_REPORT_H

#include "cli/common/cli.h"
#include "cli/storm/storm.h"

void report_progress(const struct storm *s);
/* Before anything else is printed. */
void report_progress_end(void);

void report_print(struct cli *c, const struct storm *s);
void report_print_json(struct cli *c, const struct storm *s);

#endif
