/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scalar: what a free variable's scalar means: text, number, truth or nothing.
 *
 * YAML 1.2's core schema decides. Whatever YAML 1.1 reads as something else (and cloud-init, like
 * most of the world, reads 1.1) is refused with the advice to quote it: no value may change its
 * type on its way from the seed tree into user-data.
 */
#ifndef CLOUDSEED_TREE_SCALAR_H
#define CLOUDSEED_TREE_SCALAR_H

#include "base/value.h"
#include "tree/yaml.h"

/* NULL where it is well, with *ret filled (a string's bytes are the node's); else why it is
 * refused, to stand behind the text: "is a date to YAML 1.1; quote it". */
const char *scalar_read(const struct yaml_node *y, struct value *ret);

#endif
