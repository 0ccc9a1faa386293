/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/approval.h"

#include "base/buf.h"
#include "crypto/token.h"

#include <assert.h>
#include <errno.h>

#define TOKEN_USER "system:bootstrap:"
#define NODE_USER "system:node:"
#define NODE_GROUP "system:nodes"

struct rules {
    const char *signer;
    const char *const groups[4];               /* each of its groups is among these … */
    const char *group;                         /* … and this is one of them */
    const char *const needs[3], *const may[4]; /* usages */
};

/* As the API server's own rules for these signers; the group of tokens is that of apirequest_mint.
 */
static const struct rules all_rules[] = {
    [APPROVAL_CLIENT] = {"kubernetes.io/kube-apiserver-client-kubelet",
                         {"system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token",
                          "system:authenticated"},
                         "system:bootstrappers:kubeadm:default-node-token",
                         {"digital signature", "client auth"},
                         {"digital signature", "client auth", "key encipherment"}},
    [APPROVAL_SERVING] = {"kubernetes.io/kubelet-serving",
                          {NODE_GROUP, "system:authenticated"},
                          NODE_GROUP,
                          {"digital signature", "server auth"},
                          {"digital signature", "server auth", "key encipherment"}},
};

/* Foreign text for a message. */
static const char *shown(struct str s, struct arena *a)
{
    struct buf b = {.max_bytes = 512};
    buf_escaped(&b, s, 80);
    const char *text = arena_str(a, buf_view(&b)).p;
    buf_done(&b);
    return text;
}

static bool has(const struct str *list, uint32_t n, const char *wanted)
{
    for (uint32_t i = 0; i < n; i++) {
        if (str_is(list[i], wanted))
            return true;
    }
    return false;
}

/* --- Reading --------------------------------------------------------------------------------- */

static int check_groups(const struct object_csr *c, const struct rules *rules, struct arena *a,
                        struct err *e)
{
    for (uint32_t i = 0; i < c->groups_n; i++) {
        if (!str_in(c->groups[i], rules->groups))
            return err_set(e, -EACCES, "%s is in the group %s", shown(c->username, a),
                           shown(c->groups[i], a));
    }
    if (!has(c->groups, c->groups_n, rules->group))
        return err_set(e, -EACCES, "%s is not in the group %s", shown(c->username, a),
                       rules->group);
    return 0;
}

static int check_usages(const struct object_csr *c, const struct rules *rules, struct arena *a,
                        struct err *e)
{
    for (uint32_t i = 0; i < c->usages_n; i++) {
        if (!str_in(c->usages[i], rules->may))
            return err_set(e, -EACCES, "it asks for the usage %s", shown(c->usages[i], a));
    }
    for (const char *const *needed = rules->needs; *needed; needed++) {
        if (!has(c->usages, c->usages_n, *needed))
            return err_set(e, -EACCES, "it lacks the usage %s", *needed);
    }
    return 0;
}

static int check_subject(const struct csr *csr, struct arena *a, struct err *e)
{
    if (!str_is(csr->organization, NODE_GROUP))
        return err_set(e, -EACCES, "its organization (O) is %s, not " NODE_GROUP,
                       shown(csr->organization, a));
    if (!str_starts(csr->common_name, STR(NODE_USER)) || csr->common_name.n == STR(NODE_USER).n)
        return err_set(e, -EACCES, "its common name (CN) is %s, not " NODE_USER "NAME",
                       shown(csr->common_name, a));
    return 0;
}

/* A token's user asks for a client certificate without names, a node's user for a serving
 * certificate of its own. */
static int check_asker(const struct object_csr *c, enum approval_kind kind, const struct csr *csr,
                       struct arena *a, struct err *e)
{
    struct str id = str_skip(c->username, STR(TOKEN_USER).n);
    if (kind == APPROVAL_SERVING)
        return str_eq(c->username, csr->common_name)
                   ? 0
                   : err_set(e, -EACCES, "%s asks for the name %s", shown(c->username, a),
                             shown(csr->common_name, a));
    if (!str_starts(c->username, STR(TOKEN_USER)) || id.n != TOKEN_ID_LEN)
        return err_set(e, -EACCES, "%s is not a bootstrap token", shown(c->username, a));
    if (csr->dns_n || csr->addresses_n)
        return err_set(e, -EACCES, "it lists names or addresses, as no client's does");
    return 0;
}

/* Client certificates are renewed by kubeadm's other binding, which is left as it is. */
static bool is_renewal(const struct object_csr *c, const struct csr *csr)
{
    return str_starts(c->username, STR(NODE_USER)) && str_eq(c->username, csr->common_name);
}

