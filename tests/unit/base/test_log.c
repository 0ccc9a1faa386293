/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/clock.h"
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Standard error leads into a pipe whose other end we hold. */
struct pipe_end {
    int reader, stderr_before;
    char text[1 << 20];
    size_t n;
};

static int start(void **state)
{
    static struct pipe_end p;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    p = (struct pipe_end){.reader = ends[0], .stderr_before = dup(STDERR_FILENO)};
    signal(SIGPIPE, SIG_IGN); /* as the daemon has it */
    fcntl(p.reader, F_SETFL, O_NONBLOCK);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    *state = &p;
    unsetenv("JOURNAL_STREAM");
    log_init(LOG_LOGFMT, LOG_DEBUG);
    return 0;
}

static int stop(void **state)
{
    struct pipe_end *p = *state;
    close(p->reader);
    log_drain(); /* nobody reads: it is thrown away */
    dup2(p->stderr_before, STDERR_FILENO);
    close(p->stderr_before);
    return 0;
}

/* What has come through so far. */
static const char *drain(struct pipe_end *p)
{
    ssize_t n;
    while ((n = read(p->reader, p->text + p->n, sizeof(p->text) - 1 - p->n)) > 0)
        p->n += (size_t)n;
    p->text[p->n] = '\0';
    return p->text;
}

static const char *flushed(struct pipe_end *p)
{
    p->n = 0;
    log_drain();
    return drain(p);
}

/* The text after "time=… level=… ", or after the JSON of those. */
static void assert_line(struct pipe_end *p, const char *from, const char *want)
{
    const char *at = strstr(flushed(p), from);
    assert_non_null(at);
    assert_string_equal(at, want);
}

static void logfmt_line(void **state)
{
    struct pipe_end *p = *state;
    log_warning("served", LOG_TEXT("node", STR("k8s-master-1")), LOG_NUMBER("status", 200));
    const char *line = flushed(p);
    assert_true(str_starts(str_from(line), STR("time=2")));
    assert_string_equal(line + strlen("time=2026-11-22T07:38:35.123Z"),
                        " level=warning event=served node=k8s-master-1 status=200\n");
}

static void logfmt_quotes_and_escapes(void **state)
{
    struct pipe_end *p = *state;
    log_info("e", LOG_TEXT("a", STR("")), LOG_TEXT("b", STR("x y")), LOG_TEXT("c", STR("k=v")),
             LOG_TEXT("d", STR("\n\"event=up\\")), LOG_TEXT("f", STR("\x1B[31m")),
             LOG_TEXT("g", STR("ä\xFF")));
    assert_line(p, "event=",
                "event=e a=\"\" b=\"x y\" c=\"k=v\" d=\"\\n\\\"event=up\\\\\" f=\"\\x1b[31m\" "
                "g=\"ä\\xff\"\n");
}

static void json_line(void **state)
{
    struct pipe_end *p = *state;
    log_init(LOG_JSON, LOG_DEBUG);
    log_error("refused", LOG_TEXT("agent", STR("a\"\n\x1B\xFF")), LOG_NUMBER("n", -1));
    const char *line = flushed(p);
    assert_true(str_starts(str_from(line), STR("{\"time\":\"2")));
    assert_string_equal(strstr(line, ",\"level\""),
                        ",\"level\":\"error\",\"event\":\"refused\","
                        "\"agent\":\"a\\\"\\n\\u001B\xEF\xBF\xBD\",\"n\":-1}\n");
}

static void below_the_level_nothing_is_written(void **state)
{
    struct pipe_end *p = *state;
    log_init(LOG_LOGFMT, LOG_NOTICE);
    assert_false(log_wants(LOG_INFO));
    assert_true(log_wants(LOG_NOTICE));
    log_info("quiet", LOG_NUMBER("n", 1));
    assert_string_equal(flushed(p), "");
    log_notice("said", LOG_NUMBER("n", 1));
    assert_line(p, "event=", "event=said n=1\n");
}

