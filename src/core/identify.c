/* SPDX-License-Identifier: Apache-2.0 */
#include "core/identify.h"

#include "model/placeholder.h"

/* --- What contradicts ---------------------------------------------------------------------------
 */

static struct str mac_str(struct mac mac, struct arena *a)
{
    char text[MAC_TEXT_SIZE];
    return arena_str(a, str_from(mac_text(mac, text)));
}

static struct str uuid_str(struct uuid u, struct arena *a)
{
    char text[UUID_TEXT_SIZE];
    return arena_str(a, str_from(uuid_text(u, text)));
}

static bool lists_mac(const struct node *n, struct mac mac)
{
    for (uint8_t i = 0; i < n->macs_n; i++) {
        if (memcmp(&n->macs[i], &mac, sizeof(mac)) == 0)
            return true;
    }
    return false;
}

static struct str macs_str(const struct node *n, struct arena *a)
{
    struct str text = {"", 0};
    for (uint8_t i = 0; i < n->macs_n; i++)
        text = ARENA_JOIN(a, text, i ? STR(" or ") : STR(""), mac_str(n->macs[i], a));
    return text;
}

/* A reported MAC that the node does not list; empty: there is none. A node that is declared without
 * MACs lists none that could differ. */
static struct str foreign_mac(const struct machine *m, const struct node *n, struct arena *a)
{
    if (!n->macs_n)
        return STR("");
    for (uint8_t i = 0; i < m->macs_n; i++) {
        if (!lists_mac(n, m->macs[i]))
            return mac_str(m->macs[i], a);
    }
    return m->unreadable_mac.n ? m->unreadable_mac : STR("");
}

/* The uuid by which the node is known; NULL: it has none that counts. */
static const struct uuid *uuid_of(const struct node *n)
{
    return n->uuid && !placeholder_uuid(*n->uuid) ? n->uuid : NULL;
}

static const struct node *find_uuid(const struct snapshot *s, struct uuid uuid)
{
    return placeholder_uuid(uuid) ? NULL : snapshot_find_uuid(s, uuid);
}

/* "uuid A instead of B"; empty: the uuid does not differ. */
static struct str foreign_uuid(const struct snapshot *s, struct uuid reported, const struct node *n,
                               struct arena *a)
{
    const struct uuid *own = uuid_of(n);
    if (own && uuid_same(*own, reported))
        return STR("");
    const struct node *other = find_uuid(s, reported);
    if (!own && !other)
        return STR("");
    struct str text = ARENA_JOIN(a, STR("uuid "), uuid_str(reported, a));
    if (other)
        text = ARENA_JOIN(a, text, STR(", which is that of "), other->name);
    if (own)
        text =
            ARENA_JOIN(a, text, other ? STR(",") : STR(""), STR(" instead of "), uuid_str(*own, a));
    if (own && uuid_same(uuid_swapped(*own), reported))
        text = ARENA_JOIN(a, text,
                          STR(": the same with the bytes of its first three groups in the other "
                              "order"));
    return text;
}

struct str identify_foreign_uuid(const struct snapshot *s, const struct node *n,
                                 const struct uuid *reported, struct arena *a)
{
    const struct uuid *own = uuid_of(n);
    if (reported)
        return foreign_uuid(s, *reported, n, a);
    return own ? ARENA_JOIN(a, STR("no uuid instead of "), uuid_str(*own, a)) : STR("");
}

/* The same of all that the machine reports as its uuid. One that cannot be read differs from any.
 */
static struct str doubtful_uuid(const struct snapshot *s, const struct machine *m,
                                const struct node *n, struct arena *a)
{
    const struct uuid *own = uuid_of(n);
    if (m->other_uuid.n)
        return ARENA_JOIN(a, STR("two uuids, "), m->reported_uuid, STR(" and "), m->other_uuid);
    if (m->has_uuid)
        return foreign_uuid(s, m->uuid, n, a);
    if (!own || !m->reported_uuid.n || m->placeholder_uuid.n)
        return STR("");
    return ARENA_JOIN(a, STR("unreadable uuid "), m->reported_uuid, STR(" instead of "),
                      uuid_str(*own, a));
}

/* `by` is what made it this node. */
static struct str mismatch_of(const struct snapshot *s, const struct machine *m,
                              const struct node *n, struct str by, struct arena *a)
{
    struct str mac = foreign_mac(m, n, a), uuid = doubtful_uuid(s, m, n, a);
    if (!mac.n && !uuid.n)
        return STR("");
    struct str text = ARENA_JOIN(a, STR("has the "), by, STR(" of "), n->name, STR(", but "));
    if (mac.n)
        text = ARENA_JOIN(a, text, STR("MAC "), mac, STR(" instead of "), macs_str(n, a));
    if (uuid.n)
        text = ARENA_JOIN(a, text, mac.n ? STR(", and ") : STR(""), uuid);
    return text;
}

