/* SPDX-License-Identifier: Apache-2.0 */
#include "render/check.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/hex.h"
#include "base/json.h"
#include "cli/common/faultview.h"
#include "cli/common/folder.h"
#include "cli/common/progress.h"
#include "cli/common/seedtree.h"
#include "cli/common/spawn.h"
#include "cli/tree/deep.h"
#include "cli/tree/registered.h"
#include "render/offline.h"
#include "tree/yaml.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#define GPG_TIMEOUT_MS 10000
#define SOON_DAYS 60
#define DAY_S 86400
#define DATE_SIZE 16

/* --- OpenPGP keys -------------------------------------------------------------------------- */

/* What gpg printed about a key. */
struct gpg_answer {
    struct str listing; /* empty: it cannot be read */
    struct str complaint;
};

static void warn(struct faults *faults, const struct check_key *key, const char *msg)
{
    faults->owner = key->owner;
    faults->part = key->part;
    fault_warn_excerpt(faults, key->at, key->excerpt, "%s (%s)", msg, key->subject);
    faults->owner = faults->part = NULL;
}

static const char *date_of(uint64_t s, char text[static DATE_SIZE])
{
    time_t t = (time_t)s;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(text, DATE_SIZE, "%Y-%m-%d", &tm))
        text[0] = '\0';
    return text;
}

/* `number` counts from 1, as GnuPG's doc/DETAILS does. */
static struct str field(struct str line, unsigned number)
{
    while (--number)
        str_cut(&line, ':');
    return str_cut(&line, ':');
}

/* In the names of keys gpg writes colons and control characters as "\\x3a". */
static struct str name_of(struct str uid, struct arena *a)
{
    struct str text = field(uid, 10);
    char *name = arena_alloc(a, text.n + 1);
    size_t n = 0;
    for (; text.n; text = str_skip(text, 1)) {
        uint8_t byte = (uint8_t)text.p[0];
        if (text.n >= 4 && str_starts(text, STR("\\x")) && hex_octet(text.p + 2, &byte))
            text = str_skip(text, 3);
        name[n++] = (char)byte;
    }
    return (struct str){name, n};
}

/* A repository with an expired key: apt installs nothing from it. `pub` and `uid` are gpg's lines
 * of the key and of its first name. */
static void warn_of_key(struct arena *a, struct faults *faults, const struct check_key *key,
                        struct str pub, struct str uid)
{
    char date[DATE_SIZE];
    uint64_t expires_s = 0, now_s = (uint64_t)clock_wall_s();
    const char *who = yaml_quoted(a, name_of(uid, a));
    str_to_u64(field(pub, 7), INT64_MAX, &expires_s);
    if (str_is(field(pub, 2), "r"))
        warn(faults, key, arena_printf(a, "the OpenPGP key of %s is revoked", who).p);
    else if (expires_s && expires_s <= now_s)
        warn(faults, key,
             arena_printf(a, "the OpenPGP key of %s expired on %s: apt will refuse what it signed",
                          who, date_of(expires_s, date))
                 .p);
    else if (expires_s && expires_s - now_s <= SOON_DAYS * DAY_S)
        warn(faults, key,
             arena_printf(a,
                          "the OpenPGP key of %s expires on %s: replace it before, or apt will "
                          "refuse what it signs",
                          who, date_of(expires_s, date))
                 .p);
}

static void warn_of_answer(struct arena *a, struct faults *faults, const struct check_key *key,
                           const struct gpg_answer *answer)
{
    struct str rest = answer->listing, pub = {0}, uid = {0};
    if (!rest.n)
        warn(faults, key,
             arena_printf(a, "an OpenPGP key that apt will not read: %.*s",
                          STR_ARG(answer->complaint))
                 .p);
    while (rest.n) {
        struct str line = str_cut(&rest, '\n');
        bool next = str_starts(line, STR("pub:"));
        if (next && pub.n)
            warn_of_key(a, faults, key, pub, uid);
        if (next) {
            pub = line;
            uid = STR("");
        } else if (!uid.n && str_starts(line, STR("uid:"))) {
            uid = line;
        }
    }
    if (pub.n)
        warn_of_key(a, faults, key, pub, uid);
}

