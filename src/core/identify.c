/* SPDX-License-Identifier: Apache-2.0 */
#include "core/identify.h"

static const struct node *find_by_evidence(const struct snapshot *s, enum evidence kind,
                                           struct str value)
{
    struct mac mac;
    struct uuid uuid;
    switch (kind) {
    case EVIDENCE_MAC: return mac_parse(value, &mac) ? snapshot_find_mac(s, mac) : NULL;
    case EVIDENCE_UUID: return uuid_parse(value, &uuid) ? snapshot_find_uuid(s, uuid) : NULL;
    case EVIDENCE_SERIAL: return snapshot_find_serial(s, value);
    case EVIDENCE_NAME: return snapshot_find_name(s, value);
    default: return NULL;
    }
}

static struct identified refused(int status, const char *reason)
{
    return (struct identified){.status = status, .reason = reason};
}

static struct identified by_evidence(const struct snapshot *s, const struct fleet *f,
                                     const struct route_path *path)
{
    if (!tree_site(snapshot_tree(s))->evidence[path->evidence])
        return refused(403, "this site does not know machines by that: name it under 'evidence' in "
                            "site.yaml, or use the node's seed URL");
    const struct node *n = find_by_evidence(s, path->evidence, path->value);
    if (!n)
        return refused(404, "no node has that value");
    struct identified who = {.node = n, .view = fleet_look(f, n->uid)};
    if (who.view.window_key.n && !who.view.locked)
        return who;
    who = refused(403, who.view.locked
                           ? "this node is locked after an alarm: 'cloudseed node arm' unlocks it"
                           : "this node is not to be built now: an admin opens that with "
                             "'cloudseed node arm'");
    who.suspect = n;
    return who;
}

/* The key of a window that has ended opens nothing, but a boot that began in it may still report.
 */
static const struct node *by_key(const struct snapshot *s, struct fleet *f, enum identity wanted,
                                 struct str key)
{
    const struct node *n = snapshot_find_key(s, key);
    if (n)
        return n;
    struct str uid = fleet_find_window(f, key);
    if (!uid.n || (wanted != IDENTITY_BOOT_KEY && !fleet_look(f, uid).window_key.n))
        return NULL;
    return snapshot_find_uid(s, uid);
}

struct identified identify(const struct snapshot *s, struct fleet *f, enum identity wanted,
                           const struct route_path *path)
{
    if (wanted == IDENTITY_EVIDENCE)
        return by_evidence(s, f, path);
    const struct node *n = by_key(s, f, wanted, path->key);
    if (!n)
        return refused(404,
                       "no node has this seed key; 'cloudseed node url NAME' prints the right one");
    return (struct identified){.node = n, .view = fleet_look(f, n->uid)};
}

/* --- Machines that ask for their boot script ---------------------------------------------------
 */

static bool has_uuid_of(const struct machine *m, const struct node *n)
{
    return n->uuid && m->has_uuid && memcmp(n->uuid, &m->uuid, sizeof(m->uuid)) == 0;
}

/* Its MAC if the site accepts that, else its uuid. */
static enum evidence what_counts(const struct snapshot *s, const struct node *by_mac,
                                 const struct node *by_uuid)
{
    const bool *lists = tree_site(snapshot_tree(s))->evidence;
    if (by_mac && lists[EVIDENCE_MAC])
        return EVIDENCE_MAC;
    return by_uuid && lists[EVIDENCE_UUID] ? EVIDENCE_UUID : EVIDENCE_COUNT;
}

struct identified_machine identify_machine(const struct snapshot *s, const struct fleet *f,
                                           const struct machine *m)
{
    const struct node *by_mac = m->has_mac ? snapshot_find_mac(s, m->mac) : NULL;
    const struct node *by_uuid = m->has_uuid ? snapshot_find_uuid(s, m->uuid) : NULL;
    struct identified_machine who = {.node = by_mac ? by_mac : by_uuid};
    if (!who.node)
        return who;
    who.view = fleet_look(f, who.node->uid);
    who.evidence = what_counts(s, by_mac, by_uuid);
    who.is_torn = (by_uuid && by_uuid != who.node) ||
                  (who.node->uuid && m->has_uuid && !has_uuid_of(m, who.node));
    return who;
}
