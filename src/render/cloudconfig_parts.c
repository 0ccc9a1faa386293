/* SPDX-License-Identifier: Apache-2.0 */
#include "render/cloudconfig_parts.h"

#include "base/map.h"
#include "render/sshkey.h"

#define TEXT INSPECT_TEXT
#define LIST INSPECT_LIST
#define MAP INSPECT_MAP

static const char *rule_hostname(struct str text)
{
    if (text.n == 0 || text.n > 253)
        return "is no host name: 1 to 253 characters";
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  ((c == '-' || c == '.') && i > 0);
        if (!ok)
            return "is no host name: letters, digits and '-', with '.' between names";
    }
    return NULL;
}

void cloudconfig_hostname(struct inspect *in, const struct yaml_node *y)
{
    inspect_rule(in, y, "host name", rule_hostname);
}

/* --- Commands ------------------------------------------------------------------------------ */

static void check_command(struct inspect *in, const struct yaml_node *y)
{
    const char *why;
    if (y->kind == YAML_MAPPING) {
        struct str key = y->n ? yaml_text(y->pairs[0].key) : STR("");
        inspect_fault(in, y,
                      "a command must be a text or a list of texts; YAML takes '%.*s: …' for a "
                      "mapping: put the whole command in quotes",
                      (int)(key.n > 40 ? 40 : key.n), key.p);
        return;
    }
    unsigned type = inspect_type(y, &why);
    if (type == INSPECT_LIST) {
        inspect_texts(in, y, "a command's words", NULL);
        if (y->n == 0)
            inspect_fault(in, y, "a command without a word");
    } else if (type != INSPECT_NULL) {
        inspect_is(in, y, TEXT | LIST, "a command");
    }
}

void cloudconfig_commands(struct inspect *in, const struct yaml_node *y)
{
    for (uint32_t i = 0; i < y->n; i++)
        check_command(in, y->items[i]);
}

/* --- Packages ------------------------------------------------------------------------------ */

static const char *rule_package(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ' || text.p[i] == '\t' || text.p[i] == '\n')
            return "is no package's name: one name to an item";
    }
    return inspect_not_empty(text);
}

static void check_package(struct inspect *in, const struct yaml_node *y)
{
    if (y->kind == YAML_SCALAR) {
        inspect_rule(in, y, "package", rule_package);
    } else if (y->kind == YAML_SEQUENCE) {
        if (y->n != 2)
            inspect_fault(in, y, "a package is a name, or a list of name and version");
        inspect_texts(in, y, "package", rule_package);
    } else {
        static const char *const managers[] = {"apt", "snap", NULL};
        inspect_keys(in, y, "packages", managers);
        for (uint32_t i = 0; i < y->n; i++)
            inspect_is(in, y->pairs[i].value, LIST, "packages");
    }
}

void cloudconfig_packages(struct inspect *in, const struct yaml_node *y)
{
    for (uint32_t i = 0; i < y->n; i++)
        check_package(in, y->items[i]);
}

/* --- Users --------------------------------------------------------------------------------- */

void cloudconfig_ssh_keys(struct inspect *in, const struct yaml_node *y)
{
    inspect_texts(in, y, "ssh_authorized_keys", sshkey_rule);
}

static const char *rule_user(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ' ' || text.p[i] == ':' || text.p[i] == '/' || text.p[i] == '\n')
            return "is no user's name";
    }
    return text.n && text.n <= 32 && text.p[0] != '-' ? NULL : "is no user's name";
}

static const char *rule_shell(struct str text)
{
    return text.n && text.p[0] == '/' ? NULL : "is no absolute path, like /bin/bash";
}

