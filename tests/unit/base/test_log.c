/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/clock.h"
#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
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
    log_flush(); /* nobody reads: it is thrown away */
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
    log_flush();
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

/* The reader stands still: we go on at once, and what was lost is counted. */
static void stuck_reader_costs_lines_never_time(void **state)
{
    struct pipe_end *p = *state;
    static char all[1 << 20];
    uint64_t begin = clock_boot_ms();
    for (int i = 0; i < 20000; i++) {
        log_info("line", LOG_NUMBER("number", i));
        log_flush();
    }
    assert_true(clock_boot_ms() - begin < 10000);
    size_t n = 0;
    for (int round = 0; round < 100; round++) {
        struct str part = str_from(flushed(p));
        memcpy(all + n, part.p, part.n);
        n += part.n;
        if (round == 50)
            log_info("after", LOG_NUMBER("round", round));
    }
    all[n] = '\0';
    unsigned long kept = 0, lost = 0, next = 0;
    for (const char *at = all; (at = strstr(at, "event=line number=")); kept++) {
        at += strlen("event=line number=");
        assert_int_equal(strtoul(at, NULL, 10), next++); /* none out of order, none in halves */
    }
    const char *told = strstr(all, "event=log-lost lines=");
    assert_non_null(told);
    lost = strtoul(told + strlen("event=log-lost lines="), NULL, 10);
    assert_int_equal(kept + lost, 20000);
    assert_true(lost > 1000);
    assert_contains(told, "event=after round=50\n");
    log_flush();
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
    p->n = 0;
    drain(p);
    assert_string_equal(flushed(p), ""); /* what was not taken is forgotten */
    log_info("alive", LOG_NUMBER("n", 1));
    log_drain();
    p->n = 0;
    assert_contains(drain(p), "event=alive n=1\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
UNIT_MAIN(TEST(logfmt_line), TEST(logfmt_quotes_and_escapes), TEST(json_line),
          TEST(below_the_level_nothing_is_written), TEST(journal_has_priority_and_no_time),
          TEST(long_field_is_cut), TEST(overlong_line_is_marked_and_ends),
          TEST(stuck_reader_costs_lines_never_time), TEST(drain_waits_but_not_for_ever))
