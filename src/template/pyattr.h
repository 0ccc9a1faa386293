/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pyattr: the attributes that values have in Python.
 *
 * In Jinja2 `x.items` is a method even where x has a key of that name. Such names are refused
 * rather than read as keys.
 */
#ifndef CLOUDSEED_TEMPLATE_PYATTR_H
#define CLOUDSEED_TEMPLATE_PYATTR_H

#include "base/value.h"

bool pyattr_has(struct value v, struct str name);

#endif
