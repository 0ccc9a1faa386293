/* SPDX-License-Identifier: Apache-2.0 */
#include "model/site.h"

const char *const evidence_names[] = {
    [EVIDENCE_MAC] = "mac",   [EVIDENCE_UUID] = "uuid", [EVIDENCE_SERIAL] = "serial",
    [EVIDENCE_NAME] = "name", [EVIDENCE_COUNT] = NULL,
};

const char *const window_key_joins_names[] = {[WINDOW_KEY_JOINS_NONE] = "none",
                                              [WINDOW_KEY_JOINS_WORKERS] = "workers",
                                              [WINDOW_KEY_JOINS_ALL] = "all",
                                              NULL};
const char *const alarms_names[] = {[ALARMS_NOTE] = "note", [ALARMS_LOCK] = "lock", NULL};

const char *const unknown_names[] = {[UNKNOWN_WAIT] = "wait", [UNKNOWN_LOCAL] = "local", NULL};
