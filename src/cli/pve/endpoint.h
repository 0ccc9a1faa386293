/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint: the Proxmox VE hosts and clusters that the tool knows, each by a name.
 *
 * One is a file NAME.json below $XDG_CONFIG_HOME/cloudseed/pve, which `pve login` writes: its URL
 * and the certificates that it is verified by. The API token is in NAME.token beside it, unless the
 * environment or a systemd credential brings another.
 */
#ifndef CLOUDSEED_CLI_PVE_ENDPOINT_H
#define CLOUDSEED_CLI_PVE_ENDPOINT_H

#include "base/arena.h"
#include "base/err.h"

struct pve_endpoint {
    struct str name;
    struct str url;   /* "https://pve1.home.arpa:8006" */
    struct str ca;    /* PEM; empty: the system's CAs */
    struct str token; /* "USER@REALM!ID=SECRET" */
};

/* "https://HOST[:PORT]" of what an admin writes: "pve1", "pve1:8006", "https://pve1:8006/". */
int pve_endpoint_url(const char *given, struct arena *a, struct str *ret, struct err *e);

/* Reads one, without its token. `name` NULL: the only one that there is. */
int pve_endpoint_find(const char *name, struct arena *a, struct pve_endpoint *ret, struct err *e);
/* The same with its token. `token_file` NULL: the token
 * is that of $CLOUDSEED_PVE_TOKEN, of $CREDENTIALS_DIRECTORY/pve-token or NAME.token, the first
 * that there is. The arena must be secret. */
int pve_endpoint_load(const char *name, const char *token_file, struct arena *a,
                      struct pve_endpoint *ret, struct err *e);
/* The token only. */
int pve_endpoint_token(const char *name, const char *token_file, struct arena *a, struct str *ret,
                       struct err *e);
/* Writes it without its token; replaces one of that name. *ret_path is the file. */
int pve_endpoint_save(const struct pve_endpoint *endpoint, struct arena *a, struct str *ret_path,
                      struct err *e);
/* Where its token is kept. */
int pve_endpoint_token_path(const char *name, struct arena *a, struct str *ret, struct err *e);

#endif
