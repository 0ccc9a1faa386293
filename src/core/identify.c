/* SPDX-License-Identifier: Apache-2.0 */
#include "core/identify.h"

static const struct node *find_by_evidence(const struct tree *t, enum evidence kind,
                                           struct str value)
{
    struct mac mac;
    struct uuid uuid;
    switch (kind) {
    case EVIDENCE_MAC: return mac_parse(value, &mac) ? tree_find_mac(t, mac) : NULL;
    case EVIDENCE_UUID: return uuid_parse(value, &uuid) ? tree_find_uuid(t, uuid) : NULL;
    case EVIDENCE_SERIAL: return tree_find_serial(t, value);
    case EVIDENCE_NAME: return tree_find_name(t, value);
    default: return NULL;
    }
}

static const struct node *by_evidence(const struct snapshot *s, const struct route *r,
                                      int *ret_status, const char **ret_reason)
{
    const struct tree *t = snapshot_tree(s);
    if (!tree_site(t)->evidence[r->evidence]) {
        *ret_status = 403;
        *ret_reason = "this site does not know machines by that: name it under 'evidence' in "
                      "site.yaml, or use the node's seed URL";
        return NULL;
    }
    const struct node *n = find_by_evidence(t, r->evidence, r->value);
    if (!n) {
        *ret_status = 404;
        *ret_reason = "no node is declared with that value";
    }
    return n;
}

const struct node *identify(const struct snapshot *s, const struct route *r, int *ret_status,
                            const char **ret_reason)
{
    if (r->kind == ROUTE_EVIDENCE)
        return by_evidence(s, r, ret_status, ret_reason);
    const struct node *n = snapshot_find_key(s, r->key);
    if (!n) {
        *ret_status = 404;
        *ret_reason = "no node has this seed key; 'cloudseed node url NAME' prints the right one";
    }
    return n;
}
