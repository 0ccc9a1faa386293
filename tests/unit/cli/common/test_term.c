/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/common/term.h"

#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

typedef void (*write_fn)(struct buf *b, struct str s);

static void check(write_fn write, struct str text, struct str want)
{
    struct buf b;
    buf_init(&b, 4096);
    write(&b, text);
    assert_str_equal(buf_view(&b), want);
    buf_done(&b);
}

static void text_leaves_what_can_be_printed(void **state)
{
    (void)state;
    check(term_text, STR(""), STR(""));
    check(term_text, STR("say \"no\" to C:\\ – Zürich"), STR("say \"no\" to C:\\ – Zürich"));
}

static void text_escapes_what_moves_a_terminal(void **state)
{
    (void)state;
    check(term_text, STR("a\nb\tc\r\033[2J\x7F\0"), STR("a\\nb\\tc\\x0d\\x1b[2J\\x7f\\x00"));
    check(term_text,
          STR("\xC2\x9B"
              "2J"),
          STR("\\u009b2J"));
    check(term_text, STR("\u202Egpj"), STR("\\u202egpj"));
    check(term_text, STR("\U000E0001"), STR("\\U000e0001"));
}

static void text_shows_bytes_that_are_no_utf8(void **state)
{
    (void)state;
    check(term_text, STR("\xFF\xE2\x82"), STR("\\xff\\xe2\\x82"));
    check(term_text, STR("\uFFFD"), STR("\uFFFD"));
    check(term_text, STR("\u3164\uFE0F\u061C"), STR("\\u3164\\ufe0f\\u061c"));
}

static void line_keeps_its_columns(void **state)
{
    (void)state;
    check(term_line,
          STR("\ta\033\xC2\x9B\xFF"
              "b"),
          STR("\ta\uFFFD\uFFFD\uFFFD"
              "b"));
}

static void json_stays_the_same_json(void **state)
{
    (void)state;
    check(term_json, STR("{\n \"a\": \"\\n\"}"), STR("{\n \"a\": \"\\n\"}"));
    check(term_json, STR("\"\x7F\xC2\x9B\u202E\""), STR("\"\\u007f\\u009b\\u202e\""));
    check(term_json, STR("\"\U000E007F\""), STR("\"\\udb40\\udc7f\""));
}

static void width_is_that_of_a_terminal(void **state)
{
    (void)state;
    assert_int_equal(term_width(STR("")), 0);
    assert_int_equal(term_width(STR("Zürich")), 6);
    assert_int_equal(term_width(STR("u\u0308")), 1);
    assert_int_equal(term_width(STR("日本")), 4);
}

static void when(void **state)
{
    (void)state;
    assert_true(term_when_valid("auto") && term_when_valid("always") && term_when_valid("never"));
    assert_false(term_when_valid("") || term_when_valid("yes") || term_when_valid("Auto"));
}

/* A new terminal; skips where the system gives none. */
static int open_terminal(int *ret_master)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        unit_skip("no pseudo-terminal");
    *ret_master = master;
    return open(ptsname(master), O_RDWR | O_NOCTTY);
}

static void color_is_for_terminals(void **state)
{
    (void)state;
    int master, fd = open_terminal(&master), null = open("/dev/null", O_WRONLY);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    assert_true(term_color(NULL, fd));
    assert_true(term_color("auto", fd));
    assert_false(term_color(NULL, null));
    assert_false(term_color("never", fd));
    assert_true(term_color("always", null));
    setenv("NO_COLOR", "1", 1);
    assert_false(term_color(NULL, fd));
    assert_true(term_color("always", fd));
    setenv("NO_COLOR", "", 1); /* empty is as unset: no-color.org */
    assert_true(term_color(NULL, fd));
    setenv("TERM", "dumb", 1);
    assert_false(term_color(NULL, fd));
    unsetenv("TERM");
    assert_false(term_color(NULL, fd));
    close(null);
    close(fd);
    close(master);
}

static int set_locale(void **state)
{
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static void head_is_that_of_the_columns(void **state)
{
    set_locale(state);
    assert_str(term_head(STR("Zürich"), 2), "Zü");
    assert_str(term_head(STR("日本語"), 5), "日本");
    assert_str(term_head(STR("日本語"), 6), "日本語");
    assert_str(term_head(STR("u\u0308x"), 1), "u\u0308");
    assert_str(term_head(STR("abc"), 0), "");
    assert_str(term_head(STR(""), 9), "");
}

UNIT_MAIN(cmocka_unit_test(text_leaves_what_can_be_printed),
          cmocka_unit_test(text_escapes_what_moves_a_terminal),
          cmocka_unit_test(text_shows_bytes_that_are_no_utf8),
          cmocka_unit_test(line_keeps_its_columns), cmocka_unit_test(json_stays_the_same_json),
          cmocka_unit_test_setup(width_is_that_of_a_terminal, set_locale), cmocka_unit_test(when),
          cmocka_unit_test(head_is_that_of_the_columns), cmocka_unit_test(color_is_for_terminals))
