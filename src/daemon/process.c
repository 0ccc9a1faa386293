/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/process.h"

#include "base/fs.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define STATM_MAX_BYTES 256

static void read_memory(struct core_process *ret)
{
    struct str text;
    struct arena a;
    uint64_t pages[2], page = (uint64_t)sysconf(_SC_PAGESIZE);
    arena_init(&a, STATM_MAX_BYTES * 2);
    if (fs_read_proc("/proc/self/statm", STATM_MAX_BYTES, &a, &text, NULL) == 0 &&
        str_to_u64(str_cut(&text, ' '), UINT64_MAX, &pages[0]) &&
        str_to_u64(str_cut(&text, ' '), UINT64_MAX, &pages[1])) {
        ret->virtual_bytes = pages[0] * page;
        ret->resident_bytes = pages[1] * page;
    }
    arena_done(&a);
}

/* Without the one by which they are counted. */
static void count_fds(struct core_process *ret)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;
    if (!folder)
        return;
    while ((entry = readdir(folder)))
        ret->open_fds += entry->d_name[0] != '.';
    ret->open_fds -= ret->open_fds > 0;
    closedir(folder);
}

/* A state folder is local: this asks no share that may hang. */
static void look_at_disk(const char *folder, struct core_process *ret)
{
    struct statvfs s;
    if (statvfs(folder, &s) < 0)
        return;
    ret->disk_bytes = (uint64_t)s.f_blocks * s.f_frsize;
    ret->disk_free_bytes = (uint64_t)s.f_bavail * s.f_frsize;
}

void process_look(const char *folder, struct core_process *ret)
{
    struct timespec cpu;
    struct rlimit fds;
    *ret = (struct core_process){0};
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
        ret->cpu_ns = (uint64_t)cpu.tv_sec * 1000000000 + (uint64_t)cpu.tv_nsec;
    if (getrlimit(RLIMIT_NOFILE, &fds) == 0)
        ret->max_fds = fds.rlim_cur;
    read_memory(ret);
    count_fds(ret);
    look_at_disk(folder, ret);
}
