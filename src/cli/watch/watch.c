/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch/watch.h"

#include "base/clock.h"
#include "cli/common/term.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define OTHER_PAGE "\033[?1049h"
#define OWN_PAGE "\033[?1049l"
#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"
#define TO_TOP "\033[H"
#define CLEAR_BELOW "\033[J"
#define ROWS_DEFAULT 24
#define COLUMNS_DEFAULT 80

/* --- The screen: the terminal while the table is drawn on it ---------------------------------- */

static struct termios before;
static bool keys_are_ours;

/* Only interrupts a wait. */
static void on_resize(int number)
{
    (void)number;
}

/* Takes the whole terminal: alternate page, no cursor, keys without waiting for a line. Signals
 * that end us are held. */
static void screen_begin(void)
{
    struct sigaction action = {.sa_handler = on_resize};
    cli_signals_hold();
    sigaction(SIGWINCH, &action, NULL);
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0) {
        struct termios keys = before;
        keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        keys_are_ours = tcsetattr(STDIN_FILENO, TCSANOW, &keys) == 0;
    }
    fputs(OTHER_PAGE HIDE_CURSOR, stdout);
    fflush(stdout);
}

static void screen_end(void)
{
    fputs(SHOW_CURSOR OWN_PAGE, stdout);
    fflush(stdout);
    if (keys_are_ours)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    keys_are_ours = false;
    signal(SIGWINCH, SIG_DFL);
    cli_signals_release();
}

static void screen_size(uint32_t *ret_rows, uint32_t *ret_columns)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col;
    *ret_rows = known ? size.ws_row : ROWS_DEFAULT;
    *ret_columns = known ? size.ws_col : COLUMNS_DEFAULT;
}

/* Replaces what is shown by the frame: lines separated by "\n". */
static void screen_draw(struct str frame)
{
    fputs(TO_TOP, stdout);
    fwrite(frame.p, 1, frame.n, stdout);
    fputs(CLEAR_BELOW, stdout);
    fflush(stdout);
}

/* Reads the keys pressed since the last call, without waiting. False if there will be no more. */
static bool screen_keys(char *to, size_t size, size_t *ret_n)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    *ret_n = 0;
    if (!keys_are_ours || poll(&p, 1, 0) <= 0)
        return keys_are_ours;
    ssize_t n = read(STDIN_FILENO, to, size);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    *ret_n = (size_t)n;
    return true;
}

/* --- The command
 * ---------------------------------------------------------------------------------- */

#define DRAW_MS 100    /* at most ten times a second */
#define REDRAW_MS 1000 /* for the elapsed times */
#define PLAIN_MS 60000
#define FRAME_MAX_BYTES ((size_t)4 * 1024 * 1024)

static void make_frame(struct tracker *t, bool last, struct buf *out)
{
    struct frame f = {
        .now_ms = clock_wall_ms(),
        .color = t->api.cli->color_out,
        .last = last,
        .trouble = client_stream_trouble(t->stream),
    };
    screen_size(&f.rows, &f.columns);
    buf_clear(out);
    frame_write(&f, t, out);
}

static bool wants_to_end(bool *keys)
{
    char typed[64];
    size_t n;
    *keys = *keys && screen_keys(typed, sizeof(typed), &n);
    return cli_interrupted() || (*keys && memchr(typed, 'q', n));
}

static int redraw(struct tracker *t, struct buf *frame)
{
    uint64_t drawn_ms = 0, drawn_news = UINT64_MAX;
    bool keys = true;
    int status = CLI_OK;
    while (status == CLI_OK && !wants_to_end(&keys)) {
        uint64_t now = clock_boot_ms(), age = now - drawn_ms;
        uint64_t after = drawn_news != t->news ? DRAW_MS : REDRAW_MS;
        if (age >= after) {
            make_frame(t, false, frame);
            screen_draw(buf_view(frame));
            drawn_ms = now;
            drawn_news = t->news;
            age = 0;
            after = REDRAW_MS;
        }
        status = tracker_wait(t, (int)(after - age), keys ? STDIN_FILENO : -1);
    }
    return status;
}

/* The last frame is printed after the screen is restored, so that it remains readable. */
static int watch_screen(struct tracker *t)
{
    struct buf frame;
    buf_init(&frame, FRAME_MAX_BYTES);
    screen_begin();
    int status = redraw(t, &frame);
    make_frame(t, true, &frame);
    bool interrupted = cli_interrupted();
    screen_end();
    if (!interrupted)
        fwrite(frame.p, 1, frame.n, stdout);
    buf_done(&frame);
    return status == CLI_OK ? CLI_OK : cli_fail(t->api.cli, "%s", t->why.msg);
}

static void print_event(void *cls, struct value event, const struct node_view *s)
{
    const struct tracker *t = cls;
    (void)s;
    event_print(stdout, event, t->api.cli->color_out);
    fflush(stdout);
}

/* For logs and pipes: prints the current states, then each event as a line. */
static int watch_plain(struct tracker *t)
{
    int status = CLI_OK;
    t->on_event = print_event;
    t->cls = t;
    for (uint32_t i = 0; i < t->view.n; i++)
        cli_print_line("%s is %s", t->view.list[i].name, t->view.list[i].state);
    fflush(stdout);
    bool noted = false;
    while (status == CLI_OK && !ferror(stdout)) {
        status = tracker_wait(t, PLAIN_MS, -1);
        api_note_trouble(&t->api, t->stream, &noted);
    }
    return status == CLI_OK ? CLI_FAILED : cli_fail(t->api.cli, "%s", t->why.msg);
}

static int run(struct cli *c)
{
    struct tracker t;
    bool draws = term_is_capable(STDOUT_FILENO);
    int status = tracker_open(c, draws, &t);
    if (status == CLI_OK)
        status = draws ? watch_screen(&t) : watch_plain(&t);
    tracker_close(&t);
    return status;
}

const struct command command_watch = {
    .name = "watch",
    .operands = "[NODE...]",
    .operands_max = UINT8_MAX,
    .summary = "show what nodes are doing, as it happens",
    .help =
        "A table of these nodes, or of all: state, stage of the boot, progress, time in that\n"
        "state, and the latest event. Progress is estimated from earlier boots of the role; a\n"
        "moving mark is shown if there were none. Nodes that boot come first. q or Ctrl-C ends\n"
        "it. If standard output is not a terminal, each event is a line.\n"
        "\n"
        "Examples:\n"
        "  cloudseed watch\n"
        "  cloudseed watch k8s-worker-2 k8s-worker-3\n"
        "  cloudseed watch >>boot.log\n",
    .run = run,
};
