/* SPDX-License-Identifier: Apache-2.0 */
/* report: faults as log lines. */
#ifndef CLOUDSEED_DAEMON_REPORT_H
#define CLOUDSEED_DAEMON_REPORT_H

#include "base/fault.h"

/* A line for each fault, in the order of their places. */
void report_faults(struct faults *faults);
/* The same for faults in documents that are served nevertheless, as warnings. */
void report_found(struct faults *faults);

#endif
