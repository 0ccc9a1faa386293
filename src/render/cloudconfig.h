/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cloudconfig: user-data, vendor-data and meta-data held against what cloud-init takes.
 *
 * It is no second JSON schema: what breaks a boot, or is silently passed over, is a fault, with a
 * hint that says what to write. Nothing is known here of templates.
 */
#ifndef CLOUDSEED_RENDER_CLOUDCONFIG_H
#define CLOUDSEED_RENDER_CLOUDCONFIG_H

#include "render/inspect.h"

/* user-data or vendor-data, in any form that cloud-init takes. *ret is the parsed mapping, for who
 * wants to look further; NULL where the text is no YAML. */
void cloudconfig_check(struct inspect *in, struct str text, const struct yaml_node **ret);
void cloudconfig_check_meta_data(struct inspect *in, struct str text, const struct yaml_node **ret);

#endif
