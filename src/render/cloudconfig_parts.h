/* SPDX-License-Identifier: Apache-2.0 */
/* cloudconfig_parts: checks the values of cloud-config's keys. Only for cloudconfig.c. */
#ifndef CLOUDSEED_RENDER_CLOUDCONFIG_PARTS_H
#define CLOUDSEED_RENDER_CLOUDCONFIG_PARTS_H

#include "render/inspect.h"

/* `y` has one of the types that the key takes. */
void cloudconfig_apt(struct inspect *in, const struct yaml_node *y);
void cloudconfig_chpasswd(struct inspect *in, const struct yaml_node *y);
void cloudconfig_commands(struct inspect *in, const struct yaml_node *y);
void cloudconfig_hostname(struct inspect *in, const struct yaml_node *y);
void cloudconfig_packages(struct inspect *in, const struct yaml_node *y);
void cloudconfig_phone_home(struct inspect *in, const struct yaml_node *y);
void cloudconfig_reporting(struct inspect *in, const struct yaml_node *y);
void cloudconfig_ssh_keys(struct inspect *in, const struct yaml_node *y);
void cloudconfig_users(struct inspect *in, const struct yaml_node *y);
void cloudconfig_write_files(struct inspect *in, const struct yaml_node *y);

#endif
