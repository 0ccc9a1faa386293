/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/clock.h"
#include "cli/common/progress.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Standard error, for a while. */
struct stage {
    int saved, master;
};

static void enter(struct stage *s, int fd, int master)
{
    fflush(stderr);
    s->saved = dup(STDERR_FILENO);
    s->master = master;
    dup2(fd, STDERR_FILENO);
    close(fd);
}

static void leave(struct stage *s)
{
    fflush(stderr);
    dup2(s->saved, STDERR_FILENO);
    close(s->saved);
}

static void enter_terminal(struct stage *s)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        unit_skip("no pseudo-terminal");
    enter(s, open(ptsname(master), O_RDWR | O_NOCTTY), master);
}

/* Reads what the terminal shows until it holds `part`, for as long as that takes. */
static void wait_for(const struct stage *s, char *shown, size_t size, const char *part)
{
    size_t n = strlen(shown);
    while (!strstr(shown, part)) {
        ssize_t more = read(s->master, shown + n, size - 1 - n);
        assert_true(more > 0);
        n += (size_t)more;
        shown[n] = '\0';
    }
}

static void a_long_work_is_shown_and_wiped_away(void **state)
{
    (void)state;
    struct stage stage;
    struct progress p;
    char shown[1024] = "";
    setenv("TERM", "xterm", 1);
    enter_terminal(&stage);
    progress_begin(&p, "digging");
    wait_for(&stage, shown, sizeof(shown), "\r\033[Kdigging: 1 s");
    progress_end(&p);
    leave(&stage);
    shown[0] = '\0';
    wait_for(&stage, shown, sizeof(shown), "\r\033[K");
    close(stage.master);
}

/* How long it took. */
static uint64_t work_shortly(char *shown, size_t size)
{
    struct stage stage;
    struct progress p;
    enter_terminal(&stage);
    uint64_t begun_ms = clock_boot_ms();
    progress_begin(&p, "digging");
    progress_end(&p);
    uint64_t took_ms = clock_boot_ms() - begun_ms;
    fputs("done", stderr);
    leave(&stage);
    shown[0] = '\0';
    wait_for(&stage, shown, size, "done");
    close(stage.master);
    return took_ms;
}

static void a_short_work_shows_nothing(void **state)
{
    (void)state;
    char shown[256];
    setenv("TERM", "xterm", 1);
    while (work_shortly(shown, sizeof(shown)) >= 1000)
        ; /* the machine was busy elsewhere */
    assert_string_equal(shown, "done");
}

static void only_terminals_are_told(void **state)
{
    (void)state;
    struct stage stage;
    struct progress p;
    setenv("TERM", "xterm", 1);
    enter(&stage, open("/dev/null", O_WRONLY), -1);
    progress_begin(&p, "digging");
    leave(&stage);
    assert_false(p.running);
    progress_end(&p);
    setenv("TERM", "dumb", 1);
    enter_terminal(&stage);
    progress_begin(&p, "digging");
    leave(&stage);
    assert_false(p.running);
    progress_end(&p);
    close(stage.master);
}

UNIT_MAIN(cmocka_unit_test(a_long_work_is_shown_and_wiped_away),
          cmocka_unit_test(a_short_work_shows_nothing), cmocka_unit_test(only_terminals_are_told))
