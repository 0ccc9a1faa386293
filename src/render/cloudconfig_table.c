/* SPDX-License-Identifier: Apache-2.0 */
#include "render/cloudconfig_parts.h"

#include "render/sshkey.h"
#include "render/zones.h"

#define Z INSPECT_NULL
#define B INSPECT_BOOL
#define N INSPECT_NUMBER
#define T INSPECT_TEXT
#define L INSPECT_LIST
#define M INSPECT_MAP
#define ANY (Z | B | N | T | L | M)

/* What cloud-init's schema wants one way, and its code takes in others as well: a warning. */
#define SWITCH B | N | T, .check = cloudconfig_switch
#define NUMBER N | T, .check = cloudconfig_number
#define TEXTS L | T, FIELD_ITEMS(T), .check = cloudconfig_texts
#define UNIQUE L, FIELD_ITEMS(T), .check = cloudconfig_unique

#define SOME_TEXTS L | T, FIELD_ITEMS(T), .check = cloudconfig_some_texts
#define TEXT_LIST L, FIELD_ITEMS(T)
#define INTEGER N, FIELD_INTEGER
#define COUNT N, FIELD_RANGE(0, INT64_MAX)
#define URI T, .rule = cloudconfig_rule_uri /* http, and what else apt, dnf and zypper read */
#define HOSTS L, FIELD_ITEMS(T, .rule = cloudconfig_rule_host), .check = cloudconfig_unique
#define OLD(version, text) .deprecated = (version), .instead = (text)
#define SSH_KEY T, .rule = sshkey_rule
#define USER_KEYS                                                                \
    L | T | M, .rule = sshkey_rule, FIELD_ITEMS(SSH_KEY), FIELD_VALUES(SSH_KEY), \
               .check = cloudconfig_user_keys
#define NEW_NAME(name) "write '" name "'"

/* --- Users ----------------------------------------------------------------------------------- */

/* cloud-init takes a '-' for a '_' in these names; its schema has known some of them since 24.2. */
static const struct field user[] = {
    {"name", T, .rule = cloudconfig_rule_user},
    {"default", B}, /* in a mapping of users */
    {"create-groups", B, OLD("24.2", NEW_NAME("create_groups"))},
    {"create_groups", B},
    {"doas", L, FIELD_ITEMS(T), .check = cloudconfig_some},
    {"expiredate", T, .rule = cloudconfig_rule_date},
    {"gecos", T},
    {"groups", T | L | M, FIELD_ITEMS(T, .rule = inspect_not_empty),
     .check = cloudconfig_groups_of},
    {"hashed-passwd", T, FIELD_SECRET, OLD("24.2", NEW_NAME("hashed_passwd"))},
    {"hashed_passwd", T, FIELD_SECRET},
    {"homedir", T, .rule = inspect_path},
    {"inactive", T},
    {"lock-passwd", B, OLD("22.3", NEW_NAME("lock_passwd"))},
    {"lock_passwd", B},
    {"no-create-home", B, OLD("24.2", NEW_NAME("no_create_home"))},
    {"no_create_home", B},
    {"no-log-init", B, OLD("24.2", NEW_NAME("no_log_init"))},
    {"no_log_init", B},
    {"no-user-group", B, OLD("24.2", NEW_NAME("no_user_group"))},
    {"no_user_group", B},
    {"passwd", T, FIELD_SECRET},
    {"plain-text-passwd", T, FIELD_SECRET, OLD("24.2", NEW_NAME("plain_text_passwd"))},
    {"plain_text_passwd", T, FIELD_SECRET},
    {"primary-group", T, OLD("24.2", NEW_NAME("primary_group"))},
    {"primary_group", T},
    {"selinux-user", T, OLD("24.2", NEW_NAME("selinux_user"))},
    {"selinux_user", T},
    {"shell", T, .rule = cloudconfig_rule_shell},
    {"snapuser", T},
    {"ssh-authorized-keys", USER_KEYS, OLD("18.3", NEW_NAME("ssh_authorized_keys"))},
    {"ssh_authorized_keys", USER_KEYS},
    {"ssh-import-id", SOME_TEXTS, OLD("24.2", NEW_NAME("ssh_import_id"))},
    {"ssh_import_id", SOME_TEXTS},
    {"ssh-redirect-user", B | T, OLD("24.2", NEW_NAME("ssh_redirect_user")),
     .check = cloudconfig_redirect},
    {"ssh_redirect_user", B | T, .check = cloudconfig_redirect},
    {"sudo", Z | B | T | L, FIELD_ITEMS(T | Z), .check = cloudconfig_sudo},
    {"system", B},
    {"uid", N | T, FIELD_RANGE(0, UINT32_MAX), .check = cloudconfig_uid},
    {NULL},
};

