/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tree/reference.h"

#include "base/guess.h"
#include "cli/common/seedtree.h"
#include "config/config.h"
#include "model/event.h"
#include "template/template.h"
#include "tree/overlay.h"
#include "tree/reference.h"

#include <stdio.h>

#define PAGE_MAX_BYTES ((size_t)16 * 1024 * 1024)

/* --- The page about templates --------------------------------------------------------------- */

/* A name that templates see, or a member of one: "networks.NAME.cidr", "node.interfaces[].mac". []
 * stands for each item of a list, NAME for a name from the tree. */
struct names_row {
    const char *path;
    const char *what;    /* type if it is not a text, and meaning; "or none" if it may be missing */
    const char *example; /* as `{{ … | tojson }}` renders it; NULL if it has members of its own */
};

/* tests/e2e/test_reference.py compares this with what templates see of a large tree. */
static const struct names_row names_table[] = {
    {"node", "the node that the document is for", NULL},
    {"node.name", "its name", "\"k8s-worker-2\""},
    {"node.fqdn", "the name in the first search domain of its first network",
     "\"k8s-worker-2.home.arpa\""},
    {"node.instance_id", "what cloud-init knows the installation by", "\"k8s-worker-2-1\""},
    {"node.macs", "a list of its MAC addresses", "[\"bc:24:11:0a:14:0c\"]"},
    {"node.uuid", "its SMBIOS uuid, or none", "null"},
    {"node.serial", "its SMBIOS serial where one is declared, or none", "null"},
    {"node.addresses", "a list of its addresses, without a prefix", "[\"10.0.20.12\"]"},
    {"node.cluster_addresses",
     "those by which its cluster knows it: the first one of each family that the pods have",
     "[\"10.0.20.12\"]"},
    {"node.interfaces",
     "a list: those that are declared, else one for each MAC address, and for each VLAN beyond "
     "them",
     NULL},
    {"node.interfaces[].name",
     "its name as declared, else eth0, eth1, and so on: a name to give it", "\"eth0\""},
    {"node.interfaces[].kind", "ethernet, bond, bridge or vlan", "\"ethernet\""},
    {"node.interfaces[].declared", "whether the node declares it, with its name", "false"},
    {"node.interfaces[].mac",
     "its MAC address, that of its first card for a bond or bridge; or none",
     "\"bc:24:11:0a:14:0c\""},
    {"node.interfaces[].addresses", "a list of its fixed addresses", NULL},
    {"node.interfaces[].addresses[].address", "the address", "\"10.0.20.12\""},
    {"node.interfaces[].addresses[].cidr", "with the prefix of its network", "\"10.0.20.12/24\""},
    {"node.interfaces[].addresses[].family", "4 or 6", "4"},
    {"node.interfaces[].addresses[].network", "the name of its network", "\"nodes\""},
    {"node.interfaces[].addresses[].gateway",
     "the network's gateway where the node's default route goes there, or none", "\"10.0.20.1\""},
    {"node.interfaces[].addresses[].on_link",
     "whether that gateway is outside the network, and reached directly", "false"},
    {"node.interfaces[].addresses[].dns", "the network's name servers", "[\"10.0.20.1\"]"},
    {"node.interfaces[].addresses[].search", "the network's search domains", "[\"home.arpa\"]"},
    {"node.interfaces[].dns", "its own name servers, else those of all its networks, each once",
     "[\"10.0.20.1\"]"},
    {"node.interfaces[].search",
     "its own search domains, else those of all its networks, each once", "[\"home.arpa\"]"},
    {"node.interfaces[].dhcp", "a list of the families, 4 and 6, that it asks DHCP for", "[]"},
    {"node.interfaces[].default_route", "whether it may take a default route from DHCP", "true"},
    {"node.interfaces[].mtu", "its MTU, or none for the system's own", "9000"},
    {"node.interfaces[].optional", "whether a boot goes on without it", "false"},
    {"node.interfaces[].routes",
     "a list of its static routes and its networks', each with `to`, `via`, `metric` and `on_link`",
     "[]"},
    {"node.interfaces[].link", "of a VLAN, the interface that it is on, or none", "\"lan\""},
    {"node.interfaces[].vlan", "of a VLAN, its number, or none", "20"},
    {"node.interfaces[].members", "a list of the interfaces of a bond or bridge",
     "[\"lan1\",\"lan2\"]"},
    {"node.interfaces[].parameters", "of a bond or bridge, as netplan names them; or none", "null"},
    {"role", "the node's role", NULL},
    {"role.name", "its name", "\"worker\""},
    {"role.bootstrap", "master, worker or none", "\"worker\""},
    {"cluster", "the node's cluster; none for a node without one", NULL},
    {"cluster.name", "its name", "\"homelab\""},
    {"cluster.version", "the version of Kubernetes, without a v", "\"1.29\""},
    {"cluster.endpoint", "where its API server is: name or address, and port",
     "\"10.0.20.11:6443\""},
    {"cluster.pods", "a list of the networks of its pods", "[\"192.168.0.0/16\"]"},
    {"cluster.services", "a list of the networks of its services", "[\"10.96.0.0/12\"]"},
    {"cluster.hardened", "whether each certificate of a kubelet must be approved", "true"},
    {"cluster.addons", "a list: what is applied to it once it runs, in this order", NULL},
    {"cluster.addons[].name", "its name", "\"calico\""},
    {"cluster.addons[].url", "where its manifest is fetched, or none",
     "\"https://example.org/calico.yaml\""},
    {"cluster.addons[].template", "the template that its manifest is rendered from, or none",
     "null"},
    {"cluster.addons[].sha256", "the manifest's hash, or none", "null"},
    {"cluster.addons[].wait", "a list: what to wait for once it is applied",
     "[\"deployment/kube-system/calico-kube-controllers\"]"},
    {"site", "what all nodes share", NULL},
    {"site.name", "its name", "\"homelab\""},
    {"site.url", "where nodes reach the server, without a slash at its end",
     "\"http://10.0.10.5:8080\""},
    {"site.node_url", "where they reach it over TLS, to join their cluster",
     "\"https://10.0.10.5:8443\""},
    {"site.unknown", "what an unregistered machine does: wait or local", "\"wait\""},
    {"networks", "the site's networks, by name", NULL},
    {"networks.NAME.name", "its name", "\"nodes\""},
    {"networks.NAME.cidr", "the network with its prefix", "\"10.0.20.0/24\""},
    {"networks.NAME.prefix", "only the prefix", "24"},
    {"networks.NAME.cidr6", "its range of IPv6 beside one of IPv4, or none", "\"fd00:20::/64\""},
    {"networks.NAME.vlan", "its VLAN, or none where it is untagged", "20"},
    {"networks.NAME.mtu", "its MTU, or none for the system's own", "9000"},
    {"networks.NAME.gateway", "its gateway, or none", "\"10.0.20.1\""},
    {"networks.NAME.gateway6", "the gateway of `cidr6`, or none", "\"fe80::1\""},
    {"networks.NAME.dns", "a list of its name servers", "[\"10.0.20.1\"]"},
    {"networks.NAME.search", "a list of its search domains", "[\"home.arpa\"]"},
    {"networks.NAME.routes",
     "a list of its static routes, each with `to`, `via`, `metric` and `on_link`", "[]"},
    {"seed", "what the server knows of the request", NULL},
    {"seed.url", "where this node's files are, with a slash at its end",
     "\"http://10.0.10.5:8080/s/SEED-KEY/\""},
    {"boot", "only for boot scripts: what the machine boots now", NULL},
    {"boot.entry", "the entry of its role; of kind local outside of a build window", NULL},
    {"boot.entry.title", "what a menu shows of it; none outside of one", "null"},
    {"boot.entry.kind", "local, kernel, chain or menu", "\"kernel\""},
    {"boot.entry.kernel", "where the kernel is; none for other kinds", NULL},
    {"boot.entry.kernel.url", "its URL", "\"http://10.0.10.5:8080/assets/debian/vmlinuz\""},
    {"boot.entry.kernel.asset", "its path below the server's assets, or none",
     "\"debian/vmlinuz\""},
    {"boot.entry.initrd", "a list of its initrds", NULL},
    {"boot.entry.initrd[].url", "its URL", "\"http://10.0.10.5:8080/assets/debian/initrd.img\""},
    {"boot.entry.initrd[].asset", "its path below the server's assets, or none",
     "\"debian/initrd.img\""},
    {"boot.entry.arguments", "the kernel's command line", "\"console=ttyS0\""},
    {"boot.entry.discovery", "what must be there too, so that cloud-init finds its files; or none",
     "\"ds=nocloud;dsmode=net;s=http://10.0.10.5:8080/s/WINDOW-KEY/\""},
    {"boot.entry.chain", "of kind chain, like the kernel: what is started; or none", "null"},
    {"boot.menu", "a list of kind menu's entries, like `boot.entry`, each with a `title`", "[]"},
    {"boot.timeout", "seconds until the menu's first entry is taken", "10"},
    {"boot.refusal", "why the node boots its disk instead, in one line; or none",
     "\"it is ready\""},
    {"boot.mac", "the MAC address that the machine says it has, or none", "\"bc:24:11:0a:14:0c\""},
    {"boot.uuid", "the uuid that it says it has, or none", "null"},
    {"bootstrap", "only for kubeadm's configuration: how the node gets into its cluster", NULL},
    {"bootstrap.action", "init for the node that begins the cluster, join for all others",
     "\"join\""},
    {"bootstrap.version", "what the cluster runs; for init, what it is declared as", "\"1.29.15\""},
    {"bootstrap.control_plane", "whether it becomes a control-plane node", "false"},
    {"bootstrap.endpoint", "where the API server is", "\"10.0.20.11:6443\""},
    {"bootstrap.token", "a bootstrap token minted for this node; none for init",
     "\"abcdef.0123456789abcdef\""},
    {"bootstrap.ca_hashes", "a list of hashes of the cluster's CA; empty for init",
     "[\"sha256:…\"]"},
    {"bootstrap.certificate_key",
     "what decrypts the control plane's certificates; none for workers", "null"},
    {"secrets", "only for sealed files and what else travels at bootstrap: secrets of the site",
     NULL},
    {"secrets.NAME", "a secret; `check` and `render` show a placeholder", "\"SECRET-registry\""},
};

