/* SPDX-License-Identifier: Apache-2.0 */
#include "render/cloudconfig.h"

#define Z INSPECT_NULL
#define B INSPECT_BOOL
#define N INSPECT_NUMBER
#define T INSPECT_TEXT
#define L INSPECT_LIST
#define M INSPECT_MAP
#define ANY (Z | B | N | T | L | M)

/* What cloud-init 22.4.2 and 25.1.4 know, from their schemas: tests/cloudinit holds it to them. */
static const struct {
    const char *name;
    unsigned types;
} keys[] = {
    {"allow_public_ssh_keys", B},
    {"ansible", M},
    {"apk_repos", M},
    {"apt", M},
    {"apt_pipelining", B | N | T},
    {"apt_reboot_if_required", B},
    {"apt_update", B},
    {"apt_upgrade", B},
    {"authkey_hash", T},
    {"autoinstall", M},
    {"bootcmd", L},
    {"byobu_by_default", T},
    {"ca-certs", M},
    {"ca_certs", M},
    {"chef", M},
    {"chpasswd", M},
    {"cloud_config_modules", L},
    {"cloud_final_modules", L},
    {"cloud_init_modules", L},
    {"create_hostname_file", B},
    {"device_aliases", M},
    {"disable_ec2_metadata", B},
    {"disable_root", B},
    {"disable_root_opts", T},
    {"disk_setup", M},
    {"drivers", M},
    {"fan", M},
    {"final_message", T},
    {"fqdn", T},
    {"fs_setup", L},
    {"groups", L | M | T},
    {"growpart", M},
    {"grub-dpkg", M},
    {"grub_dpkg", M},
    {"hostname", T},
    {"keyboard", M},
    {"landscape", M},
    {"launch-index", N},
    {"locale", B | T},
    {"locale_configfile", T},
    {"lxd", M},
    {"manage_etc_hosts", B | T},
    {"manage_resolv_conf", B},
    {"mcollective", M},
    {"merge_how", L | T},
    {"merge_type", L | T},
    {"migrate", B},
    {"mount_default_fields", L},
    {"mounts", L},
    {"no_ssh_fingerprints", B},
    {"ntp", M | Z},
    {"output", M},
    {"package_reboot_if_required", B},
    {"package_update", B},
    {"package_upgrade", B},
    {"packages", L},
    {"password", T},
    {"phone_home", M},
    {"power_state", M},
    {"prefer_fqdn_over_hostname", B},
    {"preserve_hostname", B},
    {"puppet", M},
    {"random_seed", M},
    {"reporting", M},
    {"resize_rootfs", B | T},
    {"resolv_conf", M},
    {"rh_subscription", M},
    {"rsyslog", M},
    {"runcmd", L},
    {"salt_minion", M},
    {"snap", M},
    {"spacewalk", M},
    {"ssh", M},
    {"ssh_authorized_keys", L},
    {"ssh_deletekeys", B},
    {"ssh_fp_console_blacklist", L},
    {"ssh_genkeytypes", L},
    {"ssh_import_id", L},
    {"ssh_key_console_blacklist", L},
    {"ssh_keys", M},
    {"ssh_publish_hostkeys", M},
    {"ssh_pwauth", B | T},
    {"ssh_quiet_keygen", B},
    {"swap", M},
    {"system_info", M},
    {"timezone", T},
    {"ubuntu_advantage", M},
    {"ubuntu_pro", M},
    {"updates", M},
    {"user", M | T},
    {"users", L | M | T},
    {"vendor_data", M},
    {"version", ANY},
    {"wireguard", M | Z},
    {"write_files", L},
    {"yum_repo_dir", T},
    {"yum_repos", M},
    {"zypper", M},
};

bool cloudconfig_key_at(size_t i, const char **ret_name, unsigned *ret_types)
{
    if (i >= sizeof(keys) / sizeof(keys[0]))
        return false;
    *ret_name = keys[i].name;
    *ret_types = keys[i].types;
    return true;
}
