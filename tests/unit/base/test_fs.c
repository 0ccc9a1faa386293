/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each test has a folder of its own, and is in it. */
struct place_to_work {
    char folder[64];
    struct arena arena;
    struct err e;
    struct str text;
};

static int start(void **state)
{
    static struct place_to_work w;
    w = (struct place_to_work){.folder = "/tmp/cloudseed-fs-XXXXXX"};
    arena_init(&w.arena, 4096);
    *state = &w;
    return mkdtemp(w.folder) ? chdir(w.folder) : -1;
}

static int stop(void **state)
{
    struct place_to_work *w = *state;
    const struct fs_entry *list;
    size_t n;
    if (fs_list(".", &w->arena, &list, &n, NULL) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        remove(list[i].name);
    arena_done(&w->arena);
    return chdir("/") < 0 ? -1 : rmdir(w->folder);
}

static void put(const char *path, struct str bytes)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    assert_int_equal(fclose(f), 0);
}

static size_t count_files(struct place_to_work *w)
{
    const struct fs_entry *list;
    size_t n = 99;
    assert_int_equal(fs_list(".", &w->arena, &list, &n, NULL), 0);
    return n;
}

static void read_gives_all_with_a_nul(void **state)
{
    struct place_to_work *w = *state;
    put("a", STR("text\0more\n"));
    assert_int_equal(fs_read("a", 10, &w->arena, &w->text, &w->e), 0);
    assert_str(w->text, "text\0more\n");
    assert_int_equal(w->text.p[w->text.n], '\0');
    put("empty", STR(""));
    assert_int_equal(fs_read("empty", 0, &w->arena, &w->text, &w->e), 0);
    assert_str(w->text, "");
    assert_int_equal(symlink("a", "link"), 0);
    assert_int_equal(fs_read("link", 10, &w->arena, &w->text, &w->e), 0);
    assert_int_equal(w->e.code, 0);
}

static void assert_unread(struct place_to_work *w, const char *path, int want, const char *words)
{
    w->text = STR("untouched");
    assert_int_equal(fs_read(path, 9, &w->arena, &w->text, &w->e), want);
    assert_int_equal(w->e.code, want);
    assert_contains(w->e.msg, path);
    assert_contains(w->e.msg, words);
    assert_str(w->text, "untouched");
}

static void what_is_no_file_is_refused(void **state)
{
    struct place_to_work *w = *state;
    put("large", STR("0123456789"));
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_unread(w, "large", -EFBIG, "larger than 9 bytes");
    assert_unread(w, "missing", -ENOENT, "No such file");
    assert_unread(w, "folder", -EISDIR, "directory");
    assert_unread(w, "pipe", -EINVAL, "not a regular file"); /* and it does not wait for a writer */
    assert_unread(w, "loop", -ELOOP, "");
    assert_unread(w, "/dev/zero", -EINVAL, "not a regular file");
}

