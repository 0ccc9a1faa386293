/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands: the loop of a program that a test in Python steers (tests/lib/drive.py).
 *
 * Commands come as lines on standard input. At its end the program gives back what it has, and the
 * loop must have nothing left.
 */
#ifndef CLOUDSEED_TESTS_COMMANDS_H
#define CLOUDSEED_TESTS_COMMANDS_H

#include "wire/lines.h"

#include <unistd.h>
#include <uv.h>

static struct {
    uv_pipe_t in;
    struct lines lines;
    void (*on_line)(struct str line);
    void (*on_end)(void);
} commands;

static void on_commands_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret)
{
    static char room[65536];
    (void)handle, (void)size;
    *ret = uv_buf_init(room, sizeof(room));
}

static void on_commands_read(uv_stream_t *in, ssize_t n, const uv_buf_t *b)
{
    struct str line, piece = {b->base, n > 0 ? (size_t)n : 0};
    while (lines_next(&commands.lines, &piece, &line) > 0)
        commands.on_line(line);
    if (n >= 0)
        return;
    uv_close((uv_handle_t *)in, NULL);
    commands.on_end();
}

/* Runs the loop until its end; the status to exit with. */
static int commands_run(uv_loop_t *loop, size_t line_max_bytes, void (*on_line)(struct str line),
                        void (*on_end)(void))
{
    commands.on_line = on_line;
    commands.on_end = on_end;
    lines_init(&commands.lines, line_max_bytes);
    uv_pipe_init(loop, &commands.in, 0);
    uv_pipe_open(&commands.in, STDIN_FILENO);
    uv_read_start((uv_stream_t *)&commands.in, on_commands_alloc, on_commands_read);
    uv_run(loop, UV_RUN_DEFAULT);
    lines_done(&commands.lines);
    return uv_loop_close(loop) == 0 ? 0 : 1;
}

#endif
