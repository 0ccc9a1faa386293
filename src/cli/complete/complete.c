/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that knows what a command line may go on with; the shells' scripts ask it. It is
 * all in the commands' tables: an option's value and an operand are of the kind that their word in
 * the help says, as FILE or NODE.
 */
#include "cli/command.h"
#include "cli/common/seedtree.h"
#include "model/access.h"
#include "model/event.h"

#include <stdio.h>

#define OPERANDS_MAX_BYTES 64

/* The line up to the word that is completed, which is the last of `words`. */
struct line {
    struct cli *cli;
    const char *const *words; /* the command's and its operands */
    size_t n;
    const char *at;                /* the word that is completed, perhaps empty */
    const struct flag *valued;     /* `at` is the value of this option; NULL: it is none */
    const struct command *command; /* NULL: not known yet */
    size_t used;                   /* words that name the command */
};

static void offer(const char *word, const char *about)
{
    printf("%s\t%s\n", word, about ? about : "");
}

static void offer_all(const char *const *words)
{
    for (; *words; words++)
        offer(*words, NULL);
}

/* --- Names ----------------------------------------------------------------------------------- */

/* What the other command prints with --names, on a server or of the tree that the line names. */
static int ask(struct line *l, const struct command *other, const char *const *operands, size_t n)
{
    struct cli c = *l->cli;
    struct flag_use *uses = ARENA_ARRAY(&c.arena, struct flag_use, c.flags.n + 1);
    static const struct flag names = FLAG_NAMES;
    if (c.flags.n)
        memcpy(uses, c.flags.uses, c.flags.n * sizeof(*uses));
    uses[c.flags.n] = (struct flag_use){&names, NULL};
    c.flags = (struct flags){uses, c.flags.n + 1};
    c.command = other;
    c.operands = operands;
    c.operands_n = n;
    int status = other->run(&c);
    l->cli->arena = c.arena;
    return status;
}

static void offer_nodes(struct line *l)
{
    ask(l, &command_node_list, NULL, 0);
}

/* By the name of a node that was named before. */
static void offer_documents(struct line *l)
{
    ask(l, &command_render, l->words + l->used, 1);
}

static void offer_assets(struct line *l)
{
    ask(l, &command_asset_list, NULL, 0);
}

static void offer_machines(struct line *l)
{
    ask(l, &command_node_discovered, NULL, 0);
}

static void offer_tokens(struct line *l)
{
    ask(l, &command_token_list, NULL, 0);
}

static void offer_contexts(struct line *l)
{
    ask(l, &command_context_list, NULL, 0);
}

static struct tree *load(struct line *l)
{
    struct config config;
    return seedtree_configure(l->cli, &config) == CLI_OK ? seedtree_load(l->cli, &config, NULL)
                                                         : NULL;
}

static void offer_roles(struct line *l)
{
    struct tree *t = load(l);
    for (uint32_t i = 0; t && i < tree_role_count(t); i++)
        cli_print_line("%.*s", STR_ARG(tree_role(t, i)->name));
    tree_free(t);
}

static void offer_clusters(struct line *l)
{
    struct tree *t = load(l);
    for (uint32_t i = 0; t && i < tree_cluster_count(t); i++)
        cli_print_line("%.*s", STR_ARG(tree_cluster(t, i)->name));
    if (!t)
        ask(l, &command_cluster_list, NULL, 0);
    tree_free(t);
}

static void offer_networks(struct line *l)
{
    struct tree *t = load(l);
    for (uint32_t i = 0; t && i < tree_site(t)->networks_n; i++)
        cli_print_line("%.*s", STR_ARG(tree_site(t)->networks[i].name));
    tree_free(t);
}

static void offer_events(struct line *l)
{
    const struct event_kind *k;
    (void)l;
    for (size_t i = 0; (k = event_kind_at(i)); i++)
        offer(k->name, NULL);
}

/* --- Kinds ----------------------------------------------------------------------------------- */

#define WORDS(...)        \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

