/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "crypto/sealing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[96];
static struct arena arena;

static int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/cloudseed-sealing.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/key", folder);
    arena_init(&arena, 4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    arena_done(&arena);
    return rmdir(folder);
}

static struct sealer *sealer(void)
{
    struct sealer *s = NULL;
    struct err e;
    if (sealer_new(path, &s, &e) < 0)
        fail_msg("%s", e.msg);
    return s;
}

static void there_and_back(void **state)
{
    struct str text;
    struct stat st;
    (void)state;
    struct sealer *s = sealer();
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct str one = sealer_seal(s, STR("a"), STR("secret"), &arena);
    struct str two = sealer_seal(s, STR("a"), STR("secret"), &arena);
    assert_false(str_eq(one, two));
    assert_null(memmem(one.p, one.n, "secret", 6));
    sealer_free(s);
    s = sealer(); /* the same file, the same key */
    assert_true(sealer_unseal(s, STR("a"), one, &arena, &text));
    assert_str(text, "secret");
    assert_true(
        sealer_unseal(s, STR("a"), sealer_seal(s, STR("a"), STR(""), &arena), &arena, &text));
    assert_str(text, "");
    sealer_free(s);
    sealer_free(NULL);
}

static void nothing_else_opens(void **state)
{
    struct str text = STR("untouched");
    (void)state;
    struct sealer *s = sealer();
    struct str sealed = sealer_seal(s, STR("a"), STR("secret"), &arena);
    assert_false(sealer_unseal(s, STR("b"), sealed, &arena, &text));
    for (size_t i = 0; i < sealed.n; i++) { /* whatever is changed, or missing */
        struct str other = arena_str(&arena, sealed);
        ((char *)(uintptr_t)other.p)[i] = other.p[i] == '0' ? '1' : '0';
        assert_false(sealer_unseal(s, STR("a"), other, &arena, &text));
        assert_false(sealer_unseal(s, STR("a"), str_head(sealed, i), &arena, &text));
    }
    sealer_free(s);
    assert_int_equal(unlink(path), 0);
    s = sealer();
    assert_false(sealer_unseal(s, STR("a"), sealed, &arena, &text)); /* by another key */
    assert_str(text, "untouched");
    sealer_free(s);
}

static void refused(const char *content, mode_t mode, int code, const char *why)
{
    struct sealer *s;
    struct err e;
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    assert_int_equal(sealer_new(path, &s, &e), code);
    assert_contains(e.msg, why);
    unlink(path);
}

#define HEX64 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void files_that_are_no_key(void **state)
{
    (void)state;
    refused("", 0600, -EINVAL, "holds no key");
    refused("# a comment alone\n", 0600, -EINVAL, "holds no key");
    refused("abc\n", 0600, -EINVAL, "holds no key");
    refused(HEX64 "\n" HEX64 "\n", 0600, -EINVAL, "one line");
    refused(HEX64 "\n", 0640, -EPERM, "chmod 600");
}

static void the_same_key_in_another_place(void **state)
{
    struct sealer *again = NULL;
    struct str text;
    struct err e;
    (void)state;
    assert_int_equal(sealer_open(path, &again, &e), -ENOENT);
    assert_int_equal(access(path, F_OK), -1);
    struct sealer *s = sealer();
    assert_int_equal(sealer_save(s, path, &e), -EEXIST);
    struct str sealed = sealer_seal(s, STR("a"), STR("secret"), &arena);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sealer_save(s, path, &e), 0);
    assert_int_equal(sealer_open(path, &again, &e), 0);
    assert_true(sealer_unseal(again, STR("a"), sealed, &arena, &text));
    assert_str(text, "secret");
    sealer_free(again);
    sealer_free(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

UNIT_MAIN(TEST(there_and_back), TEST(nothing_else_opens), TEST(files_that_are_no_key),
          TEST(the_same_key_in_another_place))
