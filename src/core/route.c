/* SPDX-License-Identifier: Apache-2.0 */
#include "core/internal.h"

#include "crypto/keys.h"
#include "model/asset.h"
#include "wire/bootstrap.h"
#include "wire/uri.h"

#define BOOT_AND_SOCKET (ON(BOOT) | ON(SOCKET))
#define NODES_AND_SOCKET (ON(BOOT) | ON(NODE) | ON(SOCKET))
#define ALL_HTTP (NODES_AND_SOCKET | ON(ADMIN) | ON(PAGE))
#define BROWSERS (ON(ADMIN) | ON(PAGE))

#define SIGN_IN_MAX_BYTES 4096

static const char no_path[] = "no such path: nodes fetch /s/KEY/meta-data, user-data, vendor-data "
                              "or network-config";
static const char no_api_path[] = "no such path: docs/formats/api.md lists them";
static const char no_key[] = "no seed key: it has 27 characters, a-z and 2-7; 'cloudseed node url "
                             "NAME' prints the right URL";
static const char no_file[] =
    "no such file: there are meta-data, user-data, vendor-data and network-config";
static const char no_evidence[] = "no such evidence: there are mac, uuid, serial and name";
static const char no_script[] = "no such script: there are /boot.ipxe, /ipxe/mac/MAC, "
                                "/grub/grub.cfg and /grub/mac/MAC";
static const char bad_value[] = "the value is badly percent-encoded";
static const char wants_value[] =
    "the path wants a value and a file: /nocloud/mac/52:54:00:12:34:56/meta-data";

/* --- The table ------------------------------------------------------------------------------- */