/* What stands for a word of the help; the shell looks for files itself. */
static const struct kind {
    const char *name;
    const char *form; /* "words": ours; "names": others', to be quoted; "files", "folders" */
    const char *const *words;
    void (*offer)(struct line *l);
} kinds[] = {
    {"NODE", "names", NULL, offer_nodes},
    {"HOST", "names", NULL, offer_nodes},
    {"DOCUMENT", "names", NULL, offer_documents},
    {"ROLE", "names", NULL, offer_roles},
    {"CLUSTER", "names", NULL, offer_clusters},
    {"NETWORK", "names", NULL, offer_networks},
    {"ASSET", "names", NULL, offer_assets},
    {"MAC", "names", NULL, offer_machines},
    {"TOKEN", "names", NULL, offer_tokens},
    {"CONTEXT", "names", NULL, offer_contexts},
    {"FILE", "files", NULL, NULL},
    {"WHERE", "files", NULL, NULL},
    {"DIR", "folders", NULL, NULL},
    {"DIR|REV", "folders", NULL, NULL},
    {"WHEN", "words", WORDS("auto", "always", "never"), NULL},
    {"FORMAT", "words", WORDS("json", "name", "wide"), NULL},
    {"PAGE", "words", WORDS("seed", "config", "templates", "events"), NULL},
    {"SERVER", "words", WORDS("opnsense", "kea", "dnsmasq"), NULL},
    {"ROUTER", "words", WORDS("opnsense", "nftables"), NULL},
    {"STATE", "words",
     WORDS("registered", "armed", "installing", "booting", "up", "joining", "ready", "failed"),
     NULL},
    {"KIND", "words", NULL, offer_events},
    {"CLASS", "words", WORDS("admin", "node", "refused"), NULL},
    {"LEVEL", "words", access_names, NULL},
};

/* NULL: what it stands for is not known. */
static const struct kind *kind_of(struct str name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_is(name, kinds[i].name))
            return &kinds[i];
    }
    return NULL;
}

static void offer_kind(struct line *l, struct str name)
{
    const struct kind *k = kind_of(name);
    puts(k ? k->form : "words");
    if (!k)
        return;
    if (k->words)
        offer_all(k->words);
    if (k->offer)
        k->offer(l);
}

/* --- What may stand here ---------------------------------------------------------------------- */

static void offer_flags(const struct flag *list)
{
    for (; list && list->name; list++) {
        char word[OPERANDS_MAX_BYTES];
        snprintf(word, sizeof(word), "--%s", list->name);
        offer(word, list->help);
    }
}

static void offer_options(const struct line *l)
{
    puts("words");
    if (l->command)
        offer_flags(l->command->flags);
    offer_flags(flags_everywhere);
}

/* Whether an earlier command begins with that word: a group's commands need not be in one place. */
static bool is_repeated(size_t number, struct str first)
{
    for (size_t i = 0; i < number; i++) {
        struct str rest = str_from(command_at(i)->name);
        if (str_eq(str_cut(&rest, ' '), first))
            return true;
    }
    return false;
}

/* The next words of the commands whose names begin with the given ones. */
static void offer_commands(const char *const *words, size_t n)
{
    const struct command *c;
    for (size_t i = 0; (c = command_at(i)); i++) {
        struct str rest = str_from(c->name);
        struct str first = str_cut(&rest, ' ');
        char word[OPERANDS_MAX_BYTES];
        if (n == 1 && (!rest.p || !str_is(first, words[0])))
            continue;
        if (n > 1 || (n == 0 && is_repeated(i, first)))
            continue;
        snprintf(word, sizeof(word), "%.*s", STR_ARG(n ? rest : first));
        offer(word, n == 0 && rest.p ? "a group of commands" : c->summary);
    }
}

/* A command's word may begin others, too: among names, which have no description. */
static void offer_longer(const char *word)
{
    const struct command *c;
    for (size_t i = 0; (c = command_at(i)); i++) {
        struct str rest = str_from(c->name);
        if (str_is(str_cut(&rest, ' '), word) && rest.p)
            cli_print_line("%.*s", STR_ARG(rest));
    }
}

/* The word of the help for the operand with this number: "NODE" of "NODE..." for any. */
static struct str operand_kind(const struct command *c, size_t number)
{
    struct str rest = str_from(c->operands), word = STR("");
    if (number >= c->operands_max)
        return STR("");
    for (size_t i = 0; i <= number && rest.p; i++)
        word = str_cut(&rest, ' ');
    while (word.n && (word.p[0] == '['))
        word = str_skip(word, 1);
    while (word.n && (word.p[word.n - 1] == ']' || word.p[word.n - 1] == '.'))
        word.n--;
    return word;
}

static void offer_operand(struct line *l)
{
    if (!l->command || l->command == &command_help) {
        size_t begin = l->command == &command_help ? l->used : 0;
        puts("words");
        offer_commands(l->words + begin, l->n - begin);
        return;
    }
    offer_kind(l, operand_kind(l->command, l->n - l->used));
    if (l->n == 1 && l->used == 1)
        offer_longer(l->words[0]);
}

