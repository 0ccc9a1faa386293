/* SPDX-License-Identifier: Apache-2.0 */
/* golden: files of tests/golden/ for tests of src/kube. */
#ifndef CLOUDSEED_TESTS_UNIT_KUBE_GOLDEN_H
#define CLOUDSEED_TESTS_UNIT_KUBE_GOLDEN_H

#include "base/fs.h"
#include "base/json.h"

#include <stdlib.h>

/* The text of tests/golden/NAME. */
static inline struct str golden_text(struct arena *a, const char *name)
{
    const char *source = getenv("CLOUDSEED_SOURCE");
    struct str text = {0};
    struct err e = {0};
    const char *path = arena_printf(a, "%s/tests/golden/%s", source ? source : ".", name).p;
    if (fs_read(path, 1 << 20, a, &text, &e) < 0)
        fail_msg("%s", e.msg);
    return text;
}

static inline struct value golden_json(struct arena *a, const char *name)
{
    struct value v = {0};
    struct err e = {0};
    if (json_read(golden_text(a, name), a, &v, &e) < 0)
        fail_msg("%s: %s", name, e.msg);
    return v;
}

#endif
