/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers with files of the assets folder, whole or in parts.
 *
 * The folder may lie on a share that went away, so opening is work for another thread; what is not
 * opened in time is refused, and the loop never waits.
 */
#include "core/internal.h"

#include "base/mem.h"
#include "core/answer.h"
#include "port/closer.h"
#include "wire/negotiate.h"
#include "wire/range.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* --- Files, opened so that nothing outside the folder is reached ----------------------------- */

struct asset {
    int fd;
    uint64_t size;
    uint64_t inode;
    int64_t mtime_ns;
    bool remote; /* not on a disk of this machine: reading may hang */
};

/* File systems on a disk or in the memory of this machine. Any other counts as a share, which is
 * only slower. */
static bool is_local(const struct statfs *fs)
{
    static const unsigned long local[] = {
        0xEF53 /* ext */,       0x58465342 /* xfs */,      0x9123683E /* btrfs */,
        0x01021994 /* tmpfs */, 0x858458F6 /* ramfs */,    0x794C7630 /* overlayfs */,
        0x2FC12FC1 /* zfs */,   0xF2F52010 /* f2fs */,     0xCA451A4E /* bcachefs */,
        0x3153464A /* jfs */,   0x52654973 /* reiserfs */, 0x73717368 /* squashfs */,
        0xE0F5E1E2 /* erofs */, 0x9660 /* iso9660 */,      0x15013346 /* udf */,
        0x4D44 /* vfat */,      0x2011BAB0 /* exfat */,    0x7366746E /* ntfs3 */,
    };
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        if (((unsigned long)fs->f_type & 0xFFFFFFFF) == local[i])
            return true;
    }
    return false;
}

static int examine(int fd, struct asset *ret)
{
    struct stat st;
    struct statfs fs;
    char first;
    if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (pread(fd, &first, 1, 0) < 0)
        return -errno;
    *ret = (struct asset){
        .fd = fd,
        .size = (uint64_t)st.st_size,
        .inode = st.st_ino,
        .mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
        .remote = !is_local(&fs),
    };
    return 0;
}

/* O_NONBLOCK: opening a pipe would wait for a writer. */
static int open_below(int folder, const char *name)
{
    const struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, folder, name, &how, sizeof(how));
}

/* Opens the regular file, sees what it is, and reads its first byte: a share that is gone may open
 * and not read. Neither ".." nor a symbolic link leads out of the folder. -errno:
 * -ENOENT, -ENOTDIR  no such file;
 * -EXDEV, -ELOOP     a link that leads elsewhere;
 * -EISDIR, -EINVAL   a folder; a device, pipe or socket;
 * -EACCES            not readable;
 * -EMFILE, -ENFILE   no descriptor is left;
 * -ENOTCONN          the folder itself cannot be opened, for any other reason;
 * others             the file system's.
 * The folder is opened again each time: a share that was mounted meanwhile is seen. */
static int asset_open(const char *folder, const char *name, struct asset *ret)
{
    int base = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (base < 0)
        return errno == EMFILE || errno == ENFILE ? -errno : -ENOTCONN;
    int fd = open_below(base, name);
    int r = fd < 0 ? -errno : 0;
    close(base);
    if (r == 0)
        r = examine(fd, ret);
    if (r < 0 && fd >= 0)
        close(fd);
    return r == -ENXIO ? -EINVAL : r; /* a socket, or a device without a driver */
}

/* --- Requests -------------------------------------------------------------------------------- */

/* What the exchange keeps of it, in its arena. */
struct asset_answer {
    struct asset_request *request;
    struct exchange_file file;
    struct str name;
};

/* It outlives the exchange if the share does not answer; then it frees itself when it ends. */
struct asset_request {
    struct work work;
    const struct work_port *port;
    struct waiter waiter;
    enum { OPENING, LATE, OPENED } state;
    bool abandoned;
    int result;
    struct asset asset;
    const char *folder; /* from the configuration, which stays */
    char name[];
};

static const char late_text[] =
    "the assets folder does not answer: its share may be gone; try again later";

/* --- Opening --------------------------------------------------------------------------------- */

static void on_run(struct work *w)
{
    struct asset_request *r = (struct asset_request *)w;
    r->result = asset_open(r->folder, r->name, &r->asset);
}

static void file_close(const struct asset_request *r, int fd)
{
    if (fd >= 0 && r->asset.remote)
        closer_close(r->port, fd);
    else if (fd >= 0)
        close(fd);
}

static void request_free(struct asset_request *r)
{
    file_close(r, r->asset.fd);
    free(r);
}

static void on_late(struct work *w)
{
    struct asset_request *r = (struct asset_request *)w;
    r->state = LATE;
    if (!r->abandoned)
        waiter_wake(r->waiter);
}

static void on_ended(struct work *w, bool ran)
{
    struct asset_request *r = (struct asset_request *)w;
    if (!ran)
        r->result = -ETIMEDOUT;
    r->state = OPENED;
    if (r->abandoned)
        request_free(r);
    else
        waiter_wake(r->waiter);
}

static struct asset_request *request_start(struct exchange *x, const char *folder, struct str name,
                                           const struct work_port *port)
{
    struct asset_request *r = mem_zalloc(1, sizeof(*r) + name.n + 1);
    r->work = (struct work){.run = on_run, .late = on_late, .ended = on_ended};
    r->port = port;
    r->waiter = x->waiter;
    r->asset.fd = -1;
    r->folder = folder;
    memcpy(r->name, name.p, name.n);
    if (port->start(port->cls, &r->work))
        return r;
    free(r);
    return NULL;
}

