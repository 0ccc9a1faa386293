/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document: everything that is rendered for a node, by number and by name.
 *
 * Every node has the four seed files, then boot scripts and its role's further documents. A node
 * that bootstraps also has kubeadm's configuration, the sealed files of its role and, since any
 * master may be the first, the addons of its cluster that have a template; these are sent only in
 * the answer to a bootstrap request. Rendering uses neither disk nor clock, and any number of
 * threads may render from the same tables.
 */
#ifndef CLOUDSEED_RENDER_DOCUMENT_H
#define CLOUDSEED_RENDER_DOCUMENT_H

#include "base/buf.h"
#include "model/node.h"

enum document_kind {
    DOCUMENT_SEED,         /* number: enum seed_file */
    DOCUMENT_BOOT,         /* number: enum boot_loader */
    DOCUMENT_FURTHER,      /* number: of the role's documents */
    DOCUMENT_KUBEADM_INIT, /* of masters: any of them may be the first of its cluster */
    DOCUMENT_KUBEADM_JOIN,
    DOCUMENT_SEALED, /* number: of the role's sealed file */
    DOCUMENT_ADDON,  /* number: of the cluster's addon */
};

struct document {
    enum document_kind kind;
    uint32_t number;
};

/* Nodes of the same role and cluster have the same documents under the same numbers. */
uint32_t document_count(const struct node *n);
struct document document_at(const struct node *n, uint32_t i);
uint32_t document_number(const struct node *n, struct document d);

/* "user-data", "kubeadm-init", "sealed/etc/kubernetes/x.yaml", "addons/calico": a relative path. */
struct str document_name(const struct node *n, struct document d, struct arena *a);
/* NULL: the role has no template for it. */
const struct template *document_template(const struct node *n, struct document d);

/* The file of cloud-init's that it is, of this seed or of one among the further documents;
 * SEED_FILE_COUNT: none. */
enum seed_file document_seed_file(const struct node *n, struct document d);

struct scope_tables;
struct template_trace;
struct template_fault;

/* Limit of one document, far beyond what clouds allow for user-data. */
#define DOCUMENT_MAX_BYTES (1024 * 1024)

/* What kubeadm's documents say about a running cluster. Only the server has the real values, for
 * one node and one attempt. */
struct bootstrap_values {
    struct str version;  /* what the cluster runs: "1.29.15"; empty: what it is declared as */
    struct str endpoint; /* of the API server: "api.lab.home.arpa:6443" */
    struct str token;    /* "abcdef.0123456789abcdef"; empty: none */
    const struct str *ca_hashes; /* "sha256:" and 64 hexadecimal digits */
    uint32_t ca_hashes_n;
    struct str certificate_key; /* 64 hexadecimal digits, for masters; empty: none */
};

/* What differs between renderings of the same document. */
struct render_env {
    struct str seed_url; /* of the folder of the node's files, with a slash at its end */
    uint32_t generation; /* of the node; 0: the first */
    const struct bootstrap_values *bootstrap; /* NULL: placeholders */
    const struct value *secrets;              /* of name to text; NULL: placeholders */
    /* Of boot scripts: */
    struct str boot_refusal; /* why the node must boot its disk, not its role's entry; or empty */
    struct str mac, uuid;    /* as the machine sent them; empty: it did not */
};

/* Appends the document to `out`, rendered from the specialized template. A seed file without a
 * template is empty, except that meta-data always holds instance-id and local-hostname. `trace` may
 * be NULL; in it the text of several statements may be one piece. -EINVAL with *ret_fault filled
 * where the template stops. */
int document_render(const struct scope_tables *tables, const struct node *n, struct document d,
                    const struct render_env *env, struct arena *arena, struct buf *out,
                    struct template_trace *trace, struct template_fault *ret_fault);

/* Of documents from this size on: smaller ones leave in the first flight of a TCP connection, ten
 * segments (RFC 6928), compressed or not (docs/why/gzip.md). */
#define DOCUMENT_GZIP_MIN_BYTES 14600

struct piece_sheet;

/* A document as a node gets it. */
struct document_answer {
    struct str body;
    uint64_t digest;  /* of the plain document */
    bool is_gzip;     /* the body is compressed */
    bool may_be_gzip; /* a client that accepts gzip gets it compressed */
};

/* As document_render, for an answer, which is compressed where `gzip` is wanted and the document
 * large enough. The body is in the sheet (piece.h) or in `arena`. */
int document_render_answer(const struct scope_tables *tables, const struct node *n,
                           struct document d, const struct render_env *env, bool gzip,
                           struct arena *arena, struct piece_sheet *sheet,
                           struct document_answer *ret, struct template_fault *ret_fault);

/* The same bytes from the template as it was written: slower, and with more steps to take, but each
 * place in the trace is exact. Not for the loop. */
int document_render_as_written(const struct scope_tables *tables, const struct node *n,
                               struct document d, const struct render_env *env, struct arena *arena,
                               struct buf *out, struct template_trace *trace,
                               struct template_fault *ret_fault);

/* A boot script from tree_script, for a machine that is not known to be a node. */
int document_render_script(const struct scope_tables *tables, const struct template *script,
                           const struct render_env *env, struct arena *arena, struct buf *out,
                           struct template_fault *ret_fault);

#endif
