/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: renders every document of every node and checks it for what its reader would refuse.
 *
 * A fault of a rendered document is reported at the place in the template that wrote it, once for
 * each such place, with the first node that it concerns. Nodes are shared out over threads
 * (docs/why/checking.md); what is reported, and in which order, does not depend on their number.
 * Blocks until all is done, so it must not run on an event loop's thread. It uses neither clock
 * nor disk.
 */
#ifndef CLOUDSEED_RENDER_CHECK_H
#define CLOUDSEED_RENDER_CHECK_H

#include "render/scope.h"

#include <stdatomic.h>

enum check_verdict { CHECK_UNCHECKED, CHECK_OK, CHECK_FAULTY, CHECK_VERDICTS };
/* "unchecked", "ok", "faulty" */
extern const char *const check_verdict_names[];

struct check_run {
    unsigned threads;        /* the calling one included; 0: as many as it may use cores. They have
                              * the calling thread's priority */
    bool yields;             /* the core after each node, to any thread that waits for it */
    const struct node *only; /* NULL: every node */
    const atomic_bool *stop; /* read before each node; NULL: the check cannot be stopped */
    struct arena *kept; /* for the OpenPGP keys in documents and for what was not looked into; NULL:
                         * neither is collected */
    /* Whether node `number` is to be checked; NULL: all are. Called by any of the threads. */
    bool (*wants)(void *cls, uint32_t number);
    /* Called after each node that was checked, by any of the threads, one at a time. May be NULL.
     */
    void (*on_node)(void *cls, uint32_t number, enum check_verdict verdict);
    void *cls;
};

/* An armored OpenPGP key in a document, which nothing has read yet. */
struct check_key {
    struct str text;
    struct place at;          /* in the template; its file is the tree's */
    const char *excerpt;      /* as in struct fault; NULL: none */
    const char *subject;      /* "line 6 of user-data of node 'k8s-worker-2'" */
    const char *owner, *part; /* as in struct fault */
};

/* A kind of document, or a part of it, that only its reader on the node can judge. */
struct check_unseen {
    struct str document; /* "user-data" */
    const char *what;    /* "MIME parts" */
    struct str node;     /* the first, by name */
    uint64_t position;   /* of its document among all */
    uint32_t nodes;
};

struct check_result {
    uint32_t nodes, faulty;
    uint64_t documents;
    struct check_key *keys; /* each key once for each place, in the order of the documents */
    uint32_t keys_n;
    struct check_unseen *unseen; /* in the order of the documents */
    uint32_t unseen_n;
};

/* Counts `one` in a list with room for it; returns how many there are now. */
uint32_t check_unseen_count(struct check_unseen *list, uint32_t n, const struct check_unseen *one);

/* Warnings do not make a node faulty. `tables` are those of the tree or of its base. Where it was
 * stopped, -ECANCELED, and nothing is reported. */
int check_tree(const struct tree *t, const struct scope_tables *tables, const struct check_run *run,
               struct faults *faults, struct check_result *ret);

#endif
