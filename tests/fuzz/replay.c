/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: feeds files to a fuzz target, without a fuzzer.
 *
 * Every input lies in a block of its exact size, so that a sanitizer sees a read beyond it. With
 * arguments, those files and folders are taken; without, corpus/NAME beside the target's source,
 * where NAME is what follows "replay_" in our own name. One line of TAP for the lot.
 */
#include "base/arena.h"
#include "base/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX_BYTES (1 << 20)

static int replay_bytes(struct str s)
{
    uint8_t *copy = malloc(s.n ? s.n : 1);
    if (!copy)
        abort();
    if (s.n)
        memcpy(copy, s.p, s.n);
    LLVMFuzzerTestOneInput(copy, s.n);
    free(copy);
    return 1;
}

static int replay(const char *path, struct arena *a, struct err *e)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
        struct str bytes;
        int r = fs_read(path, INPUT_MAX_BYTES, a, &bytes, e);
        return r < 0 ? r : replay_bytes(bytes);
    }
    const struct fs_entry *list;
    size_t n;
    int r = fs_list(path, a, &list, &n, e), count = 0;
    for (size_t i = 0; i < n && r >= 0; i++) {
        r = replay(arena_printf(a, "%s/%s", path, list[i].name).p, a, e);
        count += r;
    }
    return r < 0 ? r : count;
}

static const char *corpus_of(const char *program, struct arena *a)
{
    const char *name = strstr(program, "replay_");
    const char *source = getenv("CLOUDSEED_SOURCE");
    return arena_printf(a, "%s/tests/fuzz/corpus/%s", source ? source : ".",
                        name ? name + strlen("replay_") : program)
        .p;
}

int main(int argc, char **argv)
{
    struct arena a;
    struct err e = {.msg = "no input at all"};
    arena_init(&a, 65536);
    int count = 0, r = 0;
    replay_bytes(STR(""));
    if (argc < 2)
        r = count = replay(corpus_of(argv[0], &a), &a, &e);
    for (int i = 1; i < argc && r >= 0; i++) {
        r = replay(argv[i], &a, &e);
        count += r;
    }
    arena_done(&a);
    bool ok = r >= 0 && count > 0;
    printf("1..1\n%s 1 - %d inputs%s%s\n", ok ? "ok" : "not ok", count < 0 ? 0 : count,
           ok ? "" : ": ", ok ? "" : e.msg);
    return ok ? 0 : 1;
}
