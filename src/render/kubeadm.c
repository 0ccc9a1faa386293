/* SPDX-License-Identifier: Apache-2.0 */
#include "render/kubeadm.h"

#include "base/guess.h"
#include "model/kubeversion.h"

#define GROUP "kubeadm.k8s.io/"

/* Versions of the configuration, as bits. */
enum { V3 = 1, V4 = 2, ANY = V3 | V4 };

struct field {
    const char *name; /* NULL behind the last one */
    unsigned versions;
    const struct field
        *fields; /* of the mapping that it is, or of each in a list; NULL: not checked */
    void (*check)(struct inspect *in, const struct yaml_node *y, unsigned versions);
};

/* --- Labels ---------------------------------------------------------------------------------- */

static bool ends_in_domain(struct str space, const char *domain)
{
    struct str suffix = str_from(domain);
    return str_ends(space, suffix) &&
           (space.n == suffix.n || space.p[space.n - suffix.n - 1] == '.');
}

/* kubelet does not start with a label in Kubernetes' own namespaces, but for these. */
static bool kubelet_takes(struct str label)
{
    static const char *const known[] = {"kubernetes.io/hostname",
                                        "kubernetes.io/os",
                                        "kubernetes.io/arch",
                                        "beta.kubernetes.io/os",
                                        "beta.kubernetes.io/arch",
                                        "beta.kubernetes.io/instance-type",
                                        "topology.kubernetes.io/zone",
                                        "topology.kubernetes.io/region",
                                        "failure-domain.beta.kubernetes.io/zone",
                                        "failure-domain.beta.kubernetes.io/region",
                                        NULL};
    struct str rest = label, space = str_cut(&rest, '/');
    if (!rest.p || (!ends_in_domain(space, "kubernetes.io") && !ends_in_domain(space, "k8s.io")))
        return true;
    return ends_in_domain(space, "kubelet.kubernetes.io") ||
           ends_in_domain(space, "node.kubernetes.io") || str_in(label, known);
}

static void check_labels(struct inspect *in, const struct yaml_node *y)
{
    struct str list = yaml_text(y);
    while (y->kind == YAML_SCALAR && list.p) {
        struct str label = str_cut(&list, ',');
        label = str_trim(str_cut(&label, '='));
        if (!kubelet_takes(label))
            inspect_fault(in, y,
                          "node-labels: kubelet does not start with %s: only the API server sets "
                          "labels of that namespace; use one of your own, like example.org/NAME",
                          yaml_quoted(in->arena, label));
    }
}

/* --- Arguments ------------------------------------------------------------------------------- */

/* v1beta4 made a list of the mapping. */
static void check_args(struct inspect *in, const struct yaml_node *y, unsigned versions)
{
    if (!inspect_is(in, y, versions == V3 ? INSPECT_MAP : INSPECT_LIST,
                    versions == V3 ? "arguments of v1beta3"
                                   : "arguments of v1beta4 ({name, value} each)"))
        return;
    for (uint32_t i = 0; i < y->n; i++) {
        const struct yaml_node *name =
            versions == V3 ? y->pairs[i].key : yaml_get(y->items[i], STR("name"));
        const struct yaml_node *value =
            versions == V3 ? y->pairs[i].value : yaml_get(y->items[i], STR("value"));
        if (name && value && name->kind == YAML_SCALAR && str_is(yaml_text(name), "node-labels"))
            check_labels(in, value);
    }
}

/* --- Fields ---------------------------------------------------------------------------------- */

#define ARGS(name)                  \
    {                               \
        name, ANY, NULL, check_args \
    }
#define OBJECT           \
    {"apiVersion", ANY}, \
    {                    \
        "kind", ANY      \
    }

static const struct field taint[] = {
    {"key", ANY}, {"value", ANY}, {"effect", ANY}, {"timeAdded", ANY}, {NULL}};
static const struct field registration[] = {{"name", ANY},
                                            {"criSocket", ANY},
                                            {"taints", ANY, taint},
                                            ARGS("kubeletExtraArgs"),
                                            {"ignorePreflightErrors", ANY},
                                            {"imagePullPolicy", ANY},
                                            {"imagePullSerial", V4},
                                            {NULL}};
