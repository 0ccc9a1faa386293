/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: renders every document of every node and holds it against what reads it.
 *
 * What is wrong in a rendered document is reported at the place in the template that wrote it. Each
 * such place is reported once, with the first node that it concerns. Blocks for as long as it
 * takes, so not for a loop's thread; clock and disk are the caller's.
 */
#ifndef CLOUDSEED_RENDER_CHECK_H
#define CLOUDSEED_RENDER_CHECK_H

#include "render/scope.h"

#include <stdatomic.h>

enum check_verdict { CHECK_UNCHECKED, CHECK_OK, CHECK_FAULTY };
/* "unchecked", "ok", "faulty" */
extern const char *const check_verdict_names[];

struct check_run {
    int64_t now_s;           /* the wall clock, to hold keys that expire against; 0: unknown */
    const struct node *only; /* NULL: every node */
    const atomic_bool *stop; /* asked before each node; NULL: it goes on to the end */
    bool each_in_full;       /* without the memo: slow, for tests */
    /* Whether node `number` is to be checked; NULL: it is. */
    bool (*wants)(void *cls, uint32_t number);
    /* After each that was; NULL: nobody. */
    void (*on_node)(void *cls, uint32_t number, enum check_verdict verdict);
    void *cls;
};

struct check_result {
    uint32_t nodes, faulty;
    uint64_t documents, known; /* `known`: those that the memo answered for */
};

/* Warnings make no node faulty. `tables` are the tree's, or those of its base. -ECANCELED where it
 * was stopped. */
int check_tree(const struct tree *t, const struct scope_tables *tables, const struct check_run *run,
               struct faults *faults, struct check_result *ret);

#endif
