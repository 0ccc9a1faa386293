/* SPDX-License-Identifier: Apache-2.0 */
/* bootvalue: what `boot` is to boot scripts. */
#ifndef CLOUDSEED_RENDER_BOOTVALUE_H
#define CLOUDSEED_RENDER_BOOTVALUE_H

#include "model/role.h"
#include "render/document.h"

/* Of a node with that role, and what it is to boot now; NULL: of a machine that is no node, or has
 * not said yet which. Text that role and `env` own is pointed at. */
struct value bootvalue(const struct role *r, const struct render_env *env, struct arena *a);

#endif
