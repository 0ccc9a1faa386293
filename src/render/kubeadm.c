/* SPDX-License-Identifier: Apache-2.0 */
#include "render/kubeadm.h"

#include "model/address.h"
#include "model/kubeversion.h"
#include "render/fields.h"

#define GROUP "kubeadm.k8s.io/"

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

static void check_labels(const struct field_at *at, const struct yaml_node *y)
{
    struct str list = yaml_text(y);
    while (y->kind == YAML_SCALAR && list.p) {
        struct str label = str_cut(&list, ',');
        label = str_trim(str_cut(&label, '='));
        if (!kubelet_takes(label))
            field_fault(at, y,
                        "node-labels: kubelet does not start with %s: only the API server sets "
                        "labels of that namespace; use one of your own, like example.org/NAME",
                        yaml_quoted(at->in->arena, label));
    }
}

/* --- Rules ----------------------------------------------------------------------------------- */

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* What stands for a secret in documents that are only checked (render/values.h). */
static bool is_placeholder(struct str text)
{
    return str_starts(text, STR("SECRET-"));
}

static bool is_hex(struct str text, size_t n)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!memchr("0123456789abcdefABCDEF", text.p[i], 22))
            return false;
    }
    return text.n == n;
}

/* kubeadm itself makes capitals small. */
static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool letter = is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
        if (!letter && ((c != '-' && c != '.') || i == 0 || i + 1 == text.n))
            return false;
    }
    return text.n > 0 && text.n <= 253;
}

static const char *rule_name(struct str text)
{
    return is_name(text) ? NULL : "is not a DNS name: letters, digits, '-' and '.'";
}

static const char *rule_san(struct str text)
{
    struct address address;
    struct str name = str_starts(text, STR("*.")) ? str_skip(text, 2) : text;
    return is_name(name) || address_parse(text, &address) ? NULL
                                                          : "is neither a DNS name nor an address";
}

static bool is_port(struct str text)
{
    uint64_t port;
    return str_to_u64(text, 65535, &port) && port > 0;
}

/* HOST:PORT, with brackets around IPv6; *ret_port is empty where there is none. */
static bool read_endpoint(struct str text, struct str *ret_port)
{
    struct address address;
    struct str host, rest = text;
    if (str_starts(text, STR("["))) {
        rest = str_skip(text, 1);
        host = str_cut(&rest, ']');
        *ret_port = rest.n ? str_skip(rest, 1) : STR("");
        return rest.p && address_parse(host, &address) &&
               (!rest.n || (rest.p[0] == ':' && is_port(*ret_port)));
    }
    host = str_cut(&rest, ':');
    *ret_port = rest.p ? rest : STR("");
    return is_name(host) && (!rest.p || is_port(rest));
}

static const char *rule_endpoint(struct str text)
{
    struct str port;
    return read_endpoint(text, &port) ? NULL : "is not HOST or HOST:PORT, like 10.0.20.11:6443";
}

static const char *rule_endpoint_port(struct str text)
{
    struct str port;
    return read_endpoint(text, &port) && port.n ? NULL : "is not HOST:PORT, like 10.0.20.11:6443";
}

/* One network, or one of each family. */
static const char *rule_subnets(struct str text)
{
    unsigned n = 0;
    while (text.p) {
        struct address address;
        uint64_t prefix;
        struct str length = str_cut(&text, ','), base = str_cut(&length, '/');
        bool ok = length.p && address_parse(base, &address) &&
                  str_to_u64(length, address.family == 4 ? 32 : 128, &prefix);
        if (!ok || ++n > 2)
            return "is not a network, like 10.244.0.0/16, or one of IPv4 and one of IPv6";
    }
    return NULL;
}

