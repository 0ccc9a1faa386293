/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include "base/guess.h"
#include "cli/help.h"

#include <errno.h>

static const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .operands_max = 2,
    .summary = "tell how a command is used",
    .help = "Examples:\n"
            "  cloudseed help\n"
            "  cloudseed help node url\n",
    .run = help_run,
};

const struct command *command_at(size_t i)
{
    if (i < command_tree_count)
        return &command_tree_table[i];
    i -= command_tree_count;
    if (i < command_asset_count)
        return &command_asset_table[i];
    i -= command_asset_count;
    if (i < command_server_count)
        return &command_server_table[i];
    return i == command_server_count ? &command_help : NULL;
}

bool command_begins(const struct command *c, const char *word)
{
    struct str rest = str_from(c->name);
    return str_is(str_cut(&rest, ' '), word);
}

bool command_is_group(const char *word)
{
    const struct command *c;
    for (size_t i = 0; (c = command_at(i)); i++) {
        if (strchr(c->name, ' ') && command_begins(c, word))
            return true;
    }
    return false;
}

/* How many words of the command's name the words begin with, in *ret_same; its length. */
static size_t name_words(const struct command *c, const char *const *words, size_t n,
                         size_t *ret_same)
{
    struct str rest = str_from(c->name);
    size_t count = 0, same = 0;
    while (rest.p) {
        struct str word = str_cut(&rest, ' ');
        same += same == count && count < n && str_is(word, words[count]);
        count++;
    }
    *ret_same = same;
    return count;
}

static int refuse(const char *const *words, size_t n, struct err *e)
{
    struct guess guess;
    bool group = command_is_group(words[0]);
    if (group && n == 1)
        return err_set(e, -EINVAL, "'%s' is a group of commands: say which", words[0]);
    guess_init(&guess, str_from(words[group ? 1 : 0]));
    const struct command *c;
    for (size_t i = 0; (c = command_at(i)); i++) {
        struct str rest = str_from(c->name);
        struct str first = str_cut(&rest, ' ');
        if (!group)
            guess_offer(&guess, first);
        else if (str_is(first, words[0]))
            guess_offer(&guess, rest);
    }
    return err_set(e, -EINVAL, "unknown command '%s%s%s'%s", words[0], group ? " " : "",
                   group ? words[1] : "", guess_text(&guess));
}

const struct command *command_find(const char *const *words, size_t n, size_t *ret_used,
                                   struct err *e)
{
    const struct command *c;
    for (size_t i = 0; (c = command_at(i)); i++) {
        size_t same, count = name_words(c, words, n, &same);
        if (same == count) {
            *ret_used = count;
            return c;
        }
    }
    refuse(words, n, e);
    return NULL;
}
