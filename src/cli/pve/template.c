/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "cli/asset/asset.h"
#include "cli/common/progress.h"
#include "cli/pve/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDS_MAX 8                  /* ids that others may be faster with */
#define FETCH_MS (60 * 60 * 1000)  /* an image from afar */
#define COPY_MS (30 * 60 * 1000)   /* of one that was sent, to its storage */
#define IMPORT_MS (30 * 60 * 1000) /* its copy to the storage of disks */
#define CONVERT_MS (5 * 60 * 1000)
#define SHA256_CHARS 64
#define CPU STR("x86-64-v2-AES")
#define FIELDS_MAX 24

struct templating {
    struct pve_session session;
    struct pve_version version;
    struct str name, sha256;
    struct str url;  /* of the image; empty: it is a file */
    struct str path; /* of the file */
    int fd;
    uint64_t size;
    struct str host, storage, images; /* images: the storage that the image is fetched to */
    struct str pool, bridge;
    struct str marker; /* the line in its description by which it is ours */
    struct str file;   /* the image's name there */
    bool is_uefi;
    struct pve_vm vm; /* vmid 0: there is none yet */
};

/* --- What is asked for ------------------------------------------------------------------------ */

static struct str option_or(const struct cli *c, const char *name, const char *other)
{
    const char *given = flags_value(&c->flags, name);
    return str_from(given ? given : other);
}

static bool is_sha256(struct str s)
{
    return s.n == SHA256_CHARS && strspn(s.p, "0123456789abcdef") == s.n;
}

/* It is printed in a command for root, too. */
static bool is_url(struct str s)
{
    bool is_http = str_starts(s, STR("https://")) || str_starts(s, STR("http://"));
    for (size_t i = 0; i < s.n; i++)
        is_http = is_http && s.p[i] > ' ' && s.p[i] < 127 && !strchr("'\"\\`$", s.p[i]);
    return is_http;
}

static int read_options(struct templating *t, struct cli *c)
{
    struct arena *a = &c->arena;
    struct str image = option_or(c, "image", "");
    bool is_file = image.n && !memmem(image.p, image.n, "://", 3);
    t->name = str_from(c->operands[0]);
    *(is_file ? &t->path : &t->url) = image;
    t->sha256 = option_or(c, "sha256", "");
    t->host = option_or(c, "host", "");
    t->storage = option_or(c, "storage", "");
    t->images = option_or(c, "images", "");
    t->pool = option_or(c, "pool", "");
    t->bridge = option_or(c, "bridge", "vmbr0");
    t->is_uefi = flags_given(&c->flags, "uefi");
    if (!is_file && !is_url(t->url))
        return cli_misuse(c, "give a cloud image with --image: its URL, https://…, or a file");
    if (!is_sha256(t->sha256))
        return cli_misuse(c, "give the image's checksum with --sha256: 64 characters of 0-9 and "
                             "a-f, as the SHA256SUMS beside the image have it");
    t->marker = arena_printf(a, "Template %s of cloudseed (sha256 %s)", t->name.p, t->sha256.p);
    t->file = arena_printf(a, "%s-%.12s.qcow2", t->name.p, t->sha256.p);
    return CLI_OK;
}

/* --- A file ----------------------------------------------------------------------------------- */

/* The host would find out only after all of it was sent. */
static bool is_qcow2(int fd)
{
    char head[4];
    return pread(fd, head, sizeof(head), 0) == sizeof(head) && memcmp(head, "QFI\xfb", 4) == 0;
}

static int check_sum(const struct templating *t, const struct cli *c)
{
    char sha256[DIGEST_TEXT_SIZE];
    int r = asset_copy(t->fd, -1, t->size, t->path.p, sha256);
    if (r < 0)
        return cli_fail(c, "%s: %s", t->path.p, strerror(-r));
    if (!str_eq(str_from(sha256), t->sha256))
        return cli_fail(c, "%s: its SHA-256 is %s, not that of --sha256: download it again",
                        t->path.p, sha256);
    return CLI_OK;
}