static const char *rule_duration(struct str text)
{
    static const char *const units[] = {"ns", "us", "ms", "s", "m", "h", NULL};
    bool ok = text.n > 0;
    while (ok && text.n && !str_is(text, "0")) {
        size_t number = 0, unit;
        while (number < text.n && memchr("0123456789.", text.p[number], 11))
            number++;
        for (unit = number; unit < text.n && text.p[unit] >= 'a' && text.p[unit] <= 'z';)
            unit++;
        struct str name = str_head(str_skip(text, number), unit - number);
        ok = number > 0 && str_in(name, units);
        text = str_skip(text, unit);
    }
    return ok ? NULL : "is not a duration, like 4m0s";
}

static const char *rule_socket(struct str text)
{
    return str_starts(text, STR("unix:///")) || str_starts(text, STR("/"))
               ? NULL
               : "is not a socket, like unix:///run/containerd/containerd.sock";
}

static const char *rule_token(struct str text)
{
    bool ok = text.n == 23 && text.p[6] == '.';
    for (size_t i = 0; ok && i < text.n; i++)
        ok = i == 6 || is_lower_or_digit(text.p[i]);
    return ok || is_placeholder(text) ? NULL : "is not a token: [a-z0-9]{6}.[a-z0-9]{16}";
}

static const char *rule_certificate_key(struct str text)
{
    return is_hex(text, 64) || is_placeholder(text) ? NULL : "is not a key: 64 hexadecimal digits";
}

static const char *rule_ca_hash(struct str text)
{
    static const struct str prefix = {"sha256:", 7};
    bool ok = str_starts(text, prefix) && is_hex(str_skip(text, prefix.n), 64);
    return ok || is_placeholder(text) ? NULL : "is not a hash: sha256: and 64 hexadecimal digits";
}

/* --- Checks of values that depend on each other ---------------------------------------------- */

static const struct yaml_node *get(const struct field_at *at, const char *key)
{
    const struct yaml_node *y = yaml_get(at->y, str_from(key));
    return y && !yaml_is_null(y) ? y : NULL;
}

static void check_argument(const struct field_at *at)
{
    const struct yaml_node *name = get(at, "name"), *value = get(at, "value");
    if (name && value && name->kind == YAML_SCALAR && str_is(yaml_text(name), "node-labels"))
        check_labels(at, value);
}

/* Of v1beta3 */
static void check_mapping(const struct field_at *at)
{
    const struct yaml_node *labels = get(at, "node-labels");
    if (at->y->kind == YAML_SEQUENCE)
        field_fault(at, at->y, "v1beta3 wants a mapping, like {v: \"2\"}");
    else if (labels)
        check_labels(at, labels);
}

/* Of v1beta4 */
static void check_list(const struct field_at *at)
{
    if (at->y->kind == YAML_MAPPING)
        field_fault(at, at->y, "v1beta4 wants a list, like [{name: v, value: \"2\"}]");
}

static void check_etcd(const struct field_at *at)
{
    if (get(at, "local") && get(at, "external"))
        field_fault(at, at->y, "'local' and 'external' exclude each other");
}

static void check_discovery(const struct field_at *at)
{
    bool token = get(at, "bootstrapToken") != NULL, file = get(at, "file") != NULL;
    if (token == file)
        field_fault(at, at->y,
                    token ? "'bootstrapToken' and 'file' exclude each other"
                          : "'bootstrapToken' or 'file' is missing");
}

static void check_pins(const struct field_at *at)
{
    const struct yaml_node *hashes = get(at, "caCertHashes");
    bool pinned = hashes && (hashes->kind != YAML_SEQUENCE || hashes->n);
    if (!pinned && !inspect_true(get(at, "unsafeSkipCAVerification")))
        field_fault(at, at->y, "'caCertHashes' is missing");
}

static void check_lifetime(const struct field_at *at)
{
    if (get(at, "ttl") && get(at, "expires"))
        field_fault(at, at->y, "'ttl' and 'expires' exclude each other");
}

/* --- Fields ---------------------------------------------------------------------------------- */

#define B INSPECT_BOOL
#define N INSPECT_NUMBER
#define T INSPECT_TEXT
#define L INSPECT_LIST
#define M INSPECT_MAP
#define ANY 0

