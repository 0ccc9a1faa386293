/* SPDX-License-Identifier: Apache-2.0 */
#include "render/cloudconfig_parts.h"

#include "base/map.h"
#include "render/aptkey.h"
#include "wire/openpgp.h"

/* --- write_files --------------------------------------------------------------------------- */

static const char *rule_path(struct str text)
{
    if (text.n == 0)
        return "is empty";
    return text.p[0] == '/' ? NULL : "is no absolute path: it must begin with '/'";
}

static const char *rule_mode(struct str text)
{
    if (str_starts(text, STR("0o")))
        text = str_skip(text, 2);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '7')
            return "is no mode: octal digits in quotes, like \"0644\"";
    }
    return text.n >= 3 && text.n <= 5 ? NULL : "is no mode: octal digits in quotes, like \"0644\"";
}

static const char *rule_encoding(struct str text)
{
    static const char *const names[] = {"gz",     "gzip",     "gz+base64", "gzip+base64", "b64",
                                        "gz+b64", "gzip+b64", "base64",    "text/plain"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_is(text, names[i]))
            return NULL;
    }
    return "is no encoding that cloud-init knows: b64, gzip, gz+b64, text/plain";
}

static const char *rule_owner(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ' || text.p[i] == '/')
            return "is no owner, like root:root";
    }
    return text.n ? NULL : "is no owner, like root:root";
}

static const char *rule_base64(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\n' || c == '\r' || c == ' ')
            continue;
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '+' || c == '/' || c == '=';
        if (!ok)
            return "is no base64, as 'encoding' says; use the filter b64encode, or leave "
                   "'encoding' out";
        n++;
    }
    return n % 4 == 0 ? NULL : "is no whole base64, as 'encoding' says";
}

/* apt takes what gpg makes of it. */
static const char *rule_apt_key(struct str text)
{
    return aptkey_count(text) ? NULL : "is no OpenPGP key: that begins with " OPENPGP_ARMOR_HEAD;
}

/* Where keys for apt lie, ours among them. */
static bool is_for_apt(struct inspect *in, const struct yaml_node *path)
{
    static const char *const folders[] = {"/etc/apt/", "/etc/cloudseed/", "/usr/share/keyrings/"};
    struct str text = path && path->kind == YAML_SCALAR ? inspect_text(in, path) : STR("");
    bool found = false;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        found = found || str_starts(text, str_from(folders[i]));
    return found && text.n > 4 && str_is(str_skip(text, text.n - 4), ".asc");
}

static bool is_base64(struct inspect *in, const struct yaml_node *encoding)
{
    if (!encoding || !inspect_rule(in, encoding, "write_files: encoding", rule_encoding))
        return false;
    struct str name = inspect_text(in, encoding);
    return str_is(name, "b64") || str_is(name, "base64");
}

static const char *shown_start(struct inspect *in, struct str text)
{
    return yaml_quoted(in->arena, str_head(text, 40));
}

static void check_content(struct inspect *in, const struct yaml_node *file)
{
    const struct yaml_node *content = yaml_get(file, STR("content"));
    const struct yaml_node *encoding = yaml_get(file, STR("encoding"));
    bool coded = encoding != NULL, base64 = is_base64(in, encoding);
    if (!content) {
        if (!yaml_get(file, STR("source")))
            inspect_warn(in, file, "write_files: 'content' is missing: the file will be empty");
        return;
    }
    if (yaml_is_null(content) || !base64) {
        bool ok = inspect_is(in, content, INSPECT_TEXT | INSPECT_NULL, "write_files: content");
        if (ok && !coded && !yaml_is_null(content) && is_for_apt(in, yaml_get(file, STR("path"))))
            inspect_rule(in, content, "write_files: content", rule_apt_key);
        return;
    }
    if (!inspect_is(in, content, INSPECT_TEXT, "write_files: content"))
        return;
    const char *why = rule_base64(inspect_text(in, content));
    if (why)
        inspect_fault(in, content, "write_files: content: %s… %s",
                      shown_start(in, yaml_text(content)), why);
}

