/* SPDX-License-Identifier: Apache-2.0 */
/* form: application/x-www-form-urlencoded, as the WHATWG's URL standard (section 5) parses it. */
#ifndef CLOUDSEED_WIRE_FORM_H
#define CLOUDSEED_WIRE_FORM_H

#include "base/arena.h"

struct form_field {
    struct str name, value;
};

/* Cuts the next field off `*rest` and decodes it, in the arena where it must. False where there is
 * none left. What is badly encoded stays as it is, as that standard says. */
bool form_next(struct str *rest, struct arena *a, struct form_field *ret);

#endif
