/* SPDX-License-Identifier: Apache-2.0 */
#include "render/manifest.h"

#include "base/guess.h"
#include "render/kubeadm.h"

/* The kinds that kubeadm reads in these groups. Other objects may be of any kind. */
static const struct {
    const char *group;
    const char *const kinds[5];
} known[] = {
    {"kubeadm.k8s.io/",
     {"InitConfiguration", "ClusterConfiguration", "JoinConfiguration", "ResetConfiguration",
      "UpgradeConfiguration"}},
    {"kubelet.config.k8s.io/",
     {"KubeletConfiguration", "CredentialProviderConfig", "SerializedNodeConfigSource"}},
    {"kubeproxy.config.k8s.io/", {"KubeProxyConfiguration"}},
};

/* kubeadm ignores kinds that it does not know. */
static void check_kind(struct inspect *in, const struct yaml_node *kind, const char *const kinds[5])
{
    struct str word = yaml_text(kind);
    struct guess guess;
    guess_init(&guess, word);
    for (size_t i = 0; i < 5 && kinds[i]; i++) {
        if (str_is(word, kinds[i]))
            return;
        guess_offer(&guess, str_from(kinds[i]));
    }
    const char *shown = yaml_quoted(in->arena, word);
    if (guess.best.n)
        inspect_fault(in, kind, "kind: kubeadm knows no %s%s", shown, guess_text(&guess));
    else
        inspect_warn(in, kind, "kind: kubeadm knows no %s, and passes over it", shown);
}

static void check_known(struct inspect *in, const struct yaml_node *version,
                        const struct yaml_node *kind)
{
    struct str text = yaml_text(version);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (str_starts(text, str_from(known[i].group)))
            check_kind(in, kind, known[i].kinds);
    }
}

static void check_object(struct inspect *in, const struct yaml_node *y, struct str cluster)
{
    const struct yaml_node *version, *kind;
    if (yaml_is_null(y) || !inspect_is(in, y, INSPECT_MAP, "a Kubernetes object"))
        return;
    version = yaml_get(y, STR("apiVersion"));
    kind = yaml_get(y, STR("kind"));
    if (!version)
        inspect_fault(in, y, "'apiVersion' is missing from this object");
    if (!kind)
        inspect_fault(in, y, "'kind' is missing from this object");
    bool sound = version && inspect_rule(in, version, "apiVersion", inspect_not_empty);
    sound = kind && inspect_rule(in, kind, "kind", inspect_not_empty) && sound;
    if (!sound)
        return;
    check_known(in, version, kind);
    kubeadm_check(in, y, cluster);
}

void manifest_check_config(struct inspect *in, const struct yaml_documents *docs,
                           struct str version)
{
    for (uint32_t i = 0; i < docs->n; i++) {
        const struct yaml_node *api = yaml_get(docs->list[i], STR("apiVersion"));
        const struct yaml_node *kind = yaml_get(docs->list[i], STR("kind"));
        if (!api || !kind || api->kind != YAML_SCALAR || kind->kind != YAML_SCALAR)
            continue;
        check_known(in, api, kind);
        kubeadm_check(in, docs->list[i], version);
    }
}

static void check_content(struct inspect *in, const struct yaml_node *content, struct str version)
{
    struct faults found;
    struct yaml_documents docs;
    struct inspect inner = {.file = in->file, .arena = in->arena, .faults = &found};
    faults_init(&found);
    if (yaml_parse_all(in->file, yaml_text(content), in->arena, &found, &docs) == 0)
        manifest_check_config(&inner, &docs, version);
    faults_sort(&found);
    for (size_t i = 0; i < found.kept; i++) {
        const struct fault *f = &found.list[i];
        void (*add)(struct inspect *, const struct yaml_node *, const char *, ...) =
            f->warning ? inspect_warn : inspect_fault;
        add(in, content, "write_files: content: line %u: %s", f->at.line, f->msg);
    }
    faults_done(&found);
}

void manifest_check_written(struct inspect *in, const struct yaml_node *config, struct str version)
{
    static const char group[] = ".k8s.io/";
    const struct yaml_node *files = yaml_get(config, STR("write_files"));
    for (uint32_t i = 0; files && files->kind == YAML_SEQUENCE && i < files->n; i++) {
        const struct yaml_node *content = yaml_get(files->items[i], STR("content"));
        struct str text = content && content->kind == YAML_SCALAR ? yaml_text(content) : STR("");
        if (!yaml_get(files->items[i], STR("encoding")) && text.n &&
            memmem(text.p, text.n, "apiVersion:", 11) &&
            memmem(text.p, text.n, group, sizeof(group) - 1))
            check_content(in, content, version);
    }
}

void manifest_check(struct inspect *in, struct str text, struct str version,
                    struct yaml_documents *ret)
{
    *ret = (struct yaml_documents){0};
    if (yaml_parse_all(in->file, text, in->arena, in->faults, ret) < 0)
        return;
    for (uint32_t i = 0; i < ret->n; i++)
        check_object(in, ret->list[i], version);
}
