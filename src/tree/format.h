/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format: the tables of the seed tree's files.
 *
 * They fill drafts: a struct of the model together with the names in the file, which the loader
 * resolves.
 */
#ifndef CLOUDSEED_TREE_FORMAT_H
#define CLOUDSEED_TREE_FORMAT_H

#include "model/node.h"
#include "tree/schema.h"

struct site_draft {
    struct site site; /* all but `evidence` */
    const int *evidence;
    uint32_t evidence_n;
};

struct cluster_draft {
    struct cluster cluster; /* all but `addons` */
    struct addon *addons;
    uint32_t addons_n;
};

struct role_draft {
    struct role role; /* all but `extends`, lists of files and the templates themselves */
    struct str extends;
    struct role_document *documents;
    uint32_t documents_n;
    struct sealed_file *sealed;
    uint32_t sealed_n;
    /* Set by the loader: */
    struct place extends_at, kubeadm_at, sealed_at;
    bool bootstrap_given, kubeadm_given, boot_given, format_given;
    bool visited;
    bool for_bootstrap; /* it bootstraps, or a role that extends it does */
    uint32_t parent;    /* number of the role that it extends */
};

struct node_draft {
    struct node node; /* all but `role`, `cluster`, `networks`, `interfaces`, `proxmox`, `uuid` */
    struct interface *interfaces;
    uint32_t interfaces_n;
    struct proxmox proxmox;
    struct str role, cluster;
    struct uuid uuid; /* all zero: none */
};

extern const struct schema format_site;      /* struct site_draft */
extern const struct schema format_cluster;   /* struct cluster_draft */
extern const struct schema format_role;      /* struct role_draft */
extern const struct schema format_node;      /* struct node_draft */
extern const struct schema format_proxmox;   /* struct proxmox; of site, role and node */
extern const struct schema format_network;   /* struct network; of site */
extern const struct schema format_interface; /* struct interface; of node */

#endif
