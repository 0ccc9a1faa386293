/* SPDX-License-Identifier: Apache-2.0 */
/*
 * placeholder: what firmware reports in place of a uuid or serial that nobody has set.
 *
 * Many boards report the same one, so it identifies no machine.
 */
#ifndef CLOUDSEED_MODEL_PLACEHOLDER_H
#define CLOUDSEED_MODEL_PLACEHOLDER_H

#include "model/uuid.h"

/* In either byte order (uuid_swapped). */
bool placeholder_uuid(struct uuid u);
/* The text of a uuid; also all zero and all ones, which uuid_parse refuses. */
bool placeholder_uuid_text(struct str s);
/* In any case, and with any spaces and punctuation. */
bool placeholder_serial(struct str s);

#endif