static const struct field named_user = {"", M | T | L, FIELD_EMPTY, .fields = user,
                                        .check = cloudconfig_user_entry};
static const struct field mapped_user = {"", B | N | T | M, FIELD_EMPTY, .fields = user,
                                         .check = cloudconfig_mapped_user};
static const struct field members = {"", T | L, FIELD_ITEMS(T), .check = cloudconfig_some};
static const struct field group = {"", T | M, .values = &members};

static const struct field password_of[] = {
    {"name", T, FIELD_REQUIRED},
    {"password", T, FIELD_SECRET},
    {"type", T, FIELD_WORDS("hash", "text", "RANDOM")},
    {NULL},
};
static const struct field chpasswd[] = {
    {"expire", SWITCH},
    {"users", L, FIELD_ITEMS(M, .fields = password_of, .check = cloudconfig_password_of)},
    {"list", T | L, FIELD_SECRET, OLD("22.2", NEW_NAME("users")),
     FIELD_ITEMS(T, FIELD_SECRET, .rule = cloudconfig_rule_name_password),
     .check = cloudconfig_password_lines},
    {NULL},
};

static const struct field host_keys[] = {
    {"rsa_private", T, FIELD_SECRET},
    {"rsa_public", T},
    {"rsa_certificate", T},
    {"ecdsa_private", T, FIELD_SECRET},
    {"ecdsa_public", T},
    {"ecdsa_certificate", T},
    {"ed25519_private", T, FIELD_SECRET},
    {"ed25519_public", T},
    {"ed25519_certificate", T},
    {"dsa_private", T, FIELD_SECRET, OLD("24.1", "drop it: sshd no longer takes DSA keys")},
    {"dsa_public", T, OLD("24.1", "drop it: sshd no longer takes DSA keys")},
    {"dsa_certificate", T, OLD("24.1", "drop it: sshd no longer takes DSA keys")},
    {NULL},
};
static const struct field publish[] = {{"enabled", SWITCH}, {"blacklist", TEXTS}, {NULL}};
static const struct field keys_to_console[] = {
    {"emit_keys_to_console", SWITCH, .flags = FIELD_REQUIRED}, {NULL}};

/* --- Time, power, devices -------------------------------------------------------------------- */

static const struct field power_state[] = {
    {"mode", T, FIELD_REQUIRED, FIELD_WORDS("poweroff", "reboot", "halt")},
    {"delay", N | T, .check = cloudconfig_delay},
    {"message", T},
    {"timeout", NUMBER},
    {"condition", T | B | L},
    {NULL},
};

static const struct field ntp_config[] = {
    {"confpath", T, .rule = inspect_path},
    {"check_exe", T},
    {"packages", UNIQUE},
    {"service_name", T},
    {"template", T},
    {NULL},
};
static const struct field ntp[] = {
    {"pools", HOSTS},
    {"servers", HOSTS},
    {"peers", HOSTS},
    {"allow", UNIQUE},
    {"ntp_client", T},
    {"enabled", SWITCH},
    {"config", M, .fields = ntp_config, .check = cloudconfig_some},
    {NULL},
};

static const struct field swap[] = {
    {"filename", T, .rule = inspect_path},
    {"size", N | T, .check = cloudconfig_size},
    {"maxsize", N | T, .check = cloudconfig_size},
    {NULL},
};

