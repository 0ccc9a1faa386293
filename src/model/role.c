/* SPDX-License-Identifier: Apache-2.0 */
#include "model/role.h"

#include <stdlib.h>

const char *const seed_file_names[SEED_FILE_COUNT] = {
    [SEED_META_DATA] = "meta-data",
    [SEED_USER_DATA] = "user-data",
    [SEED_VENDOR_DATA] = "vendor-data",
    [SEED_NETWORK_CONFIG] = "network-config",
};

const char *const bootstrap_names[] = {
    [BOOTSTRAP_NONE] = "none",
    [BOOTSTRAP_MASTER] = "master",
    [BOOTSTRAP_WORKER] = "worker",
    [BOOTSTRAP_COUNT] = NULL,
};

const char *const user_data_format_names[] = {
    [FORMAT_ANY] = "any",
    [FORMAT_CLOUD_CONFIG] = "cloud-config",
    [FORMAT_SCRIPT] = "script",
    [FORMAT_OPAQUE] = "opaque",
    NULL,
};

/* What stands below a node's URL already, or is the name of another of its documents. */
static bool is_taken(struct str name)
{
    static const char *const names[] = {"report",       "install/report", "phone-home", "bootstrap",
                                        "cluster",      "result",         "boot.ipxe",  "grub.cfg",
                                        "kubeadm-init", "kubeadm-join"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_is(name, names[i]))
            return true;
    }
    return seed_file_parse(name) != SEED_FILE_COUNT || str_starts(name, STR("sealed/")) ||
           str_starts(name, STR("addons/"));
}

#define DOCUMENT_NAME_MAX_BYTES 100

const char *role_document_refusal(struct str name)
{
    char before = '/';
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool inside = before != '/' && (c == '.' || c == '_' || c == '-' || c == '/');
        if (!plain && !inside)
            return "is not a document's name: folders and a file of letters and digits, and inside "
                   "also . _ and -, like ks.cfg";
        before = c;
    }
    if (before == '/' || name.n > DOCUMENT_NAME_MAX_BYTES)
        return "is not a document's name: it needs a file's name at its end, and at most 100 bytes";
    return is_taken(name) ? "is a name that every node's URL has already: take another" : NULL;
}

enum seed_file role_document_seed_file(struct str name)
{
    const char *slash = name.n ? memrchr(name.p, '/', name.n) : NULL;
    if (!slash)
        return SEED_FILE_COUNT;
    return seed_file_parse(str_skip(name, (size_t)(slash - name.p) + 1));
}

static int compare_document(const void *name, const void *document)
{
    return str_cmp(*(const struct str *)name, ((const struct role_document *)document)->name);
}

uint32_t role_find_document(const struct role *r, struct str name)
{
    const struct role_document *found =
        r->documents_n
            ? bsearch(&name, r->documents, r->documents_n, sizeof(*r->documents), compare_document)
            : NULL;
    return found ? (uint32_t)(found - r->documents) : UINT32_MAX;
}

enum seed_file seed_file_parse(struct str name)
{
    unsigned file = 0;
    while (file < SEED_FILE_COUNT && !str_is(name, seed_file_names[file]))
        file++;
    return (enum seed_file)file;
}