#define NAMES_N (sizeof(names_table) / sizeof(names_table[0]))

static const char head[] =
    "<!-- Printed by `cloudseed reference templates`; do not edit. -->\n"
    "# Templates: names, filters, tests and methods\n\n"
    "docs/templates.md explains how templates are written. This page lists what they may use.\n\n"
    "## Names\n\n"
    "Any name that is not listed is the variable of that name: the node's, else its role's, its "
    "cluster's or the\nsite's. `[]` stands for each item of a list, `NAME` for a name of yours.\n\n"
    "| Name | What it is | Example |\n|---|---|---|\n";

static const struct {
    const char *kind, *title, *before, *usage, *gives;
} sections[] = {
    {"filter", "Filters", "`value | filter`, with arguments in brackets where there are some.",
     "Filter", "Gives"},
    {"test", "Tests", "`value is test`, `value is not test`.", "Test", "True for what is"},
    {"string method", "Methods of texts", "`text.method(…)`.", "Method", "Gives"},
    {"mapping method", "Methods of mappings", "`mapping.method(…)`.", "Method", "Gives"},
};

/* Writes code in a Markdown table: a bar would end the cell. */
static void write_code(struct buf *out, const char *text)
{
    buf_str(out, STR("`"));
    for (; *text; text++) {
        if (*text == '|')
            buf_char(out, '\\');
        buf_char(out, *text);
    }
    buf_str(out, STR("`"));
}

