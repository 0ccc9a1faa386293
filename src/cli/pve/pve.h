/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pve: requests to the API of a Proxmox VE host, and what became of them.
 *
 * A host answers for all of its cluster. What an answer's loss leaves open is for the caller to
 * look up: nothing that changes something is sent twice.
 */
#ifndef CLOUDSEED_CLI_PVE_PVE_H
#define CLOUDSEED_CLI_PVE_PVE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "cli/pve/endpoint.h"

/* How a request ended, as a negative number in `err.code`:
 * -ECONNREFUSED  no connection; nothing was done
 * -EACCES        the host's certificate is not trusted; nothing was done
 * -EPERM         401 or 403: the token is not valid, or lacks a right
 * -EINVAL        400: the request is wrong
 * -ENOENT        there is no such VM at that host
 * -EBUSY         something holds a lock: the same may work later
 * -EHOSTUNREACH  595: the VM's own host is away; nothing was done
 * -EIO           refused for another reason; nothing was done
 * -ETIMEDOUT     the answer is lost, or 596 to 599: it may have been done, or be going on
 */

struct pve;

/* Keeps what it needs of the endpoint. Sends nothing. */
struct pve *pve_new(const struct pve_endpoint *endpoint);
/* NULL is fine. */
void pve_free(struct pve *p);

/* From now on requests that change something are printed instead of sent, and answered with
 * nothing. */
void pve_dry_run(struct pve *p);

struct pve_field {
    const char *name;
    struct str value;
};

/* A file that is sent: what it is called there, and a descriptor of all of it. */
struct pve_file {
    const char *name;
    int fd;
    uint64_t size;
    void (*on_read)(void *cls, uint64_t bytes); /* so much of it has been read */
    void *cls;
};

struct pve_request {
    const char *method; /* PUT only where there is no POST: it is cut off after 30 s */
    struct str path;    /* below /api2/json: "/nodes/pve1/qemu/101/config" */
    const struct pve_field *fields;
    size_t fields_n;
    const struct pve_file *file; /* of a POST to …/upload, else NULL */
};

/* `data` of the answer, in the arena. Reads (GET) are repeated for a while where the host is busy.
 */
int pve_ask(struct pve *p, const struct pve_request *q, struct arena *a, struct value *ret,
            struct err *e);
/* pve_ask of a GET without fields. */
int pve_get(struct pve *p, struct str path, struct arena *a, struct value *ret, struct err *e);

/* Waits for a task. Its warnings are no failure: *ret_warnings is their number. -ETIMEDOUT: it goes
 * on after `within_ms`, or the host does not tell any more. -EBUSY: it failed for a lock. -EIO: it
 * failed, the message is its own. Nothing else. */
int pve_wait(struct pve *p, struct str upid, uint32_t within_ms, unsigned *ret_warnings,
             struct err *e);
/* pve_ask of a POST, PUT or DELETE, and pve_wait if it began a task. */
int pve_do(struct pve *p, const struct pve_request *q, uint32_t within_ms, unsigned *ret_warnings,
           struct err *e);

/* About as long as one waits between two looks. */
#define PVE_PAUSE_MS 500U
void pve_pause(void);

/* --- What it answers ------------------------------------------------------------------------ */

/* Numbers come as numbers, as texts, or as 1e+06. Returns `other` for anything else. */
int64_t pve_number(struct value map, const char *member, int64_t other);
/* 0, 1, "0", "1", true or false. */
bool pve_truth(struct value map, const char *member);
/* The text of a text or a number; empty where there is none. */
struct str pve_text(struct value map, const char *member, struct arena *a);

/* "9.2.3": major and minor. */
struct pve_version {
    unsigned major, minor;
};
int pve_version(struct pve *p, struct arena *a, struct pve_version *ret, struct err *e);

/* The token's rights on a path, by name. */
int pve_rights(struct pve *p, struct str path, struct arena *a, struct value *ret, struct err *e);

/* The first id that is free, which reserves nothing. */
int pve_next_id(struct pve *p, uint32_t *ret, struct err *e);

/* Whether a VM has the id, whatever it is: any token may ask this. */
int pve_id_is_taken(struct pve *p, uint32_t vmid, bool *ret, struct err *e);

/* --- VMs ------------------------------------------------------------------------------------ */

struct pve_vm {
    uint32_t vmid;
    struct str host;         /* where it is now */
    struct str name, status; /* empty in its first seconds */
    bool is_template;
};

/* cluster/resources: VMs, hosts and storages, as far as the token sees them; a list. */
int pve_list_resources(struct pve *p, struct arena *a, struct value *ret, struct err *e);
/* cluster/resources: all VMs that the token sees, templates too. A VM has no name or status there
 * in its first seconds. */
int pve_list_vms(struct pve *p, struct arena *a, struct value *ret, struct err *e);
/* Where the VM is now: HA and migrations move it. -ENOENT: the token sees no such VM. */
int pve_find_vm(struct pve *p, uint32_t vmid, struct arena *a, struct pve_vm *ret, struct err *e);
/* "/nodes/HOST/qemu/VMID" and what follows. */
struct str pve_vm_path(const struct pve_vm *vm, const char *more, struct arena *a);
int pve_vm_config(struct pve *p, const struct pve_vm *vm, struct arena *a, struct value *ret,
                  struct err *e);

#endif
