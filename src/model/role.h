/* SPDX-License-Identifier: Apache-2.0 */
/* role: what nodes of one kind have in common. */
#ifndef CLOUDSEED_MODEL_ROLE_H
#define CLOUDSEED_MODEL_ROLE_H

#include "model/boot.h"
#include "model/proxmox.h"
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

/* SEED_FILE_COUNT for any other name. */
enum seed_file seed_file_parse(struct str name);

enum bootstrap { BOOTSTRAP_NONE, BOOTSTRAP_MASTER, BOOTSTRAP_WORKER, BOOTSTRAP_COUNT };

extern const char *const bootstrap_names[]; /* "none", "master", "worker", and NULL behind */

struct template;

/* A file that the node only gets in bootstrap's answer: its template may use secrets. */
struct sealed_file {
    struct str path;  /* on the node: absolute, normalised */
    struct str mode;  /* four octal digits: "0600" */
    struct str owner; /* "root:root" */
    struct str template_name;
    const struct template *template;
    struct place at;
};

#define ROLE_SEALED_MAX 64

/* A further document below the node's URL, beside the four files: "ks.cfg", "install/user-data". */
struct role_document {
    struct str name;
    struct str template_name;
    const struct template *template; /* NULL: as cloud-init's file of that name without one */
    struct place at;
};

#define ROLE_DOCUMENTS_MAX 32

/* Why a document cannot have that name, as a phrase; NULL: it can. */
const char *role_document_refusal(struct str name);
/* The file of cloud-init's that it is in a folder of its own, as install/user-data;
 * SEED_FILE_COUNT: none. */
enum seed_file role_document_seed_file(struct str name);

/* What a role says that its user-data is. */
enum user_data_format {
    FORMAT_ANY, /* its first line says so */
    FORMAT_CLOUD_CONFIG,
    FORMAT_SCRIPT,
    FORMAT_OPAQUE, /* for a reader that is not cloud-init */
};

extern const char *const user_data_format_names[]; /* "any", …, and NULL behind */

/* What it inherits from the roles that it extends is already merged in. */
struct role {
    struct str name;
    const struct role *extends; /* NULL: none */
    enum bootstrap bootstrap;
    const struct template *templates[SEED_FILE_COUNT]; /* NULL: the file is served empty */
    struct str template_names[SEED_FILE_COUNT];
    const struct template *scripts[LOADERS]; /* NULL: there is none */
    struct str script_names[LOADERS];
    const struct role_document *documents; /* sorted by name */
    uint32_t documents_n;
    enum user_data_format format;
    uint32_t boot_minutes; /* how long a machine that is built may be silent; 0: not said */
    struct boot_plan boot;
    /* The rest is for nodes that bootstrap; a role may also have it only for those that extend it.
     */
    const struct template *kubeadm; /* NULL: none */
    struct str kubeadm_name;
    const struct sealed_file *sealed; /* sorted by path */
    uint32_t sealed_n;
    struct proxmox proxmox;
    struct variables variables;
    struct place at;
};

/* Whether an installer comes before the first boot from the disk. */
static inline bool role_installs(const struct role *r)
{
    return r->boot.entry.kind == BOOT_INSTALL;
}

/* The number of the role's document of that name; UINT32_MAX: it has none. */
uint32_t role_find_document(const struct role *r, struct str name);

#endif
