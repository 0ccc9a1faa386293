/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "crypto/recovery.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], key[96], copy[96];
static struct arena arena;

static int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/cloudseed-recovery.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(key, sizeof(key), "%s/key", folder);
    snprintf(copy, sizeof(copy), "%s/copy", folder);
    arena_init(&arena, 4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(key);
    unlink(copy);
    arena_done(&arena);
    return rmdir(folder);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, 0600), 0);
}

static struct sealer *sealer(void)
{
    struct sealer *s = NULL;
    struct err e;
    if (sealer_new(key, &s, &e) < 0)
        fail_msg("%s", e.msg);
    return s;
}

static int opened(const char *passphrase, struct sealer **ret)
{
    struct recovery r;
    struct err e;
    int code = recovery_read(copy, &r, &e);
    return code < 0 ? code : recovery_open(&r, str_from(passphrase), ret, &e);
}

static bool is_of(const struct sealer *s)
{
    struct recovery r;
    struct err e;
    assert_int_equal(recovery_read(copy, &r, &e), 0);
    return recovery_is_of(&r, s);
}

static void there_and_back(void **state)
{
    char passphrase[RECOVERY_PASSPHRASE_SIZE], other[RECOVERY_PASSPHRASE_SIZE];
    struct sealer *s = sealer(), *again = NULL;
    struct stat st;
    struct str text;
    struct err e;
    (void)state;
    recovery_passphrase(passphrase);
    recovery_passphrase(other);
    assert_int_equal(strlen(passphrase), RECOVERY_PASSPHRASE_SIZE - 1);
    assert_string_not_equal(passphrase, other);
    assert_int_equal(recovery_save(s, str_from(passphrase), copy, &e), 0);
    assert_int_equal(stat(copy, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(opened(other, &again), -EACCES);
    assert_int_equal(opened("", &again), -EACCES);
    assert_int_equal(opened(passphrase, &again), 0);
    struct str sealed = sealer_seal(s, STR("a"), STR("secret"), &arena);
    assert_true(sealer_unseal(again, STR("a"), sealed, &arena, &text));
    assert_str(text, "secret");
    assert_true(is_of(again));
    sealer_free(again);
    /* Another passphrase makes the first useless. */
    assert_int_equal(recovery_save(s, str_from(other), copy, &e), 0);
    assert_int_equal(opened(passphrase, &again), -EACCES);
    sealer_free(s);
}

/* tests/golden/recovery.txt: passphrase, sealing key, and the copy's line; made by Python and
 * OpenSSL. */
static void golden(void **state)
{
    char passphrase[64], digits[80], line[512], path[512], typed[64];
    const char *source = getenv("CLOUDSEED_SOURCE");
    struct sealer *s;
    (void)state;
    snprintf(path, sizeof(path), "%s/tests/golden/recovery.txt", source ? source : ".");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%63s %79s %511s", passphrase, digits, line), 3);
    fclose(f);
    write_file(copy, line);
    for (size_t i = 0; (typed[i] = passphrase[i] == '-' ? ' ' : passphrase[i]); i++) {
        if (typed[i] >= 'a' && typed[i] <= 'z')
            typed[i] = (char)(typed[i] - 'a' + 'A');
    }
    assert_int_equal(opened(typed, &s), 0);
    for (size_t i = 0; i < SEALER_KEY_BYTES; i++) {
        char two[3];
        snprintf(two, sizeof(two), "%02x", sealer_key(s)[i]);
        assert_memory_equal(two, digits + 2 * i, 2);
    }
    assert_true(is_of(s));
    line[strlen(line) - 1] ^= 1;
    write_file(copy, line);
    assert_false(is_of(s));
    sealer_free(s);
    line[strlen(line) - 60] ^= 1; /* the last digit of the sealed key */
    write_file(copy, line);
    assert_int_equal(opened(passphrase, &s), -EACCES);
    line[20] = '\0';
    write_file(copy, line);
    assert_int_equal(opened(passphrase, &s), -EINVAL);
}

static void another_file(void **state)
{
    struct sealer *s = sealer();
    (void)state;
    assert_int_equal(opened("x", &s), -ENOENT);
    sealer_free(s);
    unlink(copy);
    assert_int_equal(rename(key, copy), 0);
    assert_int_equal(opened("x", &s), -EBADF);
    assert_int_equal(chmod(copy, 0644), 0);
    assert_int_equal(opened("x", &s), -EPERM);
}

UNIT_MAIN(cmocka_unit_test_setup_teardown(there_and_back, begin, end),
          cmocka_unit_test_setup_teardown(golden, begin, end),
          cmocka_unit_test_setup_teardown(another_file, begin, end))
