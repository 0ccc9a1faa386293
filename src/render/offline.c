/* SPDX-License-Identifier: Apache-2.0 */
#include "render/offline.h"

#include "crypto/certificate.h"
#include "render/scope.h"

#define DEFAULT_REGISTRY "registry.k8s.io"

static bool is_set(struct value v)
{
    return v.kind == VALUE_LIST || (v.kind == VALUE_BOOL && v.b);
}

bool offline_applies(const struct site *site, const struct node *n, struct arena *a,
                     struct offline *ret)
{
    if (!n)
        return false;
    *ret = (struct offline){
        .site = site,
        .cluster = n->cluster,
        .domains = scope_variable_value(site, n, STR("offline"), a),
    };
    if (!is_set(ret->domains))
        return false;
    ret->mirrors = scope_variable_value(site, n, STR("registry_mirrors"), a);
    return true;
}

/* --- What is reached ------------------------------------------------------------------------- */

static bool is_private(struct address a)
{
    const uint8_t *o = a.octet;
    if (a.family == 4)
        return o[0] == 10 || o[0] == 127 || (o[0] == 172 && (o[1] & 0xf0) == 16) ||
               (o[0] == 192 && o[1] == 168) || (o[0] == 169 && o[1] == 254);
    struct address loopback = {.family = 6, .octet = {[15] = 1}};
    return (o[0] & 0xfe) == 0xfc || address_is_link_local(a) || address_same(a, loopback);
}

static bool is_within(struct str host, struct str domain)
{
    if (str_starts(domain, STR(".")))
        domain = str_skip(domain, 1);
    struct str end = host.n > domain.n ? str_skip(host, host.n - domain.n) : host;
    return str_eq_nocase(end, domain) &&
           (host.n == domain.n || host.p[host.n - domain.n - 1] == '.');
}

static bool is_in_site(const struct site *s, const struct certificate_name *host)
{
    for (uint32_t i = 0; i < s->networks_n; i++) {
        const struct network *net = &s->networks[i];
        if (host->address.family && network_contains(net, host->address))
            return true;
        for (uint32_t k = 0; !host->address.family && k < net->search_n; k++) {
            if (is_within(host->dns, net->search[k]))
                return true;
        }
    }
    return false;
}

static bool is_host_of(struct str url, const struct certificate_name *host)
{
    struct certificate_name other;
    return certificate_name_of_url(url, &other) && other.dns.n &&
           str_eq_nocase(other.dns, host->dns);
}

static bool is_named(const struct offline *o, const struct certificate_name *host)
{
    /* The last is where seed URLs point when documents are checked. */
    static const struct str local[] = {
        {"home.arpa", 9}, {"internal", 8}, {"local", 5}, {"cloudseed.invalid", 17}};
    struct str endpoint = o->cluster ? o->cluster->endpoint : STR("");
    bool is_local = !memchr(host->dns.p, '.', host->dns.n) || is_host_of(o->site->url, host) ||
                    is_host_of(o->site->node_url, host) ||
                    str_eq_nocase(str_cut(&endpoint, ':'), host->dns);
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
        is_local = is_local || is_within(host->dns, local[i]);
    for (uint32_t i = 0; o->domains.kind == VALUE_LIST && i < o->domains.n; i++)
        is_local = is_local || is_within(host->dns, value_text(o->domains.items[i]));
    return is_local;
}

static bool is_reached(const struct offline *o, const struct certificate_name *host)
{
    if (host->address.family ? is_private(host->address) : is_named(o, host))
        return true;
    return is_in_site(o->site, host);
}

/* --- Documents ------------------------------------------------------------------------------- */

static size_t url_end(struct str text, size_t at)
{
    while (at < text.n && text.p[at] > ' ' && !strchr("\"'\\,)}|;`", text.p[at]))
        at++;
    return at;
}

/* In a comment or a unit's Documentation= a URL is for people. Lines may be those of a text in
 * quotes, with "\n" between them. */
static bool is_for_people(struct str text, size_t at)
{
    size_t from = at;
    while (from && text.p[from - 1] != '\n' &&
           !(from > 1 && text.p[from - 2] == '\\' && text.p[from - 1] == 'n'))
        from--;
    struct str before = str_trim((struct str){text.p + from, at - from});
    return str_starts(before, STR("#")) || str_starts(before, STR("Documentation="));
}

