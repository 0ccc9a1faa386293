/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "crypto/jws.h"

#include "base/mem.h"

#define CONTENT "Hello from the other side. I must have called a thousand times."
#define SECRET "my voice is my passcode"
#define GOOD "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8"

static bool verify(struct str jws, struct str payload)
{
    return jws_verify(jws, payload, STR("joshua"), STR(SECRET));
}

/* Those of Kubernetes' own tests (cluster-bootstrap/token/jws/jws_test.go). */
static void signatures_are_kubernetes_own(void **state)
{
    (void)state;
    assert_true(verify(STR(GOOD), STR(CONTENT)));
    assert_true(verify(STR("eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9.."
                           "7Ui1ALizW4jXphVUB7xUqC9vLYLL9RZeOFfVLoB7Tgk"),
                       STR("")));
    assert_true(jws_verify(STR("eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9.."
                               "UfkqvDGiIFxrMnFseDj9LYJOLNrvjW8aHhF71mvvAs8"),
                           STR(CONTENT), STR("joshua"), STR("")));
}

static void of_another_secret_key_or_text_it_is_none(void **state)
{
    (void)state;
    struct str good = STR(GOOD);
    assert_false(verify(good, STR(CONTENT " ")));
    assert_false(jws_verify(good, STR(CONTENT), STR("joshub"), STR(SECRET)));
    assert_false(jws_verify(good, STR(CONTENT), STR("joshua"), STR(SECRET "d")));
    for (size_t i = 0; i < good.n; i++) {
        char *other = mem_copy(good.p, good.n);
        other[i] ^= 1;
        assert_false(verify((struct str){other, good.n}, STR(CONTENT)));
        free(other);
        assert_false(verify((struct str){good.p, i}, STR(CONTENT)));
    }
    assert_false(verify(STR(GOOD "A"), STR(CONTENT)));
    assert_false(verify(STR(GOOD "="), STR(CONTENT)));
    assert_false(verify((struct str){NULL, 0}, STR(CONTENT)));
}

/* {"kid":"joshua","alg":"HS256"} and {"alg":"none","kid":"joshua"}: kubeadm compares texts. */
static void another_header_is_refused(void **state)
{
    (void)state;
    assert_false(verify(STR("eyJraWQiOiJqb3NodWEiLCJhbGciOiJIUzI1NiJ9.."
                            "PXpNXb1TPlnwNTVCer4jkd_kYsaP-E7K8z6ba4agTF8"),
                        STR(CONTENT)));
    assert_false(verify(STR("eyJhbGciOiJub25lIiwia2lkIjoiam9zaHVhIn0.."), STR(CONTENT)));
}

/* Bytes of every size around the blocks in which they are encoded; the signatures are Python's. */
static void payloads_of_any_size(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        struct str mac;
    } cases[] = {{767, STR("vDt5V3poyVWv3n9tHG-qx9sTl6R9QFXVoMbp1Z84-Gg")},
                 {768, STR("Q7IOiDkC8qZxgkerxTVjDhtpKDQ5aUND1grtsXujcxM")},
                 {769, STR("bOfpo_ZLTzmt-4HIe8Et1EbWXw2o43y0vk3GsCSljAw")},
                 {1000000, STR("XSfZYwJOSjncNpju1O0QspKMzjH4YuPlTgqHyMmxpg4")}};
    char *bytes = mem_alloc(1000000), jws[128];
    for (size_t i = 0; i < 1000000; i++)
        bytes[i] = (char)(i % 251);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        snprintf(jws, sizeof(jws), "eyJhbGciOiJIUzI1NiIsImtpZCI6ImNzNHhrMiJ9..%.*s",
                 STR_ARG(cases[i].mac));
        assert_true(jws_verify(str_from(jws), (struct str){bytes, cases[i].n}, STR("cs4xk2"),
                               STR("0f8r7q2m5n1w9t3z")));
    }
    free(bytes);
}

UNIT_MAIN(cmocka_unit_test(signatures_are_kubernetes_own),
          cmocka_unit_test(of_another_secret_key_or_text_it_is_none),
          cmocka_unit_test(another_header_is_refused), cmocka_unit_test(payloads_of_any_size))
