/* SPDX-License-Identifier: Apache-2.0 */
/* asset: how the files of the assets folder are named. */
#ifndef CLOUDSEED_MODEL_ASSET_H
#define CLOUDSEED_MODEL_ASSET_H

#include "base/str.h"

#define ASSET_NAME_MAX_BYTES 512
/* What the file is called that holds an asset's hash, behind the asset's name. */
#define ASSET_HASH_ENDING ".sha256"

/* What is wrong with a name, in one line that stays; NULL: nothing. Each of its parts between
 * slashes has at least a byte, none begins with a dot, no byte is a control character. */
const char *asset_name_refusal(struct str name);

#endif
