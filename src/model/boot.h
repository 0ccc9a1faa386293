/* SPDX-License-Identifier: Apache-2.0 */
/* boot: what a machine boots from the network. */
#ifndef CLOUDSEED_MODEL_BOOT_H
#define CLOUDSEED_MODEL_BOOT_H

#include "base/fault.h"

struct template;

enum boot_kind {
    BOOT_LOCAL,   /* its own disk */
    BOOT_KERNEL,  /* a Linux kernel with its initrds */
    BOOT_INSTALL, /* the same, of an installer: afterwards the machine boots from its disk */
    BOOT_CHAIN,   /* another boot program or script */
    BOOT_MENU,    /* a choice at its console */
    BOOT_KINDS
};

extern const char *const boot_kind_names[]; /* "local", …, and NULL behind */

/* How a kernel's cloud-init finds the node's seed. */
enum boot_discovery {
    DISCOVERY_KERNEL, /* by the kernel's command line, with the window's key */
    DISCOVERY_SMBIOS, /* by the machine's serial, which an admin has set */
    DISCOVERY_NONE    /* it does not look for one */
};

extern const char *const boot_discovery_names[]; /* "kernel", …, and NULL behind */

/* The program that reads a boot script. */
enum boot_loader { LOADER_IPXE, LOADER_GRUB, LOADERS };

extern const char *const boot_loader_names[LOADERS]; /* "ipxe", "grub" */
/* A node's script as a document: "boot.ipxe", "grub.cfg". */
extern const char *const boot_script_names[LOADERS];

struct boot_file {
    struct str url;
    struct str asset; /* what `url` was made from: a path below the server's assets, or empty */
};

struct boot_entry {
    enum boot_kind kind;
    struct str title; /* in a menu; else empty */
    /* BOOT_KERNEL, BOOT_INSTALL */
    struct boot_file kernel;
    const struct boot_file *initrd;
    struct str arguments; /* words with single spaces between; none is special in a boot script */
    const struct template *words; /* what makes them for each node; NULL: they are as they stand */
    struct place words_at;
    enum boot_discovery discovery;
    bool tells_url; /* the node's URL is on its command line */
    /* BOOT_CHAIN */
    struct boot_file chain;
    struct place at;
    uint32_t initrd_n;
};

#define BOOT_INITRDS_MAX 8
#define BOOT_MENU_MAX 32

struct boot_plan {
    struct boot_entry entry;
    /* BOOT_MENU; the first entry is the default. */
    const struct boot_entry *menu;
    uint32_t menu_n;
    uint32_t timeout_s;
};

/* What is wrong with a kernel's arguments, in one line that is never freed; NULL where they are
 * valid. iPXE has no
 * quotes: "${" begins a setting, and a word that begins with "#" or is "||", "&&" or ";" ends the
 * command (its core/exec.c). */
const char *boot_arguments_refusal(struct str s);
/* Whether they are a template: each node has arguments of its own. */
bool boot_arguments_vary(struct str s);

/* Of a rendered template, or of a script. */
#define BOOT_ARGUMENTS_MAX_BYTES 4096

#endif
