/* SPDX-License-Identifier: Apache-2.0 */
#include "template/run_value.h"

bool run_is_undefined(struct value v)
{
    return v.kind == VALUE_UNDEFINED && v.tag != RUN_LOOP && v.tag != RUN_GLOBAL;
}

bool run_is_soft(struct value v)
{
    return v.kind == VALUE_UNDEFINED && v.tag == RUN_PLAIN && v.s &&
           ((const struct undefined *)v.s)->soft;
}

const char *run_kind(struct value v)
{
    static const char *const plain[] = {
        "an undefined value", "none",   "a boolean", "an integer", "a float",
        "a string",           "a list", "a mapping"};
    if (v.kind == VALUE_LIST && v.tag == RUN_TUPLE)
        return "a tuple";
    if (v.kind == VALUE_LIST && v.tag == RUN_RANGE)
        return "a range";
    if (v.kind == VALUE_LIST && v.tag != RUN_PLAIN)
        return "an iterator";
    return v.kind == VALUE_UNDEFINED && v.tag == RUN_LOOP ? "the loop" : plain[v.kind];
}
