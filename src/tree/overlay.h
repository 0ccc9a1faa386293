/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay: several folders of templates, laid over each other: the first that has a file wins.
 *
 * Folders are given in one text with ':' between them, as in PATH.
 */
#ifndef CLOUDSEED_TREE_OVERLAY_H
#define CLOUDSEED_TREE_OVERLAY_H

#include "tree/files.h"

#define OVERLAY_FOLDERS_MAX 8

#define OVERLAY_MAX_BYTES ((size_t)1024 * 1024) /* of a template */
#define OVERLAY_MARK_SIZE 40

/* A file that is not used, because a folder before its own has one of that name. */
struct overlay_hidden {
    const struct files_entry *used;
    const char *path;
    /* "{# overrides 0123456789abcdef #}", after the content of the hidden file: what the first line
     * of the other one should be. Empty where that one hides a file of a folder before. */
    char mark[OVERLAY_MARK_SIZE];
    bool changed; /* that line has another mark: of what the file was when it was copied */
};

struct overlay {
    struct files files; /* those that are used */
    struct hidden_file *hidden_files;
    uint32_t hidden_n, hidden_room;
};

/* The next folder of the list, without the slash at its end; p == NULL behind the last one. */
struct str overlay_next(struct str *folders, struct arena *a);

void overlay_init(struct overlay *o, struct arena *a, struct faults *faults);
void overlay_done(struct overlay *o);

/* Reads the names in all folders, each of which must exist. */
void overlay_read(struct overlay *o, struct str folders);
/* Those hidden by a file of an earlier folder, by folder; the result is valid until the end. */
struct overlay_hidden overlay_hidden_at(const struct overlay *o, uint32_t i);

/* The path of that template: in the first folder that has it. */
const char *overlay_find(struct str folders, struct str name, struct arena *a);

#endif