static struct place place_of(struct inspect *in, struct str text, size_t at)
{
    struct place p = {.file = in->file, .line = 1, .column = 1};
    for (size_t i = 0; i < at; i++) {
        p.column++;
        if (text.p[i] == '\n') {
            p.line++;
            p.column = 1;
        }
    }
    return p;
}

static void check_url(struct inspect *in, const struct offline *o, struct str text, size_t at)
{
    size_t scheme = str_starts(str_skip(text, at), STR("https")) ? 8 : 7;
    struct str url = {text.p + at, url_end(text, at + scheme) - at};
    struct certificate_name host;
    if (!certificate_name_of_url(url, &host) || is_reached(o, &host) || is_for_people(text, at))
        return;
    fault_warn(in->faults, place_of(in, text, at),
               "%.*s is on the Internet, and 'offline' is set: point it to a mirror", STR_ARG(url));
}

static void check_urls(struct inspect *in, const struct offline *o, struct str text)
{
    for (size_t at = 0; at < text.n;) {
        struct str rest = str_skip(text, at);
        const char *found = memmem(rest.p, rest.n, "http", 4);
        if (!found)
            return;
        at = (size_t)(found - text.p);
        rest = str_skip(text, at);
        if (str_starts(rest, STR("http://")) || str_starts(rest, STR("https://")))
            check_url(in, o, text, at);
        at += 4;
    }
}

#define GIVE_A_MIRROR "on the Internet, and 'offline' is set: give 'apt_mirrors' a primary one"

static bool has_key(const struct yaml_node *y, const char *const *keys)
{
    for (; y && y->kind == YAML_MAPPING && *keys; keys++) {
        if (yaml_get(y, str_from(*keys)))
            return true;
    }
    return false;
}

static void check_apt(struct inspect *in, const struct yaml_node *user_data)
{
    static const char *const enough[] = {"primary", "sources_list", "http_proxy", "https_proxy",
                                         NULL};
    if (user_data->kind != YAML_MAPPING)
        return;
    const struct yaml_node *apt = yaml_get(user_data, STR("apt"));
    if (!has_key(apt, enough))
        inspect_warn(in, apt ? apt : user_data, "apt uses the image's own mirrors " GIVE_A_MIRROR);
}

/* --- Installers ------------------------------------------------------------------------------ */

/* Of user-data, for Ubuntu's. */
static void check_autoinstall(struct inspect *in, const struct yaml_node *user_data)
{
    static const char *const enough[] = {"primary", "mirror-selection", "sources_list", NULL};
    const struct yaml_node *y =
        user_data->kind == YAML_MAPPING ? yaml_get(user_data, STR("autoinstall")) : NULL;
    if (!y || y->kind != YAML_MAPPING || yaml_get(y, STR("proxy")))
        return;
    const struct yaml_node *apt = yaml_get(y, STR("apt"));
    if (!has_key(apt, enough))
        inspect_warn(in, apt ? apt : y, "the installer uses Ubuntu's mirrors " GIVE_A_MIRROR);
}

/* The value of an answer for Debian's installer, as "d-i mirror/http/hostname string mirror.lab";
 * empty: it is not given. */
static struct str answer_of(struct str text, const char *question)
{
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        if (str_is(str_cut(&line, ' '), "d-i") && str_is(str_cut(&line, ' '), question)) {
            str_cut(&line, ' '); /* its type */
            return str_trim(line);
        }
    }
    return STR("");
}

static void check_answer(struct inspect *in, const struct offline *o, struct str text,
                         const char *question, struct str otherwise)
{
    struct certificate_name name;
    struct str host = answer_of(text, question);
    struct str url = ARENA_JOIN(in->arena, STR("//"), host.n ? host : otherwise);
    if (!certificate_name_of_url(url, &name) || is_reached(o, &name))
        return;
    size_t at = host.n ? (size_t)(host.p - text.p) : 0;
    fault_warn(in->faults, place_of(in, text, at),
               "the installer uses %.*s, which is on the Internet, and 'offline' is set: give "
               "'apt_mirrors' a primary and a security one",
               STR_ARG(str_skip(url, 2)));
}

