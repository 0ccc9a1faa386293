/* SPDX-License-Identifier: Apache-2.0 */
#include "render/cloudconfig.h"

#include "base/guess.h"
#include "render/cloudconfig_parts.h"

#define HEAD_MAX_BYTES 60

static const struct yaml_node top = {.line = 1, .column = 1, .plain = true, .text = ""};

static const struct yaml_node *parse_one(struct inspect *in, struct str text, const char *what)
{
    struct yaml_documents docs;
    if (yaml_parse_all(in->file, text, in->arena, in->faults, &docs) < 0)
        return NULL;
    if (docs.n > 1)
        inspect_fault(in, docs.list[1],
                      "a second YAML document begins; cloud-init reads one: drop the '---'");
    if (docs.n == 0)
        return NULL;
    return inspect_is(in, docs.list[0], INSPECT_MAP, what) ? docs.list[0] : NULL;
}

/* --- Top-level keys ------------------------------------------------------------------------ */

#define Z INSPECT_NULL
#define B INSPECT_BOOL
#define N INSPECT_NUMBER
#define T INSPECT_TEXT
#define L INSPECT_LIST
#define M INSPECT_MAP
#define ANY (Z | B | N | T | L | M)

/* What cloud-init 22.4.2 and 25.1.4 know, from their schemas; tests/cloudinit compares them. */
static const struct key {
    const char *name;
    unsigned types;
    void (*check)(struct inspect *in, const struct yaml_node *y); /* of the value; NULL: none */
} keys[] = {
    {"allow_public_ssh_keys", B, NULL},
    {"ansible", M, NULL},
    {"apk_repos", M, NULL},
    {"apt", M, cloudconfig_apt},
    {"apt_pipelining", B | N | T, NULL},
    {"apt_reboot_if_required", B, NULL},
    {"apt_update", B, NULL},
    {"apt_upgrade", B, NULL},
    {"authkey_hash", T, NULL},
    {"autoinstall", M, NULL},
    {"bootcmd", L, cloudconfig_commands},
    {"byobu_by_default", T, NULL},
    {"ca-certs", M, NULL},
    {"ca_certs", M, NULL},
    {"chef", M, NULL},
    {"chpasswd", M, cloudconfig_chpasswd},
    {"cloud_config_modules", L, NULL},
    {"cloud_final_modules", L, NULL},
    {"cloud_init_modules", L, NULL},
    {"create_hostname_file", B, NULL},
    {"device_aliases", M, NULL},
    {"disable_ec2_metadata", B, NULL},
    {"disable_root", B, NULL},
    {"disable_root_opts", T, NULL},
    {"disk_setup", M, NULL},
    {"drivers", M, NULL},
    {"fan", M, NULL},
    {"final_message", T, NULL},
    {"fqdn", T, cloudconfig_hostname},
    {"fs_setup", L, NULL},
    {"groups", L | M | T, NULL},
    {"growpart", M, NULL},
    {"grub-dpkg", M, NULL},
    {"grub_dpkg", M, NULL},
    {"hostname", T, cloudconfig_hostname},
    {"keyboard", M, NULL},
    {"landscape", M, NULL},
    {"launch-index", N, NULL},
    {"locale", B | T, NULL},
    {"locale_configfile", T, NULL},
    {"lxd", M, NULL},
    {"manage_etc_hosts", B | T, NULL},
    {"manage_resolv_conf", B, NULL},
    {"mcollective", M, NULL},
    {"merge_how", L | T, NULL},
    {"merge_type", L | T, NULL},
    {"migrate", B, NULL},
    {"mount_default_fields", L, NULL},
    {"mounts", L, NULL},
    {"no_ssh_fingerprints", B, NULL},
    {"ntp", M | Z, NULL},
    {"output", M, NULL},
    {"package_reboot_if_required", B, NULL},
    {"package_update", B, NULL},
    {"package_upgrade", B, NULL},
    {"packages", L, cloudconfig_packages},
    {"password", T, NULL},
    {"phone_home", M, cloudconfig_phone_home},
    {"power_state", M, NULL},
    {"prefer_fqdn_over_hostname", B, NULL},
    {"preserve_hostname", B, NULL},
    {"puppet", M, NULL},
    {"random_seed", M, NULL},
    {"reporting", M, cloudconfig_reporting},
    {"resize_rootfs", B | T, NULL},
    {"resolv_conf", M, NULL},
    {"rh_subscription", M, NULL},
    {"rsyslog", M, NULL},
    {"runcmd", L, cloudconfig_commands},
    {"salt_minion", M, NULL},
    {"snap", M, NULL},
    {"spacewalk", M, NULL},
    {"ssh", M, NULL},
    {"ssh_authorized_keys", L, cloudconfig_ssh_keys},
    {"ssh_deletekeys", B, NULL},
    {"ssh_fp_console_blacklist", L, NULL},
    {"ssh_genkeytypes", L, NULL},
    {"ssh_import_id", L, NULL},
    {"ssh_key_console_blacklist", L, NULL},
    {"ssh_keys", M, NULL},
    {"ssh_publish_hostkeys", M, NULL},
    {"ssh_pwauth", B | T, NULL},
    {"ssh_quiet_keygen", B, NULL},
    {"swap", M, NULL},
    {"system_info", M, NULL},
    {"timezone", T, NULL},
    {"ubuntu_advantage", M, NULL},
    {"ubuntu_pro", M, NULL},
    {"updates", M, NULL},
    {"user", M | T, NULL},
    {"users", L | M | T, cloudconfig_users},
    {"vendor_data", M, NULL},
    {"version", ANY, NULL},
    {"wireguard", M | Z, NULL},
    {"write_files", L, cloudconfig_write_files},
    {"yum_repo_dir", T, NULL},
    {"yum_repos", M, NULL},
    {"zypper", M, NULL},
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static void check_unknown(struct inspect *in, const struct yaml_node *key)
{
    struct guess guess;
    guess_init(&guess, yaml_text(key));
    for (size_t i = 0; i < KEYS; i++)
        guess_offer(&guess, str_from(keys[i].name));
    const char *word = yaml_quoted(in->arena, yaml_text(key));
    if (guess.best.n)
        inspect_fault(in, key, "cloud-init knows no key %s%s", word, guess_text(&guess));
    else
        inspect_warn(in, key, "cloud-init knows no key %s, and passes over it", word);
}

static const struct key *find_key(struct str name)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (str_is(name, keys[i].name))
            return &keys[i];
    }
    return NULL;
}