/* --- Answering ------------------------------------------------------------------------------- */

static const char *asset_type(struct str name)
{
    static const struct {
        struct str ending;
        const char *type;
    } types[] = {
        /* UEFI's HTTP boot chooses by these: EDK2, NetworkPkg/HttpBootDxe. */
        {{".efi", 4}, "application/efi"},
        {{".iso", 4}, "application/vnd.efi-iso"},
        {{".sha256", 7}, "text/plain; charset=utf-8"},
        {{".txt", 4}, "text/plain; charset=utf-8"},
        {{".ipxe", 5}, "text/plain; charset=utf-8"},
        {{".cfg", 4}, "text/plain; charset=utf-8"},
        {{".yaml", 5}, "text/plain; charset=utf-8"},
        {{".json", 5}, "application/json"},
        {{".gz", 3}, "application/gzip"},
        {{".xz", 3}, "application/x-xz"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (str_ends(name, types[i].ending))
            return types[i].type;
    }
    return "application/octet-stream";
}

static void refuse(struct exchange *x, int error)
{
    switch (error) {
    case -ENOENT:
    case -ENOTDIR: answer_refuse(x, 404, "no such asset: 'cloudseed asset list' names all"); break;
    case -EISDIR: answer_refuse(x, 404, "this is a folder, and folders are not listed"); break;
    case -EINVAL: answer_refuse(x, 403, "only regular files are served"); break;
    case -EXDEV:
    case -ELOOP: answer_refuse(x, 403, "this link leads out of the assets folder"); break;
    case -EACCES: answer_refuse(x, 403, "the server may not read this file"); break;
    case -EMFILE:
    case -ENFILE: answer_refuse(x, 503, "no file descriptor is left: raise LimitNOFILE"); break;
    case -ENOTCONN: answer_refuse(x, 503, "the assets folder cannot be opened"); break;
    case -ENAMETOOLONG: answer_refuse(x, 404, "no asset has a name that long"); break;
    case -ETIMEDOUT: answer_refuse(x, 503, late_text); break;
    default:
        answer_refuse(x, 503,
                      arena_printf(&x->arena, "the assets folder fails: %s", strerror(-error)).p);
    }
}

/* Files are replaced by rename: a new file has another inode and another time. */
static const char *entity_tag(struct exchange *x, const struct asset *a)
{
    const uint64_t what[] = {a->size, a->inode, (uint64_t)a->mtime_ns};
    return answer_tag(x, (struct str){(const char *)what, sizeof(what)});
}

static const char *content_range(struct exchange *x, const struct range *r, uint64_t size)
{
    char text[RANGE_TEXT_SIZE];
    return arena_str(&x->arena, str_from(range_text(r, size, text))).p;
}

static void answer_part(struct exchange *x, struct asset_answer *answer, uint64_t size)
{
    struct range part = {0, size};
    bool counts =
        x->in.method == METHOD_GET && range_applies(x->in.if_range, str_from(x->out.etag));
    switch (counts ? range_parse(x->in.range, size, &part) : RANGE_WHOLE) {
    case RANGE_WHOLE: x->out.status = 200; break;
    case RANGE_PART:
        x->out.status = 206;
        x->out.content_range = content_range(x, &part, size);
        break;
    case RANGE_BEYOND:
        answer_refuse(x, 416, "the range lies beyond the file's end");
        x->out.content_range = content_range(x, NULL, size);
        return;
    }
    answer->file.offset = part.offset;
    answer->file.length = part.length;
    x->out.content = &answer->file;
}

/* Takes the file over. */
static void answer_file(struct exchange *x, struct asset_answer *answer, struct asset *a)
{
    answer->file.remote = a->remote;
    answer->file.fd = a->fd;
    a->fd = -1;
    x->out.type = asset_type(answer->name);
    x->out.cache = "no-cache";
    x->out.accept_ranges = true;
    x->out.etag = entity_tag(x, a);
    if (negotiate_etag_listed(x->in.if_none_match, str_from(x->out.etag))) {
        x->out.status = 304;
        x->out.type = NULL;
    } else {
        answer_part(x, answer, a->size);
    }
}

static enum exchange_verdict on_opened(struct exchange *x, void *state)
{
    struct asset_answer *answer = state;
    struct asset_request *r = answer->request;
    if (r->state == OPENING)
        return exchange_wait(x, on_opened, answer);
    if (r->state == LATE)
        answer_refuse(x, 503, late_text);
    else if (r->result < 0)
        refuse(x, r->result);
    else
        answer_file(x, answer, &r->asset);
    return EXCHANGE_DONE;
}

static void on_end(struct exchange *x, void *state)
{
    struct asset_answer *answer = state;
    struct asset_request *r = answer->request;
    (void)x;
    file_close(r, answer->file.fd);
    r->abandoned = true;
    if (r->state == OPENED)
        request_free(r);
}

enum exchange_verdict asset_answer(struct exchange *x, struct request_ctx *rq)
{
    const struct core_host *host = &rq->core->host;
    struct str name = rq->path.asset;
    struct asset_answer *answer = ARENA_NEW(&x->arena, struct asset_answer);
    x->out.file = name;
    answer->name = name;
    answer->file.fd = -1;
    answer->request = host->work ? request_start(x, host->assets, name, host->work) : NULL;
    if (!answer->request) {
        answer_refuse(x, 503, late_text);
        return EXCHANGE_DONE;
    }
    exchange_at_end(x, on_end, answer);
    return exchange_wait(x, on_opened, answer);
}