/* Nothing where the text has no answers for Debian's installer. Through a proxy it reaches all. */
static void check_preseed(struct inspect *in, const struct offline *o, struct str text)
{
    bool https = str_is(answer_of(text, "mirror/protocol"), "https");
    const char *host = https ? "mirror/https/hostname" : "mirror/http/hostname";
    if (!answer_of(text, host).n || answer_of(text, "mirror/http/proxy").n ||
        answer_of(text, "mirror/https/proxy").n)
        return;
    check_answer(in, o, text, host, STR(""));
    check_answer(in, o, text, "apt-setup/security_host", STR("security.debian.org"));
}

/* --- Kubernetes ------------------------------------------------------------------------------ */

/* "registry.k8s.io/coredns" is at registry.k8s.io. */
static bool is_mirrored(const struct inspect *in, const struct offline *o, struct str repository)
{
    struct str rest = repository;
    struct certificate_name host;
    struct str registry = str_cut(&rest, '/');
    return value_get(o->mirrors, registry).kind == VALUE_STR ||
           value_get(o->mirrors, STR("_default")).kind == VALUE_STR ||
           (certificate_name_of_url(ARENA_JOIN(in->arena, STR("//"), registry), &host) &&
            is_reached(o, &host));
}

static void check_kubeadm(struct inspect *in, const struct offline *o, const struct yaml_node *y)
{
    const struct yaml_node *kind = yaml_get(y, STR("kind"));
    if (!kind || kind->kind != YAML_SCALAR || !str_is(yaml_text(kind), "ClusterConfiguration"))
        return;
    const struct yaml_node *version = yaml_get(y, STR("kubernetesVersion")),
                           *images = yaml_get(y, STR("imageRepository"));
    struct str repository =
        images && images->kind == YAML_SCALAR ? yaml_text(images) : STR(DEFAULT_REGISTRY);
    if (!version || version->kind != YAML_SCALAR || !str_starts(yaml_text(version), STR("v")))
        inspect_warn(in, version ? version : y,
                     "kubeadm asks dl.k8s.io which version that is, and 'offline' is set: give the "
                     "cluster's 'version' with its third number");
    if (!is_mirrored(in, o, repository))
        inspect_warn(in, images ? images : y,
                     "images come from %.*s, and 'offline' is set: name a mirror in "
                     "'registry_mirrors', or set 'image_repository'",
                     STR_ARG(repository));
}

void offline_check(struct inspect *in, const struct offline *o, struct document d, struct str text,
                   const struct yaml_documents *docs)
{
    check_urls(in, o, text);
    if (d.kind == DOCUMENT_SEED && d.number == SEED_USER_DATA && docs->n)
        check_apt(in, docs->list[0]);
    if (d.kind == DOCUMENT_FURTHER && docs->n)
        check_autoinstall(in, docs->list[0]);
    else if (d.kind == DOCUMENT_FURTHER)
        check_preseed(in, o, text);
    for (uint32_t i = 0; d.kind == DOCUMENT_KUBEADM_INIT && i < docs->n; i++) {
        if (docs->list[i]->kind == YAML_MAPPING)
            check_kubeadm(in, o, docs->list[i]);
    }
}

/* --- Addons ---------------------------------------------------------------------------------- */

void offline_check_addons(const struct tree *t, struct faults *faults)
{
    for (uint32_t i = 0; i < tree_cluster_count(t); i++) {
        const struct cluster *c = tree_cluster(t, i);
        const struct variable *v = variables_find(c->variables, STR("offline"));
        if (!v)
            v = variables_find(tree_site(t)->variables, STR("offline"));
        if (!v || !is_set(v->value))
            continue;
        const struct offline o = {.site = tree_site(t), .cluster = c, .domains = v->value};
        for (uint32_t k = 0; k < c->addons_n; k++) {
            const struct addon *addon = &c->addons[k];
            struct certificate_name host;
            if (addon->url.n && certificate_name_of_url(addon->url, &host) &&
                !is_reached(&o, &host))
                fault_warn(faults, addon->at,
                           "addon '%.*s': %.*s is on the Internet, and 'offline' is set: give a "
                           "mirror's URL, or put the file among the assets and name it with "
                           "'asset'",
                           STR_ARG(addon->name), STR_ARG(addon->url));
        }
    }
}