#define V3 .until = 4
#define V4 .since = 4
#define NEVER(text) .until = 1, .instead = (text)
#define TEXTS L, FIELD_ITEMS(T)
#define NAMES L, FIELD_ITEMS(T, .rule = rule_san)
#define PATH T, .rule = inspect_path
#define DURATION T, .rule = rule_duration
#define COUNT N, FIELD_RANGE(0, INT32_MAX)
#define MAP_OF_TEXTS M, FIELD_VALUES(T)
#define OBJECT                         \
    {"apiVersion", T, FIELD_REQUIRED}, \
    {                                  \
        "kind", T, FIELD_REQUIRED      \
    }

/* v1beta4 made a list of the mapping. */
static const struct field argument[] = {
    {"name", T, FIELD_REQUIRED, .rule = inspect_not_empty}, {"value", T}, {NULL}};
#define ARGUMENTS(name)                                                               \
    {name, M | L, V3, FIELD_VALUES(T), .check = check_mapping},                       \
    {                                                                                 \
        name, M | L, V4, FIELD_ITEMS(M, .fields = argument, .check = check_argument), \
            .check = check_list                                                       \
    }
static const struct field variable[] = {
    {"name", T, FIELD_REQUIRED}, {"value", T}, {"valueFrom", M}, {NULL}};
#define VARIABLES                                              \
    {                                                          \
        "extraEnvs", L, V4, FIELD_ITEMS(M, .fields = variable) \
    }

static const struct field taint[] = {
    {"key", T, FIELD_REQUIRED},
    {"value", T},
    {"effect", T, FIELD_REQUIRED, FIELD_WORDS("NoSchedule", "PreferNoSchedule", "NoExecute")},
    {"timeAdded", ANY},
    {NULL},
};
static const struct field registration[] = {
    {"name", T, .rule = rule_name},
    {"criSocket", T, .rule = rule_socket},
    {"taints", L, FIELD_ITEMS(M, .fields = taint)},
    ARGUMENTS("kubeletExtraArgs"),
    {"ignorePreflightErrors", TEXTS},
    {"imagePullPolicy", T, FIELD_WORDS("Always", "IfNotPresent", "Never")},
    {"imagePullSerial", B, V4},
    {NULL},
};
static const struct field token[] = {
    {"token", T, FIELD_SECRET, .rule = rule_token},
    {"description", T},
    {"ttl", DURATION},
    {"expires", ANY},
    {"usages", L, FIELD_ITEMS(T, FIELD_WORDS("signing", "authentication"))},
    {"groups", TEXTS},
    {NULL},
};
static const struct field endpoint[] = {{"advertiseAddress", T, .rule = inspect_address},
                                        {"bindPort", N, FIELD_RANGE(0, 65535)},
                                        {NULL}};
static const struct field patches[] = {{"directory", T}, {NULL}};
static const struct field timeouts[] = {
    {"controlPlaneComponentHealthCheck", DURATION},
    {"kubeletHealthCheck", DURATION},
    {"kubernetesAPICall", DURATION},
    {"etcdAPICall", DURATION},
    {"tlsBootstrap", DURATION},
    {"discovery", DURATION},
    {"upgradeManifests", DURATION},
    {NULL},
};

static const struct field init[] = {
    OBJECT,
    {"bootstrapTokens", L, FIELD_ITEMS(M, .fields = token, .check = check_lifetime)},
    {"nodeRegistration", M, .fields = registration},
    {"localAPIEndpoint", M, .fields = endpoint},
    {"certificateKey", T, FIELD_SECRET, .rule = rule_certificate_key},
    {"skipPhases", TEXTS},
    {"patches", M, .fields = patches},
    {"dryRun", B, V4},
    {"timeouts", M, V4, .fields = timeouts},
    {NULL},
};

