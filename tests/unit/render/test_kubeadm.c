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

/* What is said of a document for a cluster of that version, a line for each fault. */
static struct str said(const char *version, const char *text)
{
    struct yaml_documents docs;
    struct faults faults;
    struct inspect in = {"kubeadm", &arena, &faults};
    struct str all = STR("");
    faults_init(&faults);
    manifest_check(&in, str_from(text), str_from(version), &docs);
    faults_sort(&faults);
    for (size_t i = 0; i < faults.kept; i++) {
        const struct fault *f = &faults.list[i];
        all = arena_printf(&arena, "%.*s%u:%u: %s%s\n", STR_ARG(all), f->at.line, f->at.column,
                           f->warning ? "warning: " : "", f->msg);
    }
    faults_done(&faults);
    return all;
}

#define OBJECT(api, kind) "apiVersion: kubeadm.k8s.io/" api "\nkind: " kind "\n"
#define JOIN3 OBJECT("v1beta3", "JoinConfiguration")
#define JOIN4 OBJECT("v1beta4", "JoinConfiguration")

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
    static const char timeouts[] = "timeouts: {tlsBootstrap: 10m0s, discovry: 1m0s}\n";
    char join4[512], join3[512];
    snprintf(join4, sizeof(join4), JOIN4 "%s", timeouts);
    snprintf(join3, sizeof(join3),
             JOIN3 "%sdiscovery: {timeout: 1m0s, bootstrapToken: {tokens: x}}\n", timeouts);
    assert_str(said("1.36", join4), "3:33: warning: 'discovry' is no field of kubeadm's v1beta4 "
                                    "here, and it passes over it; did you mean 'discovery'?\n");
    assert_str(said("1.29", join3),
               "3:1: warning: 'timeouts' is no field of kubeadm's v1beta3 here, and it passes over "
               "it\n"
               "4:45: warning: 'tokens' is no field of kubeadm's v1beta3 here, and it passes over "
               "it; did you mean 'token'?\n");
    assert_str(said("1.36", OBJECT("v1beta4", "InitConfiguration") "bootstrapTokens: [{ttl: 1s, "
                                                                   "tll: 2s}]\n"),
               "3:29: warning: 'tll' is no field of kubeadm's v1beta4 here, and it passes over it; "
               "did you mean 'ttl'?\n");
}

static void arguments_changed_their_form(void **state)
{
    (void)state;
    static const char map[] = "apiServer: {extraArgs: {v: \"2\"}}\n";
    char three[256], four[256];
    snprintf(three, sizeof(three), OBJECT("v1beta3", "ClusterConfiguration") "%s", map);
    snprintf(four, sizeof(four), OBJECT("v1beta4", "ClusterConfiguration") "%s", map);
    assert_str(said("1.29", three), "");
    assert_str(said("1.36", four),
               "3:24: arguments of v1beta4 ({name, value} each) must be a list, "
               "and is a mapping\n");
    assert_str(
        said("1.29",
             OBJECT("v1beta3",
                    "ClusterConfiguration") "scheduler: {extraArgs: [{name: v, value: \"2\"}]}\n"),
        "3:24: arguments of v1beta3 must be a mapping, and is a list\n");
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
        "5:18: node-labels: kubelet does not start with 'node-role.kubernetes.io/worker': "
        "only the API server sets labels of that namespace; use one of your own, like "
        "example.org/NAME\n");
    assert_str(said("1.36", JOIN4 REGISTRATION
                    "    - {name: v, value: \"2\"}\n    - {name: node-labels, value: k8s.io/x=}\n"),
               "6:34: node-labels: kubelet does not start with 'k8s.io/x': only the API server "
               "sets labels of that namespace; use one of your own, like example.org/NAME\n");
}

/* Whatever they are, they must not be read beyond their end. */
static void forms_that_are_no_fields(void **state)
{
    (void)state;
    assert_str(said("1.36", JOIN4 "nodeRegistration: text\ndiscovery: [1, [2]]\n"), "");
    assert_str(said("1.36", JOIN4 REGISTRATION "    - text\n    - {name: [node-labels], value: 7}\n"
                                               "    - {name: node-labels, value: [a]}\n"),
               "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(versions_that_kubeadm_reads), TEST(fields_of_each_version),
          TEST(arguments_changed_their_form), TEST(labels_that_kubelet_refuses),
          TEST(forms_that_are_no_fields))
