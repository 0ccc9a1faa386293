/* SPDX-License-Identifier: Apache-2.0 */
#include "model/access.h"

#include <stddef.h>

const char *const access_names[] = {
    [ACCESS_VIEWER] = "viewer",
    [ACCESS_OPERATOR] = "operator",
    [ACCESS_ADMIN] = "admin",
    [ACCESS_COUNT] = NULL,
};
