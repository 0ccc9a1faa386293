/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "base/fs.h"
#include "tree/overlay.h"
#include "tree/reference.h"
#include "tree/types.h"

#include <errno.h>

#define FILE_MAX_BYTES (1024 * 1024)
#define FILE_CHUNK_BYTES (64 * 1024)
#define SECRET_NAME_MAX_BYTES 128

static const char *const format_names[] = {
    [LOG_LOGFMT] = "logfmt", [LOG_JSON] = "json", [LOG_JSON + 1] = NULL};
static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",     [LOG_INFO] = "info",   [LOG_NOTICE] = "notice",
    [LOG_WARNING] = "warning", [LOG_ERROR] = "error", [LOG_ERROR + 1] = NULL};

static const struct schema_field log_fields[] = {
    {.name = "format",
     .type = &schema_enum,
     .names = format_names,
     SCHEMA_MEMBER(struct config_log, format),
     .fallback = "logfmt",
     .help = "One line for each event on standard error, as `key=value` or as JSON."},
    {.name = "level",
     .type = &schema_enum,
     .names = level_names,
     SCHEMA_MEMBER(struct config_log, level),
     .fallback = "info",
     .help = "What is below it is not written."},
};

static const struct schema log_schema = {
    .title = "log",
    .help = "What is logged, and how.",
    .size = sizeof(struct config_log),
    SCHEMA_FIELDS(log_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = SCHEMA_NOT_KEPT,
};

static bool is_identifier(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char lower = (char)(s.p[i] | 0x20);
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        if (!(lower >= 'a' && lower <= 'z') && s.p[i] != '_' && !(digit && i > 0))
            return false;
    }
    return s.n > 0 && s.n <= SECRET_NAME_MAX_BYTES;
}

static bool read_identifier(struct schema_reader *r, const struct schema_field *f,
                            const struct yaml_node *y, void *out)
{
    if (!is_identifier(yaml_text(y)))
        return schema_refuse(r, f, y);
    *(struct str *)out = intern_str(r->texts, yaml_text(y));
    return true;
}

static const struct schema_type identifier = {
    .what = "a name of letters, digits and _, like registry_password",
    .size = sizeof(struct str),
    .read = read_identifier,
};

static const struct schema_field secret_fields[] = {
    {.name = "file",
     .type = &schema_path,
     SCHEMA_MEMBER(struct config_secret, file),
     .help = "A file that holds the value; others than its owner and group must not be able to "
             "read it.",
     .example = "/etc/cloudseed/secrets/registry"},
    {.name = "env",
     .type = &identifier,
     SCHEMA_MEMBER(struct config_secret, env),
     .help = "A variable of the daemon's environment.",
     .example = "REGISTRY_PASSWORD"},
    {.name = "command",
     .type = &schema_text,
     .shape = SCHEMA_LIST,
     .max = 64,
     SCHEMA_MEMBER_N(struct config_secret, command),
     .help = "A program that prints the value, and its arguments. No shell is used; it has 10 "
             "seconds, and of the environment only PATH and HOME, the home of the daemon's user.",
     .example = "[/usr/bin/pass, show, registry]"},
};

static void check_secret(struct schema_reader *r, const struct yaml_node *y, const void *made)
{
    const struct config_secret *s = made;
    if ((s->file.n > 0) + (s->env.n > 0) + (s->command_n > 0) != 1)
        fault_add(r->faults, schema_place(r, y, NULL, 0),
                  "secret: it takes exactly one of file, env and command");
    else if (s->command_n && s->command[0].p[0] != '/')
        fault_add(r->faults, schema_place(r, y, "command", 0),
                  "command: the program must be named with its whole path, like /usr/bin/pass");
}

static const struct schema secret_schema = {
    .title = "secret",
    .help = "Where the value of a secret comes from: exactly one of these.",
    .size = sizeof(struct config_secret),
    SCHEMA_FIELDS(secret_fields),
    .name_offset = offsetof(struct config_secret, name),
    .name_type = &identifier,
    .place_offset = offsetof(struct config_secret, at),
    .check = check_secret,
};