static int open_file(struct templating *t, const struct cli *c)
{
    struct stat st;
    t->fd = open(t->path.p, O_RDONLY | O_CLOEXEC);
    if (t->fd < 0 || fstat(t->fd, &st) < 0)
        return cli_fail(c, "%s: %s", t->path.p, strerror(errno));
    t->size = (uint64_t)st.st_size;
    if (!S_ISREG(st.st_mode) || !is_qcow2(t->fd))
        return cli_fail(c,
                        "%s: it is not a qcow2 image: run 'qemu-img convert -O qcow2 OLD NEW', and "
                        "sha256sum on the new one",
                        t->path.p);
    return check_sum(t, c);
}

/* --- Where ------------------------------------------------------------------------------------ */

static struct str listed(struct str list, struct str item, struct arena *a)
{
    return ARENA_JOIN(a, list, list.n ? STR(", ") : STR(""), item);
}

static int choose_host(struct templating *t)
{
    struct pve_session *s = &t->session;
    struct str all = STR(""), last = STR("");
    struct value nodes;
    struct err e;
    unsigned n = 0;
    if (t->host.n)
        return CLI_OK;
    if (pve_get(s->pve, STR("/nodes"), &s->arena, &nodes, &e) < 0)
        return pve_session_fail(s, &e);
    for (uint32_t i = 0; nodes.kind == VALUE_LIST && i < nodes.n; i++, n++) {
        last = pve_text(nodes.items[i], "node", &s->arena);
        all = listed(all, last, &s->arena);
    }
    t->host = last;
    return n == 1 ? CLI_OK
                  : cli_fail(s->cli, "choose the template's host with --host: %.*s", STR_ARG(all));
}

static bool has_content(struct str contents, const char *content)
{
    while (contents.p && contents.n) {
        if (str_is(str_cut(&contents, ','), content))
            return true;
    }
    return false;
}

/* The storage that is named, or the only one that takes such content. */
static int choose_storage(struct templating *t, const char *option, const char *content,
                          struct str *name)
{
    struct pve_session *s = &t->session;
    struct arena *a = &s->arena;
    struct str path = ARENA_JOIN(a, STR("/nodes/"), t->host, STR("/storage")), all = STR("");
    struct value list;
    struct err e;
    unsigned n = 0;
    if (pve_get(s->pve, path, a, &list, &e) < 0)
        return pve_session_fail(s, &e);
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        struct str at = pve_text(list.items[i], "storage", a);
        if (!has_content(pve_text(list.items[i], "content", a), content))
            continue;
        if (str_eq(at, *name))
            return CLI_OK;
        all = listed(all, at, a);
        n++;
    }
    if (n == 1 && !name->n) {
        *name = all;
        return CLI_OK;
    }
    if (n)
        return cli_fail(s->cli, "choose the storage of content '%s' with --%s: %.*s", content,
                        option, STR_ARG(all));
    return cli_fail(s->cli,
                    "%.*s: the token sees no storage that takes content '%s': run 'pvesm set "
                    "STORAGE --content iso,vztmpl,%s' as root, and put STORAGE into the pool",
                    STR_ARG(t->host), content, content);
}

/* --- Its VM ----------------------------------------------------------------------------------- */

/* Those that an earlier run has begun. Whether they went well is seen by what is there then. */
static int await_tasks_of(struct templating *t, struct str host)
{
    static const char *const kinds[] = {"download", "imgcopy", "qmcreate", "qmtemplate", NULL};
    struct pve_session *s = &t->session;
    struct arena *a = &s->arena;
    const struct pve_field fields[] = {{"source", STR("active")}};
    const struct pve_request q = {"GET", ARENA_JOIN(a, STR("/nodes/"), host, STR("/tasks")), fields,
                                  1};
    struct value list;
    unsigned warnings;
    struct err e;
    if (pve_ask(s->pve, &q, a, &list, &e) < 0)
        return pve_session_fail(s, &e);
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        if (str_in(pve_text(list.items[i], "type", a), kinds))
            pve_wait(s->pve, pve_text(list.items[i], "upid", a), FETCH_MS, &warnings, &e);
    }
    return CLI_OK;
}