static const struct field partition[] = {
    {"table_type", T, FIELD_WORDS("mbr", "gpt")},
    {"layout", B | T | L, FIELD_WORDS("remove"), .check = cloudconfig_layout},
    {"overwrite", B},
    {NULL},
};
static const struct field filesystem[] = {
    {"label", T},
    {"filesystem", T},
    {"device", T, FIELD_REQUIRED},
    {"partition", N | T, FIELD_RANGE(1, 128), FIELD_WORDS("auto", "any", "none"),
     .check = cloudconfig_partition},
    {"overwrite", B},
    {"replace_fs", T},
    {"extra_opts", L | T, FIELD_ITEMS(T)},
    {"cmd", L | T, FIELD_ITEMS(T)},
    {NULL},
};
static const struct field growpart[] = {
    {"mode", B | T, FIELD_WORDS("auto", "growpart", "gpart", "off"), .check = cloudconfig_growth},
    {"devices", TEXTS},
    {"ignore_growroot_disabled", SWITCH},
    {NULL},
};
static const struct field grub_dpkg[] = {
    {"enabled", SWITCH},
    {"grub-pc/install_devices", T},
    {"grub-pc/install_devices_empty", B | T, .check = cloudconfig_old_boolean},
    {"grub-efi/install_devices", T},
    {NULL},
};

/* --- What a system is told ------------------------------------------------------------------- */

static const struct field ca_certs[] = {
    {"remove-defaults", B, OLD("22.3", NEW_NAME("remove_defaults"))},
    {"remove_defaults", B},
    {"trusted", L | T, FIELD_ITEMS(T, .rule = cloudconfig_rule_certificate),
     .rule = cloudconfig_rule_certificate, .check = cloudconfig_some_texts},
    {NULL},
};

static const struct field resolv_conf[] = {
    {"nameservers", L, FIELD_ITEMS(T, .rule = inspect_address)},
    {"searchdomains", TEXT_LIST},
    {"domain", T},
    {"sortlist", TEXT_LIST},
    {"options", M},
    {NULL},
};

static const struct field syslog_file[] = {{"filename", T}, {"content", T, FIELD_REQUIRED}, {NULL}};
static const struct field rsyslog[] = {
    {"config_dir", T},
    {"config_filename", T},
    {"configs", L, FIELD_ITEMS(T | M, .fields = syslog_file)},
    {"remotes", M, FIELD_VALUES(T)},
    {"service_reload_command", T | L, FIELD_WORDS("auto"), FIELD_ITEMS(T)},
    {"install_rsyslog", B},
    {"check_exe", T},
    {"packages", UNIQUE},
    {NULL},
};

static const struct field keyboard[] = {
    {"layout", T, FIELD_REQUIRED}, {"model", T}, {"variant", T}, {"options", T}, {NULL}};

static const struct field wireguard_interface[] = {
    {"name", T, FIELD_REQUIRED},
    {"config_path", T, FIELD_REQUIRED, .rule = inspect_path},
    {"content", T, FIELD_REQUIRED | FIELD_SECRET},
    {NULL},
};
static const struct field wireguard[] = {
    {"interfaces", L, FIELD_REQUIRED, FIELD_ITEMS(M, .fields = wireguard_interface),
     .check = cloudconfig_some},
    {"readinessprobe", UNIQUE},
    {NULL},
};

static const struct field landscape_client[] = {
    {"url", T},
    {"ping_url", T},
    {"data_path", T},
    {"log_level", T, FIELD_WORDS("debug", "info", "warning", "error", "critical")},
    {"computer_title", T, FIELD_REQUIRED},
    {"account_name", T, FIELD_REQUIRED},
    {"registration_key", T, FIELD_SECRET},
    {"tags", T, .rule = cloudconfig_rule_tags},
    {"http_proxy", T},
    {"https_proxy", T},
    {NULL},
};
static const struct field landscape[] = {
    {"client", M, FIELD_REQUIRED, .fields = landscape_client, FIELD_VALUES(ANY)}, {NULL}};

static const struct field random_seed[] = {
    {"file", T},
    {"data", T, FIELD_SECRET},
    {"encoding", T, FIELD_WORDS("raw", "base64", "b64", "gzip", "gz")},
    {"command", TEXT_LIST},
    {"command_required", B},
    {NULL},
};