/* In the order in which they are tried: what is asked for most comes first. */
static const struct route routes[] = {
    {"/s/{key}/{file}", METHODS_READ, BOOT_AND_SOCKET | ON(ADMIN), IDENTITY_SEED_KEY, 0, "served",
     boot_answer, NULL},
    {"/s/{key}/report", METHOD(POST), NODES_AND_SOCKET, IDENTITY_BOOT_KEY, REPORT_MAX_BYTES,
     "reported", node_report, NULL},
    {"/s/{key}/install/report", METHOD(POST), NODES_AND_SOCKET, IDENTITY_BOOT_KEY, REPORT_MAX_BYTES,
     "reported", node_installer_report, NULL},
    {"/s/{key}/phone-home", METHOD(POST), NODES_AND_SOCKET, IDENTITY_BOOT_KEY, PHONE_HOME_MAX_BYTES,
     "phoned-home", node_phone_home, NULL},
    {"/s/{key}/bootstrap", METHOD(POST), ON(NODE), IDENTITY_JOIN_KEY, BOOTSTRAP_MAX_BYTES,
     "bootstrap", bootstrap_ask, NULL},
    {"/s/{key}/cluster", METHOD(POST), ON(NODE), IDENTITY_JOIN_KEY, BOOTSTRAP_CLUSTER_MAX_BYTES,
     "cluster", bootstrap_cluster, NULL},
    {"/s/{key}/result", METHOD(POST), ON(NODE), IDENTITY_JOIN_KEY, BOOTSTRAP_RESULT_MAX_BYTES,
     "result", bootstrap_result, NULL},
    {"/nocloud/{evidence}/{value}/{file}", METHODS_READ, BOOT_AND_SOCKET, IDENTITY_EVIDENCE, 0,
     "served", boot_answer, wants_value},

    {"/boot.ipxe", METHODS_READ, BOOT_AND_SOCKET | ON(TFTP), IDENTITY_NONE, 0, "served",
     script_ipxe, NULL},
    {"/ipxe/{kind}/{value}", METHODS_READ, BOOT_AND_SOCKET | ON(TFTP), IDENTITY_NONE, 0, "served",
     script_ipxe, no_script},
    {"/grub/grub.cfg", METHODS_READ, BOOT_AND_SOCKET | ON(TFTP), IDENTITY_NONE, 0, "served",
     script_grub, NULL},
    {"/grub/{kind}/{value}", METHODS_READ, BOOT_AND_SOCKET | ON(TFTP), IDENTITY_NONE, 0, "served",
     script_grub, no_script},
    {"/assets/{asset}", METHODS_READ, BOOT_AND_SOCKET | ON(TFTP), IDENTITY_NONE, 0, "served",
     asset_answer, NULL},
    {"/{asset}", METHODS_READ, ON(TFTP), IDENTITY_NONE, 0, "served", asset_answer, NULL},

    {"/ca.pem", METHODS_READ, ALL_HTTP, IDENTITY_NONE, 0, "served", ca_answer, NULL},
    {"/healthz", METHODS_READ, ALL_HTTP, IDENTITY_NONE, 0, NULL, health_alive, NULL},
    {"/readyz", METHODS_READ, ALL_HTTP, IDENTITY_NONE, 0, NULL, health_ready, NULL},

    {"/", METHODS_READ, BROWSERS, IDENTITY_NONE, 0, NULL, page_moved, NULL},
    {"/ui", METHODS_READ, BROWSERS, IDENTITY_NONE, 0, NULL, page_moved, NULL},
    {"/ui/", METHODS_READ, BROWSERS, IDENTITY_NONE, 0, NULL, page_answer, NULL},
    {"/ui/session", METHOD(POST), BROWSERS, IDENTITY_NONE, SIGN_IN_MAX_BYTES, "signed-in",
     page_sign_in, NULL},
    {"/ui/session", METHODS_READ, BROWSERS, IDENTITY_SESSION, 0, NULL, page_show_session, NULL},
    {"/ui/session", METHOD(DELETE), BROWSERS, IDENTITY_SESSION, SIGN_IN_MAX_BYTES, "signed-out",
     page_sign_out, NULL},
    {"/ui/{asset}", METHODS_READ, BROWSERS, IDENTITY_NONE, 0, NULL, page_answer, NULL},
    {.pattern = "/metrics",
     .methods = METHODS_READ,
     .listeners = ON(ADMIN) | ON(SOCKET),
     .identity = IDENTITY_ADMIN,
     .answer = admin_show_metrics,
     .access = ACCESS_VIEWER},

    {.pattern = "/v1/ui/relay",
     .methods = METHOD(POST),
     .listeners = ON(SOCKET),
     .identity = IDENTITY_ADMIN,
     .body_max_bytes = SIGN_IN_MAX_BYTES,
     .answer = page_relay,
     .access = ACCESS_VIEWER},

#define ADMINS_ROW(path, set, max, least, fn)                                         \
    {                                                                                 \
        .pattern = "/v1/" path, .methods = (set), .listeners = BROWSERS | ON(SOCKET), \
        .identity = IDENTITY_ADMIN, .body_max_bytes = (max), .answer = (fn),          \
        .access = ACCESS_##least                                                      \
    }
#define API_GET(path, least, fn) ADMINS_ROW(path, METHODS_READ, 0, least, fn)
#define API(path, method, least, fn) \
    ADMINS_ROW(path, METHOD(method), ADMIN_BODY_MAX_BYTES, least, fn)
    API_GET("nodes", VIEWER, admin_list_nodes),
    API("nodes", POST, OPERATOR, admin_create_node),
    API_GET("nodes/{name}", VIEWER, admin_show_node),
    API("nodes/{name}", PATCH, OPERATOR, admin_change_node),
    API("nodes/{name}", DELETE, OPERATOR, admin_delete_node),
    API("nodes/{name}/rekey", POST, ADMIN, admin_rekey_node),
    API("nodes/{name}/arm", POST, OPERATOR, admin_arm),
    API_GET("nodes/{name}/serial", OPERATOR, admin_show_serial),
    API_GET("nodes/{name}/join", OPERATOR, admin_show_join),
    API("nodes/{name}/disarm", POST, OPERATOR, admin_disarm),
    API("nodes/{name}/unlock", POST, ADMIN, admin_unlock),
    API("nodes/{name}/reprovision", POST, OPERATOR, admin_reprovision),
    API("nodes/{name}/accept-keys", POST, ADMIN, admin_accept_keys),
    API("nodes/{name}/vm", POST, OPERATOR, admin_set_vm),
    API("nodes/{name}/vm", DELETE, OPERATOR, admin_forget_vm),
    API("nodes/{name}/vm/lost", POST, OPERATOR, admin_lose_vm),
    API("nodes/{name}/vm/buried", POST, OPERATOR, admin_bury_vm),
    API_GET("nodes/{name}/documents", VIEWER, admin_list_documents),
    API_GET("nodes/{name}/documents/{document}", OPERATOR, admin_show_document),
    API_GET("clusters", VIEWER, admin_list_clusters),
    API_GET("clusters/{name}", VIEWER, admin_show_cluster),
    API("clusters/{name}/certs", POST, ADMIN, admin_cluster_certs),
    API("clusters/{name}/harden", POST, ADMIN, admin_harden_cluster),
    API("clusters/{name}/reset", POST, ADMIN, admin_reset_cluster),
    API("clusters/{name}/adopt", POST, ADMIN, admin_adopt_cluster),
    API_GET("discovered", VIEWER, admin_list_discovered),
    API_GET("sd/prometheus", VIEWER, admin_list_targets),
    API_GET("events", VIEWER, admin_list_events),
    API_GET("audit", ADMIN, admin_list_audit),
    API_GET("ca", VIEWER, admin_show_ca),
    API("ca/renew", POST, ADMIN, admin_renew_ca),
    API("ca/rotate", POST, ADMIN, admin_rotate_ca),
    API_GET("server", VIEWER, admin_show_server),
    API("server/acknowledge", POST, ADMIN, admin_acknowledge),
    API("reload", POST, OPERATOR, admin_reload),
    API_GET("openapi.json", VIEWER, admin_show_openapi),
    API("backup", POST, ADMIN, admin_backup),
    API("ui/codes", POST, VIEWER, page_make_code),
    API_GET("self", VIEWER, admin_show_self),
    API_GET("tokens", ADMIN, admin_list_tokens),
    API("tokens", POST, ADMIN, admin_create_token),
    API("tokens/{name}", DELETE, ADMIN, admin_revoke_token),
#undef API
#undef API_GET
#undef ADMINS_ROW
};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))

