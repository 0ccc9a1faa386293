/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store [SECONDS [FOLDER]]: commits a second of the store, one line for each number of producers.
 *
 * A commit is what a phone-home does: one record rewritten, one event. A producer has one commit
 * under way at a time, so the number of producers bounds how many share a wait for the disk. The
 * last column of figures is the store in memory, asked in the same way.
 */
#include "port/store.h"
#include "base/clock.h"
#include "store/memory.h"
#include "store/sqlite/sqlite.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define PRODUCERS_MAX 1000

static int wake_fd;
static uint64_t revisions[PRODUCERS_MAX];

static void wake(void *cls)
{
    (void)cls;
    eventfd_write(wake_fd, 1);
}

static void produce(struct store *s, uint64_t producer)
{
    static const char body[] = "{\"name\":\"k8s-worker-2\",\"state\":\"up\",\"generation\":3,"
                               "\"uuid\":\"f7a5b4e2-30b1-4d3e-9f0a-6d1f2e3a4b5c\",\"keys\":["
                               "\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvb2JhcmJhemZvb2Jhcg\"]}";
    char key[STR_U64_SIZE];
    struct str name = str_of_u64(producer, key);
    struct store_write w = {STORE_PUT, STR("node"), name, revisions[producer], STR(body)};
    struct store_event ev = {clock_wall_ms(), name, STR("phone-home"), STR(body)};
    struct store_txn t = {
        .tag = producer, .writes = &w, .n_writes = 1, .events = &ev, .n_events = 1};
    if (store_commit(s, &t) < 0)
        abort();
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void await(void)
{
    struct pollfd p = {.fd = wake_fd, .events = POLLIN};
    eventfd_t count;
    poll(&p, 1, -1);
    eventfd_read(wake_fd, &count);
}

/* Commits a second; CPU microseconds a commit. */
static double run(struct store *s, uint64_t producers, double seconds, double *ret_cpu_us)
{
    uint64_t done = 0, under_way = producers;
    double cpu = cpu_seconds();
    uint64_t begin = clock_monotonic_us(), end = begin + (uint64_t)(seconds * 1e6);
    memset(revisions, 0, sizeof(revisions));
    for (uint64_t i = 0; i < producers; i++) {
        revisions[i] = STORE_ANY;
        produce(s, i);
    }
    while (under_way) {
        struct store_notice *n = store_take(s);
        if (!n) {
            await();
            continue;
        }
        if (n->about == STORE_COMMIT) {
            uint64_t producer = n->tag;
            if (n->result != STORE_OK) {
                fprintf(stderr, "store: %s\n", n->err.msg);
                exit(1);
            }
            revisions[producer] = n->revision;
            under_way--;
            done++;
            if (clock_monotonic_us() < end) {
                produce(s, producer);
                under_way++;
            }
        }
        store_notice_free(s, n);
    }
    *ret_cpu_us = (cpu_seconds() - cpu) * 1e6 / (double)done;
    return (double)done * 1e6 / (double)(clock_monotonic_us() - begin);
}

static struct store *open_file(const char *path)
{
    struct store *s;
    struct err e;
    struct sqlite_options o = {.path = path, .keep = {.max_events = {200000}}};
    if (sqlite_open(&o, &s, &e) < 0) {
        fprintf(stderr, "store: %s\n", e.msg);
        exit(1);
    }
    return s;
}

int main(int argc, char **argv)
{
    static const uint64_t producers[] = {1, 10, 100, 1000};
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 3;
    const char *folder = argc > 2 ? argv[2] : ".";
    char path[512];
    snprintf(path, sizeof(path), "%s/store-bench-%d.db", folder, (int)getpid());
    wake_fd = eventfd(0, EFD_CLOEXEC);
    struct store *file = open_file(path);
    struct store *memory =
        memory_new((struct store_limits){0}, (struct store_retention){.max_events = {1000, 1000}});
    store_start(file, wake, NULL, NULL);
    store_start(memory, wake, NULL, NULL);
    printf("%9s %10s %8s %7s %12s %8s\n", "producers", "commits/s", "CPU us", "group",
           "in memory/s", "CPU us");
    for (size_t i = 0; i < sizeof(producers) / sizeof(producers[0]); i++) {
        struct store_stats before, after;
        double cpu_us, memory_cpu_us;
        store_stats(file, &before);
        double rate = run(file, producers[i], seconds, &cpu_us);
        store_stats(file, &after);
        double memory_rate = run(memory, producers[i], seconds / 4, &memory_cpu_us);
        printf("%9d %10.0f %8.1f %7.1f %12.0f %8.1f\n", (int)producers[i], rate, cpu_us,
               (double)(after.commits - before.commits) / (double)(after.groups - before.groups),
               memory_rate, memory_cpu_us);
        fflush(stdout);
    }
    store_close(file);
    store_close(memory);
    unlink(path);
    return 0;
}
