/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_diff: the lines that go and come between two texts, where no diff is needed to tell.
 *
 * That is so where each of them is in one text alone, and the others are the same in the same
 * order. It spares asking diff(1) of thousands of nodes what it said of the first.
 */
#ifndef CLOUDSEED_CLI_DIFF_LINE_DIFF_H
#define CLOUDSEED_CLI_DIFF_LINE_DIFF_H

#include "base/buf.h"

/* Appends "-LINE" and "+LINE" in the order in which diff -u prints them, without those around.
 * False where it takes diff to tell; `out` is then of no use. */
bool line_diff(struct str before, struct str now, struct buf *out);

#endif
