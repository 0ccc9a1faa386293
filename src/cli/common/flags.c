/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/flags.h"

#include "base/guess.h"
#include "cli/common/term.h"
#include "config/config.h"

#include <errno.h>

const struct flag flag_table[FLAG_COUNT] = {
    [FLAG_JSON] = {"json", NULL, "print JSON"},
    [FLAG_NAMES] = {"names", NULL, "print names alone, one a line"},
    [FLAG_DISCOVERY] = {"discovery", NULL, "print the whole string for serial or command line"},
    [FLAG_PROVENANCE] = {"provenance", NULL, "show where each line comes from"},
    [FLAG_ALL] = {"all", "DIR", "render everything of every node into a new folder"},
    [FLAG_AGAINST] = {"against", "DIR|REV", "another seed tree, or a revision of Git (HEAD)"},
    [FLAG_EACH] = {"each", NULL, "show each node's changes, the same in others or not"},
    [FLAG_MARKDOWN] = {"markdown", NULL, "print a summary for a pull request"},
    [FLAG_CHECK] = {"check", NULL, "tell whether each node's documents check out"},
    [FLAG_SHA256] = {"sha256", "HASH", "what the file's SHA-256 must be"},
    [FLAG_ROLE] = {"role", "ROLE", "the node's role"},
    [FLAG_CLUSTER] = {"cluster", "CLUSTER", "the node's cluster"},
    [FLAG_MAC] = {"mac", "MAC", "a MAC address of the node; may be repeated"},
    [FLAG_ADDRESS] = {"address", "ADDRESS", "an address of the node; may be repeated"},
    [FLAG_UUID] = {"uuid", "UUID", "its SMBIOS UUID"},
    [FLAG_SERIAL] = {"serial", "SERIAL", "its SMBIOS serial, to know it by"},
    [FLAG_VAR] = {"var", "KEY=VALUE", "a variable, its value as JSON or as text; may be repeated"},
    [FLAG_UNSET] = {"unset", "KEY", "drop a variable or a member; may be repeated"},
    [FLAG_ARM] = {"arm", NULL, "open a build window at once"},
    [FLAG_FOR] = {"for", "WHAT", "how long, as in 2h; for wait: a state; for dhcp: a server"},
    [FLAG_NETWORK] = {"network", "NAME", "this network of the site alone"},
    [FLAG_PROXY] = {"proxy", NULL, "beside another DHCP server, which gives the addresses"},
    [FLAG_TIMEOUT] = {"timeout", "TIME", "give up after this time, as in 90s or 20m"},
    [FLAG_KIND] = {"kind", "KIND", "events of this kind alone"},
    [FLAG_SINCE] = {"since", "ID", "events after this one"},
    [FLAG_FOLLOW] = {"follow", NULL, "go on with events as they happen"},
    [FLAG_SEALING_KEY] = {"sealing-key", "FILE", "the key that the backup was sealed with"},
    [FLAG_SERVER] = {"server", "WHERE", "cloudseedd's admin socket or URL; none: the tree alone"},
    [FLAG_CONFIG] = {"config", "FILE", "another configuration of cloudseedd"},
    [FLAG_SEED] = {"seed", "DIR", "the seed tree, instead of the configured one"},
    [FLAG_TEMPLATES] = {"templates", "DIR", "the templates, instead of the configured ones"},
    [FLAG_STATE] = {"state", "DIR", "where cloudseedd keeps its secret"},
    [FLAG_ASSETS] = {"assets", "DIR", "the assets folder, instead of the configured one"},
    [FLAG_URL] = {"url", "URL", "what nodes' URLs begin with, instead of the site's url"},
    [FLAG_COLOR] = {"color", "WHEN",
                    "auto, always or never (auto: on a terminal, unless NO_COLOR)"},
    [FLAG_HELP] = {"help", NULL, "tell how a command is used"},
    [FLAG_VERSION] = {"version", NULL, "print the version"},
};

static int check_value(enum flag_id id, const char *value, struct err *e)
{
    if (id == FLAG_COLOR && !term_when_valid(value))
        return err_set(e, -EINVAL, "--color '%s': expected auto, always or never", value);
    if (id == FLAG_URL && !config_url_valid(str_from(value)))
        return err_set(e, -EINVAL, "--url '%s': expected http://HOST:PORT", value);
    return 0;
}

static int find(struct str name, enum flag_id *ret, struct err *e)
{
    struct guess guess;
    guess_init(&guess, name);
    for (int i = 0; i < FLAG_COUNT; i++) {
        if (str_is(name, flag_table[i].name)) {
            *ret = (enum flag_id)i;
            return 0;
        }
        guess_offer(&guess, str_from(flag_table[i].name));
    }
    if (guess.best.n)
        return err_set(e, -EINVAL, "unknown option '--%.*s'; did you mean '--%.*s'?", STR_ARG(name),
                       STR_ARG(guess.best));
    return err_set(e, -EINVAL, "unknown option '--%.*s'", STR_ARG(name));
}

/* `next` is the argument behind, or NULL. Returns how many arguments it took. */
static int take(const char *text, const char *next, struct flags *f, struct flag_use *uses,
                struct err *e)
{
    enum flag_id id = FLAG_COUNT;
    struct str value = str_from(text);
    struct str name = str_cut(&value, '=');
    int r = find(name, &id, e), taken = 1;
    if (r < 0)
        return r;
    const struct flag *flag = &flag_table[id];
    if (!flag->value && value.p)
        return err_set(e, -EINVAL, "--%s takes no value", flag->name);
    if (flag->value && !value.p && next && strncmp(next, "--", 2) != 0) {
        value = str_from(next);
        taken = 2;
    }
    if (flag->value && value.n == 0)
        return err_set(e, -EINVAL, "--%s needs a %s", flag->name, flag->value);
    r = flag->value ? check_value(id, value.p, e) : 0;
    f->given |= FLAG_BIT(id);
    f->value[id] = value.p;
    if (flag->value)
        uses[f->uses_n++] = (struct flag_use){id, value.p};
    return r < 0 ? r : taken;
}

int flags_parse(int argc, char **argv, struct arena *a, struct flags *ret,
                const char *const **ret_words, size_t *ret_words_n, struct err *e)
{
    const char **words = ARENA_ARRAY(a, const char *, (size_t)argc);
    struct flag_use *uses = ARENA_ARRAY(a, struct flag_use, (size_t)argc);
    struct flags f = {.uses = uses};
    size_t n = 0;
    bool ended = false;
    for (int i = 1; i < argc;) {
        const char *arg = argv[i];
        int r = 1;
        if (ended || arg[0] != '-' || arg[1] == '\0')
            words[n++] = arg;
        else if (strcmp(arg, "--") == 0)
            ended = true;
        else if (strcmp(arg, "-h") == 0)
            f.given |= FLAG_BIT(FLAG_HELP);
        else if (arg[1] != '-')
            r = err_set(e, -EINVAL, "unknown option '%s'", arg);
        else
            r = take(arg + 2, i + 1 < argc ? argv[i + 1] : NULL, &f, uses, e);
        if (r < 0)
            return r;
        i += r;
    }
    *ret = f;
    *ret_words = words;
    *ret_words_n = n;
    return 0;
}
