/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/pve/snippets.h"

static void snippets_are_a_nodes_by_their_whole_name(void **state)
{
    const struct str node = STR("k8s");
    (void)state;
    assert_true(snippets_are_of(STR("meta=nfs:snippets/cloudseed-k8s-meta.yaml,"
                                    "user=nfs:snippets/cloudseed-k8s-user.yaml"),
                                node));
    assert_false(snippets_are_of(STR("user=nfs:snippets/cloudseed-k8s-2-user.yaml"), node));
    assert_false(snippets_are_of(STR("user=nfs:snippets/cloudseed-k8s-user.yml"), node));
    assert_false(snippets_are_of(STR("user=nfs:snippets/mine.yaml"), node));
    assert_false(snippets_are_of(STR("user=nfs:snippets/cloudseed-k8s-user.yaml,"
                                     "vendor=nfs:snippets/mine.yaml"),
                                 node));
    assert_false(snippets_are_of(STR(""), node));
}

UNIT_MAIN(cmocka_unit_test(snippets_are_a_nodes_by_their_whole_name))