static const struct field network_updates[] = {
    {"when", L, FIELD_REQUIRED,
     FIELD_ITEMS(T, FIELD_WORDS("boot-new-instance", "boot-legacy", "boot", "hotplug"))},
    {NULL},
};
static const struct field updates[] = {{"network", M, .fields = network_updates}, {NULL}};

static const struct field output_pair[] = {{"output", T}, {"error", T}, {NULL}};
#define OUTPUT T | L | M, FIELD_ITEMS(T), .fields = output_pair, .check = cloudconfig_output
static const struct field output[] = {
    {"all", OUTPUT}, {"init", OUTPUT}, {"config", OUTPUT}, {"final", OUTPUT}, {NULL}};

/* --- Callbacks ------------------------------------------------------------------------------- */

static const struct field phone_home[] = {
    {"url", T, .rule = inspect_url},
    {"post", T | L, FIELD_WORDS("all"),
     FIELD_ITEMS(T,
                 FIELD_WORDS("pub_key_rsa", "pub_key_ecdsa", "pub_key_ed25519", "instance_id",
                             "hostname", "fqdn", "pub_key_dsa"),
                 .check = cloudconfig_dsa)},
    {"tries", NUMBER},
    {NULL},
};

static const struct field reporter[] = {
    {"type", T, FIELD_REQUIRED, FIELD_WORDS("webhook", "log", "print", "hyperv")},
    {"level", T, FIELD_WORDS("DEBUG", "INFO", "WARN", "ERROR", "FATAL")},
    {"endpoint", T, .rule = inspect_url},
    {"consumer_key", T, FIELD_SECRET},
    {"token_key", T, FIELD_SECRET},
    {"token_secret", T, FIELD_SECRET},
    {"consumer_secret", T, FIELD_SECRET},
    {"timeout", N},
    {"retries", COUNT},
    {"kvp_file_path", T},
    {"event_types", TEXT_LIST},
    {NULL},
};

/* --- Ubuntu's installer ---------------------------------------------------------------------- */

/* Of subiquity's reference; what is in them is the installer's to check. */
static const struct field autoinstall[] = {
    {"version", N, FIELD_REQUIRED, FIELD_WORDS("1")},
    {"active-directory"},
    {"apt"},
    {"codecs"},
    {"debconf-selections"},
    {"drivers"},
    {"early-commands"},
    {"error-commands"},
    {"identity"},
    {"interactive-sections"},
    {"kernel"},
    {"kernel-crash-dumps"},
    {"keyboard"},
    {"late-commands"},
    {"locale"},
    {"network"},
    {"oem"},
    {"packages"},
    {"proxy"},
    {"refresh-installer"},
    {"reporting"},
    {"shutdown"},
    {"snaps"},
    {"source"},
    {"ssh"},
    {"storage"},
    {"timezone", T, .check = zones_check},
    {"ubuntu-advantage"},
    {"ubuntu-pro"},
    {"updates"},
    {"user-data"},
    {"zdevs"},
    {NULL},
};

/* --- Software -------------------------------------------------------------------------------- */

static const struct field mirror[] = {
    {"arches", L, FIELD_REQUIRED, FIELD_ITEMS(T), .check = cloudconfig_some},
    {"uri", URI},
    {"search", L, FIELD_ITEMS(URI), .check = cloudconfig_some},
    {"search_dns", B},
    {"keyid", T, .rule = cloudconfig_rule_key_id},
    {"key", T, .rule = cloudconfig_rule_apt_key},
    {"keyserver", T},
    {NULL},
};
static const struct field apt_source[] = {
    {"source", T},
    {"keyid", T, .rule = cloudconfig_rule_key_id},
    {"key", T, .rule = cloudconfig_rule_apt_key},
    {"keyserver", T},
    {"filename", T},
    {"append", B},
    {NULL},
};
#define MIRRORS L, FIELD_ITEMS(M, .fields = mirror), .check = cloudconfig_some
static const struct field apt[] = {
    {"preserve_sources_list", SWITCH},
    {"generate_mirrorlists", B},
    {"disable_suites", TEXT_LIST, .check = cloudconfig_some_unique},
    {"primary", MIRRORS},
    {"security", MIRRORS},
    {"add_apt_repo_match", T},
    {"debconf_selections", M, FIELD_VALUES(T), .check = cloudconfig_some},
    {"sources_list", T},
    {"conf", T},
    {"https_proxy", T},
    {"http_proxy", T},
    {"proxy", T},
    {"ftp_proxy", T},
    {"sources", M, FIELD_VALUES(M, .fields = apt_source, .check = cloudconfig_some)},
    {NULL},
};

