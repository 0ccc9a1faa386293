/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/cli.h"

#include "base/json.h"
#include "cli/common/term.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGE_MAX_BYTES 4096
#define TEXT_MAX_BYTES ((size_t)1 << 31)

__attribute__((format(printf, 3, 0))) static void say(const struct cli *c, const char *label,
                                                      const char *fmt, va_list ap)
{
    char message[MESSAGE_MAX_BYTES];
    struct buf line;
    vsnprintf(message, sizeof(message), fmt, ap);
    buf_init(&line, TEXT_MAX_BYTES);
    term_text(&line, str_from(message));
    if (c->color_err)
        fprintf(stderr, "%scloudseed:%s %s%s\n", *label ? TERM_BOLD : TERM_RED, TERM_PLAIN, label,
                line.p);
    else
        fprintf(stderr, "cloudseed: %s%s\n", label, line.p);
    buf_done(&line);
}

/* A user who interrupted us needs no message. */
int cli_fail(const struct cli *c, const char *fmt, ...)
{
    va_list ap;
    if (cli_interrupted())
        return CLI_FAILED;
    va_start(ap, fmt);
    say(c, "", fmt, ap);
    va_end(ap);
    return CLI_FAILED;
}

int cli_misuse(const struct cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, "", fmt, ap);
    va_end(ap);
    fprintf(stderr, "Try 'cloudseed help%s%s'.\n", c->command ? " " : "",
            c->command ? c->command->name : "");
    return CLI_MISUSED;
}

void cli_note(const struct cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(c, "note: ", fmt, ap);
    va_end(ap);
}

void cli_print_line(const char *fmt, ...)
{
    va_list ap;
    char *text;
    struct buf safe;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    va_end(ap);
    buf_init(&safe, TEXT_MAX_BYTES);
    term_text(&safe, str_from(text));
    buf_char(&safe, '\n');
    fwrite(safe.p, 1, safe.n, stdout);
    buf_done(&safe);
    free(text);
}

/* Every line but the first begins with `indent`: strings in JSON contain no newline. */
static void print_json(struct value v, bool pretty, const char *indent)
{
    /* Kept for the next item of a list, and until the end of the process. */
    static struct buf text = {.max_bytes = TEXT_MAX_BYTES}, safe = {.max_bytes = TEXT_MAX_BYTES};
    buf_clear(&text);
    buf_clear(&safe);
    json_write(&text, v, pretty);
    term_json(&safe, buf_view(&text));
    struct str rest = buf_view(&safe);
    for (const char *before = ""; rest.p; before = "\n") {
        struct str line = str_cut(&rest, '\n');
        fputs_unlocked(before, stdout);
        fputs_unlocked(*before ? indent : "", stdout);
        fwrite_unlocked(line.p, 1, line.n, stdout);
    }
}

void cli_print_json(struct value v)
{
    print_json(v, true, "");
    putchar('\n');
}

void cli_print_json_line(struct value v)
{
    print_json(v, false, "");
    putchar('\n');
}

void cli_list_item(struct cli_list *l, struct value v)
{
    fputs(l->n++ ? ",\n  " : "[\n  ", stdout);
    print_json(v, true, "  ");
}

void cli_list_end(const struct cli_list *l)
{
    puts(l->n ? "\n]" : "[]");
}

int cli_read_input(size_t max_bytes, struct arena *a, struct str *ret, struct err *e)
{
    char piece[4096];
    struct buf all;
    ssize_t n;
    buf_init(&all, max_bytes);
    all.secret = true;
    while ((n = read(STDIN_FILENO, piece, sizeof(piece))) > 0 && buf_append(&all, piece, (size_t)n))
        ;
    explicit_bzero(piece, sizeof(piece));
    *ret = arena_str(a, buf_view(&all));
    int r = n < 0 ? err_errno(e, -errno, "standard input") : 0;
    if (all.full)
        r = err_set(e, -EFBIG, "standard input: more than %zu bytes", max_bytes);
    buf_done(&all);
    return r;
}

/* --- Interrupts
 * ----------------------------------------------------------------------------------- */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

#define SIGNALS_N (sizeof(signals) / sizeof(signals[0]))

static struct sigaction before[SIGNALS_N];
static volatile sig_atomic_t came;

static void note(int number)
{
    came = number;
}

/* Without SA_RESTART, so that a wait returns and cli_interrupted is called. */
void cli_signals_hold(void)
{
    struct sigaction action = {.sa_handler = note};
    sigemptyset(&action.sa_mask);
    came = 0;
    for (size_t i = 0; i < SIGNALS_N; i++) {
        sigaction(signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

bool cli_interrupted(void)
{
    return came != 0;
}

void cli_signals_release(void)
{
    for (size_t i = 0; i < SIGNALS_N; i++)
        sigaction(signals[i], &before[i], NULL);
    if (came)
        raise(came);
}
