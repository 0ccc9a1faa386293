/* SPDX-License-Identifier: Apache-2.0 */
#include "model/asset.h"

static const char *part_refusal(struct str part)
{
    if (part.n == 0)
        return "an asset's name has no empty part";
    if (part.p[0] == '.')
        return "no part of an asset's name begins with a dot";
    for (size_t i = 0; i < part.n; i++) {
        if ((unsigned char)part.p[i] < 0x20 || part.p[i] == 0x7F)
            return "an asset's name holds no control characters";
    }
    return NULL;
}

const char *asset_name_refusal(struct str name)
{
    const char *refusal = NULL;
    if (name.n > ASSET_NAME_MAX_BYTES)
        return "no asset has a name that long";
    do
        refusal = part_refusal(str_cut(&name, '/'));
    while (name.p && !refusal);
    return refusal;
}
