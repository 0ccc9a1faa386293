/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch/screen.h"

#include "cli/common/interrupt.h"

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

static struct termios before;
static bool keys_are_ours;

bool screen_can(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

/* It only has to end a wait. */
static void on_resize(int number)
{
    (void)number;
}

void screen_begin(void)
{
    struct sigaction action = {.sa_handler = on_resize};
    interrupt_hold();
    sigaction(SIGWINCH, &action, NULL);
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0) {
        struct termios keys = before;
        keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        keys_are_ours = tcsetattr(STDIN_FILENO, TCSANOW, &keys) == 0;
    }
    fputs(OTHER_PAGE HIDE_CURSOR, stdout);
    fflush(stdout);
}

void screen_end(void)
{
    fputs(SHOW_CURSOR OWN_PAGE, stdout);
    fflush(stdout);
    if (keys_are_ours)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    keys_are_ours = false;
    signal(SIGWINCH, SIG_DFL);
    interrupt_release();
}

void screen_size(uint32_t *ret_rows, uint32_t *ret_columns)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col;
    *ret_rows = known ? size.ws_row : ROWS_DEFAULT;
    *ret_columns = known ? size.ws_col : COLUMNS_DEFAULT;
}

void screen_draw(struct str frame)
{
    fputs(TO_TOP, stdout);
    fwrite(frame.p, 1, frame.n, stdout);
    fputs(CLEAR_BELOW, stdout);
    fflush(stdout);
}

bool screen_keys(char *to, size_t size, size_t *ret_n)
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