static void check_user(struct inspect *in, const struct yaml_node *user)
{
    static const char *const keys[] = {"name",
                                       "create-groups",
                                       "create_groups",
                                       "doas",
                                       "expiredate",
                                       "gecos",
                                       "groups",
                                       "hashed-passwd",
                                       "hashed_passwd",
                                       "homedir",
                                       "inactive",
                                       "lock-passwd",
                                       "lock_passwd",
                                       "no-create-home",
                                       "no-log-init",
                                       "no-user-group",
                                       "no_create_home",
                                       "no_log_init",
                                       "no_user_group",
                                       "passwd",
                                       "plain-text-passwd",
                                       "plain_text_passwd",
                                       "primary-group",
                                       "primary_group",
                                       "selinux-user",
                                       "selinux_user",
                                       "shell",
                                       "snapuser",
                                       "default",
                                       "ssh-authorized-keys",
                                       "ssh-import-id",
                                       "ssh-redirect-user",
                                       "ssh_authorized_keys",
                                       "ssh_import_id",
                                       "ssh_redirect_user",
                                       "sudo",
                                       "system",
                                       "uid",
                                       NULL};
    inspect_keys(in, user, "users", keys);
    const struct yaml_node *name = yaml_get(user, STR("name"));
    const struct yaml_node *shell = yaml_get(user, STR("shell"));
    const struct yaml_node *ssh = yaml_get(user, STR("ssh_authorized_keys"));
    const struct yaml_node *groups = yaml_get(user, STR("groups"));
    const struct yaml_node *hash = yaml_get(user, STR("passwd"));
    const struct yaml_node *plain = yaml_get(user, STR("plain_text_passwd"));
    if (name)
        inspect_rule(in, name, "users: name", rule_user);
    else if (!yaml_get(user, STR("snapuser")))
        inspect_fault(in, user, "users: 'name' is missing");
    if (shell)
        inspect_rule(in, shell, "users: shell", rule_shell);
    if (ssh && !yaml_is_null(ssh))
        cloudconfig_ssh_keys(in, ssh);
    if (groups && groups->kind == YAML_SEQUENCE)
        inspect_texts(in, groups, "users: groups", inspect_not_empty);
    if (hash && !yaml_is_null(hash))
        inspect_secret(in, hash, "users: passwd");
    if (plain && !yaml_is_null(plain))
        inspect_secret(in, plain, "users: plain_text_passwd");
}

void cloudconfig_users(struct inspect *in, const struct yaml_node *y)
{
    for (uint32_t i = 0; y->kind == YAML_SEQUENCE && i < y->n; i++) {
        const struct yaml_node *user = y->items[i];
        if (user->kind == YAML_MAPPING)
            check_user(in, user);
        else if (user->kind == YAML_SEQUENCE)
            inspect_texts(in, user, "users", rule_user);
        else
            inspect_rule(in, user, "users", NULL);
    }
}

void cloudconfig_chpasswd(struct inspect *in, const struct yaml_node *y)
{
    static const char *const keys[] = {"expire", "users", "list", NULL};
    inspect_keys(in, y, "chpasswd", keys);
}

/* --- Callbacks ----------------------------------------------------------------------------- */

static const char *rule_post(struct str text)
{
    static const char *const names[] = {"all",           "pub_key_rsa", "pub_key_dsa",
                                        "pub_key_ecdsa", "hostname",    "pub_key_ed25519",
                                        "instance_id",   "fqdn"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_is(text, names[i]))
            return NULL;
    }
    return "is not sent by cloud-init; write 'all', or of pub_key_rsa, pub_key_ecdsa, "
           "pub_key_ed25519, instance_id, hostname, fqdn";
}

void cloudconfig_phone_home(struct inspect *in, const struct yaml_node *y)
{
    static const char *const keys[] = {"url", "post", "tries", NULL};
    const struct yaml_node *url = yaml_get(y, STR("url")), *post = yaml_get(y, STR("post"));
    const struct yaml_node *tries = yaml_get(y, STR("tries"));
    inspect_keys(in, y, "phone_home", keys);
    if (url)
        inspect_rule(in, url, "phone_home: url", inspect_url);
    else
        inspect_fault(in, y,
                      "phone_home: 'url' is missing; write url: "
                      "{{ (seed.url ~ \"phone-home\") | to_yaml_scalar }}");
    if (post && post->kind == YAML_SEQUENCE)
        inspect_texts(in, post, "phone_home: post", rule_post);
    else if (post)
        inspect_rule(in, post, "phone_home: post", rule_post);
    if (tries)
        inspect_is(in, tries, INSPECT_NUMBER, "phone_home: tries");
}

