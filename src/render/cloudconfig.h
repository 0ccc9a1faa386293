/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cloudconfig: checks user-data, vendor-data and meta-data as cloud-init reads them.
 *
 * Not a complete schema: a fault is what would break a boot or be ignored silently, with a hint at
 * what to write. Templates are not known here.
 */
#ifndef CLOUDSEED_RENDER_CLOUDCONFIG_H
#define CLOUDSEED_RENDER_CLOUDCONFIG_H

#include "model/role.h"
#include "render/inspect.h"

/* user-data or vendor-data, in any form that cloud-init takes and `format` allows. *ret is the
 * parsed mapping; NULL if the text is not YAML. */
void cloudconfig_check(struct inspect *in, struct str text, enum user_data_format format,
                       const struct yaml_node **ret);
void cloudconfig_check_meta_data(struct inspect *in, struct str text, const struct yaml_node **ret);

#endif
