/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "render/manifest.h"

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* A line for each fault. */
static struct str listed(struct faults *faults)
{
    struct str all = STR("");
    faults_sort(faults);
    for (size_t i = 0; i < faults->kept; i++) {
        const struct fault *f = &faults->list[i];
        all = arena_printf(&arena, "%.*s%u:%u: %s%s\n", STR_ARG(all), f->at.line, f->at.column,
                           f->warning ? "warning: " : "", f->msg);
    }
    return all;
}

/* What is said of a document for a cluster of that version. */
static struct str said(const char *version, const char *text)
{
    struct yaml_documents docs;
    struct faults faults;
    struct inspect in = {"kubeadm", &arena, &faults};
    faults_init(&faults);
    manifest_check(&in, str_from(text), str_from(version), &docs);
    struct str all = listed(&faults);
    faults_done(&faults);
    return all;
}

#define OBJECT(api, kind) "apiVersion: kubeadm.k8s.io/" api "\nkind: " kind "\n"
#define DISCOVERY "discovery: {file: {kubeConfigPath: /x}}\n"
#define JOIN3 OBJECT("v1beta3", "JoinConfiguration") DISCOVERY
#define JOIN4 OBJECT("v1beta4", "JoinConfiguration") DISCOVERY
#define CLUSTER3 OBJECT("v1beta3", "ClusterConfiguration")
#define CLUSTER4 OBJECT("v1beta4", "ClusterConfiguration")

static void versions_that_kubeadm_reads(void **state)
{
    (void)state;
    assert_str(said("1.30", JOIN3), "");
    assert_str(said("1.31", JOIN3), "");
    assert_str(said("1.31", JOIN4), "");
    assert_str(said("1.36.3", JOIN3), "");
    assert_str(said("1.37", JOIN4), "");
    assert_str(said("1.30", JOIN4), "1:13: apiVersion: kubeadm 1.30 does not read 'v1beta4'; write "
                                    "kubeadm.k8s.io/v1beta3\n");
    assert_str(said("1.37", JOIN3), "1:13: apiVersion: kubeadm 1.37 does not read 'v1beta3'; write "
                                    "kubeadm.k8s.io/v1beta4\n");
    assert_str(said("1.29", OBJECT("v1beta2", "ClusterConfiguration")),
               "1:13: apiVersion: kubeadm 1.29 does not read 'v1beta2'; write "
               "kubeadm.k8s.io/v1beta3\n");
}

static void fields_of_each_version(void **state)
{
    (void)state;
    assert_str(said("1.36", JOIN4 "timeouts: {tlsBootstrap: 10m0s, discovry: 1m0s}\n"),
               "4:33: timeouts: unknown key 'discovry'; did you mean 'discovery'?\n");
    assert_str(said("1.29", JOIN3 "timeouts: {tlsBootstrap: 10m0s}\n"),
               "4:1: v1beta3 has no key 'timeouts'\n");
    assert_str(said("1.36", CLUSTER4 "apiServer: {timeoutForControlPlane: 4m0s}\n"),
               "3:13: apiServer: v1beta4 has no key 'timeoutForControlPlane'; write timeouts: "
               "{controlPlaneComponentHealthCheck: …} in InitConfiguration\n");
    assert_str(said("1.29", CLUSTER3 "networking: {serviceCIDR: 10.96.0.0/12}\n"),
               "3:14: networking: v1beta3 has no key 'serviceCIDR'; write 'serviceSubnet'\n");
    assert_str(said("1.36", OBJECT("v1beta4", "InitConfiguration") "bootstrapTokens: [{ttl: 1s, "
                                                                   "tll: 2s}]\n"),
               "3:29: bootstrapTokens: unknown key 'tll'; did you mean 'ttl'?\n");
}

