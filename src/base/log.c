/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG_MAX (256 * 1024)
#define CHUNK_MAX (64 * 1024)
#define LINE_MAX_BYTES 16384
#define FIELD_MAX_BYTES 512
#define DRAIN_MAX_MS 2000
#define FIELDS_MAX 24
/* After each write the thread waits this long for more lines, so that a busy server wakes it two
 * hundred times a second at most. */
#define LINGER_MS 5

/* One process has one standard error, hence one of these. */
static struct {
    enum log_format format;
    enum log_level level;
    bool journal;
    /* What follows is shared with the thread, under `lock`. */
    pthread_mutex_t lock;
    pthread_cond_t news, written;
    struct buf backlog;     /* complete lines that the thread has not taken */
    uint64_t lost;          /* lines, not counting the `marked` ones */
    uint64_t marked, marks; /* lost lines, and the lines in the queue that report them */
    bool running;           /* there is a thread, which */
    bool writing;           /* … has taken lines and not written all of them */
    bool lingering;         /* … will look for more lines without being woken */
    bool hurried;           /* … must not wait for more lines: the process ends */
    bool failed;            /* the last write failed */
} out = {
    .backlog = {.max_bytes = BACKLOG_MAX}, .level = LOG_INFO, .lock = PTHREAD_MUTEX_INITIALIZER};

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

/* --- The queue ------------------------------------------------------------------------------- */

static bool put(struct str line)
{
    if (buf_str(&out.backlog, line))
        return true;
    out.backlog.full = false;
    return false;
}

/* A line that is too long is replaced: cut off, it would run into the next one. */
static bool put_line(enum log_level level, const char *event, const struct value_pair *fields,
                     size_t n)
{
    struct value_pair cut = {value_str(STR("cut")), value_bool(true)};
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    format_line(&line, level, event, fields, n);
    if (line.full)
        format_line(&line, level, event, &cut, 1);
    bool done = put(buf_view(&line));
    buf_done(&line);
    return done;
}

/* Reports lost lines where they are missing: nothing is queued after a loss until there is room for
 * the report. */
static bool report_lost(void)
{
    if (!out.lost)
        return true;
    struct value_pair lost = LOG_NUMBER("lines", out.lost);
    if (out.backlog.n >= BACKLOG_MAX / 2 || !put_line(LOG_WARNING, "log-lost", &lost, 1))
        return false;
    out.marked += out.lost;
    out.marks++;
    out.lost = 0;
    return true;
}

void log_event(enum log_level level, const char *event, const struct value_pair *fields, size_t n)
{
    if (!log_wants(level))
        return;
    pthread_mutex_lock(&out.lock);
    if (!report_lost() || !put_line(level, event, fields, n))
        out.lost++;
    pthread_mutex_unlock(&out.lock);
}

/* --- The thread ------------------------------------------------------------------------------ */

/* Nothing but this thread writes to standard error, so only it is held by a terminal that nobody
 * reads, a full pipe, a journal that does not answer or a share that hangs. */

/* At most `max` bytes, up to the end of a line if one ends there. */
static size_t whole_lines(const char *p, size_t n, size_t max)
{
    if (n <= max)
        return n;
    const char *end = memrchr(p, '\n', max);
    return end ? (size_t)(end + 1 - p) : max;
}

static size_t count_lines(struct str s)
{
    size_t lines = 0;
    for (size_t i = 0; i < s.n; i++)
        lines += s.p[i] == '\n';
    return lines;
}

/* Returns how many bytes were written: fewer than `n` if the descriptor fails. */
static size_t write_lines(const char *p, size_t n)
{
    size_t at = 0;
    while (at < n) {
        /* Up to PIPE_BUF bytes are not mixed with what other processes write to the same pipe. */
        ssize_t done = write(STDERR_FILENO, p + at, whole_lines(p + at, n - at, PIPE_BUF));
        if (done >= 0)
            at += (size_t)done;
        else if (errno == EAGAIN) /* somebody has made it non-blocking */
            poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, -1);
        else if (errno != EINTR)
            break;
    }
    return at;
}

/* What was taken and not written, and all behind it. */
static void lose(struct str taken)
{
    out.lost += count_lines(taken) + count_lines(buf_view(&out.backlog)) + out.marked - out.marks;
    out.marked = out.marks = 0;
    buf_clear(&out.backlog);
}

static void wait_for_more(void)
{
    struct timespec until;
    if (out.hurried || out.backlog.n > BACKLOG_MAX / 2)
        return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LINGER_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    out.lingering = true;
    pthread_cond_timedwait(&out.news, &out.lock, &until);
    out.lingering = false;
}

/* With the lock held, before and after. */
static void write_some(void)
{
    static char chunk[CHUNK_MAX];
    size_t n = whole_lines(out.backlog.p, out.backlog.n, sizeof(chunk));
    memcpy(chunk, out.backlog.p, n);
    memmove(out.backlog.p, out.backlog.p + n, out.backlog.n - n + 1);
    out.backlog.n -= n;
    out.writing = true;
    pthread_mutex_unlock(&out.lock);
    size_t done = write_lines(chunk, n);
    pthread_mutex_lock(&out.lock);
    out.writing = false;
    out.failed = done < n;
    if (out.failed)
        lose((struct str){chunk + done, n - done});
    else if (!out.backlog.n)
        out.marked = out.marks = 0;
}

static void *write_all(void *cls)
{
    pthread_mutex_lock(&out.lock);
    for (;;) {
        while (!out.backlog.n) {
            pthread_cond_broadcast(&out.written);
            pthread_cond_wait(&out.news, &out.lock);
        }
        write_some();
        wait_for_more();
    }
    return cls;
}

/* With the lock held. The thread has no signals: SIGPIPE would end the process. */
static void start_thread(void)
{
    pthread_t thread;
    pthread_condattr_t by_clock;
    sigset_t all, before;
    if (out.running)
        return;
    pthread_condattr_init(&by_clock);
    pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
    pthread_cond_init(&out.news, &by_clock);
    pthread_cond_init(&out.written, &by_clock);
    pthread_condattr_destroy(&by_clock);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    out.running = pthread_create(&thread, NULL, write_all, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (out.running)
        pthread_detach(thread);
}

void log_flush(void)
{
    pthread_mutex_lock(&out.lock);
    if (out.backlog.n) {
        start_thread();
        if (out.running && (!out.lingering || out.backlog.n > BACKLOG_MAX / 2))
            pthread_cond_signal(&out.news);
    }
    pthread_mutex_unlock(&out.lock);
}

static bool is_written(void)
{
    return !out.backlog.n && !out.writing && (!out.lost || out.failed);
}

void log_drain(void)
{
    struct timespec until;
    bool late = false;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DRAIN_MAX_MS / 1000;
    pthread_mutex_lock(&out.lock);
    start_thread();
    out.hurried = true;
    out.failed = false;
    while (out.running && !is_written() && !late) {
        report_lost();
        pthread_cond_signal(&out.news);
        late = pthread_cond_timedwait(&out.written, &out.lock, &until) == ETIMEDOUT;
    }
    out.hurried = false;
    lose(STR(""));
    buf_done(&out.backlog);
    pthread_mutex_unlock(&out.lock);
}
