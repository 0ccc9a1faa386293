/* SPDX-License-Identifier: Apache-2.0 */
#include "core/assets.h"

#include "base/buf.h"
#include "base/mem.h"
#include "core/answer.h"
#include "core/assetfile.h"
#include "port/closer.h"
#include "wire/negotiate.h"
#include "wire/range.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What the exchange keeps of it, in its arena. */
struct asset_answer {
    struct asset_request *request;
    struct exchange_file file;
    struct str name;
};

/* It outlives the exchange where the share keeps it: then nobody waits for it any more. */
struct asset_request {
    struct work work;
    const struct work_port *port;
    struct waiter waiter;
    enum { OPENING, LATE, OPENED } state;
    bool abandoned;
    int result;
    struct asset asset;
    const char *folder; /* the configuration's: it stays */
    char name[];
};

static const char late_text[] =
    "the assets folder does not answer: its share may be gone; try again later";

/* --- Opening ---------------------------------------------------------------------------------- */

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

/* --- Answering -------------------------------------------------------------------------------- */

const char *asset_type(struct str name)
{
    static const struct {
        struct str ending;
        const char *type;
    } types[] = {
        /* UEFI's HTTP boot goes by these: EDK2, NetworkPkg/HttpBootDxe. */
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

static void unavailable(struct exchange *x, const char *reason)
{
    answer_refuse(x, 503, reason);
    x->out.retry_after_s = 1;
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
    case -ENOTCONN: unavailable(x, "the assets folder cannot be opened"); break;
    case -ETIMEDOUT: unavailable(x, late_text); break;
    default:
        unavailable(x, arena_printf(&x->arena, "the assets folder fails: %s", strerror(-error)).p);
    }
}

/* Files are replaced by rename: another file is another inode, and has another time. */
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

/* The file is the exchange's from here on. */
static void answer_file(struct exchange *x, struct asset_answer *answer, struct asset *a)
{
    answer->file.remote = a->remote;
    answer->file.fd = a->fd;
    a->fd = -1;
    x->out.type = asset_type(answer->name);
    x->out.cache = "no-cache";
    x->out.accept_ranges = true;
    x->out.event = "served";
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
        unavailable(x, late_text);
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

enum exchange_verdict asset_answer(struct exchange *x, const char *folder, struct str name,
                                   const struct work_port *work)
{
    struct asset_answer *answer = ARENA_NEW(&x->arena, struct asset_answer);
    x->out.file = name;
    answer->name = name;
    answer->file.fd = -1;
    answer->request = work ? request_start(x, folder, name, work) : NULL;
    if (!answer->request) {
        unavailable(x, late_text);
        return EXCHANGE_DONE;
    }
    exchange_at_end(x, on_end, answer);
    return exchange_wait(x, on_opened, answer);
}