/* To cloud-init a key without a value is the same as no key. */
static void check_pair(struct inspect *in, const struct yaml_pair *pair)
{
    struct str name = yaml_text(pair->key);
    const struct key *key = find_key(name);
    if (!key)
        check_unknown(in, pair->key);
    else if (yaml_is_null(pair->value))
        return;
    else if (str_is(name, "password"))
        inspect_secret(in, pair->value, key->name);
    else if (inspect_is(in, pair->value, key->types, key->name) && key->check)
        key->check(in, pair->value);
}

static void check_config(struct inspect *in, struct str text, const struct yaml_node **ret)
{
    *ret = parse_one(in, text, "cloud-config");
    for (uint32_t i = 0; *ret && i < (*ret)->n; i++)
        check_pair(in, &(*ret)->pairs[i]);
}

/* --- Forms --------------------------------------------------------------------------------- */

enum form { FORM_NONE, FORM_CONFIG, FORM_JINJA, FORM_INCLUDE, FORM_OPAQUE };

static enum form form_of(struct str text)
{
    static const struct {
        const char *head;
        enum form form;
    } forms[] = {
        {"#cloud-config-archive", FORM_OPAQUE},
        {"#cloud-config-jsonp", FORM_OPAQUE},
        {"#cloud-config", FORM_CONFIG},
        {"## template: jinja", FORM_JINJA},
        {"#include", FORM_INCLUDE},
        {"#!", FORM_OPAQUE},
        {"#cloud-boothook", FORM_OPAQUE},
        {"#part-handler", FORM_OPAQUE},
        {"\x1f\x8b", FORM_OPAQUE},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (str_starts(text, str_from(forms[i].head)))
            return forms[i].form;
    }
    struct str name = str_cut(&text, ':'); /* MIME */
    bool mime =
        str_eq_nocase(name, STR("content-type")) || str_eq_nocase(name, STR("mime-version"));
    return mime ? FORM_OPAQUE : FORM_NONE;
}

