/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/flags.h"

#include "base/guess.h"
#include "cli/command.h"
#include "cli/common/term.h"
#include "config/config.h"

#include <assert.h>
#include <errno.h>

const struct flag flags_everywhere[] = {
    {"server", "WHERE", "cloudseedd's socket, URL or context; none: only the tree"},
    {"config", "FILE", "another configuration of cloudseedd"},
    {"seed", "DIR", "the seed tree, instead of the configured one"},
    {"templates", "DIR", "the templates, instead of the configured ones"},
    {"state", "DIR", "where cloudseedd keeps its secret"},
    {"assets", "DIR", "the assets folder, instead of the configured one"},
    {"url", "URL", "what nodes' URLs begin with, instead of the site's url"},
    {"color", "WHEN", "auto, always or never; auto: on a terminal without NO_COLOR"},
    {"utc", NULL, "times in UTC instead of the local zone"},
    {"help", NULL, "show how a command is used"},
    {"version", NULL, "print the version"},
    {NULL, NULL, NULL},
};

/* The first option of that name. Options are parsed before the command is known: commands agree on
 * whether an option takes a value. */
static const struct flag *find_any(struct str name, struct guess *guess)
{
    struct command_flags all = {.at = flags_everywhere};
    const struct flag *f;
    while ((f = command_flags_next(&all))) {
        if (str_is(name, f->name))
            return f;
        if (guess)
            guess_offer(guess, str_from(f->name));
    }
    return NULL;
}

/* "FILE"; "value" if the commands that have the option use different words. */
static const char *value_name(const struct flag *flag)
{
    struct command_flags all = {.at = flags_everywhere};
    const struct flag *f;
    while ((f = command_flags_next(&all))) {
        if (strcmp(f->name, flag->name) == 0 && strcmp(f->value, flag->value) != 0)
            return "value";
    }
    return flag->value;
}

static const struct flag_use *find_use(const struct flags *f, const char *name)
{
    assert(find_any(str_from(name), NULL));
    for (size_t i = f->n; i > 0; i--) {
        if (strcmp(f->uses[i - 1].flag->name, name) == 0)
            return &f->uses[i - 1];
    }
    return NULL;
}

bool flags_given(const struct flags *f, const char *name)
{
    return find_use(f, name);
}

const char *flags_value(const struct flags *f, const char *name)
{
    const struct flag_use *use = find_use(f, name);
    return use ? use->value : NULL;
}

static int check_value(const char *name, const char *value, struct err *e)
{
    if (strcmp(name, "color") == 0 && !term_when_valid(value))
        return err_set(e, -EINVAL, "--color '%s': expected auto, always or never", value);
    if (strcmp(name, "url") == 0 && !config_url_valid(str_from(value)))
        return err_set(e, -EINVAL, "--url '%s': expected http://HOST:PORT", value);
    return 0;
}

static const struct flag *find(struct str name, struct err *e)
{
    struct guess guess;
    guess_init(&guess, name);
    const struct flag *flag = find_any(name, &guess);
    if (!flag && guess.best.n)
        err_set(e, -EINVAL, "unknown option '--%.*s'; did you mean '--%.*s'?", STR_ARG(name),
                STR_ARG(guess.best));
    else if (!flag)
        err_set(e, -EINVAL, "unknown option '--%.*s'", STR_ARG(name));
    return flag;
}

/* "-o json" is another way to write --json. */
static const char *const outputs[][2] = {{"json", "json"}, {"names", "name"}, {"wide", "wide"}};

#define OUTPUTS (sizeof(outputs) / sizeof(outputs[0]))

const char *flags_output_form(const char *name)
{
    for (size_t i = 0; i < OUTPUTS; i++) {
        if (strcmp(name, outputs[i][0]) == 0)
            return outputs[i][1];
    }
    return NULL;
}

static int take_output(const char *form, struct flag_use *ret, struct err *e)
{
    for (size_t i = 0; form && i < OUTPUTS; i++) {
        if (strcmp(form, outputs[i][1]) == 0) {
            *ret = (struct flag_use){find_any(str_from(outputs[i][0]), NULL), NULL};
            return 2;
        }
    }
    return err_set(e, -EINVAL, "-o %s: expected json, name or wide", form ? form : "");
}

/* Reads the option `text`, without its dashes; `next` is the argument after it, or NULL. Returns
 * the number of arguments read. */
static int take(const char *text, const char *next, struct flag_use *ret, struct err *e)
{
    struct str value = str_from(text);
    struct str name = str_cut(&value, '=');
    int taken = 1;
    const struct flag *flag = find(name, e);
    if (!flag)
        return -EINVAL;
    if (!flag->value && value.p)
        return err_set(e, -EINVAL, "--%s takes no value", flag->name);
    if (flag->value && !value.p && next && strncmp(next, "--", 2) != 0) {
        value = str_from(next);
        taken = 2;
    }
    if (flag->value && value.n == 0)
        return err_set(e, -EINVAL, "--%s needs a %s", flag->name, value_name(flag));
    *ret = (struct flag_use){flag, value.p};
    int r = flag->value ? check_value(flag->name, value.p, e) : 0;
    return r < 0 ? r : taken;
}

int flags_parse(int argc, char **argv, struct arena *a, struct flags *ret,
                const char *const **ret_words, size_t *ret_words_n, struct err *e)
{
    const char **words = ARENA_ARRAY(a, const char *, (size_t)argc);
    struct flag_use *uses = ARENA_ARRAY(a, struct flag_use, (size_t)argc);
    size_t n = 0, uses_n = 0;
    bool ended = false;
    for (int i = 1; i < argc;) {
        const char *arg = argv[i];
        int r = 1;
        if (ended || arg[0] != '-' || arg[1] == '\0')
            words[n++] = arg;
        else if (strcmp(arg, "--") == 0)
            ended = true;
        else if (strcmp(arg, "-h") == 0)
            uses[uses_n++] = (struct flag_use){find_any(STR("help"), NULL), NULL};
        else if (strcmp(arg, "-o") == 0)
            r = take_output(i + 1 < argc ? argv[i + 1] : NULL, &uses[uses_n++], e);
        else if (arg[1] != '-')
            r = err_set(e, -EINVAL, "unknown option '%s'", arg);
        else
            r = take(arg + 2, i + 1 < argc ? argv[i + 1] : NULL, &uses[uses_n++], e);
        if (r < 0)
            return r;
        i += r;
    }
    *ret = (struct flags){uses, uses_n};
    *ret_words = words;
    *ret_words_n = n;
    return 0;
}