static void write_names(struct buf *out)
{
    for (size_t i = 0; i < NAMES_N; i++) {
        const struct names_row *row = &names_table[i];
        buf_printf(out, "| `%s` | %s | ", row->path, row->what);
        if (row->example)
            write_code(out, row->example);
        buf_str(out, STR(" |\n"));
    }
}

/* "replace(old, new, [count])", "lower". */
static void write_usage(struct buf *out, const struct template_builtin *b)
{
    buf_printf(out, "| `%s", b->name);
    for (unsigned i = 0; i < b->params_max && b->params[i]; i++) {
        bool optional = i >= b->required;
        const char *name = b->params[i];
        buf_printf(out, "%s%s%s%s", i ? ", " : "(", optional ? "[" : "", name + (name[0] == '/'),
                   optional ? "]" : "");
    }
    bool any = b->params_max && b->params[0], method = strstr(b->kind, "method");
    buf_printf(out, "%s` | ", any ? ")" : method ? "()" : "");
}

static void write_builtin(struct buf *out, const struct template_builtin *b)
{
    write_usage(out, b);
    for (const char *p = b->help; *p; p++)
        buf_printf(out, *p == '|' ? "\\|" : "%c", *p);
    buf_str(out, STR(" | "));
    write_code(out, b->example);
    buf_str(out, STR(" | "));
    if (b->result[0])
        write_code(out, b->result);
    buf_str(out, STR(" |\n"));
}

void reference_templates(struct buf *out)
{
    buf_str(out, str_from(head));
    write_names(out);
    for (size_t s = 0; s < sizeof(sections) / sizeof(sections[0]); s++) {
        struct template_builtin b;
        buf_printf(out, "\n## %s\n\n%s\n\n| %s | %s | Example | Rendered |\n|---|---|---|---|\n",
                   sections[s].title, sections[s].before, sections[s].usage, sections[s].gives);
        for (size_t i = 0; template_builtin_at(i, &b); i++) {
            if (strcmp(b.kind, sections[s].kind) == 0)
                write_builtin(out, &b);
        }
    }
}

/* --- The page about events ------------------------------------------------------------------- */

