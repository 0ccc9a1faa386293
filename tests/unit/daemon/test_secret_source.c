/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/clock.h"
#include "daemon/secret.h"
#include "lib/folder.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct secret_value value;
static struct err said;

static int read_it(struct config_secret s, unsigned command_ms)
{
    memset(&said, 0, sizeof(said));
    return secret_source_read(&s, command_ms, NULL, &value, &said);
}

static int of_file(const char *path)
{
    return read_it((struct config_secret){.file = str_from(path)}, 0);
}

static int of_shell(const char *script, unsigned command_ms)
{
    const struct str words[] = {STR("/bin/sh"), STR("-c"), str_from(script)};
    return read_it((struct config_secret){.command = words, .command_n = 3}, command_ms);
}

static void file(void *folder, const char *text, mode_t mode)
{
    folder_file(folder, "s", text);
    assert_int_equal(chmod("s", mode), 0);
}

static void a_file_is_read_without_its_last_line_end(void **state)
{
    static const char *const same[] = {"hunter2", "hunter2\n", "hunter2\r\n"};
    for (size_t i = 0; i < 3; i++) {
        file(*state, same[i], 0640);
        assert_int_equal(of_file("s"), 0);
        assert_string_equal(value.bytes, "hunter2");
        assert_int_equal(value.n, 7);
    }
    file(*state, " two \nlines\n\n", 0400);
    assert_int_equal(of_file("s"), 0);
    assert_string_equal(value.bytes, " two \nlines\n");
}

static void files_that_others_may_use_are_refused(void **state)
{
    static const mode_t modes[] = {0644, 0601, 0602, 0660};
    for (size_t i = 0; i < 4; i++) {
        file(*state, "hunter2", modes[i]);
        assert_int_equal(of_file("s"), -EPERM);
        assert_string_equal(said.msg, "s: others than its owner and group may use it; run: chmod "
                                      "g-w,o-rwx s");
    }
}

static void what_is_no_value_is_refused_without_showing_it(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "the value is empty"},
        {"\n", "the value is empty"},
        {"hunter\xff", "the value is not UTF-8 text; encode binary data in base64"},
    };
    for (size_t i = 0; i < 3; i++) {
        file(*state, cases[i].text, 0600);
        assert_int_equal(of_file("s"), -EINVAL);
        assert_string_equal(said.msg, cases[i].why);
    }
    assert_int_equal(of_file("missing"), -ENOENT);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(of_file("pipe"), -EINVAL);
    assert_int_equal(of_file("."), -EINVAL);
}

static void a_value_has_at_most_64_kib(void **state)
{
    char *text = calloc(1, SECRET_MAX_BYTES + 3);
    memset(text, 'x', SECRET_MAX_BYTES);
    memcpy(text + SECRET_MAX_BYTES, "\n", 2);
    file(*state, text, 0600);
    assert_int_equal(of_file("s"), 0);
    assert_int_equal(value.n, SECRET_MAX_BYTES);
    memcpy(text + SECRET_MAX_BYTES, "x", 2);
    file(*state, text, 0600);
    assert_int_equal(of_file("s"), -EFBIG);
    assert_string_equal(said.msg, "the value is longer than 65536 bytes");
    setenv("CLOUDSEED_TEST_LONG", text, 1);
    assert_int_equal(read_it((struct config_secret){.env = STR("CLOUDSEED_TEST_LONG")}, 0), -EFBIG);
    unsetenv("CLOUDSEED_TEST_LONG");
    free(text);
    assert_int_equal(of_shell("yes", 10000), -EFBIG);
}

static void a_variable_is_read(void **state)
{
    (void)state;
    struct config_secret s = {.env = STR("CLOUDSEED_TEST_SECRET")};
    unsetenv("CLOUDSEED_TEST_SECRET");
    assert_int_equal(read_it(s, 0), -ENOENT);
    assert_string_equal(said.msg, "the daemon's environment has no CLOUDSEED_TEST_SECRET");
    setenv("CLOUDSEED_TEST_SECRET", "hunter2", 1);
    assert_int_equal(read_it(s, 0), 0);
    assert_string_equal(value.bytes, "hunter2");
    unsetenv("CLOUDSEED_TEST_SECRET");
}

/* Programs that keep secrets, such as pass and gpg, look for them in the user's home. */
static void a_command_has_nothing_but_a_path_and_a_home(void **state)
{
    (void)state;
    char want[4096];
    const struct passwd *user = getpwuid(geteuid());
    const struct str env[] = {STR("/usr/bin/env")};
    setenv("HOME", "/home/of/someone/else", 1);
    snprintf(want, sizeof(want),
             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nHOME=%s",
             user ? user->pw_dir : "/");
    assert_int_equal(read_it((struct config_secret){.command = env, .command_n = 1}, 10000), 0);
    assert_string_equal(value.bytes, want);
    const struct str echo[] = {STR("/bin/echo"), STR("$HOME; *")};
    assert_int_equal(read_it((struct config_secret){.command = echo, .command_n = 2}, 10000), 0);
    assert_string_equal(value.bytes, "$HOME; *");
    assert_int_equal(of_shell("cat; echo end", 10000), 0);
    assert_string_equal(value.bytes, "end");
}

static void a_command_that_fails_shows_nothing(void **state)
{
    (void)state;
    assert_int_equal(of_shell("echo hunter2; echo hunter2 >&2; exit 3", 10000), -ECHILD);
    assert_string_equal(said.msg,
                        "/bin/sh ended with status 3; run it as the daemon's user to see why");
    assert_int_equal(of_shell("kill -9 $$", 10000), -ECHILD);
    assert_string_equal(said.msg, "/bin/sh was ended by signal 9");
    const struct str none[] = {STR("/nonexistent/pass")};
    assert_int_equal(read_it((struct config_secret){.command = none, .command_n = 1}, 1), -ENOENT);
    assert_string_equal(said.msg, "/nonexistent/pass cannot be run: No such file or directory");
}

/* Each command would sleep for a minute. */
static void a_command_has_its_time_and_leaves_nothing_behind(void **state)
{
    static const char *const scripts[] = {"sleep 60", "echo x; exec >&-; sleep 60",
                                          "echo x; sleep 60 & exit 0"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint64_t begun_ms = clock_boot_ms();
        assert_int_equal(of_shell(scripts[i], 300), -ETIMEDOUT);
        assert_string_equal(said.msg, "/bin/sh did not end within 0 s");
        assert_true(clock_boot_ms() - begun_ms < 30000);
    }
}

static void a_command_is_given_up_on_request(void **state)
{
    const struct str words[] = {STR("/bin/sleep"), STR("60")};
    const struct config_secret s = {.command = words, .command_n = 2};
    atomic_bool stop = true;
    (void)state;
    assert_int_equal(secret_source_read(&s, 60000, &stop, &value, &said), -EINTR);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_enter, folder_leave)

UNIT_MAIN(IN_FOLDER(a_file_is_read_without_its_last_line_end),
          IN_FOLDER(files_that_others_may_use_are_refused),
          IN_FOLDER(what_is_no_value_is_refused_without_showing_it),
          IN_FOLDER(a_value_has_at_most_64_kib), cmocka_unit_test(a_variable_is_read),
          cmocka_unit_test(a_command_has_nothing_but_a_path_and_a_home),
          cmocka_unit_test(a_command_that_fails_shows_nothing),
          cmocka_unit_test(a_command_has_its_time_and_leaves_nothing_behind),
          cmocka_unit_test(a_command_is_given_up_on_request))
