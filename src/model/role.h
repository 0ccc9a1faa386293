/* SPDX-License-Identifier: Apache-2.0 */
/* role: what a kind of node is made of. */
#ifndef CLOUDSEED_MODEL_ROLE_H
#define CLOUDSEED_MODEL_ROLE_H

#include "model/boot.h"
#include "model/variable.h"

/* The four files of cloud-init's NoCloud data source. */
enum seed_file {
    SEED_META_DATA,
    SEED_USER_DATA,
    SEED_VENDOR_DATA,
    SEED_NETWORK_CONFIG,
    SEED_FILE_COUNT
};

extern const char *const seed_file_names[SEED_FILE_COUNT]; /* "meta-data", … */

/* SEED_FILE_COUNT where the name is none of the four. */
enum seed_file seed_file_parse(struct str name);

enum bootstrap { BOOTSTRAP_NONE, BOOTSTRAP_MASTER, BOOTSTRAP_WORKER, BOOTSTRAP_COUNT };

extern const char *const bootstrap_names[]; /* "none", "master", "worker", and NULL behind */

struct template;

/* A file that travels to the node in bootstrap's answer alone: its template may use secrets. */
struct sealed_file {
    struct str path;  /* on the node: absolute, normalised */
    struct str mode;  /* four octal digits: "0600" */
    struct str owner; /* "root:root" */
    struct str template_name;
    const struct template *template;
    struct place at;
};

#define ROLE_SEALED_MAX 64

/* With everything of the roles that it extends already merged in. */
struct role {
    struct str name;
    const struct role *extends; /* NULL: none */
    enum bootstrap bootstrap;
    const struct template *templates[SEED_FILE_COUNT]; /* NULL: the file is served empty */
    struct str template_names[SEED_FILE_COUNT];
    const struct template *scripts[LOADERS]; /* NULL: there is none */
    struct str script_names[LOADERS];
    struct boot_plan boot;
    /* The rest is for nodes that bootstrap; a role that others extend may have it for them. */
    const struct template *kubeadm; /* NULL: none */
    struct str kubeadm_name;
    const struct sealed_file *sealed; /* sorted by path */
    uint32_t sealed_n;
    struct variables variables;
    struct place at;
};

#endif
