/* SPDX-License-Identifier: Apache-2.0 */
/* form: application/x-www-form-urlencoded, parsed as in the WHATWG's URL standard, section 5. */
#ifndef CLOUDSEED_WIRE_FORM_H
#define CLOUDSEED_WIRE_FORM_H

#include "base/arena.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

/* Whether that is the media type of a Content-Type, in any case and with any parameters. */
bool form_has_type(struct str content_type);

struct form_field {
    struct str name, value;
};

/* Cuts the next field off `*rest` and decodes it, in the arena if need be. False where none is
 * left. Bad encodings stay as they are, as the standard says. */
bool form_next(struct str *rest, struct arena *a, struct form_field *ret);

#endif