static const struct field alpine_repo[] = {
    {"base_url", T},
    {"community_enabled", B},
    {"testing_enabled", B},
    {"version", T, FIELD_REQUIRED},
    {NULL},
};
static const struct field apk_repos[] = {
    {"preserve_repositories", B},
    {"alpine_repo", M | Z, .fields = alpine_repo},
    {"local_repo_base_url", T},
    {NULL},
};

static const struct field yum_repo[] = {
    {"baseurl", T | L, FIELD_ITEMS(URI), .rule = cloudconfig_rule_uri,
     .check = cloudconfig_repo_value},
    {"metalink", URI},
    {"mirrorlist", URI},
    {"name", T},
    {"enabled", SWITCH},
    {NULL},
};
static const struct field zypper_repo[] = {
    {"id", T, FIELD_REQUIRED}, {"baseurl", URI, .flags = FIELD_REQUIRED}, {NULL}};
static const struct field zypper[] = {
    {"repos", L, FIELD_ITEMS(M, .fields = zypper_repo, FIELD_VALUES(ANY)),
     .check = cloudconfig_some},
    {"config", M},
    {NULL},
};

#define PACKAGE T | L, .check = cloudconfig_package
static const struct field managers[] = {
    {"apt", L, FIELD_ITEMS(PACKAGE)}, {"snap", L, FIELD_ITEMS(PACKAGE)}, {NULL}};

static const struct field snap_command = {"", T | L, FIELD_ITEMS(T | Z),
                                          .check = cloudconfig_snap_command};
static const struct field assertion = {"", T};
static const struct field snap[] = {
    {"assertions", L | M, .items = &assertion, .values = &assertion, .check = cloudconfig_some},
    {"commands", L | M, .items = &snap_command, .values = &snap_command, .check = cloudconfig_some},
    {NULL},
};

static const struct field pull[] = {
    {"accept_host_key", B},
    {"clean", B},
    {"full", B},
    {"diff", B},
    {"verify_commit", B},
    {"ssh_common_args", T},
    {"scp_extra_args", T},
    {"sftp_extra_args", T},
    {"private_key", T},
    {"checkout", T},
    {"module_path", T},
    {"timeout", T},
    {"url", T, FIELD_REQUIRED},
    {"connection", T},
    {"vault_id", T},
    {"vault_password_file", T},
    {"inventory", T},
    {"module_name", T},
    {"sleep", T},
    {"tags", T},
    {"skip_tags", T},
    {"playbook_name", T, OLD("25.2", NEW_NAME("playbook_names"))},
    {"playbook_names", TEXT_LIST},
    {NULL},
};
static const struct field galaxy[] = {
    {"actions", L, FIELD_REQUIRED, FIELD_ITEMS(L, FIELD_ITEMS(T))}, {NULL}};
static const struct field run_ansible[] = {
    {"playbook_name", T},
    {"playbook_dir", T},
    {"become_password_file", T},
    {"connection_password_file", T},
    {"list_hosts", B},
    {"syntax_check", B},
    {"timeout", N},
    {"vault_id", T},
    {"vault_password_file", T},
    {"background", N},
    {"check", B},
    {"diff", B},
    {"module_path", T},
    {"poll", N},
    {"args", T},
    {"extra_vars", T},
    {"forks", N},
    {"inventory", T},
    {"scp_extra_args", T},
    {"sftp_extra_args", T},
    {"private_key", T},
    {"connection", T},
    {"module_name", T},
    {"sleep", T},
    {"tags", T},
    {"skip_tags", T},
    {NULL},
};
static const struct field controller[] = {
    {"repositories", L,
     FIELD_ITEMS(M, .fields = (const struct field[]){{"path", T, FIELD_REQUIRED},
                                                     {"source", T, FIELD_REQUIRED},
                                                     {NULL}})},
    {"run_ansible", L, FIELD_ITEMS(M, .fields = run_ansible, FIELD_VALUES(ANY))},
    {NULL},
};
static const struct field ansible[] = {
    {"install_method", T, FIELD_WORDS("distro", "pip")},
    {"run_user", T},
    {"ansible_config", T},
    {"setup_controller", M, .fields = controller},
    {"galaxy", M, .fields = galaxy},
    {"package_name", T},
    {"pull", M | L, .fields = pull, FIELD_ITEMS(M, .fields = pull, .check = cloudconfig_playbook),
     .check = cloudconfig_pull},
    {NULL},
};