/* With an empty home, so that nothing of the user's is read or changed. */
static int ask_gpg(struct arena *a, struct str home, const struct check_key *key,
                   struct gpg_answer *ret, struct err *e)
{
    static const struct str name = {"key.asc", 7}, prefix = {"gpg: ", 5};
    struct str path = ARENA_JOIN(a, home, STR("/"), name);
    const char *const argv[] = {"gpg",           "--batch",        "--quiet",   "--no-tty",
                                "--no-options",  "--no-autostart", "--homedir", home.p,
                                "--with-colons", "--show-keys",    path.p,      NULL};
    struct spawned gpg;
    int r = fs_put(home.p, name, key->text, e);
    if (r < 0)
        return r;
    r = spawn_run(argv, GPG_TIMEOUT_MS, &gpg, e);
    unlink(path.p);
    if (r == -ENOENT) {
        err_set(e, r, "gpg is not installed");
    } else if (r == 0) {
        struct str said = spawned_reason(&gpg);
        *ret = (struct gpg_answer){
            .listing = gpg.status == 0 ? arena_str(a, buf_view(&gpg.out)) : STR(""),
            .complaint = arena_str(a, str_starts(said, prefix) ? str_skip(said, prefix.n) : said)};
    }
    spawned_done(&gpg);
    return r;
}

/* Each text is given to gpg once, wherever it stands. */
static int ask_gpg_all(struct arena *a, struct str home, const struct check_result *found,
                       struct faults *faults, struct err *e)
{
    struct gpg_answer *answers = ARENA_ARRAY(a, struct gpg_answer, found->keys_n);
    for (uint32_t i = 0; i < found->keys_n; i++) {
        const struct check_key *key = &found->keys[i];
        uint32_t first = 0;
        while (!str_eq(found->keys[first].text, key->text))
            first++;
        int r = first == i ? ask_gpg(a, home, key, &answers[i], e) : 0;
        if (r < 0)
            return r;
        answers[i] = answers[first];
        warn_of_answer(a, faults, key, &answers[i]);
    }
    return 0;
}

static void check_keys(struct cli *c, const struct check_result *found, struct faults *faults)
{
    struct str home;
    struct err e;
    if (!found->keys_n)
        return;
    cli_signals_hold();
    int r = folder_make_temporary(&c->arena, &home, &e);
    if (r == 0) {
        r = ask_gpg_all(&c->arena, home, found, faults, &e);
        folder_remove(home.p, NULL);
    }
    cli_signals_release();
    if (r < 0)
        cli_note(c, "OpenPGP keys not checked: %s", e.msg);
}

/* --- The tree ------------------------------------------------------------------------------ */

struct checking {
    struct progress progress;
    uint32_t done;
};

static void on_node(void *cls, uint32_t number, enum check_verdict verdict)
{
    struct checking *k = cls;
    (void)number;
    (void)verdict;
    progress_count(&k->progress, ++k->done);
}

/* What was found. */
struct outcome {
    uint32_t nodes, faulty; /* of the tree, and registered ones */
    struct check_unseen *unseen;
    uint32_t unseen_n;
    struct deep_result deep;
    bool failed; /* the server was named and does not answer; or --deep could show nothing to anyone
                  */
};

static void check_deeply(struct cli *c, const struct config *config, const struct tree *t,
                         const struct scope_tables *tables, struct faults *faults,
                         struct outcome *ret)
{
    struct err e;
    bool failed = deep_check(c, config, t, tables, faults, &ret->deep, &e) < 0;
    if (failed)
        cli_fail(c, "--deep: %s", e.msg);
    ret->failed |= failed;
}

/* `registered` is an extension of the tree. */
static void check_all(struct cli *c, const struct config *config, const struct tree *t,
                      const struct tree *registered, struct faults *faults, struct outcome *ret)
{
    const struct tree *trees[] = {t, registered};
    struct check_result results[2];
    struct checking k = {.done = 0};
    struct scope_tables *tables = scope_tables_new(t);
    const struct check_run run = {.kept = &c->arena, .on_node = on_node, .cls = &k};
    progress_begin(&k.progress, "checking nodes");
    progress_total(&k.progress, tree_node_count(t) + tree_node_count(registered));
    for (int i = 0; i < 2; i++) {
        check_tree(trees[i], tables, &run, faults, &results[i]);
        ret->nodes += tree_node_count(trees[i]);
        ret->faulty += results[i].faulty;
    }
    progress_end(&k.progress);
    ret->unseen =
        ARENA_ARRAY(&c->arena, struct check_unseen, results[0].unseen_n + results[1].unseen_n);
    for (int i = 0; i < 2; i++) {
        for (uint32_t u = 0; u < results[i].unseen_n; u++)
            ret->unseen_n = check_unseen_count(ret->unseen, ret->unseen_n, &results[i].unseen[u]);
    }
    for (int i = 0; i < 2; i++)
        check_keys(c, &results[i], faults);
    if (flags_given(&c->flags, "deep"))
        check_deeply(c, config, t, tables, faults, ret);
    scope_tables_free(tables);
}