static const struct schema_field limit_fields[] = {
    {.name = "connections",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_limits, connections),
     .min = 1,
     .max = 100000,
     .fallback = "10000",
     .help = "Connections at a time; each takes a file descriptor. Where half of them are taken, "
             "an address that has 8 gets no more."},
    {.name = "connections_per_address",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_limits, connections_per_address),
     .min = 1,
     .max = 100000,
     .fallback = "512",
     .help = "The same from one address: many machines may stand behind one router."},
    {.name = "request_seconds",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_limits, request_seconds),
     .min = 1,
     .max = 3600,
     .fallback = "30",
     .help = "How long a request may take to come in whole."},
    {.name = "answer_seconds",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_limits, answer_seconds),
     .min = 1,
     .max = 86400,
     .fallback = "300",
     .help = "How long a client may take to receive its answer; of an asset, it must take "
             "16 kB for each second of it, and may then go on."},
    {.name = "shutdown_seconds",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_limits, shutdown_seconds),
     .min = 0,
     .max = 600,
     .fallback = "10",
     .help = "How long requests under way may take once the daemon was asked to stop."},
    {.name = "hold_seconds",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_limits, hold_seconds),
     .min = 0,
     .max = 50,
     .fallback = "45",
     .help = "How long a node that must wait for its cluster is held before it must ask "
             "again, in steps of 15 seconds; 0: not at all."},
    {.name = "tftp_transfers",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_limits, tftp_transfers),
     .min = 1,
     .max = 10000,
     .fallback = "1000",
     .help = "Files sent by TFTP at a time; each takes two file descriptors."},
    {.name = "tftp_transfers_per_address",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_limits, tftp_transfers_per_address),
     .min = 1,
     .max = 10000,
     .fallback = "64",
     .help = "The same to one address."},
    {.name = "tftp_windowsize",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_limits, tftp_windowsize),
     .min = 1,
     .max = 64,
     .fallback = "16",
     .help = "How many blocks a TFTP client may have on their way, if it asks for that many."},
};

static const struct schema limits_schema = {
    .title = "limits",
    .help = "What a peer may take of us.",
    .size = sizeof(struct config_limits),
    SCHEMA_FIELDS(limit_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = SCHEMA_NOT_KEPT,
};

static const struct schema_field history_fields[] = {
    {.name = "days",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_history, days),
     .min = 1,
     .max = 36500,
     .fallback = "90",
     .help = "Events that are older go, but for the newest 10,000: the clock may jump."},
    {.name = "events",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_history, events),
     .min = 10000,
     .max = 100000000,
     .fallback = "1000000",
     .help = "State changes, alarms and what admins did: of more than these the oldest go. A boot "
             "makes some 5; each takes about 300 bytes."},
    {.name = "reports",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_history, reports),
     .min = 10000,
     .max = 100000000,
     .fallback = "1000000",
     .help = "What nodes report of their progress: of more than these the oldest go. A boot makes "
             "some 70. They take no room from `events`."},
    {.name = "per_node",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_history, per_node),
     .min = 100,
     .max = 100000000,
     .fallback = "2000",
     .help = "The most that one node has in `events`, and in `reports`: of more its own oldest go, "
             "so that it takes no room from others."},
};

static const struct schema_field audit_fields[] = {
    {.name = "days",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_audit, days),
     .min = 1,
     .max = 36500,
     .fallback = "90",
     .help = "Entries that are older go, but for the newest 10,000: the clock may jump."},
    {.name = "entries",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_audit, entries),
     .min = 1000,
     .max = 100000000,
     .fallback = "100000",
     .help = "What admins did, and as many of what nodes fetched: of more than these the oldest "
             "go. A boot makes some 8; each takes about 300 bytes."},
    {.name = "refusals",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_audit, refusals),
     .min = 1000,
     .max = 100000000,
     .fallback = "20000",
     .help = "Who was refused, which anyone on the network can cause: they take no room from "
             "`entries`."},
    {.name = "per_node",
     .type = &schema_int,
     SCHEMA_MEMBER(struct config_audit, per_node),
     .min = 100,
     .max = 100000000,
     .fallback = "2000",
     .help = "The most that are kept about one node of what admins did, of what it fetched, and of "
             "refusals: of more its own oldest go."},
};