static const struct field local_etcd[] = {
    {"dataDir", PATH},       {"imageRepository", T}, {"imageTag", T}, {"serverCertSANs", NAMES},
    {"peerCertSANs", NAMES}, ARGUMENTS("extraArgs"), VARIABLES,       {NULL},
};
static const struct field external_etcd[] = {
    {"endpoints", L, FIELD_REQUIRED, FIELD_ITEMS(T, .rule = inspect_url)},
    {"httpEndpoints", L, V4, FIELD_ITEMS(T, .rule = inspect_url)},
    {"caFile", PATH},
    {"certFile", PATH},
    {"keyFile", PATH},
    {NULL},
};
static const struct field etcd[] = {
    {"local", M, .fields = local_etcd}, {"external", M, .fields = external_etcd}, {NULL}};
static const struct field networking[] = {
    {"serviceSubnet", T, .rule = rule_subnets},
    {"podSubnet", T, .rule = rule_subnets},
    {"dnsDomain", T, .rule = rule_name},
    {"serviceCIDR", ANY, NEVER("write 'serviceSubnet'")},
    {"podCIDR", ANY, NEVER("write 'podSubnet'")},
    {NULL},
};
static const struct field volume[] = {
    {"name", T, FIELD_REQUIRED},
    {"hostPath", T, FIELD_REQUIRED},
    {"mountPath", T, FIELD_REQUIRED},
    {"readOnly", B},
    {"pathType", T,
     FIELD_WORDS("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket",
                 "CharDevice", "BlockDevice")},
    {NULL},
};
#define VOLUMES                                             \
    {                                                       \
        "extraVolumes", L, FIELD_ITEMS(M, .fields = volume) \
    }
static const struct field api_server[] = {
    ARGUMENTS("extraArgs"),
    VOLUMES,
    VARIABLES,
    {"certSANs", NAMES},
    {"timeoutForControlPlane", DURATION, V3},
    {"timeoutForControlPlane", ANY,
     NEVER("write timeouts: {controlPlaneComponentHealthCheck: …} in InitConfiguration")},
    {NULL},
};
static const struct field component[] = {ARGUMENTS("extraArgs"), VOLUMES, VARIABLES, {NULL}};
static const struct field dns[] = {
    {"imageRepository", T}, {"imageTag", T}, {"disabled", B, V4}, {NULL}};
static const struct field proxy[] = {{"disabled", B, V4}, {NULL}};
static const struct field cluster[] = {
    OBJECT,
    {"etcd", M, .fields = etcd, .check = check_etcd},
    {"networking", M, .fields = networking},
    {"kubernetesVersion", T},
    {"controlPlaneEndpoint", T, .rule = rule_endpoint},
    {"apiServer", M, .fields = api_server},
    {"controllerManager", M, .fields = component},
    {"scheduler", M, .fields = component},
    {"dns", M, .fields = dns},
    {"proxy", M, V4, .fields = proxy},
    {"certificatesDir", PATH},
    {"imageRepository", T},
    {"featureGates", M, FIELD_VALUES(B)},
    {"clusterName", T},
    {"encryptionAlgorithm", T, V4,
     FIELD_WORDS("RSA-2048", "RSA-3072", "RSA-4096", "ECDSA-P256", "ECDSA-P384")},
    {"certificateValidityPeriod", DURATION, V4},
    {"caCertificateValidityPeriod", DURATION, V4},
    {"serviceCIDR", ANY, NEVER("write networking: {serviceSubnet: …}")},
    {"serviceSubnet", ANY, NEVER("write networking: {serviceSubnet: …}")},
    {"podCIDR", ANY, NEVER("write networking: {podSubnet: …}")},
    {"podSubnet", ANY, NEVER("write networking: {podSubnet: …}")},
    {"apiServerExtraArgs", ANY, NEVER("write apiServer: {extraArgs: …}")},
    {NULL},
};

