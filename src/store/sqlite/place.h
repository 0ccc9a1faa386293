/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: whether the files of the state are the ones that we left, and how far it had come.
 *
 * A file that is removed or replaced takes with it what is answered from then on, and a write-ahead
 * log that is cut or an older file take what was answered before. SQLite notices neither. It knows
 * no SQLite: it looks at names, inodes, sizes and times, and never opens the state itself, since
 * closing it would give up SQLite's locks.
 */
#ifndef CLOUDSEED_STORE_SQLITE_PLACE_H
#define CLOUDSEED_STORE_SQLITE_PLACE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* What the log is cut to where it was longer (PRAGMA journal_size_limit). */
#define PLACE_WAL_LIMIT_BYTES 16777216

struct place_stamp {
    dev_t device;
    ino_t inode; /* 0: not known yet */
    off_t bytes;
    struct timespec changed;
};

/* Of the database and its write-ahead log. All zero: nothing is known. */
struct place_files {
    struct place_stamp file, wal;
};

/* To be called when the files were opened: these are the ones. */
void place_learn(struct place_files *p, const char *path);
/* To be called after each own write to the one or the other: how it is now is how it must be found.
 * A commit writes only to the log, a checkpoint to the file. A file of that name that is not the
 * one that was opened is passed over. */
void place_remember_file(struct place_files *p, const char *path);
void place_remember_wal(struct place_files *p, const char *path);
/* With the reason and advice, if they are not as they were left: -ENOLINK if only the name of the
 * write-ahead log leads elsewhere, so that it can still be copied into the database, else -ESTALE.
 */
int place_check(const struct place_files *p, const char *path, struct err *e);
/* The same, but only that the database is the same file. */
int place_check_file(const struct place_files *p, const char *path, struct err *e);

/* --- The note -------------------------------------------------------------------------------- */

/*
 * PATH-revision contains the highest revision that was committed. It is written after each group of
 * commits and not synced: what a process wrote outlasts it, and after a power cut an older number
 * is no harm. A state that is found with less than that has lost commits.
 */
struct place_note {
    int fd;            /* -1: not open */
    uint64_t revision; /* that it contains; 0 for a new one */
};

#define PLACE_NOTE_SUFFIX "-revision"

/* Makes it (0600) if it is missing. */
int place_note_open(struct place_note *n, const char *path, struct err *e);
/* Failures are ignored: it then contains an older number. */
void place_note_write(struct place_note *n, uint64_t revision);
/* Syncs it as well. */
void place_note_close(struct place_note *n);
/* For a state that is put in place of another one. A missing note is fine. */
int place_note_remove(const char *path, struct err *e);

#endif
