/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include "base/guess.h"

#include <errno.h>

#define COMMAND_POINTER(name) &command_##name,
static const struct command *const table[] = {COMMANDS(COMMAND_POINTER)};

const struct command *command_at(size_t i)
{
    return i < sizeof(table) / sizeof(table[0]) ? table[i] : NULL;
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

bool command_is(const char *word)
{
    const struct command *c;
    for (size_t i = 0; (c = command_at(i)); i++) {
        if (strcmp(c->name, word) == 0)
            return true;
    }
    return false;
}

/* The number of words in the command's name; in *ret_same how many of them the given words begin
 * with. */
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
        return err_set(e, -EINVAL, "'%s' is a group of commands: name one", words[0]);
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

static bool has_flag(const struct flag *list, const char *name)
{
    for (const struct flag *f = list; f && f->name; f++) {
        if (strcmp(f->name, name) == 0)
            return true;
    }
    return false;
}

bool command_has_flag(const struct command *c, const char *name)
{
    return has_flag(c->flags, name) || has_flag(flags_everywhere, name);
}

const struct flag *command_flags_next(struct command_flags *w)
{
    while (!w->at || !w->at->name) {
        const struct command *c = command_at(w->command++);
        if (!c)
            return NULL;
        w->at = c->flags;
    }
    return w->at++;
}