static void create_is_whole_with_its_mode(void **state)
{
    struct place_to_work *w = *state;
    struct stat st;
    mode_t mask = umask(0777);
    int r = fs_create("secret", STR("abc\0def"), 0640, &w->e);
    umask(mask);
    assert_int_equal(r, 0);
    assert_int_equal(stat("secret", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(fs_read("secret", 100, &w->arena, &w->text, &w->e), 0);
    assert_str(w->text, "abc\0def");
    assert_int_equal(count_files(w), 1);
}

static void create_never_replaces(void **state)
{
    struct place_to_work *w = *state;
    put("secret", STR("first"));
    assert_int_equal(fs_create("secret", STR("second"), 0600, &w->e), -EEXIST);
    assert_contains(w->e.msg, "secret: File exists");
    assert_int_equal(fs_read("secret", 100, &w->arena, &w->text, &w->e), 0);
    assert_str(w->text, "first");
    assert_int_equal(count_files(w), 1);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(fs_create("dangling", STR("x"), 0600, &w->e), -EEXIST);
    assert_int_equal(access("nowhere", F_OK), -1);
}

static void replace_puts_a_whole_file_in_the_place_of_another(void **state)
{
    struct place_to_work *w = *state;
    struct stat st;
    assert_int_equal(fs_replace("secret", STR("first"), 0640, &w->e), 0);
    assert_int_equal(fs_replace("secret", STR("second"), 0600, &w->e), 0);
    assert_int_equal(fs_read("secret", 100, &w->arena, &w->text, &w->e), 0);
    assert_str(w->text, "second");
    assert_int_equal(count_files(w), 1);
    assert_int_equal(stat("secret", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(fs_replace("folder", STR("x"), 0600, &w->e), -EISDIR);
    assert_int_equal(count_files(w), 2);
}

static void leftovers_of_a_crash_are_no_obstacle(void **state)
{
    struct place_to_work *w = *state;
    char name[64];
    snprintf(name, sizeof(name), "secret.%ld", (long)getpid());
    put(name, STR("half"));
    assert_int_equal(fs_create("secret", STR("whole"), 0600, &w->e), 0);
}

/* A limit on the size of files stands for a full disk. */
static void full_disk_leaves_nothing_behind(void **state)
{
    struct place_to_work *w = *state;
    static char large[65536];
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 4096;
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int r = fs_create("secret", (struct str){large, sizeof(large)}, 0600, &w->e);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, before);
    assert_int_equal(r, -EFBIG);
    assert_contains(w->e.msg, "secret: ");
    assert_int_equal(count_files(w), 0);
}

static void create_needs_its_folder(void **state)
{
    struct place_to_work *w = *state;
    char path[5000];
    assert_int_equal(fs_create("no/secret", STR("x"), 0600, &w->e), -ENOENT);
    assert_contains(w->e.msg, "no/secret");
    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(fs_create(path, STR("x"), 0600, &w->e), -ENAMETOOLONG);
    assert_int_equal(count_files(w), 0);
}

static void list_is_sorted_by_bytes(void **state)
{
    struct place_to_work *w = *state;
    const struct fs_entry *list = NULL;
    size_t n = 99;
    assert_int_equal(fs_list(".", &w->arena, &list, &n, &w->e), 0);
    assert_int_equal(n, 0);
    static const char *const want[] = {".hidden", "B", "a", "a.yaml", "ab", "\xC3\xA4"};
    for (size_t i = 0; i < 6; i++)
        put(want[(i * 5) % 6], STR(""));
    assert_int_equal(fs_list(".", &w->arena, &list, &n, &w->e), 0);
    assert_int_equal(n, 6);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(list[i].name, want[i]);
}

static void list_grows(void **state)
{
    struct place_to_work *w = *state;
    const struct fs_entry *list;
    char name[16];
    size_t n;
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "%03d", i);
        put(name, STR(""));
    }
    assert_int_equal(fs_list(".", &w->arena, &list, &n, &w->e), 0);
    assert_int_equal(n, 300);
    assert_string_equal(list[0].name, "000");
    assert_string_equal(list[299].name, "299");
}

static void list_of_no_folder_fails(void **state)
{
    struct place_to_work *w = *state;
    const struct fs_entry *list = NULL;
    size_t n = 7;
    put("file", STR(""));
    assert_int_equal(fs_list("missing", &w->arena, &list, &n, &w->e), -ENOENT);
    assert_contains(w->e.msg, "missing: No such file");
    assert_int_equal(fs_list("file", &w->arena, &list, &n, &w->e), -ENOTDIR);
    assert_null(list);
    assert_int_equal(n, 7);
}

static void proc_has_files_without_a_size(void **state)
{
    struct place_to_work *w = *state;
    struct str text = {"", 0};
    assert_int_equal(fs_read_proc("/proc/self/comm", 4096, &w->arena, &text, &w->e), 0);
    assert_true(text.n > 0 && text.p[text.n] == 0);
    assert_int_equal(fs_read_proc("/proc/self/maps", 100, &w->arena, &text, &w->e), -EFBIG);
    assert_contains(w->e.msg, "larger than 100 bytes");
    assert_int_equal(fs_read_proc("/proc/missing", 100, &w->arena, &text, &w->e), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
UNIT_MAIN(TEST(read_gives_all_with_a_nul), TEST(what_is_no_file_is_refused),
          TEST(create_is_whole_with_its_mode), TEST(create_never_replaces),
          TEST(replace_puts_a_whole_file_in_the_place_of_another),
          TEST(leftovers_of_a_crash_are_no_obstacle), TEST(full_disk_leaves_nothing_behind),
          TEST(create_needs_its_folder), TEST(list_is_sorted_by_bytes), TEST(list_grows),
          TEST(list_of_no_folder_fails), TEST(proc_has_files_without_a_size))
