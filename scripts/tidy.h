/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tidy: what clang's analyzer cannot see across files: err_set and its like return the code that
 * they were given, and it is negative. scripts/tidy.sh puts this in front of every file but err.c.
 */
#ifndef CLOUDSEED_SCRIPTS_TIDY_H
#define CLOUDSEED_SCRIPTS_TIDY_H

#include "base/err.h"

#define err_set(e, code, ...) ((void)err_set(e, code, __VA_ARGS__), -1)
#define err_errno(e, code, ...) ((void)err_errno(e, code, __VA_ARGS__), -1)
#define err_prefix(e, ...) ((void)err_prefix(e, __VA_ARGS__), -1)

#endif
