/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>

static const char usage[] =
    "Usage: cloudseedd [OPTION]...\n"
    "Serve machines that boot their cloud-init data.\n"
    "\n"
    "  --config FILE       configuration (default: " CONFIG_PATH_DEFAULT ")\n"
    "  --seed DIR          the seed tree: site.yaml, clusters/, roles/, nodes/\n"
    "  --templates DIR     templates of the nodes' files\n"
    "  --state DIR         where the server's secret and the nodes' state are kept\n"
    "  --assets DIR        files for machines that boot: served below /assets/\n"
    "  --http ADDR:PORT    answer HTTP there; may be repeated; port 0 takes a free one\n"
    "  --https ADDR:PORT   answer nodes over TLS there; likewise\n"
    "  --admin ADDR:PORT   answer admins with a token over TLS there; likewise\n"
    "  --tftp ADDR:PORT    serve the assets by TFTP there; likewise\n"
    "  --socket PATH       the admins' unix socket, or none\n"
    "  --url URL           what nodes' URLs begin with, instead of the site's url\n"
    "  --user NAME         become this user when started as root\n"
    "  --log-level LEVEL   debug, info, notice, warning or error\n"
    "  --log-format FORM   logfmt or json\n"
    "  --check             check configuration and tree, print what is wrong, and exit\n"
    "  --restore FILE      put a backup into the empty state folder, and exit\n"
    "  --sealing-key FILE  the key that the backup was sealed with; without one, here or in\n"
    "                      place, the recovery passphrase is asked for\n"
    "  --recovery          make and print a recovery passphrase, and exit\n"
    "  --help, --version\n"
    "\n"
    "Flags win over the configuration file. SIGHUP reads the seed tree again; SIGTERM ends\n"
    "after the requests under way are answered.\n"
    "\n"
    "Examples:\n"
    "  cloudseedd --check\n"
    "  cloudseedd --seed ./seed --templates ./templates --state /tmp/state \\\n"
    "             --user \"$(id -un)\" --http 127.0.0.1:8080 --url http://127.0.0.1:8080 \\\n"
    "             --socket /tmp/cloudseed.sock\n"
    "\n"
    "See cloudseedd(8), cloudseedd.yaml(5), and cloudseed(1) for the admin's tool.\n";

enum {
    OPT_CONFIG = 256,
    OPT_SEED,
    OPT_TEMPLATES,
    OPT_STATE,
    OPT_ASSETS,
    OPT_HTTP,
    OPT_HTTPS,
    OPT_ADMIN,
    OPT_TFTP,
    OPT_SOCKET,
    OPT_URL,
    OPT_USER,
    OPT_LOG_LEVEL,
    OPT_LOG_FORMAT,
    OPT_CHECK,
    OPT_RESTORE,
    OPT_RECOVERY,
    OPT_SEALING_KEY,
    OPT_HELP,
    OPT_VERSION,
};

static const struct option table[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"seed", required_argument, NULL, OPT_SEED},
    {"templates", required_argument, NULL, OPT_TEMPLATES},
    {"state", required_argument, NULL, OPT_STATE},
    {"assets", required_argument, NULL, OPT_ASSETS},
    {"http", required_argument, NULL, OPT_HTTP},
    {"https", required_argument, NULL, OPT_HTTPS},
    {"admin", required_argument, NULL, OPT_ADMIN},
    {"tftp", required_argument, NULL, OPT_TFTP},
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"url", required_argument, NULL, OPT_URL},
    {"user", required_argument, NULL, OPT_USER},
    {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
    {"log-format", required_argument, NULL, OPT_LOG_FORMAT},
    {"check", no_argument, NULL, OPT_CHECK},
    {"recovery", no_argument, NULL, OPT_RECOVERY},
    {"restore", required_argument, NULL, OPT_RESTORE},
    {"sealing-key", required_argument, NULL, OPT_SEALING_KEY},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static bool add_endpoint(const char *flag, const char *example, const char *text,
                         struct endpoint *list, uint32_t *n)
{
    if (*n == OPTIONS_ENDPOINTS_MAX) {
        fprintf(stderr, "cloudseedd: %s: at most %d addresses\n", flag, OPTIONS_ENDPOINTS_MAX);
        return false;
    }
    if (!endpoint_parse(str_from(text), &list[*n])) {
        fprintf(stderr, "cloudseedd: %s '%s': expected ADDR:PORT, such as %s\n", flag, text,
                example);
        return false;
    }
    ++*n;
    return true;
}

static int index_of(const char *const *names, const char *text)
{
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], text) == 0)
            return i;
    }
    return -1;
}

static const char *const level_names[] = {"debug", "info", "notice", "warning", "error", NULL};
static const char *const format_names[] = {"logfmt", "json", NULL};

