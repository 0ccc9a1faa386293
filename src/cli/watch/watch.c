/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch/watch.h"

#include "base/clock.h"
#include "cli/common/interrupt.h"
#include "cli/watch/event_text.h"
#include "cli/watch/frame.h"
#include "cli/watch/screen.h"

#include <stdio.h>
#include <unistd.h>

#define DRAW_MS 100    /* at most ten times a second */
#define REDRAW_MS 1000 /* for the time that passes */
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
    return interrupt_came() || (*keys && memchr(typed, 'q', n));
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

/* What was shown last stays to be read. */
static int watch_screen(struct tracker *t)
{
    struct buf frame;
    buf_init(&frame, FRAME_MAX_BYTES);
    screen_begin();
    int status = redraw(t, &frame);
    make_frame(t, true, &frame);
    bool interrupted = interrupt_came();
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

/* For logs and pipes: what is so, and then each event as a line. */
static int watch_plain(struct tracker *t)
{
    int status = CLI_OK;
    t->on_event = print_event;
    t->cls = t;
    for (uint32_t i = 0; i < t->view.n; i++)
        printf("%s is %s\n", t->view.list[i].name, t->view.list[i].state);
    fflush(stdout);
    const char *told = NULL;
    while (status == CLI_OK && !ferror(stdout)) {
        status = tracker_wait(t, PLAIN_MS, -1);
        const char *trouble = client_stream_trouble(t->stream);
        if (trouble && !told)
            cli_note(t->api.cli, "%s; trying again", trouble);
        told = trouble;
    }
    return status == CLI_OK ? CLI_FAILED : cli_fail(t->api.cli, "%s", t->why.msg);
}

int watch_run(struct cli *c)
{
    struct tracker t;
    bool draws = screen_can();
    int status = tracker_open(c, draws, &t);
    if (status == CLI_OK)
        status = draws ? watch_screen(&t) : watch_plain(&t);
    tracker_close(&t);
    return status;
}
