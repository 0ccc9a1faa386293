/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff/diff.h"

#include "base/fs.h"
#include "cli/common/folder.h"
#include "cli/common/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define BEFORE "before"
#define NOW "now"
#define NAME_SIZE 16
#define DIFF_TROUBLE 2 /* exit status of an error; 1 means that there are differences */

static int put(const struct hunks *h, const char *side, struct str text, struct err *e)
{
    char path[4096], name[NAME_SIZE];
    snprintf(path, sizeof(path), "%s/%s", h->folder, side);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_errno(e, -errno, "%s", path);
    if (!text.p)
        return 0;
    /* Ten digits, so that diff's order by name is the numeric order. */
    snprintf(name, sizeof(name), "%010u", h->n);
    return fs_put(path, str_from(name), text, e);
}

int hunks_add(struct hunks *h, struct str before, struct str now, struct err *e)
{
    int r = put(h, BEFORE, before, e);
    if (r == 0)
        r = put(h, NOW, now, e);
    if (r < 0)
        return r;
    h->n++;
    h->bytes += before.n + now.n;
    return 0;
}

static bool begins_pair(struct str line)
{
    return str_starts(line, STR("diff "));
}

/* The number at the end of the line "diff … FOLDER/0000000012". */
static uint32_t number_of(struct str line)
{
    uint32_t number = 0;
    for (size_t i = line.n < 10 ? 0 : line.n - 10; i < line.n; i++)
        number = number * 10 + (uint32_t)(line.p[i] - '0');
    return number;
}

/* Splits diff's output. Lines of a text have a prefix, so none looks like the line before a pair.
 */
static void split(struct str said, void (*on_hunks)(void *, uint32_t, struct str), void *cls)
{
    struct str rest = said;
    while (rest.n) {
        uint32_t number = number_of(str_cut(&rest, '\n'));
        while (rest.n && rest.p[0] != '@' && !begins_pair(rest))
            str_cut(&rest, '\n'); /* "--- FILE", "+++ FILE" */
        struct str hunks = {rest.p, 0};
        while (rest.n && !begins_pair(rest)) {
            struct str line = str_cut(&rest, '\n');
            hunks.n = (size_t)(line.p - hunks.p) + line.n + 1;
        }
        on_hunks(cls, number, hunks);
    }
}

static int forget(struct hunks *h, struct err *e)
{
    static const char *const sides[] = {BEFORE, NOW};
    char path[4096];
    h->n = 0;
    h->bytes = 0;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", h->folder, sides[i]);
        int r = folder_remove(path, e);
        if (r < 0)
            return r;
    }
    return 0;
}

int hunks_take(struct hunks *h, void (*on_hunks)(void *cls, uint32_t number, struct str hunks),
               void *cls, struct err *e)
{
    char before[4096], now[4096];
    struct spawned diff;
    if (h->n == 0)
        return 0;
    snprintf(before, sizeof(before), "%s/" BEFORE, h->folder);
    snprintf(now, sizeof(now), "%s/" NOW, h->folder);
    const char *const argv[] = {"diff",   "--recursive", "--unified", "--new-file",
                                "--text", before,        now,         NULL};
    int r = spawn_run(argv, 0, &diff, e);
    struct str why = spawned_reason(&diff);
    if (r == 0 && diff.status >= DIFF_TROUBLE)
        r = err_set(e, -EIO, "diff: %.*s", STR_ARG(why));
    if (r == 0 && diff.out.full)
        r = err_set(e, -EFBIG, "diff: it has too much to say");
    if (r == 0)
        split(buf_view(&diff.out), on_hunks, cls);
    spawned_done(&diff);
    return r < 0 ? r : forget(h, e);
}
