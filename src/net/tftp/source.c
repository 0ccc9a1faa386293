/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tftp/source.h"

#include "base/mem.h"
#include "port/closer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

struct tftp_source {
    struct work work; /* first: its callbacks cast it back */
    const struct work_port *port;
    struct str memory; /* p == NULL: a file */
    struct exchange_file file;
    char *bytes; /* from `at` on */
    size_t room, n;
    uint64_t at;
    size_t wanted;
    ssize_t got;
    void (*on_ready)(void *cls, int result);
    void *cls;
    bool is_reading, is_orphaned, is_late;
};

static void on_run(struct work *w);
static void on_late(struct work *w);
static void on_ended(struct work *w, bool ran);

static struct tftp_source *make(const struct work_port *port)
{
    struct tftp_source *s = MEM_NEW(struct tftp_source);
    s->work = (struct work){.run = on_run, .late = on_late, .ended = on_ended};
    s->port = port;
    s->file.fd = -1;
    return s;
}

struct tftp_source *tftp_source_of_memory(struct str bytes)
{
    struct tftp_source *s = make(NULL);
    s->memory = (struct str){bytes.n ? bytes.p : "", bytes.n};
    return s;
}

struct tftp_source *tftp_source_of_file(const struct work_port *work, struct exchange_file *file)
{
    struct tftp_source *s = make(work);
    s->file = *file;
    file->fd = -1;
    return s;
}

static void release(struct tftp_source *s)
{
    if (s->file.fd >= 0 && s->file.remote)
        closer_close(s->port, s->file.fd);
    else if (s->file.fd >= 0)
        close(s->file.fd);
    free(s->bytes);
    free(s);
}

void tftp_source_free(struct tftp_source *s)
{
    if (s && s->is_reading)
        s->is_orphaned = true;
    else if (s)
        release(s);
}

uint64_t tftp_source_length(const struct tftp_source *s)
{
    return s->memory.p ? s->memory.n : s->file.length;
}

bool tftp_source_loading(const struct tftp_source *s)
{
    return s->is_reading;
}

static size_t up_to_end(const struct tftp_source *s, uint64_t at, size_t n)
{
    uint64_t left = tftp_source_length(s) - at;
    return left < n ? (size_t)left : n;
}

bool tftp_source_at(const struct tftp_source *s, uint64_t at, size_t n, struct str *ret)
{
    n = up_to_end(s, at, n);
    if (s->memory.p) {
        *ret = (struct str){s->memory.p + at, n};
        return true;
    }
    if (n && (s->is_reading || at < s->at || at + n > s->at + s->n))
        return false;
    *ret = n ? (struct str){s->bytes + (at - s->at), n} : STR("");
    return true;
}

/* --- Reading ------------------------------------------------------------------------------- */

static ssize_t read_at(struct tftp_source *s, int flags)
{
    struct iovec part = {s->bytes, s->wanted};
    ssize_t n = preadv2(s->file.fd, &part, 1, (off_t)(s->file.offset + s->at), flags);
    return n < 0 ? -errno : n;
}

static void on_run(struct work *w)
{
    struct tftp_source *s = (struct tftp_source *)w;
    size_t n = 0;
    do {
        s->got =
            pread(s->file.fd, s->bytes + n, s->wanted - n, (off_t)(s->file.offset + s->at + n));
        if (s->got < 0)
            s->got = -errno;
        else
            n += (size_t)s->got;
    } while (s->got > 0 && n < s->wanted);
    if (s->got >= 0)
        s->got = (ssize_t)n;
}

static int take(struct tftp_source *s)
{
    s->n = s->got > 0 ? (size_t)s->got : 0;
    if (s->got < 0)
        return (int)s->got;
    return s->n < s->wanted ? -ESTALE : 0;
}

static void on_late(struct work *w)
{
    struct tftp_source *s = (struct tftp_source *)w;
    s->is_late = true;
    if (!s->is_orphaned)
        s->on_ready(s->cls, -ETIMEDOUT);
}

static void on_ended(struct work *w, bool ran)
{
    struct tftp_source *s = (struct tftp_source *)w;
    s->is_reading = false;
    if (s->is_orphaned)
        release(s);
    else if (!s->is_late)
        s->on_ready(s->cls, ran ? take(s) : -ECANCELED);
}

/* Local file systems without RWF_NOWAIT are read on the loop all the same. */
static bool read_from_cache(struct tftp_source *s)
{
    if (s->file.remote)
        return false;
    s->got = read_at(s, RWF_NOWAIT);
    if (s->got == -EOPNOTSUPP)
        s->got = read_at(s, 0);
    return s->got == (ssize_t)s->wanted || (s->got < 0 && s->got != -EAGAIN);
}

int tftp_source_load(struct tftp_source *s, uint64_t at, size_t n,
                     void (*on_ready)(void *cls, int result), void *cls)
{
    if (s->is_reading)
        return -EAGAIN;
    s->wanted = up_to_end(s, at, n);
    s->at = at;
    s->n = 0;
    if (s->wanted > s->room) {
        free(s->bytes);
        s->bytes = mem_alloc(s->wanted);
        s->room = s->wanted;
    }
    if (read_from_cache(s))
        return take(s);
    s->on_ready = on_ready;
    s->cls = cls;
    s->is_reading = s->port->start(s->port->cls, &s->work);
    return s->is_reading ? -EAGAIN : -ETIMEDOUT;
}
