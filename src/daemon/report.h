/* SPDX-License-Identifier: Apache-2.0 */
/* report: what the daemon has to say of itself, as log lines. */
#ifndef CLOUDSEED_DAEMON_REPORT_H
#define CLOUDSEED_DAEMON_REPORT_H

#include "base/err.h"
#include "base/fault.h"

/* A line for each fault, in the order of their places. */
void report_faults(struct faults *faults);
/* The same of what is served all the same: none of them is more than a warning. */
void report_found(struct faults *faults);
/* Why the daemon ends before it began. */
void report_failure(const struct err *e);

#endif
