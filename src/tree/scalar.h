/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scalar: the value of a free variable's scalar: text, number, boolean or nothing.
 *
 * It follows YAML 1.2's core schema. A scalar that YAML 1.1 reads differently is refused with the
 * advice to quote it: cloud-init reads 1.1, and no value may change its type on the way from the
 * seed tree into user-data.
 */
#ifndef CLOUDSEED_TREE_SCALAR_H
#define CLOUDSEED_TREE_SCALAR_H

#include "base/value.h"
#include "tree/yaml.h"

/* NULL with *ret filled (a string's bytes are the node's); otherwise why the scalar is refused, to
 * follow its text in a message: "is a date to YAML 1.1; quote it". */
const char *scalar_read(const struct yaml_node *y, struct value *ret);

#endif