static const struct field by_token[] = {
    {"token", T, FIELD_REQUIRED | FIELD_SECRET, .rule = rule_token},
    {"apiServerEndpoint", T, FIELD_REQUIRED, .rule = rule_endpoint_port},
    {"caCertHashes", L, FIELD_ITEMS(T, .rule = rule_ca_hash)},
    {"unsafeSkipCAVerification", B},
    {NULL},
};
static const struct field by_file[] = {{"kubeConfigPath", T, FIELD_REQUIRED}, {NULL}};
static const struct field discovery[] = {
    {"bootstrapToken", M, .fields = by_token, .check = check_pins},
    {"file", M, .fields = by_file},
    {"tlsBootstrapToken", T, FIELD_SECRET, .rule = rule_token},
    {"timeout", DURATION, V3},
    {"timeout", ANY, NEVER("write timeouts: {discovery: …} at the top")},
    {NULL},
};
static const struct field control_plane[] = {
    {"localAPIEndpoint", M, .fields = endpoint},
    {"certificateKey", T, FIELD_SECRET, .rule = rule_certificate_key},
    {NULL},
};
static const struct field join[] = {
    OBJECT,
    {"nodeRegistration", M, .fields = registration},
    {"caCertPath", PATH},
    {"discovery", M, FIELD_REQUIRED, .fields = discovery, .check = check_discovery},
    {"controlPlane", M, .fields = control_plane},
    {"skipPhases", TEXTS},
    {"patches", M, .fields = patches},
    {"dryRun", B, V4},
    {"timeouts", M, V4, .fields = timeouts},
    {NULL},
};

static const struct field reset[] = {
    OBJECT,
    {"cleanupTmpDir", B},
    {"certificatesDir", PATH},
    {"criSocket", T, .rule = rule_socket},
    {"dryRun", B},
    {"force", B},
    {"ignorePreflightErrors", TEXTS},
    {"skipPhases", TEXTS},
    {"unmountFlags", TEXTS},
    {"timeouts", M, .fields = timeouts},
    {NULL},
};

/* What is set most of all; kubelet and kube-proxy know many more fields. */
static const struct field kubelet[] = {
    OBJECT,
    {"address", T, .rule = inspect_address},
    {"allowedUnsafeSysctls", TEXTS},
    {"authentication", M},
    {"authorization", M},
    {"cgroupDriver", T, FIELD_WORDS("systemd", "cgroupfs")},
    {"clusterDNS", L, FIELD_ITEMS(T, .rule = inspect_address)},
    {"clusterDomain", T},
    {"containerLogMaxFiles", COUNT},
    {"containerLogMaxSize", T},
    {"containerRuntimeEndpoint", T, .rule = rule_socket},
    {"cpuManagerPolicy", T, FIELD_WORDS("none", "static")},
    {"enforceNodeAllocatable", TEXTS},
    {"eventRecordQPS", COUNT},
    {"evictionHard", MAP_OF_TEXTS},
    {"evictionSoft", MAP_OF_TEXTS},
    {"failSwapOn", B},
    {"featureGates", M, FIELD_VALUES(B)},
    {"imageGCHighThresholdPercent", N, FIELD_RANGE(0, 100)},
    {"imageGCLowThresholdPercent", N, FIELD_RANGE(0, 100)},
    {"kubeReserved", MAP_OF_TEXTS},
    {"logging", M},
    {"maxParallelImagePulls", COUNT},
    {"maxPods", COUNT},
    {"memorySwap", M},
    {"nodeStatusUpdateFrequency", DURATION},
    {"podPidsLimit", N, FIELD_INTEGER},
    {"port", N, FIELD_RANGE(1, 65535)},
    {"protectKernelDefaults", B},
    {"readOnlyPort", N, FIELD_RANGE(0, 65535)},
    {"registerNode", B},
    {"registerWithTaints", L, FIELD_ITEMS(M, .fields = taint)},
    {"registryBurst", COUNT},
    {"registryPullQPS", COUNT},
    {"resolvConf", T},
    {"rotateCertificates", B},
    {"seccompDefault", B},
    {"serializeImagePulls", B},
    {"serverTLSBootstrap", B},
    {"shutdownGracePeriod", DURATION},
    {"shutdownGracePeriodCriticalPods", DURATION},
    {"staticPodPath", T},
    {"streamingConnectionIdleTimeout", DURATION},
    {"systemReserved", MAP_OF_TEXTS},
    {"tlsCipherSuites", TEXTS},
    {"tlsMinVersion", T},
    {"topologyManagerPolicy", T,
     FIELD_WORDS("none", "best-effort", "restricted", "single-numa-node")},
    {NULL},
};
static const struct field ipvs[] = {{"scheduler", T}, {"strictARP", B}, {NULL}};
static const struct field kube_proxy[] = {
    OBJECT,
    {"bindAddress", T},
    {"clusterCIDR", T},
    {"configSyncPeriod", DURATION},
    {"conntrack", M},
    {"featureGates", M, FIELD_VALUES(B)},
    {"hostnameOverride", T},
    {"iptables", M},
    {"ipvs", M, .fields = ipvs, FIELD_VALUES(ANY)},
    {"metricsBindAddress", T},
    {"mode", T, FIELD_WORDS("", "iptables", "ipvs", "nftables", "userspace", "kernelspace")},
    {"nodePortAddresses", TEXTS},
    {NULL},
};