static bool check_name(const char *flag, const char *const *names, const char *text)
{
    if (index_of(names, text) >= 0)
        return true;
    fprintf(stderr, "cloudseedd: %s '%s': expected one of:", flag, text);
    for (int i = 0; names[i]; i++)
        fprintf(stderr, " %s", names[i]);
    fputc('\n', stderr);
    return false;
}

static bool take(struct options *o, int option, const char *value)
{
    switch (option) {
    case OPT_CONFIG: o->config = value; return true;
    case OPT_SEED: o->seed = value; return true;
    case OPT_TEMPLATES: o->templates = value; return true;
    case OPT_STATE: o->state = value; return true;
    case OPT_ASSETS: o->assets = value; return true;
    case OPT_SOCKET: o->socket = value; return true;
    case OPT_USER: o->user = value; return true;
    case OPT_RESTORE: o->restore = value; return true;
    case OPT_SEALING_KEY: o->sealing_key = value; return true;
    case OPT_CHECK: o->check = true; return true;
    case OPT_RECOVERY: o->recovery = true; return true;
    case OPT_HTTP:
        return add_endpoint("--http", "10.0.10.5:8080 or [::]:8080", value, o->http, &o->http_n);
    case OPT_HTTPS:
        return add_endpoint("--https", "10.0.10.5:8443 or [::]:8443", value, o->https, &o->https_n);
    case OPT_ADMIN:
        return add_endpoint("--admin", "10.0.10.5:8444 or [::]:8444", value, o->admin, &o->admin_n);
    case OPT_TFTP:
        return add_endpoint("--tftp", "10.0.10.5:69 or [::]:69", value, o->tftp, &o->tftp_n);
    case OPT_URL:
        o->url = value;
        return config_url_valid(str_from(value)) ||
               (fprintf(stderr, "cloudseedd: --url '%s': expected http://HOST:PORT\n", value),
                false);
    case OPT_LOG_LEVEL: o->log_level = value; return check_name("--log-level", level_names, value);
    case OPT_LOG_FORMAT:
        o->log_format = value;
        return check_name("--log-format", format_names, value);
    default: return false; /* getopt_long has reported it */
    }
}

enum options_verdict options_parse(int argc, char **argv, struct options *ret)
{
    struct options o = {0};
    int option;
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (option == OPT_HELP || option == OPT_VERSION) {
            fputs(option == OPT_HELP ? usage : "cloudseedd " CLOUDSEED_VERSION "\n", stdout);
            return OPTIONS_DONE;
        }
        if (!take(&o, option, optarg)) {
            fputs("Try 'cloudseedd --help'.\n", stderr);
            return OPTIONS_WRONG;
        }
    }
    if (optind < argc) {
        fprintf(stderr,
                "cloudseedd: '%s': cloudseedd takes options only, no arguments\n"
                "Try 'cloudseedd --help'.\n",
                argv[optind]);
        return OPTIONS_WRONG;
    }
    if (o.sealing_key && !o.restore) {
        fputs("cloudseedd: --sealing-key is for --restore; else the configuration's sealing_key "
              "names it\n",
              stderr);
        return OPTIONS_WRONG;
    }
    *ret = o;
    return OPTIONS_RUN;
}

static void override(struct str *field, const char *given)
{
    if (given)
        *field = str_from(given);
}

/* "memory:DIR" is not in --help: HACKING.md says what it is for. */
static void apply_state(const char *given, struct config *c)
{
    static const struct str memory = {"memory:", 7};
    if (!given)
        return;
    c->volatile_state = str_starts(str_from(given), memory);
    c->state_dir = str_from(c->volatile_state ? given + memory.n : given);
}

void options_apply(const struct options *o, struct config *c)
{
    override(&c->seed_dir, o->seed);
    override(&c->templates_dir, o->templates);
    apply_state(o->state, c);
    override(&c->assets_dir, o->assets);
    override(&c->socket, o->socket);
    override(&c->url, o->url);
    while (c->url.n && c->url.p[c->url.n - 1] == '/')
        c->url.n--;
    if (o->user) {
        c->user = str_from(o->user);
        c->group = STR("");
    }
    if (o->http_n) {
        c->http = o->http;
        c->http_n = o->http_n;
    }
    if (o->https_n) {
        c->https = o->https;
        c->https_n = o->https_n;
    }
    if (o->admin_n) {
        c->admin = o->admin;
        c->admin_n = o->admin_n;
    }
    if (o->tftp_n) {
        c->tftp = o->tftp;
        c->tftp_n = o->tftp_n;
    }
    if (o->log_level)
        c->log.level = (enum log_level)index_of(level_names, o->log_level);
    if (o->log_format)
        c->log.format = (enum log_format)index_of(format_names, o->log_format);
}