/* What was sent is copied by the host that took it, which need not be the template's. */
static int await_tasks(struct templating *t)
{
    struct pve_session *s = &t->session;
    struct value nodes;
    struct err e;
    if (t->url.n)
        return await_tasks_of(t, t->host);
    if (pve_get(s->pve, STR("/nodes"), &s->arena, &nodes, &e) < 0)
        return pve_session_fail(s, &e);
    int status = CLI_OK;
    for (uint32_t i = 0; status == CLI_OK && nodes.kind == VALUE_LIST && i < nodes.n; i++) {
        if (str_is(pve_text(nodes.items[i], "status", &s->arena), "online"))
            status = await_tasks_of(t, pve_text(nodes.items[i], "node", &s->arena));
    }
    return status;
}

/* The host's own list has its name at once. */
static int look(struct templating *t)
{
    struct pve_session *s = &t->session;
    struct arena *a = &s->arena;
    struct value list, config;
    struct err e;
    if (pve_get(s->pve, ARENA_JOIN(a, STR("/nodes/"), t->host, STR("/qemu")), a, &list, &e) < 0)
        return pve_session_fail(s, &e);
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        struct pve_vm vm = {.vmid = (uint32_t)pve_number(list.items[i], "vmid", 0),
                            .host = t->host};
        if (!str_eq(pve_text(list.items[i], "name", a), t->name))
            continue;
        if (pve_vm_config(s->pve, &vm, a, &config, &e) < 0)
            return pve_session_fail(s, &e);
        struct str text = value_get_text(config, STR("description"));
        if (!memmem(text.p, text.n, t->marker.p, t->marker.n))
            return cli_fail(s->cli,
                            "VM %u on %.*s is named %.*s, and was not made of this image: choose "
                            "another name",
                            vm.vmid, STR_ARG(t->host), STR_ARG(t->name));
        vm.is_template = pve_truth(config, "template");
        t->vm = vm;
    }
    return CLI_OK;
}

/* A copy that was cut off is shorter. */
static bool is_image(struct templating *t, struct value item, struct str wanted)
{
    return str_eq(pve_text(item, "volid", &t->session.arena), wanted) &&
           (t->url.n || pve_number(item, "size", 0) == (int64_t)t->size);
}

static int has_image(struct templating *t, bool *ret, struct err *e)
{
    struct arena *a = &t->session.arena;
    struct str path = arena_printf(a, "/nodes/%.*s/storage/%.*s/content", STR_ARG(t->host),
                                   STR_ARG(t->images)),
               wanted = ARENA_JOIN(a, t->images, STR(":import/"), t->file);
    const struct pve_field fields[] = {{"content", STR("import")}};
    const struct pve_request q = {"GET", path, fields, 1};
    struct value list;
    int r = pve_ask(t->session.pve, &q, a, &list, e);
    *ret = false;
    for (uint32_t i = 0; r == 0 && list.kind == VALUE_LIST && i < list.n; i++)
        *ret = *ret || is_image(t, list.items[i], wanted);
    return r;
}

/* POST to "download-url" or "upload" of the images' storage. The host checks the sum, and has no
 * file of that name before. */
