/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files: finds the files in a folder that belong to a tree.
 *
 * Symbolic links are followed: Kubernetes mounts a ConfigMap as links into hidden folders. Hidden
 * files and editors' backups are ignored; any other file that is not read gives a warning.
 */
#ifndef CLOUDSEED_TREE_FILES_H
#define CLOUDSEED_TREE_FILES_H

#include "base/fault.h"

#define FILES_DEPTH_MAX 16

struct files {
    struct arena *arena; /* of the paths */
    struct faults *faults;
    struct files_entry *list; /* sorted by name */
    uint32_t n, room;
};

struct files_entry {
    const char *path; /* as the user would open it */
    struct str name;  /* below the folder given */
};

void files_init(struct files *f, struct arena *a, struct faults *faults);
void files_done(struct files *f);

/* The YAML files in `folder` itself; none if there is no such folder. */
void files_yaml(struct files *f, const char *folder);
/* All files below `folder`, which must exist. */
void files_below(struct files *f, const char *folder);

#endif
