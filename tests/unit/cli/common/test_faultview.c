/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/common/faultview.h"

#include <stdlib.h>
#include <unistd.h>

static void check(struct faults *faults, bool color, const char *want)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    faultview_print(f, faults, color);
    fclose(f);
    assert_string_equal(text, want);
    free(text);
}

static struct place at(const char *file, uint32_t line, uint32_t column)
{
    return (struct place){.file = file, .line = line, .column = column};
}

static void faults_come_by_place(void **state)
{
    (void)state;
    struct faults faults;
    faults_init(&faults);
    fault_add(&faults, at("/none/b", 1, 2), "four");
    fault_add(&faults, at("/none/a", 2, 1), "three");
    fault_warn(&faults, at("/none/a", 1, 0), "two");
    fault_add(&faults, at("/none/a", 0, 0), "one");
    fault_add(&faults, at(NULL, 0, 0), "zero");
    check(&faults, false,
          "error: zero\n/none/a: error: one\n/none/a:1: warning: two\n/none/a:2:1: error: three\n"
          "/none/b:1:2: error: four\n");
    faults_done(&faults);
}

static void an_excerpt_is_shown(void **state)
{
    (void)state;
    struct faults faults;
    faults_init(&faults);
    fault_add_excerpt(&faults, at("/none/a", 1, 2), "\tab\033c\n\t  ^", "odd");
    check(&faults, false, "/none/a:1:2: error: odd\n  \tab\uFFFDc\n  \t  ^\n");
    check(&faults, true,
          "\033[1m/none/a:1:2: \033[1;31merror:\033[0m odd\n  \tab\uFFFDc\n"
          "  \033[32m\t  ^\033[0m\n");
    faults_done(&faults);
}

static void warnings_have_a_colour_of_their_own(void **state)
{
    (void)state;
    struct faults faults;
    faults_init(&faults);
    fault_warn(&faults, at("/none/a", 0, 0), "odd");
    check(&faults, true, "\033[1m/none/a: \033[1;33mwarning:\033[0m odd\n");
    faults_done(&faults);
}

static void strangers_texts_are_escaped(void **state)
{
    (void)state;
    struct faults faults;
    faults_init(&faults);
    fault_add(&faults, at("/none/\033[2J", 0, 0), "a\nb \"c\"");
    check(&faults, false, "/none/\\x1b[2J: error: a\\nb \"c\"\n");
    faults_done(&faults);
}

static void lines_are_taken_from_the_file(void **state)
{
    (void)state;
    char path[] = "/tmp/cloudseed-unit-XXXXXX", want[512];
    const char text[] = "first\n  k\xC3\xA4y: v\xC3\xA4lue\r\nlast";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);
    struct faults faults;
    faults_init(&faults);
    fault_add(&faults, at(path, 2, 8), "a");
    fault_add(&faults, at(path, 3, 5), "b");
    fault_add(&faults, at(path, 4, 1), "gone since");
    snprintf(want, sizeof(want),
             "%s:2:8: error: a\n    käy: välue \n         ^\n%s:3:5: error: b\n  last\n      ^\n"
             "%s:4:1: error: gone since\n",
             path, path, path);
    check(&faults, false, want);
    faults_done(&faults);
    unlink(path);
}

static void what_was_not_kept_is_counted(void **state)
{
    (void)state;
    struct faults faults;
    char *text = NULL;
    size_t n;
    faults_init(&faults);
    for (uint32_t i = 0; i < FAULTS_KEPT_MAX + 7; i++)
        fault_add(&faults, at("/none/a", i + 1, 1), "odd");
    FILE *f = open_memstream(&text, &n);
    faultview_print(f, &faults, false);
    fclose(f);
    assert_contains(text, "/none/a:1000:1: error: odd\nand 7 more\n");
    free(text);
    faults_done(&faults);
}

static void count(size_t errors, size_t warnings, const char *want)
{
    char text[FAULTVIEW_COUNT_SIZE];
    struct faults faults = {.errors = errors, .warnings = warnings};
    assert_string_equal(faultview_count(&faults, text), want);
}

static void counts_are_plain_english(void **state)
{
    (void)state;
    count(0, 0, "no faults");
    count(1, 0, "1 error");
    count(2, 0, "2 errors");
    count(0, 1, "1 warning");
    count(0, 2, "2 warnings");
    count(25, 1, "25 errors, 1 warning");
    count(1, 2, "1 error, 2 warnings");
    count(SIZE_MAX, SIZE_MAX, "18446744073709551615 errors, 18446744073709551615 warnings");
}

UNIT_MAIN(cmocka_unit_test(faults_come_by_place), cmocka_unit_test(an_excerpt_is_shown),
          cmocka_unit_test(warnings_have_a_colour_of_their_own),
          cmocka_unit_test(strangers_texts_are_escaped),
          cmocka_unit_test(lines_are_taken_from_the_file),
          cmocka_unit_test(what_was_not_kept_is_counted),
          cmocka_unit_test(counts_are_plain_english))