/* --- Nodes by their evidence -------------------------------------------------------------------
 */

static const struct node *find_by_evidence(const struct snapshot *s, enum evidence kind,
                                           struct str value)
{
    struct mac mac;
    struct uuid uuid;
    char text[UUID_TEXT_SIZE];
    switch (kind) {
    case EVIDENCE_MAC: return mac_parse(value, &mac) ? snapshot_find_mac(s, mac) : NULL;
    case EVIDENCE_UUID:
        return uuid_parse(uuid_usual(value, text), &uuid) ? find_uuid(s, uuid) : NULL;
    case EVIDENCE_SERIAL: return placeholder_serial(value) ? NULL : snapshot_find_serial(s, value);
    case EVIDENCE_NAME: return snapshot_find_name(s, value);
    default: return NULL;
    }
}

static bool is_placeholder(const struct route_path *path)
{
    char text[UUID_TEXT_SIZE];
    return (path->evidence == EVIDENCE_UUID &&
            placeholder_uuid_text(uuid_usual(path->value, text))) ||
           (path->evidence == EVIDENCE_SERIAL && placeholder_serial(path->value));
}

static struct identified refused(int status, const char *reason)
{
    return (struct identified){.status = status, .reason = reason};
}

static struct identified by_evidence(const struct snapshot *s, const struct fleet *f,
                                     const struct route_path *path, struct str query,
                                     struct arena *a)
{
    if (!tree_site(snapshot_tree(s))->evidence[path->evidence])
        return refused(403, "this site does not know machines by that: name it under 'evidence' in "
                            "site.yaml, or use the node's seed URL");
    if (is_placeholder(path))
        return refused(404, "many machines report this value: it identifies no node");
    const struct node *n = find_by_evidence(s, path->evidence, path->value);
    if (!n)
        return refused(404, "no node has that value");
    struct identified who = {.node = n, .view = fleet_look(f, n->uid)};
    struct machine m = machine_of_request(path->evidence, path->value, query, a);
    struct str mismatch = mismatch_of(s, &m, n, str_from(evidence_names[path->evidence]), a);
    if (who.view.window_key.n && !who.view.locked && !mismatch.n)
        return who;
    who = refused(403, who.view.locked
                           ? "this node is locked after an alarm: 'cloudseed node arm' unlocks it"
                           : "this node is not to be built now: an admin opens that with "
                             "'cloudseed node arm'");
    if (mismatch.n)
        who.reason = ARENA_JOIN(a, STR("this machine "), mismatch).p;
    who.suspect = n;
    who.is_locked = fleet_look(f, n->uid).locked;
    who.mismatch = mismatch;
    return who;
}

/* The key of a window that has ended opens nothing, but a boot that began in it may still report,
 * and a node that wants to join with it hears that it has ended. */
static const struct node *by_key(const struct snapshot *s, struct fleet *f, enum identity wanted,
                                 struct str key)
{
    const struct node *n = snapshot_find_key(s, key);
    if (n)
        return n;
    struct str uid = fleet_find_window(f, key);
    if (!uid.n || (wanted == IDENTITY_SEED_KEY && !fleet_look(f, uid).window_key.n))
        return NULL;
    return snapshot_find_uid(s, uid);
}

struct identified identify(const struct snapshot *s, struct fleet *f, enum identity wanted,
                           const struct route_path *path, struct str query, struct arena *a)
{
    if (wanted == IDENTITY_EVIDENCE)
        return by_evidence(s, f, path, query, a);
    const struct node *n = by_key(s, f, wanted, path->key);
    if (!n)
        return refused(
            404, "no node has this seed key, or its build window is closed; 'cloudseed node url "
                 "NAME' prints the right one, 'cloudseed node arm NAME' opens a window");
    return (struct identified){.node = n, .view = fleet_look(f, n->uid)};
}

/* --- Machines that ask for their boot script ---------------------------------------------------
 */

static const struct node *find_by_mac(const struct snapshot *s, const struct machine *m)
{
    const struct node *n = NULL;
    for (uint8_t i = 0; !n && i < m->macs_n; i++)
        n = snapshot_find_mac(s, m->macs[i]);
    return n;
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
                                           const struct machine *m, struct arena *a)
{
    const struct node *by_mac = find_by_mac(s, m);
    const struct node *by_uuid = m->has_uuid ? find_uuid(s, m->uuid) : NULL;
    const struct node *by_twin =
        m->has_uuid && !by_uuid ? find_uuid(s, uuid_swapped(m->uuid)) : NULL;
    struct identified_machine who = {.node = by_mac ? by_mac : by_uuid ? by_uuid : by_twin};
    if (!who.node)
        return who;
    who.view = fleet_look(f, who.node->uid);
    who.evidence = what_counts(s, by_mac, by_uuid);
    who.mismatch = mismatch_of(s, m, who.node, by_mac ? STR("MAC") : STR("uuid"), a);
    return who;
}