static int check_request(const struct object_csr *c, enum approval_kind kind, const struct csr *csr,
                         struct arena *a, struct err *e)
{
    const struct rules *rules = &all_rules[kind];
    int r = check_subject(csr, a, e);
    if (r == 0 && kind == APPROVAL_CLIENT && is_renewal(c, csr))
        return err_set(e, -ENOTSUP, "a kubelet renews its client certificate");
    if (r == 0)
        r = check_asker(c, kind, csr, a, e);
    if (r == 0)
        r = check_groups(c, rules, a, e);
    return r < 0 ? r : check_usages(c, rules, a, e);
}

int approval_read(const struct object_csr *c, struct arena *a, struct approval *ret, struct err *e)
{
    struct approval r = {.kind = APPROVAL_CLIENT};
    if (str_is(c->signer, all_rules[APPROVAL_SERVING].signer))
        r.kind = APPROVAL_SERVING;
    else if (!str_is(c->signer, all_rules[APPROVAL_CLIENT].signer))
        return err_set(e, -ENOTSUP, "it is for another signer");
    int code = csr_read(c->pem, a, &r.csr, e) < 0 ? -EACCES : 0;
    if (code == 0)
        code = check_request(c, r.kind, &r.csr, a, e);
    if (code < 0)
        return code;
    r.node = str_skip(r.csr.common_name, STR(NODE_USER).n);
    if (r.kind == APPROVAL_CLIENT)
        r.token_id = str_skip(c->username, STR(TOKEN_USER).n);
    *ret = r;
    return 0;
}

/* --- Judging --------------------------------------------------------------------------------- */

static int judge_client(const struct approval *r, const struct approver_node *n, struct arena *a,
                        struct err *e)
{
    const char *id = shown(r->token_id, a), *name = shown(r->node, a);
    if (n->locked)
        return err_set(e, -EACCES, "%s is locked after an alarm", name);
    if (!n->token_id.n)
        return err_set(e, -EACCES,
                       "the token %s asks to be %s, but no token was minted for that node", id,
                       name);
    if (!str_eq(n->token_id, r->token_id))
        return err_set(e, -EACCES, "the token %s asks to be %s, but that node's token is %s", id,
                       name, shown(n->token_id, a));
    return 0;
}

static bool includes(const struct address *list, uint32_t n, struct address a)
{
    for (uint32_t i = 0; i < n; i++) {
        if (address_same(list[i], a))
            return true;
    }
    return false;
}

#define NOT_REPORTED "the node does not report in its status"

/* NULL where a serving certificate may have the address; else why not, to follow it. */
static const char *address_refusal(const struct approver_node *n, struct address address)
{
    if (n->declared_n)
        return includes(n->declared, n->declared_n, address) ? NULL
                                                             : "is not declared for the node";
    if (!includes(n->reported, n->reported_n, address))
        return NOT_REPORTED;
    for (uint32_t i = 0; i < n->networks_n; i++) {
        if (cidr_contains(n->networks[i], address))
            return NULL;
    }
    return "is in none of the site's networks";
}

static int judge_serving(const struct approval *r, const struct approver_node *n, struct arena *a,
                         struct err *e)
{
    char text[ADDRESS_TEXT_SIZE];
    if (!n->joined)
        return err_set(e, -EAGAIN, "%s is not ready yet", shown(r->node, a));
    if (!r->csr.dns_n && !r->csr.addresses_n)
        return err_set(e, -EACCES, "it lists neither a name nor an address");
    for (uint32_t i = 0; i < r->csr.dns_n; i++) {
        if (!str_eq(r->csr.dns[i], n->name))
            return err_set(e, -EACCES, "%s asks for the DNS name %s", shown(r->node, a),
                           shown(r->csr.dns[i], a));
    }
    for (uint32_t i = 0; i < r->csr.addresses_n; i++) {
        const char *why = address_refusal(n, r->csr.addresses[i]);
        if (why)
            return err_set(e, strcmp(why, NOT_REPORTED) == 0 ? -ESTALE : -EACCES,
                           "%s asks for the address %s, which %s", shown(r->node, a),
                           address_text(r->csr.addresses[i], text), why);
    }
    return 0;
}

int approval_judge(const struct approval *r, const struct approver_node *n, struct arena *a,
                   struct err *e)
{
    if (!n)
        return err_set(e, -EACCES, "no node %s is known", shown(r->node, a));
    assert(str_eq(n->name, r->node));
    return r->kind == APPROVAL_CLIENT ? judge_client(r, n, a, e) : judge_serving(r, n, a, e);
}