static int put_image(struct templating *t, const char *way, struct str url,
                     const struct pve_file *file, uint32_t within_ms)
{
    struct pve_session *s = &t->session;
    struct str path = arena_printf(&s->arena, "/nodes/%.*s/storage/%.*s/%s", STR_ARG(t->host),
                                   STR_ARG(t->images), way);
    const struct pve_field fields[] = {
        {"content", STR("import")},
        {"checksum", t->sha256},
        {"checksum-algorithm", STR("sha256")},
        {"filename", t->file},
        {"url", url},
    };
    const struct pve_request q = {"POST", path, fields, file ? 3 : 5, file};
    unsigned warnings;
    struct err e;
    return pve_do(s->pve, &q, within_ms, &warnings, &e) < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

static int fetch_image(struct templating *t)
{
    struct progress progress;
    progress_begin(&progress, t->file.p);
    int status = put_image(t, "download-url", t->url, NULL, FETCH_MS);
    progress_end(&progress);
    return status;
}

/* Without the right the host would end the connection in the middle of the file. */
static int need_right_to_send(struct templating *t)
{
    struct pve_session *s = &t->session;
    struct str path = ARENA_JOIN(&s->arena, STR("/storage/"), t->images), token = s->endpoint.token,
               id = str_cut(&token, '='), rest = id, user = str_cut(&rest, '!');
    const struct pve_field fields[] = {{"path", path}};
    const struct pve_request q = {"GET", STR("/access/permissions"), fields, 1};
    struct value answer;
    struct err e;
    if (pve_ask(s->pve, &q, &s->arena, &answer, &e) < 0)
        return pve_session_fail(s, &e);
    if (pve_truth(value_get(answer, path), "Datastore.AllocateTemplate"))
        return CLI_OK;
    return cli_fail(s->cli,
                    "%.*s: the token lacks Datastore.AllocateTemplate: run 'pveum acl modify %.*s "
                    "--roles PVEDatastoreAdmin --users %.*s --tokens '%.*s'' as root",
                    STR_ARG(path), STR_ARG(path), STR_ARG(user), STR_ARG(id));
}

static void on_read(void *cls, uint64_t bytes)
{
    progress_count(cls, (uint32_t)(bytes >> 20));
}

static int send_image(struct templating *t)
{
    struct progress progress;
    const struct pve_file file = {t->file.p, t->fd, t->size, on_read, &progress};
    int status = need_right_to_send(t);
    if (status != CLI_OK)
        return status;
    progress_begin_bytes(&progress, t->file.p);
    progress_total(&progress, (uint32_t)((t->size + (1 << 20) - 1) >> 20));
    status = put_image(t, "upload", STR(""), &file, COPY_MS);
    progress_end(&progress);
    return status;
}

static int need_image(struct templating *t)
{
    struct err e;
    bool is_there;
    if (has_image(t, &is_there, &e) < 0)
        return pve_session_fail(&t->session, &e);
    if (is_there)
        return CLI_OK;
    return t->url.n ? fetch_image(t) : send_image(t);
}

struct fields {
    struct pve_field list[FIELDS_MAX];
    size_t n;
};

static void put(struct fields *f, const char *name, struct str value)
{
    f->list[f->n++] = (struct pve_field){name, value};
}

/* UEFI boots from no network without the RNG. */
static void put_firmware(const struct templating *t, struct fields *f, struct arena *a)
{
    if (!t->is_uefi)
        return;
    put(f, "bios", STR("ovmf"));
    put(f, "machine", STR("q35"));
    put(f, "efidisk0", ARENA_JOIN(a, t->storage, STR(":1,efitype=4m,pre-enrolled-keys=1")));
    put(f, "rng0", STR("source=/dev/urandom"));
}

/* What a cloud image wants: a serial console, the agent, a CPU of today, and no drive of
 * cloud-init, whose data would win over the server's. */
static void put_hardware(const struct templating *t, struct fields *f, struct arena *a)
{
    put(f, "name", t->name);
    put(f, "description", t->marker);
    put(f, "ostype", STR("l26"));
    put(f, "cpu", t->version.major >= 8 ? CPU : STR("host"));
    put(f, "cores", STR("2"));
    put(f, "memory", STR("2048"));
    put(f, "scsihw", STR("virtio-scsi-single"));
    put(f, "net0", ARENA_JOIN(a, STR("virtio,bridge="), t->bridge));
    put(f, "serial0", STR("socket"));
    put(f, "vga", STR("serial0"));
    put(f, "agent", STR("1"));
    put_firmware(t, f, a);
}

static int create(struct templating *t, struct err *e)
{
    struct pve_session *s = &t->session;
    struct arena *a = &s->arena;
    struct fields f = {.n = 0};
    unsigned warnings;
    put(&f, "vmid", arena_printf(a, "%u", t->vm.vmid));
    put_hardware(t, &f, a);
    put(&f, "scsi0",
        arena_printf(a, "%.*s:0,import-from=%.*s:import/%.*s,discard=on", STR_ARG(t->storage),
                     STR_ARG(t->images), STR_ARG(t->file)));
    put(&f, "boot", STR("order=scsi0"));
    if (t->pool.n)
        put(&f, "pool", t->pool);
    const struct pve_request q = {"POST", ARENA_JOIN(a, STR("/nodes/"), t->host, STR("/qemu")),
                                  f.list, f.n};
    return pve_do(s->pve, &q, IMPORT_MS, &warnings, e);
}

static int make_vm(struct templating *t)
{
    struct pve_session *s = &t->session;
    struct err e;
    for (unsigned tries = 0; tries < IDS_MAX; tries++) {
        if (tries)
            pve_pause();
        t->vm.host = t->host;
        if (pve_next_id(s->pve, &t->vm.vmid, &e) < 0)
            return pve_session_fail(s, &e);
        if (create(t, &e) == 0)
            return CLI_OK;
        if (!strstr(e.msg, "already exists"))
            return pve_session_fail(s, &e);
    }
    return cli_fail(s->cli, "others were faster with %d ids: try again later", IDS_MAX);
}

static int convert(struct templating *t)
{
    struct pve_session *s = &t->session;
    const struct pve_request q = {.method = "POST",
                                  .path = pve_vm_path(&t->vm, "/template", &s->arena)};
    unsigned warnings;
    struct err e;
    return pve_do(s->pve, &q, CONVERT_MS, &warnings, &e) < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

/* --- By hand ---------------------------------------------------------------------------------- */

static struct str in_quotes(struct str s, struct arena *a)
{
    struct str text = STR("'");
    for (bool more = true; more;) {
        more = memchr(s.p, '\'', s.n);
        text = ARENA_JOIN(a, text, str_cut(&s, '\''), more ? STR("'\\''") : STR("'"));
    }
    return text;
}

static void print_qm(const struct templating *t, struct arena *a)
{
    struct fields f = {.n = 0};
    struct str line = STR("qm create VMID"), dash = STR(" --");
    put_hardware(t, &f, a);
    for (size_t i = 0; i < f.n; i++)
        line = ARENA_JOIN(a, line, dash, str_from(f.list[i].name), STR(" '"), f.list[i].value,
                          STR("'"));
    if (t->url.n)
        cli_print_line("wget -O '/var/tmp/%.*s' '%.*s'", STR_ARG(t->file), STR_ARG(t->url));
    else
        cli_print_line("# from here: scp %.*s 'root@%s:/var/tmp/%.*s'",
                       STR_ARG(in_quotes(t->path, a)), t->host.n ? t->host.p : "HOST",
                       STR_ARG(t->file));
    cli_print_line("echo '%.*s  /var/tmp/%.*s' | sha256sum -c", STR_ARG(t->sha256),
                   STR_ARG(t->file));
    cli_print_line("%.*s", STR_ARG(line));
    cli_print_line("qm set VMID --scsi0 '%s:0,import-from=/var/tmp/%.*s,discard=on' --boot "
                   "order=scsi0",
                   t->storage.n ? t->storage.p : "STORAGE", STR_ARG(t->file));
    puts("qm template VMID");
    if (t->pool.n)
        cli_print_line("pveum pool modify %.*s --vms VMID", STR_ARG(t->pool));
}

static bool takes_images(struct pve_version v)
{
    return v.major > 8 || (v.major == 8 && v.minor >= 4);
}

/* --- All of it -------------------------------------------------------------------------------- */

static void report(const struct templating *t, bool was_there)
{
    const struct cli *c = t->session.cli;
    const struct value_pair pairs[] = {
        JSON_STR("name", t->name),
        JSON_INT("vmid", t->vm.vmid),
        JSON_STR("host", t->host),
        JSON_BOOL("made", !was_there),
    };
    if (flags_given(&c->flags, "dry-run"))
        return;
    if (flags_given(&c->flags, "json"))
        cli_print_json(value_map(pairs, 4));
    else
        cli_print_line("%.*s: VM %u on %.*s is a template%s", STR_ARG(t->name), t->vm.vmid,
                       STR_ARG(t->host), was_there ? " already" : "");
}

static int make(struct templating *t)
{
    struct progress progress;
    int status = await_tasks(t);
    if (status == CLI_OK)
        status = look(t);
    bool was_there = t->vm.is_template;
    if (status != CLI_OK)
        return status;
    if (!t->vm.vmid)
        status = need_image(t);
    if (status != CLI_OK)
        return status;
    progress_begin(&progress, t->name.p);
    if (!t->vm.vmid)
        status = make_vm(t);
    if (status == CLI_OK && !was_there)
        status = convert(t);
    progress_end(&progress);
    if (status == CLI_OK)
        report(t, was_there);
    return status;
}

static int by_api(struct templating *t)
{
    int status = choose_host(t);
    if (status == CLI_OK)
        status = choose_storage(t, "storage", "images", &t->storage);
    if (status == CLI_OK)
        status = choose_storage(t, "images", "import", &t->images);
    return status == CLI_OK ? make(t) : status;
}

static int run(struct cli *c)
{
    struct templating t = {.fd = -1};
    struct err e;
    int status = read_options(&t, c);
    if (status == CLI_OK && t.path.n)
        status = open_file(&t, c);
    FS_CLOSED int fd = t.fd;
    (void)fd; /* closed at the end, whatever comes */
    if (status != CLI_OK)
        return status;
    status = pve_session_reach(c, &t.session);
    if (status == CLI_OK && pve_version(t.session.pve, &t.session.arena, &t.version, &e) < 0)
        status = pve_session_fail(&t.session, &e);
    if (status == CLI_OK && takes_images(t.version)) {
        status = by_api(&t);
    } else if (status == CLI_OK) {
        cli_note(c,
                 "Proxmox VE %u.%u takes no images over its API: run these lines as root on the "
                 "host, with an id that is free for VMID",
                 t.version.major, t.version.minor);
        print_qm(&t, &c->arena);
    }
    pve_session_close(&t.session);
    return status;
}

const struct command command_pve_template = {
    .name = "pve template",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS({"image", "IMAGE", "the cloud image: a URL for the host, or a file here"},
                   {"sha256", "HEX", "the image's checksum"},
                   {"host", "TARGET", "the host to make it on; without it the only one"},
                   {"storage", "STORAGE", "of its disk; without it the only one for disks"},
                   {"images", "STORAGE", "for the image (default: the only one for imports)"},
                   {"pool", "POOL", "the pool to put it into"},
                   {"bridge", "BRIDGE", "of its network card (default: vmbr0)"},
                   {"uefi", NULL, "boot by UEFI, with Secure Boot's keys and a VirtIO RNG"},
                   FLAG_DRY_RUN, FLAG_PVE, FLAG_TOKEN, FLAG_JSON),
    .summary = "make a template from a cloud image",
    .help =
        "The host downloads the image or, if --image is a file (qcow2), gets it uploaded, and\n"
        "verifies its checksum. A VM is made from it with the settings that cloud images and\n"
        "this server need (a serial console, the guest agent, a current CPU model, no\n"
        "cloud-init drive), and turned into a template. If the template exists, nothing is\n"
        "done; after a failure run the command again to continue. Before Proxmox VE 8.4 the API\n"
        "does not accept images: then the commands for root are printed.\n"
        "The token needs Datastore.AllocateTemplate for the storage of images and, for a\n"
        "download, Sys.AccessNetwork for the host, in addition to what `pve check` lists.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve template noble --pool k8s --host pve1 --sha256 \\\n"
        "    0000000000000000000000000000000000000000000000000000000000000000 \\\n"
        "    --image "
        "https://cloud-images.ubuntu.com/noble/current/noble-server-cloudimg-amd64.img\n"
        "  cloudseed pve template noble --pool k8s --host pve1 --image noble.qcow2 --sha256 \\\n"
        "    0000000000000000000000000000000000000000000000000000000000000000\n",
    .serverless = "it asks only Proxmox",
    .run = run,
};
