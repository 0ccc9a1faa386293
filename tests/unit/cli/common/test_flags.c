/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/command.h"

#include <errno.h>

#define ARGS_MAX 16

struct parsed {
    struct flags flags;
    const char *const *words;
    size_t words_n;
    struct err e;
    int r;
};

static struct arena arena = {.chunk_bytes = 4096};

static struct parsed parse(const char *const *args)
{
    struct parsed p = {.r = 0};
    char *argv[ARGS_MAX] = {(char *)(uintptr_t) "cloudseed"};
    int argc = 1;
    for (; args[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)args[argc - 1];
    p.r = flags_parse(argc, argv, &arena, &p.flags, &p.words, &p.words_n, &p.e);
    return p;
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void options_stand_anywhere(void **state)
{
    (void)state;
    struct parsed p = PARSE("--seed", "a", "node", "--json", "list", "--state=b=c");
    assert_int_equal(p.r, 0);
    assert_int_equal(p.words_n, 2);
    assert_string_equal(p.words[0], "node");
    assert_string_equal(p.words[1], "list");
    assert_string_equal(flags_value(&p.flags, "seed"), "a");
    assert_string_equal(flags_value(&p.flags, "state"), "b=c");
    assert_true(flags_given(&p.flags, "json"));
    assert_int_equal(p.flags.n, 3);
}

static void last_one_counts(void **state)
{
    (void)state;
    struct parsed p = PARSE("--seed=a", "--seed", "b");
    assert_string_equal(flags_value(&p.flags, "seed"), "b");
}

static void repeated_ones_are_kept(void **state)
{
    (void)state;
    struct parsed p = PARSE("--mac=1", "--json", "--role", "r", "--mac", "2");
    assert_int_equal(p.flags.n, 4);
    assert_string_equal(p.flags.uses[2].flag->name, "role");
    assert_string_equal(p.flags.uses[0].value, "1");
    assert_string_equal(p.flags.uses[3].value, "2");
    assert_string_equal(flags_value(&p.flags, "mac"), "2");
}

static void words_behind_two_dashes(void **state)
{
    (void)state;
    struct parsed p = PARSE("--", "--json", "-x", "--");
    assert_int_equal(p.words_n, 3);
    assert_string_equal(p.words[0], "--json");
    assert_int_equal(p.flags.n, 0);
}

static void help_has_a_letter_and_a_dash_is_a_word(void **state)
{
    (void)state;
    struct parsed p = PARSE("-h", "-");
    assert_true(flags_given(&p.flags, "help"));
    assert_int_equal(p.words_n, 1);
}

static void output_has_a_short_form(void **state)
{
    (void)state;
    struct parsed p = PARSE("node", "list", "-o", "json", "-o", "name", "-o", "wide");
    assert_int_equal(p.r, 0);
    assert_int_equal(p.words_n, 2);
    assert_true(flags_given(&p.flags, "json"));
    assert_true(flags_given(&p.flags, "names"));
    assert_true(flags_given(&p.flags, "wide"));
    p = PARSE("-o", "yaml");
    assert_int_equal(p.r, -EINVAL);
    assert_string_equal(p.e.msg, "-o yaml: expected json, name or wide");
    p = PARSE("-o");
    assert_int_equal(p.r, -EINVAL);
}

static void refused(struct parsed p, const char *part)
{
    assert_int_equal(p.r, -EINVAL);
    assert_contains(p.e.msg, part);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    refused(PARSE("--sed", "x"), "unknown option '--sed'; did you mean '--seed'?");
    refused(PARSE("--bogus"), "unknown option '--bogus'");
    refused(PARSE("-j"), "unknown option '-j'");
    refused(PARSE("--seed"), "--seed needs a DIR");
    refused(PARSE("--seed="), "--seed needs a DIR");
    refused(PARSE("--seed", ""), "--seed needs a DIR");
    refused(PARSE("--seed", "--json"), "--seed needs a DIR");
    refused(PARSE("wait", "--for"), "--for needs a value"); /* or a time, or a server */
    refused(PARSE("--json=yes"), "--json takes no value");
    refused(PARSE("--color=yes"), "expected auto, always or never");
    refused(PARSE("--url=host:80"), "expected http://HOST:PORT");
}

static void find(const char *const *words, size_t n, const char *name, size_t used)
{
    size_t got;
    struct err e;
    const struct command *c = command_find(words, n, &got, &e);
    assert_non_null(c);
    assert_string_equal(c->name, name);
    assert_int_equal(got, used);
}

#define FIND(name, used, ...)                \
    find((const char *const[]){__VA_ARGS__}, \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), (name), (used))

static void commands_are_found(void **state)
{
    (void)state;
    FIND("check", 1, "check");
    FIND("check", 1, "check", "seed");
    FIND("node list", 2, "node", "list");
    FIND("node url", 2, "node", "url", "list");
    FIND("help", 1, "help", "node", "list");
}

static void lost(const char *const *words, size_t n, const char *part)
{
    size_t used;
    struct err e;
    assert_null(command_find(words, n, &used, &e));
    assert_contains(e.msg, part);
}

#define LOST(part, ...)                      \
    lost((const char *const[]){__VA_ARGS__}, \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), (part))

static void unknown_commands_are_guessed(void **state)
{
    (void)state;
    LOST("unknown command 'chek'; did you mean 'check'?", "chek");
    LOST("unknown command 'node lst'; did you mean 'list'?", "node", "lst");
    LOST("unknown command 'frobnicate'", "frobnicate", "x");
    LOST("name one", "node");
    LOST("unknown command 'list'", "list");
}

static bool has_flag(const struct flag *list, const char *name)
{
    for (; list->name; list++) {
        if (strcmp(list->name, name) == 0)
            return true;
    }
    return false;
}

static void commands_are_whole(void **state)
{
    (void)state;
    const struct command *c;
    for (size_t i = 0; (c = command_at(i)); i++) {
        assert_true(c->run && *c->summary >= 'a' && *c->summary <= 'z');
        assert_contains(c->help, "Examples:\n  cloudseed ");
        assert_true(str_ends(str_from(c->help), STR("\n")));
        for (const struct flag *f = c->flags; f && f->name; f++)
            assert_false(has_flag(flags_everywhere, f->name));
    }
}

/* The parser reads options before it knows the command. */
static void commands_agree_on_which_options_take_a_value(void **state)
{
    (void)state;
    struct command_flags all = {.at = flags_everywhere};
    const struct flag *f;
    while ((f = command_flags_next(&all))) {
        struct command_flags others = {.at = flags_everywhere};
        const struct flag *g;
        while ((g = command_flags_next(&others)))
            assert_true(strcmp(f->name, g->name) != 0 || !f->value == !g->value);
    }
}

UNIT_MAIN(cmocka_unit_test(options_stand_anywhere), cmocka_unit_test(last_one_counts),
          cmocka_unit_test(repeated_ones_are_kept), cmocka_unit_test(words_behind_two_dashes),
          cmocka_unit_test(help_has_a_letter_and_a_dash_is_a_word),
          cmocka_unit_test(output_has_a_short_form), cmocka_unit_test(wrong_options_are_refused),
          cmocka_unit_test(commands_are_found), cmocka_unit_test(unknown_commands_are_guessed),
          cmocka_unit_test(commands_are_whole),
          cmocka_unit_test(commands_agree_on_which_options_take_a_value))
