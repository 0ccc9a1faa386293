/* SPDX-License-Identifier: Apache-2.0 */
/* asset: how the files of the assets folder are named. */
#ifndef CLOUDSEED_MODEL_ASSET_H
#define CLOUDSEED_MODEL_ASSET_H

#include "base/str.h"

#define ASSET_NAME_MAX_BYTES 512
/* Appended to an asset's name: the file that holds its hash. */
#define ASSET_HASH_ENDING ".sha256"

/* What is wrong with a name, in one line that is never freed; NULL where it is valid. Each part
 * between slashes must have at least one byte, must not begin with a dot and must not contain
 * control characters. */
const char *asset_name_refusal(struct str name);

#endif
