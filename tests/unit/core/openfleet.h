/* SPDX-License-Identifier: Apache-2.0 */
/* openfleet: a fleet over the store in memory, whose clock moves only if a test moves it, and whose
 * keys are not sealed. */
#ifndef CLOUDSEED_TESTS_UNIT_CORE_OPENFLEET_H
#define CLOUDSEED_TESTS_UNIT_CORE_OPENFLEET_H

#include "lib/unit.h"

#include "fleet/fleet.h"
#include "store/memory.h"

static uint64_t openfleet_passed_ms;

static void openfleet_now(void *cls, struct moment *ret)
{
    (void)cls;
    *ret = (struct moment){1795343968000 + (int64_t)openfleet_passed_ms,
                           1000000 + openfleet_passed_ms, STR("boot")};
}

static bool openfleet_unseal(void *cls, struct str uid, struct str sealed, struct arena *a,
                             struct str *ret)
{
    (void)uid;
    (void)cls;
    (void)a;
    *ret = sealed;
    return true;
}

static void openfleet_on_store(void *cls)
{
    (void)cls;
}

static struct fleet *openfleet_start(void)
{
    static const struct fleet_host host = {openfleet_now, openfleet_unseal, NULL};
    struct fleet *f;
    struct err e;
    openfleet_passed_ms = 0;
    struct store *s = memory_new((struct store_limits){0}, (struct store_retention){0});
    assert_int_equal(fleet_open(s, &host, &f, &e), 0);
    assert_int_equal(fleet_start(f, openfleet_on_store, NULL, (struct alarm){NULL, NULL}, &e), 0);
    return f;
}

#endif