/* A node that conflicts with the tree is reported for that only. */
static struct tree *extend(const struct registered_nodes *nodes, const struct tree *t,
                           struct faults *faults)
{
    struct faults more;
    size_t before = faults->errors;
    faults_init(&more);
    registered_check(nodes, t, faults);
    struct tree *made = registered_extend(nodes, t, faults->errors > before ? &more : faults);
    faults_done(&more);
    return made;
}

/* *ret is NULL if the tree did not load. */
static void check(struct cli *c, const struct config *config, struct faults *faults,
                  struct tree **ret, struct outcome *ret_outcome)
{
    struct progress progress;
    const struct tree_source from = config_tree(config);
    progress_begin(&progress, "loading the seed tree");
    int r = tree_load(&from, faults, ret);
    progress_end(&progress);
    if (r < 0)
        return;
    struct registered_nodes nodes;
    ret_outcome->failed = registered_ask(c, config, &nodes) != CLI_OK;
    struct tree *registered = extend(&nodes, *ret, faults);
    if (flags_given(&c->flags, "assets") || folder_is(config->assets_dir.p))
        tree_check_assets(*ret, config->assets_dir.p, faults);
    offline_check_addons(*ret, faults);
    check_all(c, config, *ret, registered, faults, ret_outcome);
    tree_free(registered);
}

static const char *plural(uint32_t n)
{
    return n == 1 ? "" : "s";
}

static void print_summary(const struct tree *t, uint32_t nodes, const struct faults *faults)
{
    char count[FAULTVIEW_COUNT_SIZE];
    if (t) {
        uint32_t roles = tree_role_count(t), clusters = tree_cluster_count(t);
        printf("%u node%s, %u role%s, %u cluster%s: ", nodes, plural(nodes), roles, plural(roles),
               clusters, plural(clusters));
    }
    puts(faultview_count(faults, count));
}

static void print_unseen(const struct outcome *o)
{
    for (uint32_t i = 0; i < o->unseen_n; i++) {
        const struct check_unseen *u = &o->unseen[i];
        printf("not looked into: %.*s of %.*s", STR_ARG(u->document), STR_ARG(u->node));
        if (u->nodes > 1)
            printf(" and %u other node%s", u->nodes - 1, plural(u->nodes - 1));
        printf(" (%s)\n", u->what);
    }
}

static struct value unseen_value(const struct outcome *o, struct arena *a)
{
    struct value *list = ARENA_ARRAY(a, struct value, o->unseen_n);
    for (uint32_t i = 0; i < o->unseen_n; i++) {
        const struct check_unseen *u = &o->unseen[i];
        const struct value_pair pairs[] = {
            JSON_STR("document", u->document),
            JSON_STR("what", str_from(u->what)),
            JSON_STR("node", u->node),
            JSON_INT("nodes", u->nodes),
        };
        list[i] = value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
    }
    return value_list(list, o->unseen_n);
}

static void print_deep(const struct deep_result *deep)
{
    for (unsigned i = 0; i < DEEP_PROGRAMS; i++) {
        const struct deep_program *p = &deep->programs[i];
        printf("%s%s%.*s: ", p->name, p->version.n ? " " : "", STR_ARG(p->version));
        if (!p->usable)
            printf("not asked: %s\n", p->why_not);
        else if (p->skipped)
            printf("read %u different document%s, refused %u; not for it: %u\n", p->documents,
                   plural(p->documents), p->refused, p->skipped);
        else
            printf("read %u different document%s, refused %u\n", p->documents, plural(p->documents),
                   p->refused);
    }
    if (deep->unfinished)
        printf("%u different document%s not read: time ran out\n", deep->unfinished,
               plural(deep->unfinished));
}

