/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "kube/manifests.h"
#include "tree/yaml.h"

#include "golden.h"

static struct arena arena;
static struct buf text;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    buf_init(&text, 65536); /* what the contract allows (docs/formats/bootstrap.md) */
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    buf_done(&text);
    return 0;
}

static struct str written(bool hardened)
{
    buf_clear(&text);
    manifests_write(&text, hardened ? MANIFESTS_HARDENED : MANIFESTS_OF_MINTER);
    assert_false(text.full);
    return buf_view(&text);
}

/* Rights change only together with these files, which docs and SECURITY explain. */
static void the_golden_manifests(void **state)
{
    (void)state;
    assert_str_equal(written(false), golden_text(&arena, "kube/manifests.yaml"));
    assert_str_equal(written(true), golden_text(&arena, "kube/manifests-hardened.yaml"));
}

static struct str of_contract(const char *name)
{
    return value_get_text(golden_json(&arena, name), STR("manifests"));
}

/* A cluster with several masters is hardened. */
static void those_of_the_contract(void **state)
{
    (void)state;
    assert_str_equal(written(false), of_contract("bootstrap/answers/200-init.json"));
    assert_str_equal(written(true), of_contract("bootstrap/answers/200-init-masters.json"));
}

static struct str get(const struct yaml_node *y, struct str key)
{
    return yaml_text(yaml_get(y, key));
}

/* "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles/cloudseed-minter" */
static void check_path(const struct manifest *m)
{
    struct yaml_documents docs;
    struct faults faults;
    faults_init(&faults);
    assert_int_equal(yaml_parse_all("manifest", m->yaml, &arena, &faults, &docs), 0);
    faults_done(&faults);
    assert_int_equal(docs.n, 1);
    const struct yaml_node *object = docs.list[0], *meta = yaml_get(object, STR("metadata"));
    struct str version = get(object, STR("apiVersion")), kind = get(object, STR("kind"));
    const struct yaml_node *in = yaml_get(meta, STR("namespace"));
    char want[256], *plural = want;
    plural += snprintf(want, sizeof(want), "/%s/%.*s/", str_is(version, "v1") ? "api" : "apis",
                       STR_ARG(version));
    if (in)
        plural += snprintf(plural, 64, "namespaces/%.*s/", STR_ARG(yaml_text(in)));
    snprintf(plural, 128, "%.*ss/%.*s", STR_ARG(kind), STR_ARG(get(meta, STR("name"))));
    for (size_t i = 0; i < kind.n; i++)
        plural[i] = (char)(plural[i] | 0x20);
    assert_str_equal(m->path, str_from(want));
}

static void paths_are_the_objects(void **state)
{
    (void)state;
    size_t n, without;
    const struct manifest *list = manifests_of(MANIFESTS_HARDENED, &n);
    for (size_t i = 0; i < n; i++)
        check_path(&list[i]);
    manifests_of(MANIFESTS_OF_BOTH, &without);
    assert_int_equal(without, n - 1);
    assert_true(str_ends(list[without].path, STR("/" MANIFESTS_AUTOAPPROVE)));
    manifests_of(MANIFESTS_OF_MINTER, &n);
    for (size_t i = 0; i < without; i++)
        assert_true((strstr(list[i].yaml.p, MANIFESTS_MINTER) != NULL) == (i < n));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(the_golden_manifests), TEST(those_of_the_contract), TEST(paths_are_the_objects))