static const struct field token[] = {
    {"token", ANY},  {"description", ANY}, {"ttl", ANY}, {"expires", ANY},
    {"usages", ANY}, {"groups", ANY},      {NULL}};
static const struct field endpoint[] = {{"advertiseAddress", ANY}, {"bindPort", ANY}, {NULL}};
static const struct field patches[] = {{"directory", ANY}, {NULL}};
static const struct field timeouts[] = {{"controlPlaneComponentHealthCheck", V4},
                                        {"kubeletHealthCheck", V4},
                                        {"kubernetesAPICall", V4},
                                        {"etcdAPICall", V4},
                                        {"tlsBootstrap", V4},
                                        {"discovery", V4},
                                        {"upgradeManifests", V4},
                                        {NULL}};
static const struct field init[] = {OBJECT,
                                    {"bootstrapTokens", ANY, token},
                                    {"nodeRegistration", ANY, registration},
                                    {"localAPIEndpoint", ANY, endpoint},
                                    {"certificateKey", ANY},
                                    {"skipPhases", ANY},
                                    {"patches", ANY, patches},
                                    {"dryRun", V4},
                                    {"timeouts", V4, timeouts},
                                    {NULL}};

static const struct field local_etcd[] = {
    {"dataDir", ANY},      {"imageRepository", ANY}, {"imageTag", ANY}, {"serverCertSANs", ANY},
    {"peerCertSANs", ANY}, ARGS("extraArgs"),        {"extraEnvs", V4}, {NULL}};
static const struct field external_etcd[] = {
    {"endpoints", ANY}, {"caFile", ANY}, {"certFile", ANY}, {"keyFile", ANY}, {NULL}};
static const struct field etcd[] = {
    {"local", ANY, local_etcd}, {"external", ANY, external_etcd}, {NULL}};
static const struct field networking[] = {
    {"serviceSubnet", ANY}, {"podSubnet", ANY}, {"dnsDomain", ANY}, {NULL}};
static const struct field volume[] = {{"name", ANY},     {"hostPath", ANY}, {"mountPath", ANY},
                                      {"readOnly", ANY}, {"pathType", ANY}, {NULL}};
static const struct field api_server[] = {
    ARGS("extraArgs"), {"extraVolumes", ANY, volume},  {"extraEnvs", V4},
    {"certSANs", ANY}, {"timeoutForControlPlane", V3}, {NULL}};
static const struct field component[] = {
    ARGS("extraArgs"), {"extraVolumes", ANY, volume}, {"extraEnvs", V4}, {NULL}};
static const struct field dns[] = {
    {"imageRepository", ANY}, {"imageTag", ANY}, {"disabled", V4}, {NULL}};
static const struct field proxy[] = {{"disabled", V4}, {NULL}};
static const struct field cluster[] = {OBJECT,
                                       {"etcd", ANY, etcd},
                                       {"networking", ANY, networking},
                                       {"kubernetesVersion", ANY},
                                       {"controlPlaneEndpoint", ANY},
                                       {"apiServer", ANY, api_server},
                                       {"controllerManager", ANY, component},
                                       {"scheduler", ANY, component},
                                       {"dns", ANY, dns},
                                       {"proxy", V4, proxy},
                                       {"certificatesDir", ANY},
                                       {"imageRepository", ANY},
                                       {"featureGates", ANY},
                                       {"clusterName", ANY},
                                       {"encryptionAlgorithm", V4},
                                       {"certificateValidityPeriod", V4},
                                       {"caCertificateValidityPeriod", V4},
                                       {NULL}};

static const struct field by_token[] = {{"token", ANY},
                                        {"apiServerEndpoint", ANY},
                                        {"caCertHashes", ANY},
                                        {"unsafeSkipCAVerification", ANY},
                                        {NULL}};
