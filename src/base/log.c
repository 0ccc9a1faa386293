/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG_MAX (256 * 1024)
#define LINE_MAX_BYTES 16384
#define FIELD_MAX_BYTES 512
#define DRAIN_MAX_MS 2000
#define FIELDS_MAX 24

/* One process has one standard error, hence one of these. */
static struct {
    enum log_format format;
    enum log_level level;
    bool journal;
    struct buf backlog;
    uint64_t lost;
} out = {.backlog = {.max_bytes = BACKLOG_MAX}, .level = LOG_INFO};

static const char *const level_names[] = {"debug", "info", "notice", "warning", "error"};
static const char journal_priority[] = {'7', '6', '5', '4', '3'};

/* $JOURNAL_STREAM is "device:inode" of the descriptor that leads to the journal. */
static bool is_journal(int fd)
{
    struct str inode_text = str_from(getenv("JOURNAL_STREAM"));
    struct str device_text = str_cut(&inode_text, ':');
    uint64_t device, inode;
    struct stat st;
    return str_to_u64(device_text, UINT64_MAX, &device) &&
           str_to_u64(inode_text, UINT64_MAX, &inode) && fstat(fd, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

void log_init(enum log_format format, enum log_level level)
{
    out.format = format;
    out.level = level;
    out.journal = is_journal(STDERR_FILENO);
}

bool log_wants(enum log_level level)
{
    return level >= out.level;
}

static bool needs_quotes(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c >= 0x7F || c == '"' || c == '=' || c == '\\')
            return true;
    }
    return s.n == 0 || s.n > FIELD_MAX_BYTES;
}

static void logfmt_field(struct buf *b, const struct value_pair *f)
{
    struct str text = value_text(f->value);
    buf_char(b, ' ');
    buf_str(b, value_text(f->key));
    buf_char(b, '=');
    if (f->value.kind == VALUE_INT) {
        buf_printf(b, "%" PRId64, f->value.i);
    } else if (f->value.kind == VALUE_BOOL) {
        buf_str(b, f->value.b ? STR("true") : STR("false"));
    } else if (needs_quotes(text)) {
        buf_char(b, '"');
        buf_escaped(b, text, FIELD_MAX_BYTES);
        buf_char(b, '"');
    } else {
        buf_str(b, text);
    }
}

static void logfmt_line(struct buf *b, enum log_level level, const char *event,
                        const struct value_pair *fields, size_t n)
{
    char now[CLOCK_TEXT_SIZE];
    if (!out.journal)
        buf_printf(b, "time=%s level=%s ", clock_wall_text(now), level_names[level]);
    buf_printf(b, "event=%s", event);
    for (size_t i = 0; i < n; i++)
        logfmt_field(b, &fields[i]);
}

static void json_line(struct buf *b, enum log_level level, const char *event,
                      const struct value_pair *fields, size_t n)
{
    char now[CLOCK_TEXT_SIZE];
    struct value_pair all[FIELDS_MAX + 3] = {
        JSON_STR("time", str_from(clock_wall_text(now))),
        JSON_STR("level", str_from(level_names[level])),
        JSON_STR("event", str_from(event)),
    };
    n = n < FIELDS_MAX ? n : FIELDS_MAX;
    for (size_t i = 0; i < n; i++) {
        all[3 + i] = fields[i];
        if (fields[i].value.kind == VALUE_STR)
            all[3 + i].value = value_str(str_head(value_text(fields[i].value), FIELD_MAX_BYTES));
    }
    json_write(b, value_map(all, n + 3), false);
}

static void format_line(struct buf *b, enum log_level level, const char *event,
                        const struct value_pair *fields, size_t n)
{
    buf_clear(b);
    if (out.journal)
        buf_printf(b, "<%c>", journal_priority[level]);
    if (out.format == LOG_JSON)
        json_line(b, level, event, fields, n);
    else
        logfmt_line(b, level, event, fields, n);
    buf_char(b, '\n');
}

/* A line that is too long is replaced: cut off, it would run into the next one. */
static void add_line(enum log_level level, const char *event, const struct value_pair *fields,
                     size_t n)
{
    struct value_pair cut = {value_str(STR("cut")), value_bool(true)};
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    format_line(&line, level, event, fields, n);
    if (line.full)
        format_line(&line, level, event, &cut, 1);
    if (!buf_str(&out.backlog, buf_view(&line))) {
        out.lost++;
        out.backlog.full = false;
    }
    buf_done(&line);
}

static void report_lost(void)
{
    if (out.lost && out.backlog.n < BACKLOG_MAX / 2) {
        struct value_pair lost = LOG_NUMBER("lines", out.lost);
        out.lost = 0;
        add_line(LOG_WARNING, "log-lost", &lost, 1);
    }
}

void log_event(enum log_level level, const char *event, const struct value_pair *fields, size_t n)
{
    if (!log_wants(level))
        return;
    report_lost();
    add_line(level, event, fields, n);
}

/* A pipe or socket that is ready accepts this much without waiting. */
#define WRITE_MAX 4096

/* False where the descriptor accepts no more for now. */
static bool write_some(int timeout_ms)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&p, 1, timeout_ms) <= 0)
        return false;
    size_t n = out.backlog.n < WRITE_MAX ? out.backlog.n : WRITE_MAX;
    ssize_t done = write(STDERR_FILENO, out.backlog.p, n);
    if (done < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (done < 0)
        done = (ssize_t)out.backlog.n; /* nobody reads it, and there is nowhere to report that */
    memmove(out.backlog.p, out.backlog.p + done, out.backlog.n - (size_t)done + 1);
    out.backlog.n -= (size_t)done;
    return true;
}

void log_flush(void)
{
    while (out.backlog.n && write_some(0))
        ;
}

void log_drain(void)
{
    uint64_t end = clock_boot_ms() + DRAIN_MAX_MS;
    while ((out.backlog.n || out.lost) && clock_boot_ms() < end) {
        report_lost();
        write_some(100);
    }
    buf_done(&out.backlog);
}
