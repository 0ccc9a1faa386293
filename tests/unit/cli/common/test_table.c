/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/common/table.h"

#include <locale.h>
#include <stdlib.h>

/* What a table of these cells prints; to be freed. */
static char *print(size_t columns, const char *const *cells, bool color)
{
    struct arena arena;
    struct table t;
    char *text = NULL;
    size_t n;
    arena_init(&arena, 256);
    table_init(&t, &arena, columns);
    for (size_t i = 0; cells[i]; i++)
        table_add(&t, str_from(cells[i]));
    FILE *f = open_memstream(&text, &n);
    table_print(&t, f, color);
    fclose(f);
    arena_done(&arena);
    return text;
}

static void check(size_t columns, const char *const *cells, bool color, const char *want)
{
    char *got = print(columns, cells, color);
    assert_string_equal(got, want);
    free(got);
}

static void columns_line_up(void **state)
{
    (void)state;
    const char *const cells[] = {"NAME", "ROLE", "k8s-master-1", "master", "a", "w", NULL};
    check(2, cells, false, "NAME          ROLE\nk8s-master-1  master\na             w\n");
}

static void width_counts_columns_not_bytes(void **state)
{
    (void)state;
    const char *const cells[] = {"A", "B", "Zürich", "1", "日本", "2", "u\u0308", "3", NULL};
    check(2, cells, false, "A       B\nZürich  1\n日本    2\nu\u0308       3\n");
}

static void nothing_is_a_dash(void **state)
{
    (void)state;
    const char *const cells[] = {"A", "B", "", "", NULL};
    check(2, cells, false, "A  B\n-  -\n");
}

static void cells_are_escaped_and_measured_so(void **state)
{
    (void)state;
    const char *const cells[] = {"A", "B", "\033[1m", "x", NULL};
    check(2, cells, false, "A        B\n\\x1b[1m  x\n");
}

static void head_is_bold_with_color(void **state)
{
    (void)state;
    const char *const cells[] = {"A", "B", "1", "2", NULL};
    check(2, cells, true, "\033[1mA  B\033[0m\n1  2\n");
}

static void many_rows(void **state)
{
    (void)state;
    const char *cells[1001] = {NULL};
    for (size_t i = 0; i < 1000; i++)
        cells[i] = i == 999 ? "last" : "x";
    char *got = print(1, cells, false);
    assert_int_equal(strlen(got), 999 * 2 + 5);
    assert_string_equal(got + 999 * 2, "last\n");
    free(got);
}

/* 2,500 rows after the heading; from the 1,000th and the 2,000th on they are wider. */
static void flowing_rows_are_printed_in_blocks(void **state)
{
    (void)state;
    struct arena arena;
    struct table t;
    char *text = NULL;
    size_t n, lines = 0;
    FILE *f = open_memstream(&text, &n);
    arena_init(&arena, 1024);
    table_init(&t, &arena, 2);
    table_flow(&t, f, true);
    table_add(&t, STR("A"));
    table_add(&t, STR("B"));
    for (int i = 1; i <= 2500; i++) {
        table_add(&t, str_head(STR("xxx"), (size_t)1 + (size_t)i / 1000));
        table_add(&t, STR("x"));
        assert_true(t.n <= (size_t)2 * TABLE_BLOCK_ROWS);
    }
    fflush(f);
    assert_true(n > 0); /* not only at the end */
    table_print(&t, f, true);
    table_print(&t, f, true); /* nothing is left */
    fclose(f);
    assert_true(str_starts(str_from(text), STR("\033[1mA  B\033[0m\nx  x\n")));
    for (struct str rest = {text, n}; rest.n; lines++) {
        struct str line = str_cut(&rest, '\n');
        size_t width = lines < 1000 ? 1 : lines < 2000 ? 2 : 3;
        if (lines > 0)
            assert_int_equal(line.n, width + 3);
    }
    assert_int_equal(lines, 2501);
    free(text);
    arena_done(&arena);
}

/* What a table with a heading prints on lines of that many columns; to be freed. */
static char *print_fitted(const char *columns, bool wraps, const char *const *heads,
                          const char *const *cells)
{
    static const uint8_t gives[] = {1, 0};
    struct arena arena;
    struct table t;
    char *text = NULL;
    size_t n;
    setenv("COLUMNS", columns, 1);
    arena_init(&arena, 256);
    table_init(&t, &arena, 3);
    table_head(&t, heads);
    table_give(&t, gives, 2);
    if (wraps)
        table_wrap(&t);
    for (size_t i = 0; cells[i]; i++)
        table_add(&t, str_from(cells[i]));
    FILE *f = open_memstream(&text, &n);
    table_print(&t, f, false);
    fclose(f);
    unsetenv("COLUMNS");
    arena_done(&arena);
    return text;
}

static void the_least_important_column_is_cut_first(void **state)
{
    (void)state;
    const char *const heads[] = {"NAME", "ROLE", "STATE", NULL};
    const char *const cells[] = {"k8s-worker-2", "a-very-long-role", "ready", NULL};
    const struct {
        const char *columns, *want;
    } cases[] = {
        {"37", "NAME          ROLE              STATE\nk8s-worker-2  a-very-long-role  ready\n"},
        {"30", "NAME          ROLE       STATE\nk8s-worker-2  a-very-l\u2026  ready\n"},
        {"23", "NAME        ROLE  STATE\nk8s-worke\u2026  a-v\u2026  ready\n"},
        {"20", "NAME     ROLE  STATE\nk8s-wo\u2026  a-v\u2026  ready\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *got = print_fitted(cases[i].columns, false, heads, cells);
        assert_string_equal(got, cases[i].want);
        free(got);
    }
}

static void a_reason_goes_on_in_further_lines(void **state)
{
    (void)state;
    const char *const heads[] = {"NAME", "ROLE", "NOTES", NULL};
    const char *const cells[] = {"k8s-worker-2", "worker",
                                 "the kubelet cannot pull images: no space left", NULL};
    char *got = print_fitted("40", true, heads, cells);
    assert_string_equal(got, "NAME      ROLE  NOTES\n"
                             "k8s-wor\u2026  wor\u2026  the kubelet cannot pull\n"
                             "                images: no space left\n");
    free(got);
}

static int set_locale(void **state)
{
    (void)state;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

UNIT_MAIN(cmocka_unit_test(columns_line_up),
          cmocka_unit_test_setup(width_counts_columns_not_bytes, set_locale),
          cmocka_unit_test(nothing_is_a_dash), cmocka_unit_test(cells_are_escaped_and_measured_so),
          cmocka_unit_test(head_is_bold_with_color), cmocka_unit_test(many_rows),
          cmocka_unit_test(flowing_rows_are_printed_in_blocks),
          cmocka_unit_test_setup(the_least_important_column_is_cut_first, set_locale),
          cmocka_unit_test_setup(a_reason_goes_on_in_further_lines, set_locale))
