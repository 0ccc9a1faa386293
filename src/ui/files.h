/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files: the web page's files as they are in this folder, compiled in.
 *
 * scripts/embed.sh makes files.c of the files that Makefile.inc lists. Who gets them, and how they
 * are sent, is not known here.
 */
#ifndef CLOUDSEED_UI_FILES_H
#define CLOUDSEED_UI_FILES_H

#include "base/str.h"

struct ui_file {
    const char *name; /* "app.css" */
    const char *type; /* Content-Type */
    struct str bytes;
};

/* The last one has no name. */
extern const struct ui_file ui_files[];

#endif