static const struct field init_row = {"", M, .fields = init};
static const struct field cluster_row = {"", M, .fields = cluster};
static const struct field join_row = {"", M, .fields = join};
static const struct field reset_row = {"", M, .fields = reset};
static const struct field kubelet_row = {"", M, .fields = kubelet, FIELD_VALUES(ANY)};
static const struct field kube_proxy_row = {"", M, .fields = kube_proxy, FIELD_VALUES(ANY)};

static const struct {
    const char *group, *kind;
    const struct field *row;
} kinds[] = {
    {GROUP, "InitConfiguration", &init_row},
    {GROUP, "ClusterConfiguration", &cluster_row},
    {GROUP, "JoinConfiguration", &join_row},
    {GROUP, "ResetConfiguration", &reset_row},
    {"kubelet.config.k8s.io/", "KubeletConfiguration", &kubelet_row},
    {"kubeproxy.config.k8s.io/", "KubeProxyConfiguration", &kube_proxy_row},
};

/* --- Checking -------------------------------------------------------------------------------- */

/* Which version the object is of: 3 or 4; 0: one that kubeadm does not read. `v` NULL: that of a
 * cluster that is not known here. */
static unsigned version_of(struct inspect *in, const struct yaml_node *api,
                           const struct kubeversion *v)
{
    struct str text = str_skip(yaml_text(api), STR(GROUP).n);
    if (str_is(text, "v1beta4") && (!v || v->minor >= KUBEVERSION_V1BETA4))
        return 4;
    if (str_is(text, "v1beta3") && (!v || v->minor < KUBEVERSION_WITHOUT_V1BETA3))
        return 3;
    if (v)
        inspect_fault(in, api,
                      "apiVersion: kubeadm %d.%d does not read %s; write " GROUP "v1beta%d",
                      v->major, v->minor, yaml_quoted(in->arena, text),
                      v->minor >= KUBEVERSION_V1BETA4 ? 4 : 3);
    else
        inspect_warn(in, api,
                     "apiVersion: kubeadm from 1.27 on does not read %s; write " GROUP
                     "v1beta3 until 1.30, v1beta4 from 1.31 on",
                     yaml_quoted(in->arena, text));
    return 0;
}

void kubeadm_check(struct inspect *in, const struct yaml_node *object, struct str version)
{
    struct kubeversion v;
    const struct yaml_node *api = yaml_get(object, STR("apiVersion"));
    struct str group = yaml_text(api), kind = yaml_text(yaml_get(object, STR("kind")));
    struct field_reader reader = {.name = "kubelet", .takes_empty = true};
    if (str_starts(group, STR(GROUP))) {
        unsigned number = version_of(in, api, kubeversion_parse(version, &v) ? &v : NULL);
        if (!number)
            return;
        reader.name = number == 3 ? "v1beta3" : "v1beta4";
        reader.oldest = reader.newest = number;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_is(kind, kinds[i].kind) && str_starts(group, str_from(kinds[i].group)))
            fields_check(in, &reader, kinds[i].row, object);
    }
}
