/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/carry.h"

#include "base/fs.h"
#include "base/mem.h"
#include "store/statefile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES 65536

enum { UNDER_WAY, COMPLETE, REFUSED };

struct carry {
    int fd;
    char *to;
    atomic_int stage;
    atomic_int users; /* the writer and the thread */
    atomic_bool ended;
    int result; /* these are the thread's until it has ended */
    uint64_t bytes;
    struct err why;
};

static void release(struct carry *c)
{
    if (atomic_fetch_sub(&c->users, 1) > 1)
        return;
    close(c->fd);
    free(c->to);
    free(c);
}

static int copy_bytes(struct carry *c, int to)
{
    char chunk[CHUNK_BYTES];
    ssize_t n;
    while ((n = pread(c->fd, chunk, sizeof(chunk), (off_t)c->bytes)) > 0) {
        if (atomic_load(&c->stage) == REFUSED)
            return -ECANCELED;
        int r = fs_write(to, (struct str){chunk, (size_t)n});
        if (r < 0)
            return r;
        c->bytes += (uint64_t)n;
    }
    return n < 0 || fsync(to) < 0 ? -errno : 0;
}

/* close() reports what a share could not store. */
static int fill(struct carry *c)
{
    int to = open(c->to, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    int r = to < 0 ? -errno : copy_bytes(c, to);
    if (to >= 0 && close(to) < 0 && r == 0)
        r = -errno;
    return r < 0 ? err_errno(&c->why, r, "%s", c->to) : fs_sync_parent(c->to, &c->why);
}

static void *run(void *carry)
{
    struct carry *c = carry;
    int under_way = UNDER_WAY;
    c->result = statefile_create(c->to, &c->why);
    bool made = c->result == 0;
    if (made)
        c->result = fill(c);
    bool wanted = c->result == 0 && atomic_compare_exchange_strong(&c->stage, &under_way, COMPLETE);
    if (made && !wanted)
        unlink(c->to);
    atomic_store(&c->ended, true);
    release(c);
    return NULL;
}

struct carry *carry_start(int fd, const char *to, struct err *e)
{
    struct carry *c = MEM_NEW(struct carry);
    sigset_t all, before;
    pthread_t thread;
    c->fd = fd;
    c->to = mem_copy(to, strlen(to));
    atomic_store(&c->users, 2);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&thread, NULL, run, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r == 0) {
        pthread_detach(thread);
        return c;
    }
    err_errno(e, -r, "a thread for the backup");
    atomic_store(&c->users, 1);
    release(c);
    return NULL;
}

bool carry_ended(const struct carry *c)
{
    return atomic_load(&c->ended);
}

bool carry_refuse(struct carry *c)
{
    int under_way = UNDER_WAY;
    return atomic_compare_exchange_strong(&c->stage, &under_way, REFUSED) || under_way == REFUSED;
}

const char *carry_path(const struct carry *c)
{
    return c->to;
}

int carry_result(const struct carry *c, uint64_t *ret_bytes, struct err *e)
{
    assert(carry_ended(c));
    if (c->result < 0)
        *e = c->why;
    else
        *ret_bytes = c->bytes;
    return c->result;
}

void carry_free(struct carry *c)
{
    if (c)
        release(c);
}