static const struct field pro_features[] = {{"disable_auto_attach", B}, {NULL}};
static const struct field pro_config[] = {
    {"http_proxy", T | Z},
    {"https_proxy", T | Z},
    {"global_apt_http_proxy", T | Z},
    {"global_apt_https_proxy", T | Z},
    {"ua_apt_http_proxy", T | Z},
    {"ua_apt_https_proxy", T | Z},
    {NULL},
};
static const struct field pro[] = {
    {"enable", TEXT_LIST},
    {"enable_beta", TEXT_LIST},
    {"token", T, FIELD_SECRET},
    {"features", M, .fields = pro_features},
    {"config", M, .fields = pro_config, FIELD_VALUES(ANY)},
    {NULL},
};

static const struct field lxd_init[] = {
    {"network_address", T},
    {"network_port", INTEGER},
    {"storage_backend", T, FIELD_WORDS("zfs", "dir", "lvm", "btrfs")},
    {"storage_create_device", T},
    {"storage_create_loop", INTEGER},
    {"storage_pool", T},
    {"trust_password", T, FIELD_SECRET},
    {NULL},
};
static const struct field lxd_bridge[] = {
    {"mode", T, FIELD_REQUIRED, FIELD_WORDS("none", "existing", "new")},
    {"name", T},
    {"mtu", N, FIELD_RANGE(-1, INT64_MAX)},
    {"ipv4_address", T},
    {"ipv4_netmask", INTEGER},
    {"ipv4_dhcp_first", T},
    {"ipv4_dhcp_last", T},
    {"ipv4_dhcp_leases", INTEGER},
    {"ipv4_nat", B},
    {"ipv6_address", T},
    {"ipv6_netmask", INTEGER},
    {"ipv6_nat", B},
    {"domain", T},
    {NULL},
};
static const struct field lxd[] = {
    {"init", M, .fields = lxd_init},
    {"bridge", M, .fields = lxd_bridge},
    {"preseed", T},
    {NULL},
};

static const struct field nvidia[] = {
    {"license-accepted", B, FIELD_REQUIRED}, {"version", T}, {NULL}};
static const struct field drivers[] = {{"nvidia", M, .fields = nvidia}, {NULL}};

/* --- Files and commands ---------------------------------------------------------------------- */

static const struct field file_source[] = {
    {"uri", URI, .flags = FIELD_REQUIRED}, {"headers", M, FIELD_VALUES(T)}, {NULL}};
static const struct field file[] = {
    {"path", T, FIELD_REQUIRED, .rule = inspect_path},
    {"content", T},
    {"source", M, .fields = file_source},
    {"owner", T, .rule = cloudconfig_rule_owner},
    {"permissions", N | T, .check = cloudconfig_mode},
    {"encoding", T,
     FIELD_WORDS("b64", "base64", "gz", "gzip", "gz+b64", "gz+base64", "gzip+b64", "gzip+base64",
                 "text/plain")},
    {"append", SWITCH},
    {"defer", SWITCH},
    {NULL},
};

static const struct field vendor_data[] = {{"enabled", B | T, .check = cloudconfig_old_boolean},
                                           {"prefix", L | T, FIELD_ITEMS(T | N)},
                                           {NULL}};

/* --- The top --------------------------------------------------------------------------------- */

#define MODULES L

/* What cloud-init 22.4.2, 25.1.4 and 26.2 know, from their schemas; tests/cloudinit compares them.
 * Those without a table are checked only for their type. apt_* and add_apt_repo_match are older
 * names that all of them still convert. */