static void types_of_fields(void **state)
{
    (void)state;
    assert_str(said("1.29", CLUSTER3 "kubernetesVersion: 1.30\n"),
               "3:20: kubernetesVersion: '1.30' is a number to YAML; quote it\n");
    assert_str(said("1.29", CLUSTER3 "apiServer: {certSANs: api.example.org}\n"),
               "3:23: apiServer: certSANs must be a list, and is a text\n");
    assert_str(said("1.29", CLUSTER3 "networking: {podSubnet: 10.244.0.0}\n"),
               "3:25: networking: podSubnet: '10.244.0.0' is not a network, like 10.244.0.0/16, or "
               "one of IPv4 and one of IPv6\n");
    assert_str(said("1.29", CLUSTER3 "controlPlaneEndpoint: https://api.example.org:6443\n"),
               "3:23: controlPlaneEndpoint: 'https://api.example.org:6443' is not HOST or "
               "HOST:PORT, like 10.0.20.11:6443\n");
    assert_str(said("1.36", JOIN4 "timeouts: {discovery: 300}\n"),
               "4:23: timeouts: discovery: '300' is a number to YAML; quote it\n");
    assert_str(said("1.36", JOIN4 "timeouts: {discovery: \"300\"}\n"),
               "4:23: timeouts: discovery: '300' is not a duration, like 4m0s\n");
    assert_str(said("1.36", CLUSTER4 "networking: {podSubnet: \"10.244.0.0/16,fd00::/56\", "
                                     "serviceSubnet: }\n"
                                     "controlPlaneEndpoint: \"[fd00::1]:6443\"\n"
                                     "encryptionAlgorithm: ECDSA-P256\n"),
               "");
}

static void discovery_of_a_cluster(void **state)
{
    (void)state;
#define HASH "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BY_TOKEN(rest) \
    OBJECT("v1beta4", "JoinConfiguration") "discovery: {bootstrapToken: {" rest "}}\n"
    assert_str(said("1.36", BY_TOKEN("token: abcdef.0123456789abcdef, apiServerEndpoint: "
                                     "\"10.0.20.11:6443\", caCertHashes: [\"" HASH "\"]")),
               "");
    assert_str(said("1.36", BY_TOKEN("token: ABC, apiServerEndpoint: 10.0.20.11")),
               "3:29: discovery: bootstrapToken: 'caCertHashes' is missing\n"
               "3:37: discovery: bootstrapToken: token: this is not a token: "
               "[a-z0-9]{6}.[a-z0-9]{16}\n"
               "3:61: discovery: bootstrapToken: apiServerEndpoint: '10.0.20.11' is not HOST:PORT, "
               "like 10.0.20.11:6443\n");
    assert_str(said("1.36", OBJECT("v1beta4", "JoinConfiguration") "discovery: {}\n"),
               "3:12: discovery: 'bootstrapToken' or 'file' is missing\n");
    assert_str(said("1.36", OBJECT("v1beta4", "JoinConfiguration")),
               "1:1: 'discovery' is missing\n");
}

static void arguments_changed_their_form(void **state)
{
    (void)state;
    assert_str(said("1.29", CLUSTER3 "apiServer: {extraArgs: {v: \"2\"}}\n"), "");
    assert_str(
        said("1.36", CLUSTER4 "apiServer: {extraArgs: {v: \"2\"}}\n"),
        "3:24: apiServer: extraArgs: v1beta4 wants a list, like [{name: v, value: \"2\"}]\n");
    assert_str(said("1.29", CLUSTER3 "scheduler: {extraArgs: [{name: v, value: \"2\"}]}\n"),
               "3:24: scheduler: extraArgs: v1beta3 wants a mapping, like {v: \"2\"}\n");
    assert_str(said("1.29", CLUSTER3 "scheduler: {extraArgs: {v: 2}}\n"),
               "3:28: scheduler: extraArgs: v: '2' is a number to YAML; quote it\n");
}

#define REGISTRATION "nodeRegistration:\n  kubeletExtraArgs:\n"

static void labels_that_kubelet_refuses(void **state)
{
    (void)state;
    assert_str(said("1.29", JOIN3 REGISTRATION
                    "    node-labels: a=b,example.org/c=d,topology.kubernetes.io/zone=z,"
                    "node.kubernetes.io/x=,x.kubelet.kubernetes.io/y=z,notkubernetes.io/a=\n"),
               "");
    assert_str(
        said("1.29", JOIN3 REGISTRATION "    node-labels: a=b,node-role.kubernetes.io/worker=\n"),
        "6:18: nodeRegistration: kubeletExtraArgs: node-labels: kubelet does not start with "
        "'node-role.kubernetes.io/worker': only the API server sets labels of that namespace; use "
        "one of your own, like example.org/NAME\n");
    assert_str(
        said("1.36", JOIN4 REGISTRATION
             "    - {name: v, value: \"2\"}\n    - {name: node-labels, value: k8s.io/x=}\n"),
        "7:34: nodeRegistration: kubeletExtraArgs: node-labels: kubelet does not start with "
        "'k8s.io/x': only the API server sets labels of that namespace; use one of your own, "
        "like example.org/NAME\n");
}

