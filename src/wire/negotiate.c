/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/negotiate.h"

/* "q=0", "q=0.0" and so on; anything else counts as more than zero. */
static bool weight_is_zero(struct str params)
{
    while (params.p && params.n) {
        struct str param = str_trim(str_cut(&params, ';'));
        struct str name = str_trim(str_cut(&param, '='));
        struct str weight = param.p ? str_trim(param) : STR("1");
        if (!str_eq_nocase(name, STR("q")))
            continue;
        bool zero = weight.n > 0;
        for (size_t i = 0; i < weight.n; i++)
            zero = zero && (weight.p[i] == '0' || (i == 1 && weight.p[i] == '.'));
        return zero;
    }
    return false;
}

bool negotiate_gzip(struct str accept_encoding)
{
    bool any = false;
    while (accept_encoding.p && accept_encoding.n) {
        struct str item = str_cut(&accept_encoding, ',');
        struct str coding = str_trim(str_cut(&item, ';'));
        bool allowed = !weight_is_zero(item);
        if (str_eq_nocase(coding, STR("gzip")) || str_eq_nocase(coding, STR("x-gzip")))
            return allowed;
        if (str_is(coding, "*"))
            any = allowed;
    }
    return any;
}

static struct str opaque_tag(struct str tag)
{
    return str_starts(tag, STR("W/")) ? str_skip(tag, 2) : tag;
}

/* Our tags never contain a comma, so a comma always ends one. */
bool negotiate_etag_listed(struct str if_none_match, struct str etag)
{
    while (if_none_match.p && if_none_match.n) {
        struct str tag = str_trim(str_cut(&if_none_match, ','));
        if (str_is(tag, "*") || str_eq(opaque_tag(tag), opaque_tag(etag)))
            return true;
    }
    return false;
}
