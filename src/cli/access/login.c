/* SPDX-License-Identifier: Apache-2.0 */
/* Gets to know a server from elsewhere: whom to trust, and by which token it is asked. */
#include "base/fs.h"
#include "cli/common/api.h"
#include "cli/common/context.h"
#include "cli/common/known.h"
#include "cli/common/trust.h"
#include "crypto/certificate.h"
#include "net/fetch/once.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#define CONNECT_MS 10000
#define WHOLE_MS 30000
#define TOKEN_MAX_BYTES 256

struct login {
    struct cli *cli;
    struct context made;
    struct value self; /* what the server says of the token */
};

/* --- The token ------------------------------------------------------------------------------- */

/* Without showing it. A signal would leave the terminal so: Ctrl-D ends it. */
static int prompt(struct arena *a, struct str *ret, struct err *e)
{
    struct termios before, silent;
    char line[TOKEN_MAX_BYTES];
    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return err_errno(e, -errno, "the terminal");
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    fputs("Token: ", stderr);
    const char *got = fgets(line, sizeof(line), stdin);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    *ret = arena_str(a, str_from(got ? line : ""));
    explicit_bzero(line, sizeof(line));
    return 0;
}

static int take_token(struct login *l, struct err *e)
{
    const char *file = flags_value(&l->cli->flags, "token-file"),
               *given = getenv("CLOUDSEED_TOKEN");
    struct arena *a = &l->cli->arena;
    const char *where = "standard input";
    struct str text = {"", 0};
    int r = 0;
    if (file && strcmp(file, "-") != 0) {
        where = file;
        r = known_read_secret(file, a, &text, e);
    } else if (!file && given && *given) {
        where = "CLOUDSEED_TOKEN";
        text = arena_str(a, str_from(given));
    } else if (isatty(STDIN_FILENO)) {
        r = prompt(a, &text, e);
    } else {
        r = cli_read_input(TOKEN_MAX_BYTES, a, &text, e);
    }
    return r < 0 ? r : context_read_token(text, where, &l->made.token, e);
}

/* --- Whom to trust --------------------------------------------------------------------------- */

/* CLI_OK; CLI_FAILED after printing the reason; -EACCES: the server is not trusted by this CA. */
static int try_with(struct login *l, struct str ca)
{
    struct api api = {.cli = l->cli, .arena = &l->cli->arena};
    struct api_answer answer;
    struct err e;
    l->made.ca = ca;
    api.server = (struct server_address){
        .where = l->made.url.p, .url = l->made.url.p, .ca = ca, .token = l->made.token};
    api.client = client_new(&api.server);
    int r = api_try(&api, "GET", STR("/v1/self"), (struct value){0}, STR(""), &answer, &e);
    int status = r == -EACCES ? r : CLI_OK;
    if (r < 0 && r != -EACCES)
        status = cli_fail(l->cli, "%s", e.msg);
    else if (r == 0 && answer.status != 200)
        status = api_refused(&api, &answer);
    else if (r == 0)
        l->self = answer.value;
    api_close(&api);
    return status;
}

/* From a server that is not known yet: no token is sent. What it says is compared with a pin. */
static int fetch_ca(struct login *l, struct str *ret, struct err *e)
{
    struct arena *a = &l->cli->arena;
    const struct once_access anyone = {.anyone = true,
                                       .answer_max_bytes = CERTIFICATE_CA_MAX_BYTES};
    const struct once_request q = {.method = "GET",
                                   .url = ARENA_JOIN(a, l->made.url, STR("/ca.pem")),
                                   .type = {NULL, 0},
                                   .connect_ms = CONNECT_MS,
                                   .whole_ms = WHOLE_MS};
    struct once_answer answer;
    struct once *o = once_new(&anyone);
    int r = once_ask(o, &q, a, &answer, e);
    once_free(o);
    if (r == 0 && answer.status != 200)
        r = err_set(e, -EIO, "/ca.pem is answered with status %d: this is not cloudseedd",
                    answer.status);
    if (r == 0)
        *ret = answer.body;
    return r;
}

static int trust_pinned(struct login *l)
{
    static const struct trust_question question = {
        .flag = "pin",
        .what = "the server's CA has the pin",
        .compare = "'cloudseed ca show' on the server",
    };
    struct cli *c = l->cli;
    const char *given = flags_value(&c->flags, "pin");
    char pin[PIN_LEN + 1];
    struct str all, ca;
    struct err e;
    if (fetch_ca(l, &all, &e) < 0 ||
        certificate_pinned(all, str_from(given), &c->arena, &ca, pin, &e) < 0)
        return cli_fail(c, "%.*s: %s", STR_ARG(l->made.url), e.msg);
    int status = trust_confirm(c, &question, pin);
    if (status == CLI_OK)
        status = try_with(l, ca);
    return status < 0 ? cli_fail(c, "%.*s: its certificate is not of the CA that was confirmed",
                                 STR_ARG(l->made.url))
                      : status;
}