static void journal_has_priority_and_no_time(void **state)
{
    struct pipe_end *p = *state;
    struct stat st;
    char stream[64];
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init(LOG_LOGFMT, LOG_DEBUG);
    log_error("e", LOG_NUMBER("n", 1));
    log_debug("d", LOG_NUMBER("n", 1));
    assert_string_equal(flushed(p), "<3>event=e n=1\n<7>event=d n=1\n");
    /* Not the journal's: another descriptor was put in its place, or the text is none of its. */
    snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long)st.st_dev,
             (unsigned long)st.st_ino + 1);
    const char *const others[] = {stream, "1:1", "", "x", "1"};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        setenv("JOURNAL_STREAM", others[i], 1);
        log_init(LOG_LOGFMT, LOG_DEBUG);
        log_error("e", LOG_NUMBER("n", 1));
        assert_true(str_starts(str_from(flushed(p)), STR("time=")));
    }
}

static void long_field_is_cut(void **state)
{
    struct pipe_end *p = *state;
    char text[3000];
    memset(text, 'x', sizeof(text));
    log_info("e", LOG_TEXT("a", ((struct str){text, sizeof(text)})), LOG_NUMBER("n", 1));
    const char *line = flushed(p);
    assert_contains(line, "xxx…\" n=1\n");
    assert_in_range(strlen(line), 512, 700);
    for (size_t i = 0; i < sizeof(text); i += 3)
        memcpy(text + i, "€", 3);
    log_init(LOG_JSON, LOG_DEBUG);
    log_info("e", LOG_TEXT("a", ((struct str){text, sizeof(text)})), LOG_NUMBER("n", 1));
    assert_contains(flushed(p), "€€\",\"n\":1}\n");
}

/* However much a stranger sends, each event stays one line of its own. */
static void overlong_line_is_marked_and_ends(void **state)
{
    struct pipe_end *p = *state;
    static char junk[512];
    static const char keys[] = "abcdefghijklmnopqrstuvwxyz0123456789-._~";
    struct value_pair fields[40];
    for (size_t i = 0; i < 40; i++) {
        fields[i].key = value_str((struct str){keys + i, 1});
        fields[i].value = value_str((struct str){junk, sizeof(junk)});
    }
    log_event(LOG_INFO, "flood", fields, 40);
    assert_line(p, "event=", "event=flood cut=true\n");
    log_init(LOG_JSON, LOG_DEBUG);
    log_event(LOG_INFO, "flood", fields, 40);
    assert_line(p, "\"event\"", "\"event\":\"flood\",\"cut\":true}\n");
}

/* All that comes out of a descriptor up to its end. */
struct reading {
    pthread_t thread;
    int fd;
    size_t n;
    char text[4 << 20];
};

static void *read_all(void *cls)
{
    struct reading *r = cls;
    ssize_t n;
    while ((n = read(r->fd, r->text + r->n, sizeof(r->text) - 1 - r->n)) > 0)
        r->n += (size_t)n;
    r->text[r->n] = '\0';
    return NULL;
}

/* The standard error that was put in place of the pipe. */
static void replace(int fd)
{
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    close(fd);
}

/* Nobody reads at the other end: we go on at once, and what was lost is counted where it is
 * missing. */
static void stuck_reader_costs_lines_never_time(int reader)
{
    static struct reading reading;
    uint64_t begin = clock_boot_ms();
    for (int i = 0; i < 20000; i++) {
        log_info("line", LOG_NUMBER("number", i));
        log_flush();
    }
    assert_true(clock_boot_ms() - begin < 10000);
    reading = (struct reading){.fd = reader};
    assert_int_equal(pthread_create(&reading.thread, NULL, read_all, &reading), 0);
    log_drain();
    log_info("after", LOG_NUMBER("round", 1));
    log_drain();
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    pthread_join(reading.thread, NULL);
    unsigned long kept = 0, lost = 0, next = 0;
    for (const char *at = reading.text; (at = strstr(at, "event=line number=")); kept++) {
        at += strlen("event=line number=");
        assert_int_equal(strtoul(at, NULL, 10), next++); /* none out of order, none in halves */
    }
    const char *told = strstr(reading.text, "event=log-lost lines=");
    assert_non_null(told);
    lost = strtoul(told + strlen("event=log-lost lines="), NULL, 10);
    assert_int_equal(kept + lost, 20000);
    assert_true(lost > 1000);
    assert_contains(told, "event=after round=1");
}

