/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "daemon/options.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

static struct options o;
static char said[8192]; /* on both standard streams */

/* Parses a command line that ends in NULL, with what it prints caught in `said`. */
static enum options_verdict parse(const char *const *argv)
{
    char *args[64];
    int n = 0;
    for (; argv[n]; n++)
        args[n] = (char *)(uintptr_t)argv[n];
    args[n] = NULL;
    FILE *caught = tmpfile();
    fflush(stdout);
    fflush(stderr);
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    dup2(fileno(caught), STDOUT_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
    optind = 0; /* getopt starts again */
    enum options_verdict verdict = options_parse(n, args, &o);
    fflush(stdout);
    fflush(stderr);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    rewind(caught);
    size_t read = fread(said, 1, sizeof(said) - 1, caught);
    said[read] = '\0';
    fclose(caught);
    return verdict;
}

#define PARSE(...) parse((const char *const[]){"cloudseedd", __VA_ARGS__, NULL})

static void nothing_given(void **state)
{
    (void)state;
    assert_int_equal(parse((const char *const[]){"cloudseedd", NULL}), OPTIONS_RUN);
    assert_string_equal(said, "");
    assert_null(o.config);
    assert_null(o.seed);
    assert_null(o.url);
    assert_null(o.user);
    assert_int_equal(o.http_n, 0);
    assert_false(o.check);
}

static void everything_given(void **state)
{
    (void)state;
    char text[ENDPOINT_TEXT_SIZE];
    assert_int_equal(PARSE("--config", "c", "--seed=s", "--templates", "t", "--state", "st",
                           "--assets", "as", "--http", "127.0.0.1:0", "--http", "[::1]:8080",
                           "--https", "127.0.0.1:8443", "--tftp", "127.0.0.1:69", "--tftp",
                           "[::1]:0", "--url", "http://10.0.10.5:8080", "--user", "u",
                           "--log-level", "debug", "--log-format", "json", "--check"),
                     OPTIONS_RUN);
    assert_string_equal(said, "");
    assert_string_equal(o.config, "c");
    assert_string_equal(o.seed, "s");
    assert_string_equal(o.templates, "t");
    assert_string_equal(o.assets, "as");
    assert_string_equal(o.state, "st");
    assert_string_equal(o.url, "http://10.0.10.5:8080");
    assert_string_equal(o.user, "u");
    assert_int_equal(o.http_n, 2);
    assert_string_equal(endpoint_text(o.http[0], text), "127.0.0.1:0");
    assert_string_equal(endpoint_text(o.http[1], text), "[::1]:8080");
    assert_int_equal(o.https_n, 1);
    assert_string_equal(endpoint_text(o.https[0], text), "127.0.0.1:8443");
    assert_int_equal(o.tftp_n, 2);
    assert_string_equal(endpoint_text(o.tftp[1], text), "[::1]:0");
    assert_true(o.check);
}

static void help_and_version_end_it(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--help"), OPTIONS_DONE);
    assert_contains(said, "Usage: cloudseedd");
    assert_contains(said, "SIGHUP");
    assert_int_equal(PARSE("--version"), OPTIONS_DONE);
    assert_string_equal(said, "cloudseedd " CLOUDSEED_VERSION "\n");
}

static void wrong(enum options_verdict verdict, const char *because)
{
    assert_int_equal(verdict, OPTIONS_WRONG);
    assert_contains(said, because);
    assert_contains(said, "Try 'cloudseedd --help'.\n");
}

static void wrong_ones_are_reported(void **state)
{
    (void)state;
    o = (struct options){.seed = "untouched"};
    wrong(PARSE("--nonsense"), "nonsense");
    wrong(PARSE("--seed"), "argument");
    wrong(PARSE("--check=yes"), "argument");
    wrong(PARSE("--seed", "s", "more"), "'more'");
    wrong(PARSE("--http", "10.0.10.5"), "ADDR:PORT");
    wrong(PARSE("--http", "localhost:80"), "ADDR:PORT");
    wrong(PARSE("--http", "127.0.0.1:65536"), "ADDR:PORT");
    wrong(PARSE("--https", "10.0.10.5"), "--https '10.0.10.5': expected ADDR:PORT");
    wrong(PARSE("--tftp", "10.0.10.5"), "--tftp '10.0.10.5': expected ADDR:PORT");
    wrong(PARSE("--log-level", "loud"), "debug info notice warning error");
    wrong(PARSE("--log-level", ""), "expected one of");
    wrong(PARSE("--log-format", "JSON"), "logfmt json");
    wrong(PARSE("--url", "10.0.10.5:8080"), "http://HOST:PORT");
    assert_string_equal(o.seed, "untouched");
}

static void so_many_addresses(void **state)
{
    (void)state;
    const char *argv[2 + 2 * (OPTIONS_ENDPOINTS_MAX + 1)] = {"cloudseedd"};
    for (size_t i = 0; i < OPTIONS_ENDPOINTS_MAX; i++) {
        argv[1 + 2 * i] = "--http";
        argv[2 + 2 * i] = "127.0.0.1:0";
    }
    assert_int_equal(parse(argv), OPTIONS_RUN);
    assert_int_equal(o.http_n, OPTIONS_ENDPOINTS_MAX);
    argv[1 + 2 * OPTIONS_ENDPOINTS_MAX] = "--http";
    argv[2 + 2 * OPTIONS_ENDPOINTS_MAX] = "127.0.0.1:0";
    wrong(parse(argv), "at most 16");
}

static struct config configured(void)
{
    static const struct endpoint http[1];
    return (struct config){.seed_dir = STR("cs"),
                           .templates_dir = STR("ct"),
                           .state_dir = STR("cst"),
                           .assets_dir = STR("cas"),
                           .http = http,
                           .http_n = 1,
                           .url = STR("http://c"),
                           .user = STR("cu"),
                           .group = STR("cg"),
                           .log = {.format = LOG_JSON, .level = LOG_WARNING}};
}

static void what_is_not_given_stays(void **state)
{
    (void)state;
    struct config c = configured(), before = c;
    assert_int_equal(PARSE("--check"), OPTIONS_RUN);
    options_apply(&o, &c);
    assert_str(c.seed_dir, "cs");
    assert_str(c.templates_dir, "ct");
    assert_str(c.state_dir, "cst");
    assert_str(c.assets_dir, "cas");
    assert_str(c.url, "http://c");
    assert_str(c.user, "cu");
    assert_str(c.group, "cg");
    assert_ptr_equal(c.http, before.http);
    assert_int_equal(c.http_n, 1);
    assert_int_equal(c.log.format, LOG_JSON);
    assert_int_equal(c.log.level, LOG_WARNING);
}

static void what_is_given_wins(void **state)
{
    (void)state;
    struct config c = configured();
    assert_int_equal(PARSE("--seed", "s", "--templates", "t", "--state", "st", "--assets", "as",
                           "--http", "127.0.0.1:7", "--http", "127.0.0.1:8", "--tftp",
                           "127.0.0.1:9", "--https", "127.0.0.1:10", "--url", "http://h/", "--user",
                           "u", "--log-level", "error", "--log-format", "logfmt"),
                     OPTIONS_RUN);
    options_apply(&o, &c);
    assert_str(c.seed_dir, "s");
    assert_str(c.templates_dir, "t");
    assert_str(c.state_dir, "st");
    assert_str(c.assets_dir, "as");
    assert_str(c.url, "http://h"); /* URLs are built from it */
    assert_str(c.user, "u");
    assert_str(c.group, ""); /* the user's own: the configured one belongs to the other user */
    assert_int_equal(c.http_n, 2);
    assert_int_equal(c.http[1].port, 8);
    assert_int_equal(c.tftp_n, 1);
    assert_int_equal(c.tftp[0].port, 9);
    assert_int_equal(c.https_n, 1);
    assert_int_equal(c.https[0].port, 10);
    assert_int_equal(c.log.format, LOG_LOGFMT);
    assert_int_equal(c.log.level, LOG_ERROR);
}

UNIT_MAIN(cmocka_unit_test(nothing_given), cmocka_unit_test(everything_given),
          cmocka_unit_test(help_and_version_end_it), cmocka_unit_test(wrong_ones_are_reported),
          cmocka_unit_test(so_many_addresses), cmocka_unit_test(what_is_not_given_stays),
          cmocka_unit_test(what_is_given_wins))