static const char events_head[] =
    "<!-- Printed by `cloudseed reference events`; do not edit. -->\n"
    "# Events\n\n"
    "What has happened to nodes and clusters, kept in the server's state: `cloudseed events`, "
    "`cloudseed watch` and\n`/v1/events` ([api.md](../formats/api.md)) show it. An event has "
    "`id`, `at` (its time), `node` (its name; empty for\na cluster's own), `uid`, `kind`, `cause` "
    "(`uid 0`: which user did it), `peer` (the address that it came from) and\n`data`, with the "
    "keys below; a key is left out where there is nothing to say. The server's log has other "
    "events:\n[log.md](log.md).\n\n"
    "| Kind | Keys of `data` | What it means | What to do |\n|---|---|---|---|\n";

static void write_keys(struct buf *out, const char *keys)
{
    struct str rest = str_from(keys);
    for (const char *sep = ""; rest.p && rest.n; sep = ", ") {
        struct str key = str_cut(&rest, ' ');
        buf_printf(out, "%s`%.*s`", sep, STR_ARG(key));
    }
}

static void reference_events(struct buf *out)
{
    const struct event_kind *k;
    buf_str(out, str_from(events_head));
    for (size_t i = 0; (k = event_kind_at(i)); i++) {
        buf_printf(out, "| `%s` | ", k->name);
        write_keys(out, k->keys);
        buf_printf(out, "%s| %s | %s |\n", k->keys[0] ? " " : "", k->meaning,
                   k->advice ? k->advice : "-");
    }
}

/* --- What is overridden ---------------------------------------------------------------------- */

static const char overridden_head[] =
    "\n## Overridden templates\n\n"
    "Of the folders under `templates` the first that has a file wins. With its mark as the first "
    "line\nof the one that is used, `cloudseed check` warns when the hidden one changes.\n\n"
    "| Template | Used | Hidden | Mark |\n|---|---|---|---|\n";

static void print_hidden(const struct overlay *o)
{
    fputs(o->hidden_n ? overridden_head : "", stdout);
    for (uint32_t i = 0; i < o->hidden_n; i++) {
        struct overlay_hidden h = overlay_hidden_at(o, i);
        printf("| `%.*s` | `%s` | `%s`%s | %s%s%s |\n", STR_ARG(h.used->name), h.used->path, h.path,
               h.changed ? ", changed since" : "", h.mark[0] ? "`" : "", h.mark[0] ? h.mark : "-",
               h.mark[0] ? "`" : "");
    }
}

static int print_overridden(struct cli *c)
{
    struct config config;
    struct faults faults;
    struct overlay o;
    if (seedtree_configure(c, &config) != CLI_OK)
        return CLI_FAILED;
    faults_init(&faults); /* `check` reports them */
    overlay_init(&o, &c->arena, &faults);
    overlay_read(&o, config.templates_dir);
    print_hidden(&o);
    overlay_done(&o);
    faults_done(&faults);
    return CLI_OK;
}

/* --- The command ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*write)(struct buf *out);
} pages[] = {
    {"seed", reference_seed},
    {"config", config_reference},
    {"templates", reference_templates},
    {"events", reference_events},
};

#define PAGES_N (sizeof(pages) / sizeof(pages[0]))

static void print(void (*write)(struct buf *out))
{
    struct buf out;
    buf_init(&out, PAGE_MAX_BYTES);
    write(&out);
    fwrite(buf_view(&out).p, 1, out.n, stdout);
    buf_done(&out);
}

static int run(struct cli *c)
{
    struct guess guess;
    guess_init(&guess, str_from(c->operands[0]));
    for (size_t i = 0; i < PAGES_N; i++) {
        if (strcmp(c->operands[0], pages[i].name) == 0) {
            print(pages[i].write);
            return pages[i].write == reference_templates ? print_overridden(c) : CLI_OK;
        }
        guess_offer(&guess, str_from(pages[i].name));
    }
    return cli_misuse(c, "there is no reference '%s': it is seed, config, templates or events%s",
                      c->operands[0], guess_text(&guess));
}

const struct command command_reference = {
    .name = "reference",
    .operands = "PAGE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "print a page of the reference, in Markdown",
    .help =
        "The pages:\n"
        "  seed       the keys of the seed tree, with their types, defaults and examples\n"
        "  config     those of cloudseedd.yaml\n"
        "  templates  the names that templates see, every filter, test and method, and which of\n"
        "             your templates override those of a later folder\n"
        "  events     what each event means, its data, and what to do\n"
        "\n"
        "Examples:\n"
        "  cloudseed reference seed | less\n"
        "  cloudseed reference templates >templates.md\n",
    .serverless = "it prints what this program knows",
    .run = run,
};
