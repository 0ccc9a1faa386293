/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/loader.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/privileges.h"
#include "daemon/reload.h"
#include "daemon/report.h"
#include "daemon/restore.h"
#include "daemon/service.h"
#include "net/datagram.h"
#include "net/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define CONFIG_ARENA_BYTES 4096

/* What is wrong with the configuration is told in the format that the flags ask for. */
static void begin_log(const struct options *o)
{
    struct config c = {.log = {.format = LOG_LOGFMT, .level = LOG_INFO}};
    options_apply(o, &c);
    log_init(c.log.format, c.log.level);
}

static int read_config(const struct options *o, struct arena *arena, struct config *ret)
{
    struct faults faults;
    begin_log(o);
    faults_init(&faults);
    int r = config_load(o->config, &faults, arena, ret);
    if (r == 0) {
        options_apply(o, ret);
        log_init(ret->log.format, ret->log.level);
    }
    report_faults(&faults);
    faults_done(&faults);
    return r;
}

/* Mostly below /run, which is empty after each boot: its last folder is ours to make. */
static int make_folder(const struct config *c, struct err *e)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s", c->socket.p);
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return 0;
    *slash = '\0';
    if (mkdir(path, 0755) < 0)
        return errno == EEXIST ? 0
                               : err_errno(e, -errno,
                                           "cannot make %s, the folder of the admins' socket; "
                                           "--socket names another place",
                                           path);
    chmod(path, 0755);
    return privileges_share(path, c->user, c->group, e);
}

static int open_admin_socket(const struct config *c, struct service_sockets *ret, struct err *e)
{
    int r = make_folder(c, e);
    if (r < 0)
        return r;
    int fd = socket_listen_unix(c->socket.p, 0660, e);
    if (fd < 0)
        return fd;
    ret->fd[ret->n++] = fd;
    ret->path = c->socket.p;
    return privileges_share(c->socket.p, c->user, c->socket_group.n ? c->socket_group : c->group,
                            e);
}

static int add_socket(int fd, struct service_sockets *ret)
{
    if (fd >= 0)
        ret->fd[ret->n++] = fd;
    return fd < 0 ? fd : 0;
}

static int adopt(int fd, struct err *e)
{
    return datagram_is(fd) ? datagram_adopt(fd, e) : socket_adopt(fd, e);
}

static int open_passed(unsigned n, struct service_sockets *ret, struct err *e)
{
    int r = 0;
    for (unsigned i = 0; i < n && r == 0; i++)
        r = add_socket(adopt(NOTIFY_FIRST_FD + (int)i, e), ret);
    return r;
}

static bool has(const struct service_sockets *s, bool (*kind)(int fd))
{
    bool any = false;
    for (unsigned i = 0; i < s->n; i++)
        any |= kind(s->fd[i]);
    return any;
}

/* Sockets that a supervisor passed win over those of the same kind that the configuration names. */
static int open_sockets(const struct config *c, struct service_sockets *ret, struct err *e)
{
    unsigned passed = notify_passed_sockets();
    if ((passed ? passed : c->http_n) + c->tftp_n >= SERVICE_SOCKETS_MAX)
        return err_set(e, -E2BIG, "at most %d sockets", SERVICE_SOCKETS_MAX - 1);
    int r = open_passed(passed, ret, e);
    bool has_tftp = has(ret, datagram_is);
    for (uint32_t i = 0; i < c->http_n && !passed && r == 0; i++)
        r = add_socket(socket_listen(c->http[i], e), ret);
    for (uint32_t i = 0; i < c->tftp_n && !has_tftp && r == 0; i++)
        r = add_socket(datagram_listen(c->tftp[i], e), ret);
    if (r < 0 || has(ret, socket_is_unix) || str_is(c->socket, "none"))
        return r;
    return open_admin_socket(c, ret, e);
}

static uint64_t descriptors_for(const struct config *c)
{
    return c->limits.connections + (c->tftp_n ? 2 * (uint64_t)c->limits.tftp_transfers : 0);
}

static void tell_few_descriptors(const struct config *c)
{
    uint64_t have = privileges_raise_descriptors(descriptors_for(c));
    if (have < descriptors_for(c))
        log_warning("few-descriptors", LOG_NUMBER("have", have),
                    LOG_NUMBER("connections", c->limits.connections),
                    LOG_TEXT("advice", STR("raise LimitNOFILE or lower limits.connections")));
}

/* The order matters: sockets may want root, everything read from disk is read as whoever will read
 * it again at a reload. */
static int serve(const struct config *c, struct err *e)
{
    struct service_sockets sockets = {.n = 0};
    struct state state = {.lock = -1};
    struct snapshot *first;
    umask(S_IRWXG | S_IRWXO);
    tell_few_descriptors(c);
    int r = open_sockets(c, &sockets, e);
    if (r == 0)
        r = privileges_drop(c->user, c->group, e);
    if (r < 0)
        return r;
    r = state_open(&state, c, e);
    if (r == 0)
        r = loader_start(c, &state, &first, e);
    if (r == 0)
        r = service_run(c, first, &state, &sockets, e);
    state_close(&state);
    return r;
}

static int check_nodes(const struct tree *t, struct faults *faults, struct check_result *ret)
{
    const struct check_run run = {.now_s = clock_wall_s()};
    struct scope_tables *tables = scope_tables_new(t);
    int r = check_tree(t, tables, &run, faults, ret);
    scope_tables_free(tables);
    return r < 0 ? r : ret->faulty ? -EINVAL : 0;
}

static int check(const struct config *c)
{
    struct faults faults;
    struct check_result result = {0};
    struct tree *tree = NULL;
    faults_init(&faults);
    int r = tree_load(c->seed_dir.p, c->templates_dir.p, &faults, &tree);
    if (r == 0)
        secret_check(c, tree, &faults);
    if (r == 0)
        r = check_nodes(tree, &faults, &result);
    if (faults.errors)
        r = -EINVAL;
    report_faults(&faults);
    if (tree)
        log_notice("checked", LOG_NUMBER("nodes", tree_node_count(tree)),
                   LOG_NUMBER("faulty", result.faulty));
    tree_free(tree);
    faults_done(&faults);
    return r;
}

static int restore(const struct config *c, const struct options *o)
{
    struct err e;
    int r = restore_run(c, o->restore, o->sealing_key, &e);
    if (r < 0)
        fprintf(stderr, "cloudseedd: nothing was restored: %s\n", e.msg);
    return r;
}

static int run(const struct config *c, const struct options *o, struct err *e)
{
    if (o->restore)
        return restore(c, o);
    return o->check ? check(c) : serve(c, e);
}

int daemon_main(int argc, char **argv)
{
    struct options options;
    struct config config;
    struct arena arena;
    struct err e = {0};
    reload_hold_signal(true);
    enum options_verdict verdict = options_parse(argc, argv, &options);
    if (verdict != OPTIONS_RUN)
        return verdict == OPTIONS_DONE ? EXIT_SUCCESS : 2;
    if (options.check || options.restore)
        reload_hold_signal(false);
    arena_init(&arena, CONFIG_ARENA_BYTES);
    int r = read_config(&options, &arena, &config);
    if (r == 0)
        r = run(&config, &options, &e);
    if (e.code)
        report_failure(&e);
    else if (r == 0 && !options.check && !options.restore)
        log_notice("stopped", LOG_TEXT("reason", STR("asked to")));
    log_drain();
    arena_done(&arena);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