static void check_include(struct inspect *in, struct str text)
{
    struct yaml_node at = top;
    for (; text.p; at.line++) {
        struct str line = str_trim(str_cut(&text, '\n'));
        /* A URL may follow the word on the first line. */
        if (at.line == 1) {
            str_cut(&line, ' ');
            line = line.p ? str_trim(line) : STR("");
        }
        const char *why = line.n && line.p[0] != '#' ? inspect_url(line) : NULL;
        if (why)
            inspect_fault(in, &at, "%s %s", yaml_quoted(in->arena, line), why);
    }
}

static void check_no_form(struct inspect *in, struct str text)
{
    struct str trimmed = str_trim(text), rest = text;
    struct str head = str_head(str_cut(&rest, '\n'), HEAD_MAX_BYTES);
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        inspect_fault(in, &top,
                      "a byte order mark stands before the first line: cloud-init then "
                      "takes none of it; save the template without one");
    else if (form_of(trimmed) != FORM_NONE)
        inspect_fault(in, &top,
                      "what kind of data this is must stand at the very beginning; "
                      "something blank comes before it");
    else
        inspect_fault(in, &top,
                      "cloud-init does not know what this is: it begins with %s; put "
                      "'#cloud-config' into the first line",
                      yaml_quoted(in->arena, head));
}

/* Jinja2 changes the text on the node, so only a text without any can be checked here. */
static void check_jinja(struct inspect *in, struct str text, const struct yaml_node **ret)
{
    static const struct yaml_node second = {.line = 2, .column = 1};
    bool dynamic = memmem(text.p, text.n, "{{", 2) || memmem(text.p, text.n, "{%", 2) ||
                   memmem(text.p, text.n, "{#", 2);
    struct str rest = text;
    str_cut(&rest, '\n');
    enum form form = rest.p ? form_of(rest) : FORM_NONE;
    if (form == FORM_NONE || form == FORM_JINJA)
        inspect_fault(in, &second,
                      "the line below '## template: jinja' says what this is; "
                      "write '#cloud-config' there");
    else if (form == FORM_CONFIG && !dynamic)
        check_config(in, text, ret);
}

void cloudconfig_check(struct inspect *in, struct str text, const struct yaml_node **ret)
{
    *ret = NULL;
    if (text.n == 0)
        return;
    switch (form_of(text)) {
    case FORM_CONFIG: check_config(in, text, ret); break;
    case FORM_JINJA: check_jinja(in, text, ret); break;
    case FORM_INCLUDE: check_include(in, text); break;
    case FORM_OPAQUE: break;
    default: check_no_form(in, text); break;
    }
}

/* --- meta-data ----------------------------------------------------------------------------- */

void cloudconfig_check_meta_data(struct inspect *in, struct str text, const struct yaml_node **ret)
{
    *ret = parse_one(in, text, "meta-data");
    if (!*ret) {
        if (in->faults->errors == 0)
            inspect_fault(in, &top,
                          "meta-data is empty; write at least instance-id: "
                          "{{ node.instance_id | to_yaml_scalar }}");
        return;
    }
    const struct yaml_node *id = yaml_get(*ret, STR("instance-id"));
    const struct yaml_node *name = yaml_get(*ret, STR("local-hostname"));
    if (!id)
        inspect_fault(in, *ret,
                      "instance-id is missing; write instance-id: "
                      "{{ node.instance_id | to_yaml_scalar }}");
    else
        inspect_rule(in, id, "instance-id", inspect_not_empty);
    if (name)
        cloudconfig_hostname(in, name);
    else
        inspect_warn(in, *ret, "local-hostname is missing: the node will call itself 'localhost'");
}