static const struct schema audit_schema = {
    .title = "audit",
    .help = "How long it is kept who asked for what.",
    .size = sizeof(struct config_audit),
    SCHEMA_FIELDS(audit_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = SCHEMA_NOT_KEPT,
};

static const struct schema history_schema = {
    .title = "history",
    .help = "How long the nodes' events are kept.",
    .size = sizeof(struct config_history),
    SCHEMA_FIELDS(history_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = SCHEMA_NOT_KEPT,
};

static const struct schema_field traces_fields[] = {
    {.name = "url",
     .type = &schema_url,
     SCHEMA_MEMBER(struct config_traces, url),
     .help =
         "A collector of OpenTelemetry, such as Tempo or Jaeger, that takes OTLP over HTTP with "
         "JSON; `/v1/traces` is appended. Each boot is sent there once it has ended.",
     .example = "http://10.0.10.7:4318"},
    {.name = "ca",
     .type = &schema_path,
     SCHEMA_MEMBER(struct config_traces, ca),
     .help = "A file in PEM: the CAs by which the collector is verified over https; without it, "
             "those of the system.",
     .example = "/etc/cloudseed/collector-ca.pem"},
};

static const struct schema traces_schema = {
    .title = "traces",
    .help = "Where boots are sent to as traces; without it, nowhere.",
    .size = sizeof(struct config_traces),
    SCHEMA_FIELDS(traces_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = SCHEMA_NOT_KEPT,
};

static const struct schema_field tls_fields[] = {
    {.name = "certificate",
     .type = &schema_path,
     SCHEMA_MEMBER(struct config_tls, certificate),
     .help = "A file in PEM: the server's certificate, then those between it and the CA.",
     .example = "/etc/cloudseed/tls/fullchain.pem"},
    {.name = "key",
     .type = &schema_path,
     SCHEMA_MEMBER(struct config_tls, key),
     .help = "A file in PEM: the certificate's private key, without a password; others than its "
             "owner and group must not be able to read it. It must be ECDSA P-256 or P-384, "
             "Ed25519, or RSA of at least 2048 bits.",
     .example = "/etc/cloudseed/tls/privkey.pem"},
    {.name = "ca",
     .type = &schema_path,
     SCHEMA_MEMBER(struct config_tls, ca),
     .help = "A file in PEM: 1 to 4 self-signed certificates of CAs, served to nodes as `/ca.pem`. "
             "The chain must lead to one of them. Without it, the last certificate of the chain.",
     .example = "/etc/cloudseed/tls/root.pem"},
};

static void check_tls(struct schema_reader *r, const struct yaml_node *y, const void *made)
{
    const struct config_tls *t = made;
    if (!t->certificate.n != !t->key.n || (t->ca.n && !t->key.n))
        fault_add(r->faults, schema_place(r, y, NULL, 0),
                  "tls: certificate and key belong together: give both, or neither (and no ca) to "
                  "use the server's own CA");
}

static const struct schema tls_schema = {
    .title = "tls",
    .help = "A certificate that you provide instead of the server's own CA. The files are read "
            "again at each reload.",
    .size = sizeof(struct config_tls),
    SCHEMA_FIELDS(tls_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = SCHEMA_NOT_KEPT,
    .check = check_tls,
};

/* Lower ports need privileges, which have been dropped when a transfer binds one. */
#define PORT_MIN 1024

static bool read_port(struct str s, uint16_t *ret)
{
    uint64_t port;
    if (!str_to_u64(s, UINT16_MAX, &port) || port < PORT_MIN)
        return false;
    *ret = (uint16_t)port;
    return true;
}

static bool read_ports(struct schema_reader *r, const struct schema_field *f,
                       const struct yaml_node *y, void *out)
{
    struct str rest = yaml_text(y);
    struct str first = str_cut(&rest, '-');
    struct config_ports ports;
    if (!rest.p || !read_port(first, &ports.first) || !read_port(rest, &ports.last) ||
        ports.first > ports.last)
        return schema_refuse(r, f, y);
    *(struct config_ports *)out = ports;
    return true;
}

static const struct schema_type ports_type = {
    .what = "two ports of 1024 or more, like 6900-6999",
    .size = sizeof(struct config_ports),
    .read = read_ports,
};

static bool read_folder(struct schema_reader *r, const struct schema_field *f,
                        const struct yaml_node *y, struct str *all)
{
    struct str one;
    if (y->kind != YAML_SCALAR || yaml_is_null(y))
        return schema_fault(r, f, y, "expected the absolute path of a folder, not %s",
                            yaml_kind_name(y));
    if (!schema_path.read(r, f, y, &one))
        return false;
    if (memchr(one.p, ':', one.n))
        return schema_fault(r, f, y, "%s has a ':' in it; rename the folder",
                            schema_quoted(r, one));
    *all = all->n ? ARENA_JOIN(r->arena, *all, STR(":"), one) : one;
    return true;
}

static bool read_folders(struct schema_reader *r, const struct schema_field *f,
                         const struct yaml_node *y, void *out)
{
    struct str all = {0};
    bool list = y->kind == YAML_SEQUENCE, ok = true;
    if (list && (y->n == 0 || y->n > OVERLAY_FOLDERS_MAX))
        return schema_fault(r, f, y, "expected 1 to %d folders", OVERLAY_FOLDERS_MAX);
    for (uint32_t i = 0; i < (list ? y->n : 1); i++)
        ok &= read_folder(r, f, list ? y->items[i] : y, &all);
    if (ok)
        *(struct str *)out = all;
    return ok;
}

static const struct schema_type folders_type = {
    .what = "an absolute path, or a list of them",
    .size = sizeof(struct str),
    .any_kind = true,
    .read = read_folders,
};

static const struct schema_field config_fields[] = {
    {.name = "seed",
     .type = &schema_path,
     SCHEMA_MEMBER(struct config, seed_dir),
     .fallback = CLOUDSEED_CONFIG_DIR "/seed",
     .help = "The seed tree: sites, clusters, roles and nodes."},
    {.name = "templates",
     .type = &folders_type,
     SCHEMA_MEMBER(struct config, templates_dir),
     .fallback = CLOUDSEED_TEMPLATES_DIR,
     .help = "The folder of the templates that roles name. Of several the first that has a file "
             "wins: put your own before those of the package.",
     .example = "[/etc/cloudseed/templates, /usr/share/cloudseed/templates]"},
    {.name = "state",
     .type = &schema_path,
     SCHEMA_MEMBER(struct config, state_dir),
     .fallback = CLOUDSEED_STATE_DIR,
     .help = "Where the server's secret and the nodes' state are kept, on a local disk; only the "
             "daemon's user may read it."},
    {.name = "assets",
     .type = &schema_path,
     SCHEMA_MEMBER(struct config, assets_dir),
     .fallback = CLOUDSEED_STATE_DIR "/assets",
     .help = "Kernels, images and boot programs, served below `/assets/` to everyone who asks; it "
             "may lie on a share. `cloudseed asset add` puts files there."},
    {.name = "sealing_key",
     .type = &schema_path,
     SCHEMA_MEMBER(struct config, sealing_key),
     .help = "The file of the key that seals what the state holds of secrets, such as a systemd "
             "credential; without it, `sealing-key` in the state folder, made at the first start.",
     .example = "/run/credentials/cloudseedd.service/sealing-key"},
    {.name = "socket",
     .type = &schema_text,
     SCHEMA_MEMBER(struct config, socket),
     .fallback = CLOUDSEED_RUNTIME_DIR "/admin.sock",
     .help = "The unix socket of admins, a path from the root on, or `none`: everyone who may "
             "open it is an admin.",
     .example = "/run/cloudseed/admin.sock"},
    {.name = "socket_group",
     .type = &schema_text,
     SCHEMA_MEMBER(struct config, socket_group),
     .help = "A group whose members are admins, beside root; without it, the daemon's own group.",
     .example = "adm"},
    {.name = "http",
     .type = &schema_endpoint,
     .shape = SCHEMA_LIST,
     .max = 64,
     SCHEMA_MEMBER_N(struct config, http),
     .fallback = "0.0.0.0:8080",
     .help = "Where machines are served. Port 0 takes a free one, which the log names.",
     .example = "[\"10.0.10.5:8080\", \"[::]:8080\"]"},
    {.name = "https",
     .type = &schema_endpoint,
     .shape = SCHEMA_LIST,
     .max = 16,
     SCHEMA_MEMBER_N(struct config, https),
     .help =
         "Where nodes are answered over TLS; without it, nowhere. Port 0 takes a free one, which "
         "the log names.",
     .example = "[\"10.0.10.5:8443\"]"},
    {.name = "admin",
     .type = &schema_endpoint,
     .shape = SCHEMA_LIST,
     .max = 16,
     SCHEMA_MEMBER_N(struct config, admin),
     .help = "Where admins with a token are answered over TLS (`cloudseed token create`, then "
             "`cloudseed login` elsewhere); without it, only at the socket. Port 0 takes a free "
             "one, which the log names.",
     .example = "[\"10.0.10.5:8444\"]"},
    {.name = "tftp",
     .type = &schema_endpoint,
     .shape = SCHEMA_LIST,
     .max = 16,
     SCHEMA_MEMBER_N(struct config, tftp),
     .help = "Where the assets are served by TFTP to firmware; without it, nowhere. Port 0 takes a "
             "free one, which the log names.",
     .example = "[\"10.0.10.5:69\"]"},
    {.name = "tftp_ports",
     .type = &ports_type,
     SCHEMA_MEMBER(struct config, tftp_ports),
     .help = "The UDP ports from which files are sent, one for each transfer, so that a firewall "
             "between networks can let them through; without it, any that is free.",
     .example = "6900-6999"},
    {.name = "proxies",
     .type = &schema_cidr,
     .shape = SCHEMA_LIST,
     .max = 64,
     SCHEMA_MEMBER_N(struct config, proxies),
     .help = "Networks of load balancers that pass TCP connections on: each connection from there "
             "must begin with a head of the PROXY protocol (HAProxy's `send-proxy-v2`), and counts "
             "as one of the client that the head names.",
     .example = "[10.0.10.11/32, 10.0.10.12/32]"},
    {.name = "url",
     .type = &schema_origin,
     SCHEMA_MEMBER(struct config, url),
     .help = "Where machines reach this server, instead of what the site says.",
     .example = "http://10.0.10.5:8080"},
    {.name = "user",
     .type = &schema_text,
     SCHEMA_MEMBER(struct config, user),
     .fallback = "cloudseed",
     .help = "The user to become when started as root."},
    {.name = "group",
     .type = &schema_text,
     SCHEMA_MEMBER(struct config, group),
     .help = "The only group to be a member of when started as root; without it, the "
             "user's own."},
    {.name = "secrets",
     .of = &secret_schema,
     .shape = SCHEMA_MAP,
     SCHEMA_MEMBER_N(struct config, secrets),
     .help = "What templates of `sealed/` see as `secrets.NAME`."},
    {.name = "log",
     .of = &log_schema,
     SCHEMA_MEMBER(struct config, log),
     .help = "What is logged, and how."},
    {.name = "limits",
     .of = &limits_schema,
     SCHEMA_MEMBER(struct config, limits),
     .help = "What a peer may take of us."},
    {.name = "history",
     .of = &history_schema,
     SCHEMA_MEMBER(struct config, history),
     .help = "How long the nodes' events are kept."},
    {.name = "audit",
     .of = &audit_schema,
     SCHEMA_MEMBER(struct config, audit),
     .help = "How long it is kept who asked for what."},
    {.name = "tls",
     .of = &tls_schema,
     SCHEMA_MEMBER(struct config, tls),
     .help = "A certificate of your own."},
    {.name = "traces",
     .of = &traces_schema,
     SCHEMA_MEMBER(struct config, traces),
     .help = "Where boots are sent to as traces."},
};

static void check_config(struct schema_reader *r, const struct yaml_node *y, const void *made)
{
    const struct config *c = made;
    if (!str_starts(c->socket, STR("/")) && !str_is(c->socket, "none"))
        fault_add(
            r->faults, schema_place(r, y, "socket", 0),
            "socket: '%.*s' is no absolute path, like /run/cloudseed/admin.sock, and not none",
            STR_ARG(c->socket));
    if (c->http_n == 0)
        fault_add(r->faults, schema_place(r, y, "http", 0),
                  "http: at least one address is needed, such as 0.0.0.0:8080");
}

static const struct schema config_schema = {
    .title = "configuration",
    .help = "Every key may be left out. The command line's options win over the file.",
    .size = sizeof(struct config),
    SCHEMA_FIELDS(config_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = SCHEMA_NOT_KEPT,
    .check = check_config,
};

/* The text of the file; empty if the default file does not exist. */
static int read_text(const char *path, struct faults *faults, struct arena *a, struct str *ret)
{
    const char *file = path ? path : CONFIG_PATH_DEFAULT;
    int r = fs_read(file, FILE_MAX_BYTES, a, ret, NULL);
    if (r == -ENOENT && (!path || !*path)) {
        *ret = STR("");
        return 0;
    }
    if (r < 0)
        fault_add(faults, (struct place){.file = file}, "%s",
                  r == -ENOENT ? "there is no such file; --config names cloudseedd's configuration"
                  : r == -EINVAL || r == -EISDIR
                      ? "not a regular file; --config names cloudseedd's configuration"
                      : strerror(-r));
    return r;
}

static void read_config(const char *path, struct faults *faults, struct arena *file,
                        struct arena *arena, struct config *ret)
{
    struct str text;
    struct intern texts;
    const struct yaml_node *root;
    if (read_text(path, faults, file, &text) < 0)
        return;
    struct schema_reader reader = {
        .file = arena_str(arena, str_from(path ? path : CONFIG_PATH_DEFAULT)).p,
        .arena = arena,
        .texts = &texts,
        .faults = faults};
    if (yaml_parse(reader.file, text, file, faults, &root) < 0)
        return;
    intern_init(&texts, arena);
    schema_read(&reader, &config_schema, root, ret);
    intern_done(&texts);
}

int config_load(const char *path, struct faults *faults, struct arena *arena, struct config *ret)
{
    struct arena file;
    struct config made = {0};
    size_t errors = faults->errors;
    arena_init(&file, FILE_CHUNK_BYTES);
    read_config(path, faults, &file, arena, &made);
    arena_done(&file);
    faults_sort(faults);
    if (faults->errors != errors)
        return -EINVAL;
    *ret = made;
    return 0;
}

struct tree_source config_tree(const struct config *c)
{
    return (struct tree_source){c->seed_dir.p, c->templates_dir.p, c->url};
}

const struct config_secret *config_find_secret(const struct config *c, struct str name)
{
    for (uint32_t i = 0; i < c->secrets_n; i++) {
        if (str_eq(c->secrets[i].name, name))
            return &c->secrets[i];
    }
    return NULL;
}

bool config_url_valid(struct str url)
{
    return types_origin_valid(url);
}

void config_reference(struct buf *out)
{
    buf_printf(out, "<!-- Printed by `cloudseed reference config`; do not edit. -->\n"
                    "# The daemon's configuration\n\n"
                    "`cloudseedd` reads `" CONFIG_PATH_DEFAULT "`, or the file that `--config` "
                    "names.\n");
    reference_section(out, &config_schema, "`cloudseedd.yaml`");
}