const struct route *route_at(size_t i)
{
    return i < ROUTES ? &routes[i] : NULL;
}

/* --- Placeholders ---------------------------------------------------------------------------- */

/* A path on its way along a pattern. */
struct matching {
    struct str rest; /* what is left of the path */
    struct route_path path;
    struct arena *arena;
    bool is_encoded;    /* percent-encoded: in HTTP, not in TFTP */
    const char *reason; /* why the last placeholder does not match; NULL: the usual 404 */
};

static struct str cut_segment(struct matching *m)
{
    const char *slash = m->rest.n ? memchr(m->rest.p, '/', m->rest.n) : NULL;
    struct str segment = {m->rest.p, slash ? (size_t)(slash - m->rest.p) : m->rest.n};
    m->rest = str_skip(m->rest, segment.n);
    return segment;
}

static struct str cut_all(struct matching *m)
{
    struct str all = m->rest;
    m->rest = str_skip(all, all.n);
    return all;
}

static bool decode(struct matching *m, struct str s, struct str *ret)
{
    *ret = s;
    return s.n && (!m->is_encoded || uri_decode_segment(s, m->arena, ret));
}

/* Old versions of cloud-init do not add a slash to a URL that has none: /s/KEYmeta-data is the same
 * as /s/KEY/meta-data. A key's length is fixed, so there is no ambiguity. */
static bool take_key(struct matching *m)
{
    m->path.key = str_head(m->rest, SEED_KEY_LEN);
    m->reason = no_key;
    if (!seed_key_valid(m->path.key))
        return false;
    m->rest = str_skip(m->rest, SEED_KEY_LEN);
    return true;
}

static bool take_file(struct matching *m)
{
    struct str name = cut_all(m);
    m->reason = no_file;
    m->path.file = seed_file_parse(name);
    if (m->path.file != SEED_FILE_COUNT)
        return true;
    m->path.document = name;
    return !role_document_refusal(name);
}

static bool take_kind(struct matching *m)
{
    struct str name = cut_segment(m);
    for (int i = 0; i < EVIDENCE_COUNT; i++) {
        if (str_is(name, evidence_names[i])) {
            m->path.evidence = (enum evidence)i;
            return true;
        }
    }
    return false;
}

static bool take_evidence(struct matching *m)
{
    m->reason = no_evidence;
    return take_kind(m);
}

static bool take_value(struct matching *m)
{
    struct str value = cut_segment(m);
    m->reason = value.n ? bad_value : NULL;
    return decode(m, value, &m->path.value);
}

static bool take_name(struct matching *m)
{
    return decode(m, cut_segment(m), &m->path.name);
}

static bool take_document(struct matching *m)
{
    return decode(m, cut_all(m), &m->path.document);
}

/* A percent-encoded slash would be a separator to the file system: it is refused. */
static bool decode_asset(struct matching *m, struct str *ret)
{
    struct str rest = cut_all(m), name = {"", 0};
    *ret = rest;
    while (m->is_encoded && rest.p) {
        struct str part;
        m->reason = "the asset's name is badly percent-encoded";
        if (!uri_decode_segment(str_cut(&rest, '/'), m->arena, &part))
            return false;
        m->reason = "a slash in an asset's name is not percent-encoded";
        if (memchr(part.p, '/', part.n))
            return false;
        *ret = name = ARENA_JOIN(m->arena, name, part, rest.p ? STR("/") : STR(""));
    }
    return true;
}

static bool take_asset(struct matching *m)
{
    if (!decode_asset(m, &m->path.asset))
        return false;
    m->reason = asset_name_refusal(m->path.asset);
    return !m->reason;
}