static const struct field by_file[] = {{"kubeConfigPath", ANY}, {NULL}};
static const struct field discovery[] = {{"bootstrapToken", ANY, by_token},
                                         {"file", ANY, by_file},
                                         {"tlsBootstrapToken", ANY},
                                         {"timeout", V3},
                                         {NULL}};
static const struct field control_plane[] = {
    {"localAPIEndpoint", ANY, endpoint}, {"certificateKey", ANY}, {NULL}};
static const struct field join[] = {OBJECT,
                                    {"nodeRegistration", ANY, registration},
                                    {"caCertPath", ANY},
                                    {"discovery", ANY, discovery},
                                    {"controlPlane", ANY, control_plane},
                                    {"skipPhases", ANY},
                                    {"patches", ANY, patches},
                                    {"dryRun", V4},
                                    {"timeouts", V4, timeouts},
                                    {NULL}};

static const struct {
    const char *kind;
    const struct field *fields;
} kinds[] = {
    {"InitConfiguration", init}, {"ClusterConfiguration", cluster}, {"JoinConfiguration", join}};

/* --- Checking -------------------------------------------------------------------------------- */

static const struct field *find(const struct field *fields, struct str name)
{
    while (fields->name && !str_is(name, fields->name))
        fields++;
    return fields;
}

static void warn_unknown(struct inspect *in, const struct yaml_node *key,
                         const struct field *fields, unsigned version)
{
    struct guess guess;
    guess_init(&guess, yaml_text(key));
    for (; fields->name; fields++) {
        if (fields->versions & version)
            guess_offer(&guess, str_from(fields->name));
    }
    inspect_warn(in, key, "%s is no field of kubeadm's v1beta%d here, and it passes over it%s",
                 yaml_quoted(in->arena, yaml_text(key)), version == V3 ? 3 : 4, guess_text(&guess));
}

static void check_fields(struct inspect *in, const struct yaml_node *y, const struct field *fields,
                         unsigned version);

static void check_field(struct inspect *in, const struct yaml_node *y, const struct field *f,
                        unsigned version)
{
    if (f->check)
        f->check(in, y, version);
    else if (f->fields)
        check_fields(in, y, f->fields, version);
}

static void check_fields(struct inspect *in, const struct yaml_node *y, const struct field *fields,
                         unsigned version)
{
    for (uint32_t i = 0; y->kind == YAML_SEQUENCE && i < y->n; i++)
        check_fields(in, y->items[i], fields, version);
    for (uint32_t i = 0; y->kind == YAML_MAPPING && i < y->n; i++) {
        const struct field *f = find(fields, yaml_text(y->pairs[i].key));
        if (f->name && f->versions & version)
            check_field(in, y->pairs[i].value, f, version);
        else
            warn_unknown(in, y->pairs[i].key, fields, version);
    }
}

/* Which version the object is of, as a bit; 0: one that this kubeadm does not read. */
static unsigned version_of(struct inspect *in, const struct yaml_node *api,
                           const struct kubeversion *v)
{
    struct str text = str_skip(yaml_text(api), STR(GROUP).n);
    if (str_is(text, "v1beta4") && v->minor >= KUBEVERSION_V1BETA4)
        return V4;
    if (str_is(text, "v1beta3") && v->minor < KUBEVERSION_WITHOUT_V1BETA3)
        return V3;
    inspect_fault(in, api, "apiVersion: kubeadm %d.%d does not read %s; write " GROUP "v1beta%d",
                  v->major, v->minor, yaml_quoted(in->arena, text),
                  v->minor >= KUBEVERSION_V1BETA4 ? 4 : 3);
    return 0;
}

void kubeadm_check(struct inspect *in, const struct yaml_node *object, struct str version)
{
    struct kubeversion v;
    const struct yaml_node *api = yaml_get(object, STR("apiVersion"));
    struct str kind = yaml_text(yaml_get(object, STR("kind")));
    if (!str_starts(yaml_text(api), STR(GROUP)) || !kubeversion_parse(version, &v))
        return;
    unsigned bit = version_of(in, api, &v);
    for (size_t i = 0; bit && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_is(kind, kinds[i].kind))
            check_fields(in, object, kinds[i].fields, bit);
    }
}
