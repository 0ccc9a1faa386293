/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: the parts of `cloudseed doctor`: facts, and the steps of a node's way over them.
 *
 * Facts are gathered first, from the server, the network and Proxmox VE; a step then judges them
 * and does nothing else. Facts are values in the form of JSON, most of them the answers of an API.
 */
#ifndef CLOUDSEED_CLI_DOCTOR_DOCTOR_H
#define CLOUDSEED_CLI_DOCTOR_DOCTOR_H

#include "cli/common/api.h"
#include "cli/doctor/finding.h"
#include "tree/tree.h"

/* --- Facts ---------------------------------------------------------------------------------- */

/* VALUE_UNDEFINED: it was not asked. A map with "trouble" (a text): why there is no answer. */
struct doctor_facts {
    struct arena *arena;
    struct str name;           /* of the node; empty: only the server is looked at */
    struct str where;          /* the server's socket or URL, as it was given */
    int64_t now_ms;            /* the wall clock here */
    struct str configured_url; /* `url` of the server's configuration; empty: it has none */

    struct value server; /* GET /v1/server */
    struct value
        ports;       /* [{"what", "address", "holder"}], of the configured ones that others hold */
    struct value ca; /* GET /v1/ca */
    struct value tree;  /* {"errors", "first"}: the seed tree on the disk; first: one of them */
    struct value http;  /* {"url", "status", "ours", "date_ms"}: ca.pem at the server's URL */
    struct value https; /* {"url", "status"}: healthz at the nodes' URL, verified by the CA */
    struct value tftp;  /* {"host", "files": [{"file", "trouble"}]} */
    struct value synchronized; /* whether the kernel's clock is, by NTP */

    struct value node;     /* GET /v1/nodes/NAME; {"trouble", "nearest"} */
    struct value serial;   /* GET /v1/nodes/NAME/serial */
    struct value declared; /* {"vlan", "network", "bridge"}: of its first address; and whether the
                            * tree on the disk has the node: "there" */
    struct value faults;   /* {"errors", "first"}: of its documents, rendered from the tree here */
    struct value alarm;    /* the latest event of the kind */
    /* {"kind", "files": [{"url", "status", "asset", "sha256", "trouble"}]}; sha256: why an asset is
     * not what was added */
    struct value boot;
    /* {"endpoint", "vmid", "host", "status", "config", "pending", "bridges": ["vmbr0"]}; "how"
     * beside "trouble" where that is a fault */
    struct value vm;

    struct value cluster; /* GET /v1/clusters/NAME */
    struct value masters; /* the nodes of that cluster whose bootstrap is "master" */
    struct value api;     /* {"endpoint", "status", "date_ms"}: the API server's version */
};

/* Why something could not be asked; empty: it was answered, or not asked. */
struct str doctor_trouble(struct value fact);
struct value doctor_make_trouble(struct arena *a, const char *text);

/* --- Gathering ------------------------------------------------------------------------------- */

struct doctor_gather {
    struct cli *cli;
    struct api api;
    struct tree *tree;       /* NULL: it cannot be read here, or has faults */
    const struct role *role; /* the node's, in the tree; NULL: unknown */
    struct doctor_facts *facts;
    struct arena *arena; /* secret */
};

/* CLI_FAILED or CLI_MISUSED after printing why nothing can be looked at. Call doctor_gather_done in
 * any case. */
int doctor_gather(struct cli *c, struct doctor_facts *facts, struct doctor_gather *ret);
void doctor_gather_done(struct doctor_gather *g);

/* gather_boot.c: what is served of boot programs, and of kernels and images. */
void doctor_gather_tftp(struct doctor_gather *g);
void doctor_gather_boot(struct doctor_gather *g);
/* {"url", "status", "date_ms", "ours"}; "ours": whether the body is what was expected. {"url",
 * "trouble", "refused"}: there is no answer; "refused": for its certificate. `ca`: PEM; empty: the
 * system's. */
struct value doctor_fetch(struct arena *a, const char *method, struct str url, struct str ca,
                          struct str expected);

/* gather_vm.c */
void doctor_gather_vm(struct doctor_gather *g);

/* --- Steps ---------------------------------------------------------------------------------- */

typedef struct finding doctor_look(const struct doctor_facts *f);

/* In the order of a node's way: steps whose faults would only follow from an earlier one are not
 * looked at. */
void doctor_walk(const struct doctor_facts *f, struct finding_list *ret);

/* steps_server.c */
doctor_look doctor_server, doctor_store, doctor_tree, doctor_certificate, doctor_clock, doctor_url,
    doctor_https, doctor_tftp;
/* steps_node.c */
doctor_look doctor_node, doctor_documents, doctor_window, doctor_dhcp, doctor_boot, doctor_refused,
    doctor_alarms, doctor_progress;
/* steps_vm.c */
doctor_look doctor_vm, doctor_identity, doctor_serial, doctor_pending, doctor_network,
    doctor_drives, doctor_power;
/* steps_cluster.c */
doctor_look doctor_cluster, doctor_apiserver, doctor_followed, doctor_minter, doctor_order,
    doctor_ready;

#endif