/* --- The line --------------------------------------------------------------------------------- */

static const struct flag *find_flag(const struct flag *list, struct str name)
{
    for (; list && list->name; list++) {
        if (str_is(name, list->name))
            return list;
    }
    return NULL;
}

/* The option as this command means it, else as any does. */
static const struct flag *flag_of(const struct command *c, struct str name)
{
    struct command_flags all = {.at = flags_everywhere};
    const struct flag *f = c ? find_flag(c->flags, name) : NULL;
    while (!f && (f = command_flags_next(&all)) && !str_is(name, f->name))
        f = NULL;
    return f;
}

static const struct flag output_flag = {"o", "FORMAT", ""};

/* The option that a word before `at` names; NULL: it is none, or has its value in itself. */
static const struct flag *awaited(const struct command *c, const char *word)
{
    const struct flag *f = NULL;
    if (strcmp(word, "-o") == 0)
        return &output_flag;
    if (strncmp(word, "--", 2) == 0 && !strchr(word, '='))
        f = flag_of(c, str_from(word + 2));
    return f && f->value ? f : NULL;
}

/* Takes options out of the line: only those of all commands, which say where things are, count for
 * the names that are asked for. */
static void read_line(struct line *l, const char *const *given, size_t n)
{
    struct arena *a = &l->cli->arena;
    const char **words = ARENA_ARRAY(a, const char *, n + 1);
    struct flag_use *uses = ARENA_ARRAY(a, struct flag_use, n + 1);
    size_t uses_n = 0;
    bool ended = false;
    l->words = words;
    for (size_t i = 0; i + 1 < n; i++) {
        const char *word = given[i], *value = strchr(word, '=');
        const struct flag *f = ended ? NULL : awaited(NULL, word);
        if (ended || word[0] != '-' || !word[1]) {
            words[l->n++] = word;
            continue;
        }
        ended = strcmp(word, "--") == 0;
        if (f && i + 2 == n) {
            l->valued = f; /* what this command means by it is looked up below */
            continue;
        }
        struct str name = str_from(word + (word[1] == '-' ? 2 : 1));
        const struct flag *everywhere = find_flag(flags_everywhere, str_cut(&name, '='));
        if (f)
            value = given[++i];
        else if (value)
            value++;
        if (everywhere && everywhere->value && value)
            uses[uses_n++] = (struct flag_use){everywhere, value};
    }
    l->cli->flags = (struct flags){uses, uses_n};
    l->at = n ? given[n - 1] : "";
}

static void find_command(struct line *l)
{
    struct err e;
    l->command = l->n ? command_find(l->words, l->n, &l->used, &e) : NULL;
    if (l->valued && l->valued != &output_flag)
        l->valued = flag_of(l->command, str_from(l->valued->name));
    struct str value = str_from(l->at), name = str_cut(&value, '=');
    if (!l->valued && value.p && str_starts(name, STR("--")))
        l->valued = flag_of(l->command, str_skip(name, 2));
}

static int run(struct cli *c)
{
    struct line l = {.cli = c};
    if (!freopen("/dev/null", "w", stderr)) /* a line is not finished: nobody reads complaints */
        return CLI_FAILED;
    read_line(&l, c->operands, c->operands_n);
    find_command(&l);
    if (l.valued)
        offer_kind(&l, str_from(l.valued->value ? l.valued->value : ""));
    else if (l.at[0] == '-')
        offer_options(&l);
    else
        offer_operand(&l);
    return CLI_OK;
}

const struct command command_complete = {
    .name = "complete",
    .operands = "[WORD...]",
    .operands_max = UINT8_MAX,
    .summary = "print what may come next in a command line, for shells",
    .help =
        "The words, after '--', are those behind 'cloudseed', without quotes, up to the one\n"
        "that is typed, which may be empty. The first line says what follows: words; names,\n"
        "which must be quoted; or nothing, where files or folders are expected. What a word\n"
        "means is behind a tab. A name with a backslash was escaped: it is not the name itself.\n"
        "The scripts for bash, zsh and fish use it.\n"
        "\n"
        "Examples:\n"
        "  cloudseed complete -- node ''\n"
        "  cloudseed complete -- node show k8s-\n",
    .serverless = "it answers a shell at once",
    .run = run,
};
