/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_reports: what nodes say of themselves, in the forms in which cloud-init says it.
 *
 * Pure: reads bodies into changes of the fleet. docs/cloud-init.md has the forms.
 */
#ifndef CLOUDSEED_CORE_NODE_REPORTS_H
#define CLOUDSEED_CORE_NODE_REPORTS_H

#include "fleet/state.h"

#define REPORT_MAX_BYTES (256 * 1024) /* it may carry files, which we do not keep */
#define PHONE_HOME_MAX_BYTES (64 * 1024)

/* Each returns NULL, or one line that says what is wrong with the body. Texts live in the arena. */
const char *node_reports_read_report(struct str body, struct arena *a, struct report *ret);
const char *node_reports_read_phone_home(struct str body, struct arena *a, struct phone_home *ret);

#endif