static void kubelet_and_kube_proxy(void **state)
{
    (void)state;
#define KUBELET "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
#define PROXY "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"
    assert_str(said("1.29", KUBELET "cgroupDriver: systemd\nsomething: 1\nmaxPods: 200\n"), "");
    assert_str(said("1.29", KUBELET "cgroupDriver: sytemd\nfailSwapOn: \"false\"\n"),
               "3:15: cgroupDriver: 'sytemd' is not a valid value; did you mean 'systemd'?\n"
               "4:13: failSwapOn must be true or false, and is a text\n");
    assert_str(said("1.29", PROXY "mode: ipvs\nipvs: {strictARP: true, minSyncPeriod: 1s}\n"), "");
    assert_str(said("1.29", PROXY "mode: ipv\n"),
               "3:7: mode: 'ipv' is not a valid value; did you mean 'ipvs'?\n");
}

/* What is said of a cloud-config. */
static struct str said_of_config(const char *version, const char *text)
{
    struct yaml_documents docs;
    struct faults faults;
    struct inspect in = {.file = "user-data", .arena = &arena, .faults = &faults};
    faults_init(&faults);
    assert_int_equal(yaml_parse_all("user-data", str_from(text), &arena, &faults, &docs), 0);
    manifest_check_written(&in, docs.list[0], str_from(version));
    struct str all = listed(&faults);
    faults_done(&faults);
    return all;
}

static void files_that_cloud_config_writes(void **state)
{
    (void)state;
#define WRITTEN(api)                                                           \
    "write_files:\n- path: /etc/kubeadm.yaml\n  content: |\n"                  \
    "    apiVersion: kubeadm.k8s.io/" api "\n    kind: ClusterConfiguration\n" \
    "    networking: {serviceCIDR: 10.96.0.0/12}\n"
    assert_str(said_of_config("1.29", WRITTEN("v1beta3")),
               "3:12: write_files: content: line 3: networking: v1beta3 has no key 'serviceCIDR'; "
               "write 'serviceSubnet'\n");
    assert_str(said_of_config("1.29", WRITTEN("v1beta4")),
               "3:12: write_files: content: line 1: apiVersion: kubeadm 1.29 does not read "
               "'v1beta4'; write kubeadm.k8s.io/v1beta3\n");
    assert_str(
        said_of_config("", WRITTEN("v1beta2")),
        "3:12: warning: write_files: content: line 1: apiVersion: kubeadm from 1.27 on does "
        "not read 'v1beta2'; write kubeadm.k8s.io/v1beta3 until 1.30, v1beta4 from 1.31 on\n");
    assert_str(said_of_config("", "write_files: [{path: /a, content: \"a: {{\"}, 1, {content: }]"),
               "");
    assert_str(said_of_config("", "write_files: text"), "");
}

/* Whatever they are, they must not be read beyond their end. */
static void forms_that_are_no_fields(void **state)
{
    (void)state;
    assert_str(
        said("1.36", OBJECT("v1beta4",
                            "JoinConfiguration") "nodeRegistration: text\ndiscovery: [1, [2]]\n"),
        "3:19: nodeRegistration must be a mapping, and is a text\n"
        "4:12: discovery must be a mapping, and is a list\n");
    assert_str(
        said("1.36", JOIN4 REGISTRATION "    - text\n    - {name: [node-labels], value: 7}\n"
                                        "    - {name: node-labels, value: [a]}\n"),
        "6:7: nodeRegistration: kubeletExtraArgs: an item must be a mapping, and is a text\n"
        "7:14: nodeRegistration: kubeletExtraArgs: name must be a text, and is a list\n"
        "7:36: nodeRegistration: kubeletExtraArgs: value: '7' is a number to YAML; quote it\n"
        "8:34: nodeRegistration: kubeletExtraArgs: value must be a text, and is a list\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(versions_that_kubeadm_reads), TEST(fields_of_each_version), TEST(types_of_fields),
          TEST(discovery_of_a_cluster), TEST(arguments_changed_their_form),
          TEST(labels_that_kubelet_refuses), TEST(kubelet_and_kube_proxy),
          TEST(files_that_cloud_config_writes), TEST(forms_that_are_no_fields))
