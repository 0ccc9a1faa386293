/* SPDX-License-Identifier: Apache-2.0 */
/*
 * props: texts of properties as Proxmox VE has them, "virtio=BC:24:11:00:00:01,bridge=vmbr0".
 *
 * A write replaces the whole text, so all that is in one is kept, in its order, also what we do not
 * know. Pure.
 */
#ifndef CLOUDSEED_CLI_PVE_PROPS_H
#define CLOUDSEED_CLI_PVE_PROPS_H

#include "base/arena.h"
#include "base/err.h"

#define PROPS_MAX 40

struct prop {
    struct str key, value; /* key.p == NULL: only a value, of the format's default key */
};

struct props {
    struct prop list[PROPS_MAX];
    uint32_t n;
};

/* Points into `text`. -EINVAL: more than PROPS_MAX. */
int props_read(struct str text, struct props *ret, struct err *e);
/* p == NULL: there is none. */
struct str props_get(const struct props *p, const char *key);
/* Replaces it, or adds it at the end. */
int props_set(struct props *p, const char *key, struct str value, struct err *e);
struct str props_text(const struct props *p, struct arena *a);

/* --- smbios1 -------------------------------------------------------------------------------- */

/* qemu-server's limit for the whole text. */
#define SMBIOS_MAX 512

/* The text with this serial and everything else that was in it: fields are encoded in base64 all or
 * not at all, and only so a serial may have any character. Proxmox drops a value "0". -EMSGSIZE:
 * more than SMBIOS_MAX, the message says by how much. */
int smbios_set_serial(struct str smbios1, struct str serial, struct arena *a, struct str *ret,
                      struct err *e);
/* The text with this uuid, which is never encoded, and everything else that was in it; the same
 * text if it has that already, or `uuid` is empty. -EMSGSIZE as above. */
int smbios_set_uuid(struct str smbios1, struct str uuid, struct arena *a, struct str *ret,
                    struct err *e);
/* The same without a serial. */
int smbios_drop_serial(struct str smbios1, struct arena *a, struct str *ret, struct err *e);

struct smbios {
    struct str uuid;   /* empty: none */
    struct str serial; /* decoded; empty: none */
};
/* -EINVAL: not what Proxmox would have written. */
int smbios_read(struct str smbios1, struct arena *a, struct smbios *ret, struct err *e);
/* As it may be shown: a serial has a join key in it and is masked. */
struct str smbios_shown(struct str smbios1, struct arena *a);

/* --- Network cards -------------------------------------------------------------------------- */

struct card {
    struct str model, mac, bridge; /* mac: empty, or in upper case as it is written */
    struct str tag;                /* VLAN; empty: none */
};
int card_read(struct str net, struct card *ret, struct err *e);

#endif
