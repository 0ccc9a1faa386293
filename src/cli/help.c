/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/common/cli.h"
#include "config/config.h"

#define LEFT_COLUMNS 29

static const char head[] = "Usage: cloudseed [OPTION]... COMMAND [ARGUMENT]...\n"
                           "Check and manage the nodes that cloudseedd serves.\n";

static const char tail[] =
    "\n"
    "Defaults come from cloudseedd's configuration, if you may read it:\n"
    "  " CONFIG_PATH_DEFAULT "\n"
    "Exit status: 0 done, 1 failed, 2 there are changes (diff), 3 --timeout has passed\n"
    "(wait), 64 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  cloudseed check\n"
    "  cloudseed render k8s-worker-2 user-data\n"
    "  cloudseed node url k8s-worker-2 --discovery\n"
    "\n"
    "'cloudseed help COMMAND' explains a command. See cloudseed(1), cloudseed-seed(5) for the\n"
    "seed tree, and cloudseedd(8) for the server.\n";

static void print_flag(FILE *f, const struct flag *flag)
{
    char left[64];
    const char *form = flags_output_form(flag->name);
    snprintf(left, sizeof(left), "--%s%s%s%s%s", flag->name, flag->value ? " " : "",
             flag->value ? flag->value : "", form ? ", -o " : "", form ? form : "");
    fprintf(f, "  %-*s%s\n", LEFT_COLUMNS, left, flag->help);
}

static void print_flags(FILE *f, const struct flag *list)
{
    for (; list && list->name; list++)
        print_flag(f, list);
}

/* The options of all commands; an option that several have in common is printed once. */
static void print_some_flags(FILE *f)
{
    struct command_flags all = {.at = NULL};
    const struct flag *flag;
    while ((flag = command_flags_next(&all))) {
        struct command_flags earlier = {.at = NULL};
        const struct flag *first;
        do {
            first = command_flags_next(&earlier);
        } while (strcmp(first->name, flag->name) != 0 ||
                 (flag->value && strcmp(first->value, flag->value) != 0));
        if (first == flag)
            print_flag(f, flag);
    }
}

/* The commands whose name begins with `word`; all if it is NULL. */
static void print_commands(FILE *f, const char *word)
{
    fputs("\nCommands:\n", f);
    const struct command *c;
    for (size_t i = 0; (c = command_at(i)); i++) {
        char left[64];
        if (word && !command_begins(c, word))
            continue;
        snprintf(left, sizeof(left), "%s%s%s", c->name, *c->operands ? " " : "", c->operands);
        fprintf(f, "  %-*s%s\n", LEFT_COLUMNS, left, c->summary);
    }
}

void help_print_all(FILE *f)
{
    fputs(head, f);
    print_commands(f, NULL);
    fputs("\nOptions of all commands:\n", f);
    print_flags(f, flags_everywhere);
    fputs("\nOptions of some commands:\n", f);
    print_some_flags(f);
    fputs(tail, f);
}

static void print_command(FILE *f, const struct command *c)
{
    fprintf(f, "Usage: cloudseed %s%s%s [OPTION]...\n", c->name, *c->operands ? " " : "",
            c->operands);
    fprintf(f, "%c%s.\n\n", c->summary[0] - 'a' + 'A', c->summary + 1);
    fputs(c->help, f);
    if (c->flags) {
        fputs("\nOptions:\n", f);
        print_flags(f, c->flags);
    }
    fputs("\nOptions of all commands:\n", f);
    print_flags(f, flags_everywhere);
}

void help_print_group(FILE *f, const char *word)
{
    fprintf(f, "Usage: cloudseed %s COMMAND [ARGUMENT]... [OPTION]...\n", word);
    print_commands(f, word);
}

int help_show(struct cli *c, const char *const *words, size_t n)
{
    size_t used;
    struct err e;
    if (n == 0) {
        help_print_all(stdout);
        return CLI_OK;
    }
    if (n == 1 && command_is_group(words[0]) && !command_is(words[0])) {
        help_print_group(stdout, words[0]);
        return CLI_OK;
    }
    const struct command *command = command_find(words, n, &used, &e);
    c->command = NULL; /* a misuse of help points to the help of all */
    if (!command)
        return cli_misuse(c, "%s", e.msg);
    print_command(stdout, command);
    return CLI_OK;
}

static int run(struct cli *c)
{
    return help_show(c, c->operands, c->operands_n);
}

const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .operands_max = 2,
    .summary = "show how a command is used",
    .help = "Examples:\n"
            "  cloudseed help\n"
            "  cloudseed help node url\n",
    .serverless = "it prints what this program knows",
    .run = run,
};
