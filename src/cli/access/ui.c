/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the server's web page, signed in. */
#include "cli/access/relay.h"
#include "cli/common/api.h"

#include "base/fs.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- The browser ----------------------------------------------------------------------------- */

/* Other users of this machine see the arguments of processes: so the browser is given a file that
 * only its user reads, and that leads on to the URL. The code in it is good for a minute. */
static int write_page(const char *path, struct str url, struct arena *a, struct err *e)
{
    struct str page = ARENA_JOIN(a,
                                 STR("<!doctype html><meta charset=\"utf-8\"><meta "
                                     "name=\"referrer\" content=\"no-referrer\">"
                                     "<meta http-equiv=\"refresh\" content=\"0; url="),
                                 url, STR("\">\n"));
    return fs_replace(path, page, 0600, e);
}

static int start_browser(const char *path)
{
    const char *const argv[] = {"xdg-open", path, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int r = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value;
}

/* Only where there is a screen and a folder of the user's own; else the URL that is printed has to
 * do. */
static void open_browser(struct cli *c, struct str url)
{
    struct err e;
    if (flags_given(&c->flags, "no-browser") || !is_set("XDG_RUNTIME_DIR") ||
        !(is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")))
        return;
    struct str path =
        ARENA_JOIN(&c->arena, str_from(getenv("XDG_RUNTIME_DIR")), STR("/cloudseed-ui.html"));
    if (write_page(path.p, url, &c->arena, &e) < 0)
        cli_note(c, "no browser is opened: %s", e.msg);
    else if (start_browser(path.p) < 0)
        cli_note(c, "no browser is opened: xdg-open is not installed");
}

/* --- The page -------------------------------------------------------------------------------- */

/* Behind the '#', which a browser sends to nobody: the page takes it from there. */
static int make_url(struct api *api, struct str base, struct str *ret)
{
    struct api_answer answer;
    int status = api_ask(api, "POST", STR("/v1/ui/codes"), (struct value){0}, STR(""), &answer);
    if (status == CLI_OK)
        *ret = ARENA_JOIN(api->arena, base, STR("/ui/#code="), api_text(answer.value, "code"));
    return status;
}

static int show(struct api *api, struct str base)
{
    struct str url;
    int status = make_url(api, base, &url);
    if (status != CLI_OK)
        return status;
    cli_print_line("%.*s", STR_ARG(url));
    fflush(stdout);
    open_browser(api->cli, url);
    return CLI_OK;
}

static int relay(struct api *api, uint16_t port)
{
    struct relay *r = NULL;
    struct err e;
    if (relay_new(api->server.socket, port, &r, &e) < 0)
        return cli_fail(api->cli, "%s", e.msg);
    cli_signals_hold();
    port = relay_port(r);
    int status = show(api, arena_printf(api->arena, "http://127.0.0.1:%u", port));
    if (status == CLI_OK) {
        cli_note(api->cli,
                 "this goes on until Ctrl-C; the URL signs in once, within a minute; from another "
                 "machine: ssh -L %u:127.0.0.1:%u",
                 port, port);
        if (relay_run(r, &e) < 0)
            status = cli_fail(api->cli, "%s", e.msg);
    }
    relay_free(r);
    cli_signals_release();
    return status;
}

static int run(struct cli *c)
{
    const char *given = flags_value(&c->flags, "port");
    uint64_t port = 0;
    struct api api;
    if (given && !str_to_u64(str_from(given), UINT16_MAX, &port))
        return cli_misuse(c, "--port '%s': expected a number from 0 to 65535", given);
    c->arena.secret = true;
    int status = api_open(c, &api);
    if (status == CLI_OK && api.server.socket)
        status = relay(&api, (uint16_t)port);
    else if (status == CLI_OK && given)
        status =
            cli_misuse(c, "--port is for a server whose socket is asked, and this one has a URL");
    else if (status == CLI_OK)
        status = show(&api, str_from(api.server.url));
    api_close(&api);
    return status;
}

const struct command command_ui = {
    .name = "ui",
    .operands = "",
    .flags = FLAGS({"port", "PORT", "with the socket: use this port of 127.0.0.1"},
                   {"no-browser", NULL, "only print the URL"}),
    .summary = "open the server's web page",
    .help = "Prints a URL that signs in once, within a minute, and opens it with xdg-open\n"
            "where there is a screen. With a context, the page has the role of its token. At\n"
            "the server's socket, the page is served at 127.0.0.1 until Ctrl-C: the browser\n"
            "that opens the URL first has all rights of the socket; other users of this\n"
            "machine have none.\n"
            "\n"
            "Examples:\n"
            "  cloudseed ui\n"
            "  cloudseed ui --no-browser\n",
    .run = run,
};
