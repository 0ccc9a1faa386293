/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "cli/command.h"
#include "cli/common/cli.h"
#include "cli/common/term.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ARENA_BYTES (16 * 1024)
#define OUTPUT_BYTES ((size_t)1024 * 1024)

/* Output is written in large pieces, most of it in one: if that fails, errno still has the reason
 * in close_output. A terminal keeps the order of standard output and error. */
static void buffer_output(struct arena *a)
{
    if (!isatty(STDOUT_FILENO))
        setvbuf(stdout, arena_alloc(a, OUTPUT_BYTES), _IOFBF, OUTPUT_BYTES);
}

/* A full disk is noticed only when the last bytes are written. */
static int close_output(int status)
{
    bool failed = ferror(stdout);
    errno = 0;
    if (fclose(stdout) == 0 && !failed)
        return status;
    fprintf(stderr, "cloudseed: standard output: %s\n",
            errno ? strerror(errno) : "not all could be written");
    return CLI_FAILED;
}

static int run_command(struct cli *c, size_t words_n)
{
    size_t used = 0;
    struct err e;
    if (words_n == 1 && command_is_group(c->words[0]) && !command_is(c->words[0])) {
        help_print_group(stderr, c->words[0]);
        return CLI_MISUSED;
    }
    c->command = command_find(c->words, words_n, &used, &e);
    if (!c->command)
        return cli_misuse(c, "%s", e.msg);
    c->operands = c->words + used;
    c->operands_n = words_n - used;
    for (size_t i = 0; i < c->flags.n; i++) {
        const char *name = c->flags.uses[i].flag->name;
        if (!command_has_flag(c->command, name))
            return cli_misuse(c, "'%s' has no option --%s", c->command->name, name);
    }
    const char *server = flags_value(&c->flags, "server");
    if (c->command->serverless && server && strcmp(server, "none") != 0)
        return cli_misuse(c, "'%s' asks no server, so leave out --server: %s", c->command->name,
                          c->command->serverless);
    if (c->operands_n < c->command->operands_min)
        return cli_misuse(c, "usage: cloudseed %s %s", c->command->name, c->command->operands);
    if (c->operands_n > c->command->operands_max)
        return cli_misuse(c, "'%s': one argument too many for '%s'",
                          c->operands[c->command->operands_max], c->command->name);
    return c->command->run(c);
}

static int run(struct cli *c, int argc, char **argv)
{
    size_t words_n;
    struct err e;
    if (flags_parse(argc, argv, &c->arena, &c->flags, &c->words, &words_n, &e) < 0)
        return cli_misuse(c, "%s", e.msg);
    c->color_out = term_color(flags_value(&c->flags, "color"), STDOUT_FILENO);
    c->color_err = term_color(flags_value(&c->flags, "color"), STDERR_FILENO);
    if (flags_given(&c->flags, "utc"))
        setenv("TZ", "UTC0", 1);
    tzset();
    if (flags_given(&c->flags, "version"))
        return puts("cloudseed " CLOUDSEED_VERSION) < 0 ? CLI_FAILED : CLI_OK;
    if (flags_given(&c->flags, "help"))
        return help_show(c, c->words, words_n);
    if (words_n == 0) {
        help_print_all(stderr);
        return CLI_MISUSED;
    }
    return run_command(c, words_n);
}

int main(int argc, char **argv)
{
    struct cli c = {0};
    fs_fill_standard();
    setlocale(LC_CTYPE, "C.UTF-8"); /* for wcwidth: our texts are UTF-8 */
    arena_init(&c.arena, ARENA_BYTES);
    buffer_output(&c.arena);
    int status = close_output(run(&c, argc, argv));
    arena_done(&c.arena);
    return status;
}