static void check_webhook(struct inspect *in, const struct yaml_node *y)
{
    static const char *const keys[] = {"type",      "endpoint",     "consumer_key",    "timeout",
                                       "token_key", "token_secret", "consumer_secret", "retries",
                                       NULL};
    const struct yaml_node *endpoint = yaml_get(y, STR("endpoint"));
    const struct yaml_node *timeout = yaml_get(y, STR("timeout"));
    const struct yaml_node *retries = yaml_get(y, STR("retries"));
    inspect_keys(in, y, "reporting", keys);
    if (endpoint)
        inspect_rule(in, endpoint, "reporting: endpoint", inspect_url);
    else
        inspect_fault(in, y,
                      "reporting: 'endpoint' is missing; write endpoint: "
                      "{{ (seed.url ~ \"report\") | to_yaml_scalar }}");
    if (timeout)
        inspect_is(in, timeout, INSPECT_NUMBER, "reporting: timeout");
    if (retries)
        inspect_is(in, retries, INSPECT_NUMBER, "reporting: retries");
}

void cloudconfig_reporting(struct inspect *in, const struct yaml_node *y)
{
    for (uint32_t i = 0; i < y->n; i++) {
        const struct yaml_node *handler = y->pairs[i].value;
        if (!inspect_is(in, handler, MAP, "reporting"))
            continue;
        const struct yaml_node *type = yaml_get(handler, STR("type"));
        if (!type)
            inspect_fault(in, handler, "reporting: 'type' is missing; write type: webhook");
        else if (inspect_is(in, type, TEXT, "reporting: type") &&
                 str_is(yaml_text(type), "webhook"))
            check_webhook(in, handler);
    }
}

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

/* Only whether it is a key at all: check_key in render/check.h says what becomes of keys. */
static const char *rule_apt_key(struct str text)
{
    return inspect_find_key(text).n ? NULL
                                    : "is no OpenPGP key: that begins with " INSPECT_KEY_HEAD;
}

/* Files from which apt takes keys, ours among them. */
static bool is_for_apt(const struct yaml_node *path)
{
    static const char *const folders[] = {"/etc/apt/", "/etc/cloudseed/", "/usr/share/keyrings/"};
    struct str text = path && path->kind == YAML_SCALAR ? yaml_text(path) : STR("");
    bool found = false;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        found = found || str_starts(text, str_from(folders[i]));
    return found && text.n > 4 && str_is(str_skip(text, text.n - 4), ".asc");
}

static bool is_base64(struct inspect *in, const struct yaml_node *encoding)
{
    if (!encoding || !inspect_rule(in, encoding, "write_files: encoding", rule_encoding))
        return false;
    struct str name = yaml_text(encoding);
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
        if (ok && !coded && !yaml_is_null(content) && is_for_apt(yaml_get(file, STR("path"))))
            inspect_rule(in, content, "write_files: content", rule_apt_key);
        return;
    }
    if (!inspect_is(in, content, INSPECT_TEXT, "write_files: content"))
        return;
    const char *why = rule_base64(yaml_text(content));
    if (why)
        inspect_fault(in, content, "write_files: content: %s… %s",
                      shown_start(in, yaml_text(content)), why);
}

/* An unquoted mode is a number of base 8 or 10, depending on the version of YAML. */
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
        uint32_t first = map_put(&seen, path_of, list->items, i);
        if (first == MAP_NONE || inspect_true(yaml_get(list->items[i], STR("append"))))
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