static struct value deep_value(const struct deep_result *deep, struct arena *a)
{
    struct value *list = ARENA_ARRAY(a, struct value, DEEP_PROGRAMS);
    for (unsigned i = 0; i < DEEP_PROGRAMS; i++) {
        const struct deep_program *p = &deep->programs[i];
        const struct value_pair pairs[] = {
            JSON_STR("name", str_from(p->name)),
            JSON_BOOL("asked", p->usable),
            JSON_VALUE("version", p->version.n ? value_str(p->version) : value_none()),
            JSON_VALUE("reason", p->why_not ? value_str(str_from(p->why_not)) : value_none()),
            JSON_INT("documents", p->documents),
            JSON_INT("refused", p->refused),
            JSON_INT("skipped", p->skipped),
        };
        list[i] = value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
    }
    const struct value_pair pairs[] = {
        JSON_VALUE("programs", value_list(list, DEEP_PROGRAMS)),
        JSON_INT("unfinished", deep->unfinished),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

static void print_json(struct cli *c, const struct config *config, const struct tree *t,
                       const struct outcome *o, struct faults *faults)
{
    bool deep = t && flags_given(&c->flags, "deep");
    const struct value_pair pairs[] = {
        JSON_BOOL("ok", faults->errors == 0),
        JSON_INT("errors", (int64_t)faults->errors),
        JSON_INT("warnings", (int64_t)faults->warnings),
        JSON_STR("seed", config->seed_dir),
        JSON_STR("templates", config->templates_dir),
        JSON_VALUE("nodes", t ? value_int(o->nodes) : value_none()),
        JSON_VALUE("faulty_nodes", t ? value_int(o->faulty) : value_none()),
        JSON_VALUE("roles", t ? value_int(tree_role_count(t)) : value_none()),
        JSON_VALUE("clusters", t ? value_int(tree_cluster_count(t)) : value_none()),
        JSON_VALUE("faults", faultview_value(faults, &c->arena)),
        JSON_VALUE("unseen", unseen_value(o, &c->arena)),
        JSON_VALUE("deep", deep ? deep_value(&o->deep, &c->arena) : value_none()), /* the last */
    };
    cli_print_json(value_map(pairs, sizeof(pairs) / sizeof(pairs[0]) - !deep));
}

/* `folder` contains site.yaml, or the folders seed and templates. */
static void use_folder(struct cli *c, const char *folder, struct config *config)
{
    struct str seed = arena_printf(&c->arena, "%s/seed", folder),
               templates = arena_printf(&c->arena, "%s/templates", folder);
    config->seed_dir = str_from(folder);
    if (access(arena_printf(&c->arena, "%s/site.yaml", folder).p, F_OK) == 0 ||
        access(arena_printf(&c->arena, "%s/site.yaml", seed.p).p, F_OK) < 0)
        return;
    config->seed_dir = seed;
    if (!flags_given(&c->flags, "templates") && folder_is(templates.p))
        config->templates_dir = templates;
}

static int run(struct cli *c)
{
    struct config config;
    struct faults faults;
    struct tree *tree = NULL;
    struct outcome outcome = {.failed = false};
    if (c->operands_n && flags_given(&c->flags, "seed"))
        return cli_misuse(c, "give either DIR or --seed");
    if (seedtree_configure(c, &config) != CLI_OK)
        return CLI_FAILED;
    if (c->operands_n)
        use_folder(c, c->operands[0], &config);
    faults_init(&faults);
    check(c, &config, &faults, &tree, &outcome);
    if (flags_given(&c->flags, "json")) {
        print_json(c, &config, tree, &outcome, &faults);
    } else {
        faultview_print(stdout, &faults, c->color_out);
        print_unseen(&outcome);
        if (tree && flags_given(&c->flags, "deep"))
            print_deep(&outcome.deep);
        print_summary(tree, outcome.nodes, &faults);
    }
    int status = faults.errors || outcome.failed ? CLI_FAILED : CLI_OK;
    tree_free(tree);
    faults_done(&faults);
    return status;
}

const struct command command_check = {
    .name = "check",
    .operands = "[DIR]",
    .operands_max = 1,
    .flags = FLAGS(FLAG_JSON, {"deep", NULL, "also check with cloud-init, netplan and kubeadm"}),
    .summary = "find everything that is wrong in the seed tree",
    .help =
        "Reads the seed tree in DIR (or of --seed, or the configured one), compiles the\n"
        "templates, renders every document of every node, and looks at each as cloud-init\n"
        "and netplan will. Every fault is printed with its file, line and column: where a\n"
        "document is wrong, in the template, or in the seed tree where the template only\n"
        "passes a value on. What only its reader on the node can judge, as MIME parts or what\n"
        "Jinja2 makes there, is named as not looked into. Files of boot entries and addons\n"
        "are looked for in the assets folder, where there is one. The server need not run;\n"
        "where it does, and this is its tree, registered nodes are checked too, and what\n"
        "conflicts with them is an error.\n"
        "--server checks another tree beside the nodes of that server. No secret is read.\n"
        "A DIR with the folders seed and templates stands for both.\n"
        "\n"
        "With --deep, each different document is also shown to those of the programs that\n"
        "will read it that are installed here: user-data and vendor-data to 'cloud-init\n"
        "schema', network-config of version 2 to 'netplan generate', kubeadm's configuration\n"
        "to a 'kubeadm config validate' of the cluster's minor version. What they refuse is an\n"
        "error. Documents that differ only in a node's names and addresses are shown once.\n"
        "It says which programs it asked. It takes at most five minutes.\n"
        "\n"
        "Exit status: 0 no errors, 1 errors were found, or --deep found none of the programs,\n"
        "64 wrong usage.\n"
        "\n"
        "Examples:\n"
        "  cloudseed check\n"
        "  cloudseed check ./seed --templates ./templates\n"
        "  cloudseed check --json | jq -r '.faults[].message'\n",
    .run = run,
};