static int trust(struct login *l)
{
    const char *file = flags_value(&l->cli->flags, "ca");
    bool is_pinned = flags_given(&l->cli->flags, "pin");
    struct str ca = STR("");
    struct err e;
    if (file && fs_read(file, CERTIFICATE_CA_MAX_BYTES, &l->cli->arena, &ca, &e) < 0)
        return cli_fail(l->cli, "%s", e.msg);
    int status = is_pinned ? -EACCES : try_with(l, ca);
    if (status >= 0)
        return status;
    if (file && !is_pinned)
        return cli_fail(l->cli, "%.*s: its certificate is not of a CA in %s", STR_ARG(l->made.url),
                        file);
    return trust_pinned(l);
}

/* --- Both ------------------------------------------------------------------------------------ */

static int take_url(struct login *l)
{
    struct cli *c = l->cli;
    struct str url = str_from(c->operands[0]);
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    if (!str_starts(url, STR("https://")) || !config_url_valid(url))
        return cli_misuse(c,
                          "'%s': expected https://HOST:PORT, one of the server's 'admin' addresses",
                          c->operands[0]);
    l->made.url = arena_str(&c->arena, url);
    return CLI_OK;
}

static int keep(struct login *l)
{
    struct cli *c = l->cli;
    struct str path;
    struct err e;
    if (context_save(&l->made, &c->arena, &path, &e) < 0 ||
        context_use(l->made.name.p, &c->arena, &e) < 0)
        return cli_fail(c, "%s", e.msg);
    cli_print_line("commands ask %.*s from now on, as %.*s (%.*s): saved in %.*s",
                   STR_ARG(l->made.url), STR_ARG(api_text(l->self, "token")),
                   STR_ARG(api_text(l->self, "role")), STR_ARG(path));
    return CLI_OK;
}

/* A name that --name does not give must not take the place of another server's. */
static int take_name(struct login *l)
{
    struct cli *c = l->cli;
    const char *given = flags_value(&c->flags, "name");
    struct context other;
    struct err e;
    l->made.name =
        given ? str_from(given) : known_default_name(l->made.url, STR("cloudseed"), &c->arena);
    if (given || context_load(l->made.name.p, &c->arena, &other, &e) < 0 ||
        str_eq(other.url, l->made.url))
        return CLI_OK;
    return cli_fail(c, "'%.*s' is %.*s already: give this one another name with --name",
                    STR_ARG(l->made.name), STR_ARG(other.url));
}

static int run(struct cli *c)
{
    struct login l = {.cli = c};
    struct err e;
    c->arena.secret = true;
    int status = take_url(&l);
    if (status == CLI_OK)
        status = take_name(&l);
    if (status != CLI_OK)
        return status;
    if (take_token(&l, &e) < 0)
        return cli_fail(c, "%s", e.msg);
    status = trust(&l);
    return status == CLI_OK ? keep(&l) : status;
}

const struct command command_login = {
    .name = "login",
    .operands = "URL",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS({"name", "NAME", "what to call it (default: the host's name)"},
                   {"pin", "PIN", "of the server's CA, so that no question is asked"},
                   {"ca", "FILE", "trust the CAs in this file (PEM)"},
                   {"token-file", "FILE", "the token; -: standard input"}),
    .summary = "use a server on another machine from now on",
    .help = "Shows the pin of the server's CA, as ssh does with a host's key, and keeps the\n"
            "CA and the token in files that only you can read. A certificate of a public CA\n"
            "is trusted without a question. The token is what 'cloudseed token create'\n"
            "printed: it is asked for, or comes from --token-file, CLOUDSEED_TOKEN or\n"
            "standard input. A token file that other users can read is refused. Commands ask\n"
            "this server from now on: see 'cloudseed context'.\n"
            "\n"
            "Examples:\n"
            "  cloudseed login https://10.0.10.5:8444 --name lab --pin PIN <token\n"
            "\n"
            "  umask 077; cat >token\n"
            "  cloudseed login https://seed.home.arpa:8444 --token-file token\n",
    .serverless = "URL names the one to get to know",
    .run = run,
};