static const struct field keys[] = {
    {"add_apt_repo_match", ANY, OLD("22.1", NEW_NAME("apt: add_apt_repo_match"))},
    {"allow_public_ssh_keys", SWITCH},
    {"ansible", M, .fields = ansible},
    {"apk_repos", M, .fields = apk_repos, .check = cloudconfig_some},
    {"apt", M, .fields = apt, .check = cloudconfig_some},
    {"apt_custom_sources_list", ANY, OLD("22.1", NEW_NAME("apt: sources_list"))},
    {"apt_ftp_proxy", ANY, OLD("22.1", NEW_NAME("apt: ftp_proxy"))},
    {"apt_http_proxy", ANY, OLD("22.1", NEW_NAME("apt: http_proxy"))},
    {"apt_https_proxy", ANY, OLD("22.1", NEW_NAME("apt: https_proxy"))},
    {"apt_mirror", ANY, OLD("22.1", NEW_NAME("apt: primary"))},
    {"apt_mirror_search", ANY, OLD("22.1", NEW_NAME("apt: primary: search"))},
    {"apt_mirror_search_dns", ANY, OLD("22.1", NEW_NAME("apt: primary: search_dns"))},
    {"apt_pipelining", B | N | T, .check = cloudconfig_pipelining},
    {"apt_preserve_sources_list", ANY, OLD("22.1", NEW_NAME("apt: preserve_sources_list"))},
    {"apt_proxy", ANY, OLD("22.1", NEW_NAME("apt: proxy"))},
    {"apt_reboot_if_required", SWITCH, OLD("22.2", NEW_NAME("package_reboot_if_required"))},
    {"apt_sources", ANY, OLD("22.1", NEW_NAME("apt: sources"))},
    {"apt_update", SWITCH, OLD("22.2", NEW_NAME("package_update"))},
    {"apt_upgrade", SWITCH, OLD("22.2", NEW_NAME("package_upgrade"))},
    {"authkey_hash", T},
    {"autoinstall", M, FIELD_OTHER_KEYS, .fields = autoinstall},
    {"bootcmd", L, .check = cloudconfig_commands},
    {"byobu_by_default", T,
     FIELD_WORDS("enable-system", "enable-user", "disable-system", "disable-user", "enable",
                 "disable", "user", "system")},
    {"ca-certs", M, .fields = ca_certs, OLD("22.3", NEW_NAME("ca_certs")),
     .check = cloudconfig_some},
    {"ca_certs", M, .fields = ca_certs, .check = cloudconfig_some},
    {"chef", M},
    {"chpasswd", M, .fields = chpasswd},
    {"cloud_config_modules", MODULES},
    {"cloud_final_modules", MODULES},
    {"cloud_init_modules", MODULES},
    {"create_hostname_file", SWITCH},
    {"device_aliases", M, FIELD_VALUES(T)},
    {"disable_ec2_metadata", SWITCH},
    {"disable_root", SWITCH},
    {"disable_root_opts", T},
    {"disk_setup", M, FIELD_VALUES(M, .fields = partition, .check = cloudconfig_disk)},
    {"drivers", M, .fields = drivers},
    {"fan", M},
    {"final_message", T},
    {"fqdn", T, .rule = cloudconfig_rule_hostname},
    {"fs_setup", L, FIELD_ITEMS(M, .fields = filesystem, .check = cloudconfig_filesystem)},
    {"groups", L | M | T, .items = &group, .values = &members, .check = cloudconfig_some_list},
    {"growpart", M, .fields = growpart},
    {"grub-dpkg", M, .fields = grub_dpkg, OLD("22.2", NEW_NAME("grub_dpkg"))},
    {"grub_dpkg", M, .fields = grub_dpkg},
    {"hostname", T, .rule = cloudconfig_rule_hostname},
    {"keyboard", M, .fields = keyboard},
    {"landscape", M, .fields = landscape},
    {"launch-index", INTEGER},
    {"locale", B | T},
    {"locale_configfile", T},
    {"lxd", M, .fields = lxd, .check = cloudconfig_some},
    {"manage_etc_hosts", B | T, .check = cloudconfig_hosts},
    {"manage_resolv_conf", SWITCH},
    {"mcollective", M},
    {"merge_how", L | T},
    {"merge_type", L | T},
    {"migrate", B, OLD("24.1", "drop it: nothing reads it")},
    {"mount_default_fields", L, FIELD_ITEMS(ANY), .check = cloudconfig_mount_defaults},
    {"mounts", L, FIELD_ITEMS(L, .check = cloudconfig_mount), .check = cloudconfig_some},
    {"no_ssh_fingerprints", SWITCH},
    {"ntp", M | Z, .fields = ntp},
    {"output", M, .fields = output},
    {"package_reboot_if_required", SWITCH},
    {"package_update", SWITCH},
    {"package_upgrade", SWITCH},
    {"packages", L, FIELD_ITEMS(T | L | M, .fields = managers, .check = cloudconfig_package),
     .check = cloudconfig_some},
    {"password", T, FIELD_SECRET},
    {"phone_home", M, .fields = phone_home, .check = cloudconfig_phone_home},
    {"power_state", M, .fields = power_state},
    {"prefer_fqdn_over_hostname", SWITCH},
    {"preserve_hostname", SWITCH},
    {"puppet", M},
    {"random_seed", M, .fields = random_seed},
    {"reporting", M, FIELD_VALUES(M, .fields = reporter, .check = cloudconfig_reporter)},
    {"resize_rootfs", B | T, .check = cloudconfig_resize},
    {"resolv_conf", M, .fields = resolv_conf},
    {"rh_subscription", M},
    {"rpi", M},
    {"rsyslog", M, .fields = rsyslog},
    {"runcmd", L, .check = cloudconfig_commands},
    {"salt_minion", M},
    {"snap", M, .fields = snap, .check = cloudconfig_some},
    {"spacewalk", M},
    {"ssh", M, .fields = keys_to_console},
    {"ssh_authorized_keys", L, FIELD_ITEMS(SSH_KEY), .check = cloudconfig_some},
    {"ssh_deletekeys", B},
    {"ssh_fp_console_blacklist", UNIQUE},
    {"ssh_genkeytypes", L,
     FIELD_ITEMS(T, FIELD_WORDS("ecdsa", "ed25519", "rsa", "dsa"), .check = cloudconfig_dsa),
     .check = cloudconfig_some},
    {"ssh_import_id", TEXTS},
    {"ssh_key_console_blacklist", UNIQUE},
    {"ssh_keys", M, .fields = host_keys},
    {"ssh_publish_hostkeys", M, .fields = publish},
    {"ssh_pwauth", B | T, .check = cloudconfig_pwauth},
    {"ssh_quiet_keygen", SWITCH},
    {"swap", M, .fields = swap, .check = cloudconfig_swap},
    {"system_info", M, OLD("24.2", "it belongs into the image, not into user-data")},
    {"timezone", T, .check = zones_check},
    {"ubuntu_advantage", M, .fields = pro, OLD("24.1", NEW_NAME("ubuntu_pro"))},
    {"ubuntu_pro", M, .fields = pro},
    {"updates", M, .fields = updates},
    {"user", M | T, FIELD_EMPTY, .fields = user, .check = cloudconfig_old_user},
    {"users", L | M | T, .items = &named_user, .values = &mapped_user, .key = cloudconfig_rule_user,
     .check = cloudconfig_users},
    {"vendor_data", M, .fields = vendor_data},
    {"version", ANY},
    {"wireguard", M | Z, .fields = wireguard},
    {"write_files", L, FIELD_ITEMS(M, FIELD_EMPTY, .fields = file, .check = cloudconfig_file),
     .check = cloudconfig_files},
    {"yum_repo_dir", T, .rule = inspect_path},
    {"yum_repos", M,
     FIELD_VALUES(M, .fields = yum_repo,
                  FIELD_VALUES(B | N | T | L, .check = cloudconfig_repo_value),
                  .check = cloudconfig_repo),
     .check = cloudconfig_some},
    {"zypper", M, .fields = zypper, FIELD_VALUES(ANY), .check = cloudconfig_some},
    {NULL},
};

const struct field cloudconfig_table = {"", M, FIELD_EMPTY | FIELD_OTHER_KEYS, .fields = keys};
