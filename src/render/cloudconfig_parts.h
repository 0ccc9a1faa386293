/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cloudconfig_parts: what the tables of cloud-config cannot say: rules for texts, and checks of
 * values that depend on each other. Only for cloudconfig*.c.
 */
#ifndef CLOUDSEED_RENDER_CLOUDCONFIG_PARTS_H
#define CLOUDSEED_RENDER_CLOUDCONFIG_PARTS_H

#include "render/fields.h"

/* Of the whole document. */
extern const struct field cloudconfig_table;

/* --- Rules for texts ----------------------------------------------------------------------- */

const char *cloudconfig_rule_apt_key(struct str text);
const char *cloudconfig_rule_certificate(struct str text);
const char *cloudconfig_rule_date(struct str text);
const char *cloudconfig_rule_host(struct str text);
const char *cloudconfig_rule_hostname(struct str text);
const char *cloudconfig_rule_name_password(struct str text);
const char *cloudconfig_rule_owner(struct str text);
const char *cloudconfig_rule_shell(struct str text);
const char *cloudconfig_rule_tags(struct str text);
const char *cloudconfig_rule_uri(struct str text);
const char *cloudconfig_rule_key_id(struct str text);
const char *cloudconfig_rule_user(struct str text);

/* --- Values that work, though cloud-init's schema wants others: warnings -------------------- */

void cloudconfig_switch(const struct field_at *at); /* true or false, also as a text */
void cloudconfig_number(const struct field_at *at);
void cloudconfig_texts(const struct field_at *at); /* a list, also one text */
void cloudconfig_unique(const struct field_at *at);
/* The same, where an empty list or mapping is one of them. */
void cloudconfig_some(const struct field_at *at);
void cloudconfig_some_list(const struct field_at *at); /* only lists */
void cloudconfig_some_texts(const struct field_at *at);
void cloudconfig_some_unique(const struct field_at *at);
void cloudconfig_old_boolean(const struct field_at *at); /* texts are deprecated since 22.3 */

/* --- Checks of one key each ---------------------------------------------------------------- */

void cloudconfig_commands(const struct field_at *at);
void cloudconfig_delay(const struct field_at *at);
void cloudconfig_disk(const struct field_at *at);
void cloudconfig_dsa(const struct field_at *at);
void cloudconfig_file(const struct field_at *at);
void cloudconfig_files(const struct field_at *at);
void cloudconfig_filesystem(const struct field_at *at);
void cloudconfig_groups_of(const struct field_at *at);
void cloudconfig_growth(const struct field_at *at);
void cloudconfig_hosts(const struct field_at *at);
void cloudconfig_layout(const struct field_at *at);
void cloudconfig_mapped_user(const struct field_at *at);
void cloudconfig_mode(const struct field_at *at);
void cloudconfig_mount(const struct field_at *at);
void cloudconfig_mount_defaults(const struct field_at *at);
void cloudconfig_old_user(const struct field_at *at);
void cloudconfig_output(const struct field_at *at);
void cloudconfig_package(const struct field_at *at);
void cloudconfig_partition(const struct field_at *at);
void cloudconfig_password_lines(const struct field_at *at);
void cloudconfig_password_of(const struct field_at *at);
void cloudconfig_phone_home(const struct field_at *at);
void cloudconfig_pipelining(const struct field_at *at);
void cloudconfig_playbook(const struct field_at *at);
void cloudconfig_pull(const struct field_at *at);
void cloudconfig_pwauth(const struct field_at *at);
void cloudconfig_redirect(const struct field_at *at);
void cloudconfig_repo(const struct field_at *at);
void cloudconfig_repo_value(const struct field_at *at);
void cloudconfig_reporter(const struct field_at *at);
void cloudconfig_resize(const struct field_at *at);
void cloudconfig_size(const struct field_at *at);
void cloudconfig_snap_command(const struct field_at *at);
void cloudconfig_sudo(const struct field_at *at);
void cloudconfig_swap(const struct field_at *at);
void cloudconfig_uid(const struct field_at *at);
void cloudconfig_user_entry(const struct field_at *at);
void cloudconfig_user_keys(const struct field_at *at);
void cloudconfig_users(const struct field_at *at);

#endif