static const struct {
    struct str name;
    bool (*take)(struct matching *m);
    bool slash_is_optional; /* the slash that follows it */
} placeholders[] = {
    {{"key}", 4}, take_key, true},
    {{"file}", 5}, take_file, false},
    {{"evidence}", 9}, take_evidence, false},
    {{"kind}", 5}, take_kind, false},
    {{"value}", 6}, take_value, false},
    {{"asset}", 6}, take_asset, false},
    {{"name}", 5}, take_name, false},
    {{"document}", 9}, take_document, false},
};

/* --- Paths that are written otherwise ----------------------------------------------------------
 */

static bool is_usual(struct str path)
{
    const char *at = path.p, *end = path.p + path.n;
    while ((at = at < end ? memchr(at, '/', (size_t)(end - at)) : NULL)) {
        at++;
        size_t left = (size_t)(end - at);
        if (left && (*at == '/' || (*at == '.' && (left == 1 || at[1] == '/'))))
            return false;
    }
    return true;
}

struct str route_usual_path(struct str path, struct arena *a)
{
    if (!str_starts(path, STR("/")) || is_usual(path))
        return path;
    char *to = arena_alloc(a, path.n + 1);
    struct str rest = str_skip(path, 1);
    size_t n = 0;
    while (rest.p) {
        struct str part = str_cut(&rest, '/');
        if (str_is(part, "."))
            part.n = 0;
        if (part.n || !rest.p) {
            to[n++] = '/';
            memcpy(to + n, part.p, part.n);
            n += part.n;
        }
    }
    to[n] = '\0';
    return (struct str){to, n};
}

/* --- Matching -------------------------------------------------------------------------------- */

/* `*pattern` points behind the opening brace, and is moved behind the closing one. */
static bool take_placeholder(struct matching *m, const char **pattern)
{
    size_t i = 0;
    while (strncmp(*pattern, placeholders[i].name.p, placeholders[i].name.n) != 0)
        i++;
    *pattern += placeholders[i].name.n;
    if (!placeholders[i].take(m))
        return false;
    if (placeholders[i].slash_is_optional && **pattern == '/' && !str_starts(m->rest, STR("/")))
        ++*pattern;
    return true;
}

static bool matches(struct matching *m, const char *pattern)
{
    while (*pattern) {
        m->reason = NULL;
        if (*pattern == '{') {
            pattern++;
            if (!take_placeholder(m, &pattern))
                return false;
        } else {
            if (!m->rest.n || *m->rest.p != *pattern)
                return false;
            m->rest = str_skip(m->rest, 1);
            pattern++;
        }
    }
    m->reason = NULL;
    return !m->rest.n;
}

/* The literal text that a pattern begins with. */
static struct str head_of(const char *pattern)
{
    return (struct str){pattern, strcspn(pattern, "{")};
}

static const char *reason_of(const struct route *r, const struct matching *m, struct str path)
{
    if (m->reason)
        return m->reason;
    return r->usage && str_starts(path, head_of(r->pattern)) ? r->usage : NULL;
}

bool route_is_api(enum exchange_listener listener, struct str path)
{
    return (listener == LISTENER_ADMIN || listener == LISTENER_SOCKET ||
            listener == LISTENER_PAGE) &&
           (str_starts(path, STR("/v1/")) || str_is(path, "/ui/session"));
}

struct route_match route_find(enum exchange_listener listener, enum exchange_method method,
                              struct str path, struct arena *a)
{
    struct route_match found = {.reason = route_is_api(listener, path) ? no_api_path : no_path};
    for (const struct route *r = routes; r < routes + ROUTES; r++) {
        if (!(r->listeners & 1U << listener))
            continue;
        struct matching m = {.rest = path,
                             .path = {.file = SEED_FILE_COUNT, .evidence = EVIDENCE_COUNT},
                             .arena = a,
                             .is_encoded = listener != LISTENER_TFTP};
        if (!matches(&m, r->pattern)) {
            const char *reason = reason_of(r, &m, path);
            found.reason = reason ? reason : found.reason;
        } else if (r->methods & 1U << method) {
            return (struct route_match){.route = r, .path = m.path};
        } else {
            found.methods |= r->methods;
        }
    }
    return found;
}

const char *route_method_names(unsigned methods, struct arena *a)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    struct str text = {"", 0};
    for (unsigned i = 0; i < METHOD_OTHER; i++) {
        if (methods & 1U << i)
            text = ARENA_JOIN(a, text, text.n ? STR(", ") : STR(""), str_from(names[i]));
    }
    return text.p;
}
