/* SPDX-License-Identifier: Apache-2.0 */
#include "model/boot.h"

const char *const boot_kind_names[] = {
    [BOOT_LOCAL] = "local", [BOOT_KERNEL] = "kernel", [BOOT_INSTALL] = "install",
    [BOOT_CHAIN] = "chain", [BOOT_MENU] = "menu",     [BOOT_KINDS] = NULL};

const char *const boot_discovery_names[] = {
    [DISCOVERY_KERNEL] = "kernel", [DISCOVERY_SMBIOS] = "smbios", [DISCOVERY_NONE] = "none", NULL};

const char *const boot_loader_names[LOADERS] = {[LOADER_IPXE] = "ipxe", [LOADER_GRUB] = "grub"};

const char *const boot_script_names[LOADERS] = {
    [LOADER_IPXE] = "boot.ipxe", [LOADER_GRUB] = "grub.cfg"};

bool boot_arguments_vary(struct str s)
{
    return s.n &&
           (memmem(s.p, s.n, "{{", 2) || memmem(s.p, s.n, "{%", 2) || memmem(s.p, s.n, "{#", 2));
}

const char *boot_arguments_refusal(struct str s)
{
    if (memmem(s.p, s.n, "${", 2))
        return "'${' would be a setting of iPXE's";
    while (s.p) {
        struct str word = str_cut(&s, ' ');
        if (!word.n)
            return "one space between words, and none at the ends";
        if (word.p[0] == '#' || str_is(word, "||") || str_is(word, "&&") || str_is(word, ";"))
            return "a word that begins with # or is ||, && or ; would end iPXE's command";
        for (size_t i = 0; i < word.n; i++) {
            if ((unsigned char)word.p[i] < 0x20 || word.p[i] == 0x7F)
                return "a control character";
        }
    }
    return NULL;
}
