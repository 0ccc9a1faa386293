/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types: the types of fields in a schema.
 *
 * Since a field declares its type, its text is taken as written: `role: no` names a role, and a MAC
 * address need not be quoted. Numbers and booleans must not be quoted.
 */
#ifndef CLOUDSEED_TREE_TYPES_H
#define CLOUDSEED_TREE_TYPES_H

#include "tree/schema.h"

extern const struct schema_type schema_text;      /* struct str; one line, not empty */
extern const struct schema_type schema_label;     /* struct str; a label of RFC 1123 */
extern const struct schema_type schema_domain;    /* struct str; a DNS name */
extern const struct schema_type schema_path;      /* struct str; absolute */
extern const struct schema_type schema_file;      /* struct str; a file's path, as it is opened */
extern const struct schema_type schema_asset;     /* struct str; a path below a URL */
extern const struct schema_type schema_url;       /* struct str; http or https */
extern const struct schema_type schema_origin;    /* struct str; a URL without a path or a slash */
extern const struct schema_type schema_host_port; /* struct str; a name or address, and a port */
extern const struct schema_type schema_int;       /* an unsigned integer of 8 to 64 bits */
extern const struct schema_type schema_bool;      /* bool */
extern const struct schema_type schema_enum;      /* an enum that counts from 0, or int */
extern const struct schema_type schema_mac;
extern const struct schema_type schema_uuid;
extern const struct schema_type schema_address;
extern const struct schema_type schema_cidr;
extern const struct schema_type schema_endpoint;

/* A DNS name of RFC 1123, any case, at most 253 bytes. */
bool types_domain_valid(struct str s);
/* "http://10.0.10.5:8080" or https; one slash may follow, but no path. */
bool types_origin_valid(struct str s);

#endif