/* What is no text is some number of base 8 or 10, as the YAML reader sees fit. */
static void check_mode(struct inspect *in, const struct yaml_node *mode)
{
    const char *why;
    if (mode->kind == YAML_SCALAR && inspect_type(mode, &why) == INSPECT_NUMBER)
        inspect_fault(in, mode, "write_files: permissions must be a text; quote it: \"0644\"");
    else
        inspect_rule(in, mode, "write_files: permissions", rule_mode);
}

static void check_file(struct inspect *in, const struct yaml_node *file)
{
    static const char *const keys[] = {"path",   "content", "source",   "owner", "permissions",
                                       "append", "defer",   "encoding", NULL};
    const struct yaml_node *path = yaml_get(file, STR("path"));
    const struct yaml_node *mode = yaml_get(file, STR("permissions"));
    const struct yaml_node *owner = yaml_get(file, STR("owner"));
    inspect_keys(in, file, "write_files", keys);
    if (path)
        inspect_rule(in, path, "write_files: path", rule_path);
    else
        inspect_fault(in, file, "write_files: 'path' is missing");
    if (mode && !yaml_is_null(mode))
        check_mode(in, mode);
    if (owner && !yaml_is_null(owner))
        inspect_rule(in, owner, "write_files: owner", rule_owner);
    check_content(in, file);
}

static struct str path_of(const void *files, uint32_t i)
{
    const struct yaml_node *path =
        yaml_get(((const struct yaml_node *const *)files)[i], STR("path"));
    return yaml_text(path);
}

static void check_twice(struct inspect *in, const struct yaml_node *list)
{
    struct map seen = {0};
    for (uint32_t i = 0; i < list->n; i++) {
        const struct yaml_node *path = yaml_get(list->items[i], STR("path"));
        if (!path || path->kind != YAML_SCALAR)
            continue;
        inspect_text(in, path);
        uint32_t first = map_put(&seen, path_of, list->items, i);
        if (first == MAP_NONE || inspect_true(in, yaml_get(list->items[i], STR("append"))))
            continue;
        inspect_fault(in, path,
                      "write_files: %s is written twice: the entry in line %u of the rendered "
                      "document is lost; drop one, or write append: true",
                      yaml_quoted(in->arena, yaml_text(path)), list->items[first]->line);
    }
    map_done(&seen);
}

void cloudconfig_write_files(struct inspect *in, const struct yaml_node *y)
{
    for (uint32_t i = 0; i < y->n; i++) {
        if (inspect_is(in, y->items[i], INSPECT_MAP, "write_files: an entry"))
            check_file(in, y->items[i]);
    }
    check_twice(in, y);
}

/* --- apt ----------------------------------------------------------------------------------- */

static void check_source(struct inspect *in, const struct yaml_node *source)
{
    static const char *const keys[] = {"source",   "keyid",  "key", "keyserver",
                                       "filename", "append", NULL};
    inspect_keys(in, source, "apt: sources", keys);
    for (uint32_t i = 0; i < source->n; i++) {
        const struct yaml_pair *pair = &source->pairs[i];
        if (str_is(yaml_text(pair->key), "key"))
            inspect_rule(in, pair->value, "apt: sources: key", rule_apt_key);
        else if (!str_is(yaml_text(pair->key), "append"))
            inspect_is(in, pair->value, INSPECT_TEXT, "apt: sources");
    }
}

void cloudconfig_apt(struct inspect *in, const struct yaml_node *y)
{
    static const char *const keys[] = {"add_apt_repo_match",
                                       "conf",
                                       "debconf_selections",
                                       "disable_suites",
                                       "ftp_proxy",
                                       "generate_mirrorlists",
                                       "http_proxy",
                                       "https_proxy",
                                       "preserve_sources_list",
                                       "primary",
                                       "proxy",
                                       "security",
                                       "sources",
                                       "sources_list",
                                       NULL};
    inspect_keys(in, y, "apt", keys);
    const struct yaml_node *sources = yaml_get(y, STR("sources"));
    if (!sources || !inspect_is(in, sources, INSPECT_MAP, "apt: sources"))
        return;
    for (uint32_t i = 0; i < sources->n; i++) {
        if (inspect_is(in, sources->pairs[i].value, INSPECT_MAP, "apt: sources"))
            check_source(in, sources->pairs[i].value);
    }
}