static void a_full_pipe(void **state)
{
    struct pipe_end *p = *state;
    int reader = dup(p->reader);
    fcntl(p->reader, F_SETFL, 0);
    stuck_reader_costs_lines_never_time(reader);
    close(reader);
}

/* poll says that a terminal takes more when a write to it would block. */
static void a_terminal_that_nobody_reads(void **state)
{
    (void)state;
    int master, slave;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    replace(slave);
    stuck_reader_costs_lines_never_time(master);
    close(master);
}

/* As systemd's journal is reached. */
static void a_socket_that_nobody_reads(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    replace(ends[1]);
    stuck_reader_costs_lines_never_time(ends[0]);
    close(ends[0]);
}

/* As a socket or pipe is that another program has made so. */
static void a_non_blocking_descriptor(void **state)
{
    struct pipe_end *p = *state;
    int reader = dup(p->reader);
    fcntl(p->reader, F_SETFL, 0);
    fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
    stuck_reader_costs_lines_never_time(reader);
    close(reader);
}

/* As a full disk refuses them. */
static void lines_that_cannot_be_written_are_counted(void **state)
{
    struct pipe_end *p = *state;
    int before = dup(STDERR_FILENO);
    replace(open("/dev/full", O_WRONLY | O_CLOEXEC));
    for (int i = 0; i < 3000; i++) {
        log_info("line", LOG_NUMBER("number", i));
        log_flush();
    }
    log_drain();
    replace(before);
    log_info("again", LOG_NUMBER("n", 1));
    const char *told = strstr(flushed(p), "event=");
    assert_non_null(told);
    assert_true(str_starts(str_from(told), STR("event=log-lost lines=3000\n")));
    assert_contains(told, "event=again n=1\n");
}

static void drain_waits_but_not_for_ever(void **state)
{
    struct pipe_end *p = *state;
    for (int i = 0; i < 20000; i++)
        log_info("line", LOG_NUMBER("number", i));
    uint64_t begin = clock_boot_ms();
    log_drain();
    uint64_t took = clock_boot_ms() - begin;
    assert_in_range(took, 1900, 8000);
    /* What was not taken is forgotten, but for what is being written. */
    fcntl(p->reader, F_SETFL, 0);
    log_info("alive", LOG_NUMBER("n", 1));
    log_flush();
    size_t n = 0;
    for (p->n = 0; !strstr(p->text, "event=alive n=1\n"); p->text[p->n] = '\0') {
        ssize_t got = read(p->reader, p->text + p->n, sizeof(p->text) - 1 - p->n);
        assert_true(got > 0);
        p->n += (size_t)got;
    }
    for (const char *at = p->text; (at = strchr(at, '\n')); at++)
        n++;
    assert_in_range(p->n, 1, 64 * 1024 + 64 * 1024 + 4096); /* a pipe's, a write's */
    assert_in_range(n, 100, 2000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
UNIT_MAIN(TEST(logfmt_line), TEST(logfmt_quotes_and_escapes), TEST(json_line),
          TEST(below_the_level_nothing_is_written), TEST(journal_has_priority_and_no_time),
          TEST(long_field_is_cut), TEST(overlong_line_is_marked_and_ends), TEST(a_full_pipe),
          TEST(a_terminal_that_nobody_reads), TEST(a_socket_that_nobody_reads),
          TEST(a_non_blocking_descriptor), TEST(lines_that_cannot_be_written_are_counted),
          TEST(drain_waits_but_not_for_ever))
