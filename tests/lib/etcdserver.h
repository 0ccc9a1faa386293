/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etcdserver: an etcd of one member for tests, on free ports and in a folder of its own.
 *
 * It ends with the process that started it, or by etcdserver_stop, and is started again where it
 * was. Its folder is in memory: it has to be quick.
 */
#ifndef CLOUDSEED_TESTS_LIB_ETCDSERVER_H
#define CLOUDSEED_TESTS_LIB_ETCDSERVER_H

#include "lib/folder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

struct etcdserver {
    char folder[64], url[64], peer_url[64];
    pid_t pid; /* 0: it does not run */
};

static inline bool etcdserver_is_installed(void)
{
    return access("/usr/bin/etcd", X_OK) == 0;
}

static inline void etcdserver_free_url(char *url, size_t size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    close(fd);
    snprintf(url, size, "http://127.0.0.1:%d", ntohs(at.sin_port));
}

/* Where etcd says that it is ready (sd_notify). */
static inline int etcdserver_notify_socket(const struct etcdserver *s)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%s/notify", s->folder);
    unlink(at.sun_path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    return fd;
}

static inline void etcdserver_exec(const struct etcdserver *s, const char *quota)
{
    char cluster[96], log[96];
    snprintf(cluster, sizeof(cluster), "default=%s", s->peer_url);
    snprintf(log, sizeof(log), "%s/log", s->folder);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(fd, STDERR_FILENO);
    dup2(fd, STDOUT_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl("/usr/bin/etcd", "etcd", "--data-dir", s->folder, "--listen-client-urls", s->url,
          "--advertise-client-urls", s->url, "--listen-peer-urls", s->peer_url,
          "--initial-advertise-peer-urls", s->peer_url, "--initial-cluster", cluster,
          "--heartbeat-interval", "10", "--election-timeout", "100", "--quota-backend-bytes", quota,
          NULL);
    _exit(127);
}

/* With a bound on what it keeps; "0": its default. */
static inline void etcdserver_start(struct etcdserver *s, const char *quota)
{
    int notify = etcdserver_notify_socket(s);
    struct pollfd p = {.fd = notify, .events = POLLIN};
    s->pid = fork();
    if (s->pid == 0)
        etcdserver_exec(s, quota);
    assert_int_equal(poll(&p, 1, 30000), 1);
    close(notify);
    unsetenv("NOTIFY_SOCKET");
}

static inline void etcdserver_init(struct etcdserver *s)
{
    *s = (struct etcdserver){.folder = "/dev/shm/cloudseed-test-XXXXXX"};
    assert_non_null(mkdtemp(s->folder));
    etcdserver_free_url(s->url, sizeof(s->url));
    etcdserver_free_url(s->peer_url, sizeof(s->peer_url));
}

static inline void etcdserver_stop(struct etcdserver *s)
{
    if (!s->pid)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

static inline void etcdserver_done(struct etcdserver *s)
{
    etcdserver_stop(s);
    nftw(s->folder, folder_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
