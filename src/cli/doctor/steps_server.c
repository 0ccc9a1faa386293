/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own steps: whether it runs, and what machines reach of it. */
#include "cli/common/span.h"
#include "cli/doctor/doctor.h"
#include "crypto/ca.h"
#include "crypto/certificate.h"

#include <inttypes.h>
#include <stdlib.h>

#define SKEW_MAX_MS 30000
#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define PROVIDED_DAYS 14 /* that an admin needs to get another certificate */

static bool is_true(struct value map, const char *member)
{
    struct value v = value_get(map, str_from(member));
    return v.kind == VALUE_BOOL && v.b;
}

/* --- server ---------------------------------------------------------------------------------- */

/* "; 10.0.10.5:8080 (http) is held by nginx (pid 812)" for each. */
static struct str ports_text(const struct doctor_facts *f)
{
    struct str text = STR("");
    for (uint32_t i = 0; f->ports.kind == VALUE_LIST && i < f->ports.n; i++) {
        struct value port = f->ports.items[i];
        text = arena_printf(f->arena, "%.*s; %.*s (%.*s) is held by %.*s", STR_ARG(text),
                            STR_ARG(api_text(port, "address")), STR_ARG(api_text(port, "what")),
                            STR_ARG(api_text(port, "holder")));
    }
    return text;
}

struct finding doctor_server(const struct doctor_facts *f)
{
    struct str trouble = doctor_trouble(f->server), ports = ports_text(f);
    if (trouble.n && ports.n)
        return finding_wrong(f->arena,
                             STR("stop that program, or give the server another address in "
                                 "cloudseedd.yaml; then run 'systemctl restart cloudseedd'"),
                             "%.*s%.*s", STR_ARG(trouble), STR_ARG(ports));
    if (trouble.n)
        return finding_wrong(
            f->arena,
            STR("run 'systemctl start cloudseedd'; 'journalctl -u cloudseedd' says "
                "why it ended"),
            "%.*s", STR_ARG(trouble));
    return finding_ok(f->arena, "cloudseedd %.*s answers at %.*s",
                      STR_ARG(api_text(f->server, "version")), STR_ARG(f->where));
}

/* --- store ----------------------------------------------------------------------------------- */

struct finding doctor_store(const struct doctor_facts *f)
{
    struct value store = value_get(f->server, STR("store"));
    if (!is_true(store, "ok"))
        return finding_wrong(f->arena,
                             STR("make room in the state folder, or repair its disk: until then no "
                                 "report of a node is taken"),
                             "the server cannot write its state: %.*s",
                             STR_ARG(api_text(store, "reason")));
    if (value_get(f->server, STR("loss")).kind == VALUE_MAP)
        return finding_wrong(f->arena,
                             STR("restore a newer backup, or run 'cloudseed server acknowledge' if "
                                 "you know what was lost"),
                             "the state is older than it was at the server's last run");
    struct value lost = value_get(value_get(f->server, STR("audit")), STR("lost"));
    if (lost.kind == VALUE_INT && lost.i > 0)
        return finding_wrong(f->arena,
                             STR("see why with 'journalctl -u cloudseedd -g event=audit-lost'; "
                                 "a restart of the server counts from 0"),
                             "%" PRIi64 " entries of the audit were lost: who asked for what then "
                             "is not known",
                             lost.i);
    return finding_ok(f->arena, "the server can write its state%s",
                      is_true(f->server, "recovery")
                          ? ""
                          : "; no recovery passphrase opens its backups yet: run 'cloudseedd "
                            "--recovery' on its machine");
}

/* --- tree ------------------------------------------------------------------------------------ */

static struct finding judge_left_out(const struct doctor_facts *f, struct value first)
{
    return finding_wrong(
        f->arena,
        arena_printf(f->arena, "rename or change one of the two, or run 'cloudseed node rm %.*s'",
                     STR_ARG(api_text(first, "name"))),
        "the registered node %.*s is not in force: %.*s", STR_ARG(api_text(first, "name")),
        STR_ARG(api_text(first, "reason")));
}

struct finding doctor_tree(const struct doctor_facts *f)
{
    struct value left_out = value_get(f->server, STR("left_out"));
    struct str trouble = doctor_trouble(f->tree),
               loaded = api_when(f->server, "seed_loaded", f->arena);
    int64_t errors = api_number(f->tree, "errors", 0), faulty = api_number(f->server, "faulty", 0);
    if (errors)
        return finding_wrong(
            f->arena, STR("run 'cloudseed check', fix what it lists, and run 'cloudseed reload'"),
            "%.*s (%lld error%s in all)%s%.*s", STR_ARG(api_text(f->tree, "first")),
            (long long)errors, errors == 1 ? "" : "s",
            loaded.n ? "; the server goes on with the tree of " : "", STR_ARG(loaded));
    if (left_out.kind == VALUE_LIST && left_out.n)
        return judge_left_out(f, left_out.items[0]);
    if (faulty && !f->name.n)
        return finding_wrong(f->arena, STR("run 'cloudseed check'"),
                             "the documents of %lld node%s have faults", (long long)faulty,
                             faulty == 1 ? "" : "s");
    if (f->tree.kind != VALUE_MAP || trouble.n)
        return finding_unseen(f->arena, "%.*s",
                              STR_ARG(trouble.n ? trouble : STR("it cannot be read here")));
    return finding_ok(f->arena, "the seed tree on the disk has no faults");
}

/* --- certificate, clock ---------------------------------------------------------------------- */

/* Whether the server's certificate has the name of the URL that nodes bootstrap at. */
static bool is_covered(const struct doctor_facts *f, struct str url, struct str *ret_name)
{
    struct value names = value_get(value_get(f->ca, STR("certificate")), STR("names"));
    struct certificate_name name;
    char text[ADDRESS_TEXT_SIZE];
    if (!url.n || !certificate_name_of_url(url, &name) || names.kind != VALUE_LIST || !names.n)
        return true;
    *ret_name = arena_str(f->arena, certificate_name_text(&name, text));
    for (uint32_t i = 0; i < names.n; i++) {
        if (str_eq_nocase(value_text(names.items[i]), *ret_name))
            return true;
    }
    return false;
}

struct finding doctor_certificate(const struct doctor_facts *f)
{
    struct value certificate = value_get(f->ca, STR("certificate")),
                 warnings = value_get(f->ca, STR("warnings"));
    bool provided = is_true(f->ca, "provided");
    int64_t until = api_time(certificate, "until");
    int64_t min = provided ? PROVIDED_DAYS * DAY_MS : 0;
    struct str trouble = doctor_trouble(f->ca), end = api_when(certificate, "until", f->arena),
               name;
    struct str how = provided ? STR("put a newer certificate into the files that 'tls' of "
                                    "cloudseedd.yaml names, and run 'cloudseed reload'")
                              : STR("set the clock right, then run 'cloudseed ca renew'");
    if (trouble.n)
        return finding_wrong(f->arena, STR("see 'journalctl -u cloudseedd'"), "%.*s",
                             STR_ARG(trouble));
    if (until >= 0 && until - f->now_ms < min)
        return finding_wrong(f->arena, how, "the server's certificate %s %.*s",
                             until < f->now_ms ? "ended" : "ends", STR_ARG(end));
    if (!is_covered(f, api_text(f->https, "url"), &name))
        return finding_wrong(f->arena,
                             provided ? how
                                      : STR("set 'node_url' in site.yaml to a name that it has, or "
                                            "run 'cloudseed reload'"),
                             "the server's certificate is not for %.*s, where nodes bootstrap",
                             STR_ARG(name));
    if (warnings.kind == VALUE_LIST && warnings.n)
        return finding_wrong(f->arena, STR("see 'cloudseed ca show' and docs/tls.md"), "%.*s",
                             STR_ARG(value_text(warnings.items[0])));
    return finding_ok(f->arena, "the server's certificate is valid until %.*s", STR_ARG(end));
}

struct finding doctor_clock(const struct doctor_facts *f)
{
    int64_t there = api_number(f->http, "date_ms", -1), skew = there - f->now_ms;
    char text[SPAN_WHEN_SIZE];
    if (!ca_clock_is_sane(f->now_ms / 1000))
        return finding_wrong(f->arena,
                             STR("set the clock, and let NTP keep it (timedatectl set-ntp "
                                 "true)"),
                             "the clock here says %s, which is before this program was built",
                             span_when(f->now_ms, text));
    if (there >= 0 && llabs(skew) > SKEW_MAX_MS)
        return finding_wrong(f->arena, STR("let NTP keep both clocks (timedatectl set-ntp true)"),
                             "the server's clock is %lld s %s the one here", llabs(skew) / 1000,
                             skew > 0 ? "ahead of" : "behind");
    bool loose = f->synchronized.kind == VALUE_BOOL && !f->synchronized.b;
    return finding_ok(f->arena, "%s%s", span_when(f->now_ms, text),
                      loose ? "; NTP does not keep it here" : "");
}

/* --- url, https ------------------------------------------------------------------------------ */

static bool is_loopback(struct str url)
{
    struct certificate_name name;
    if (!certificate_name_of_url(url, &name))
        return false;
    if (name.address.family == 4)
        return name.address.octet[0] == 127;
    if (name.address.family == 6)
        return !memcmp(name.address.octet, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    return str_eq_nocase(name.dns, STR("localhost"));
}

struct finding doctor_url(const struct doctor_facts *f)
{
    struct str url = api_text(f->server, "url"), trouble = doctor_trouble(f->http);
    int64_t status = api_number(f->http, "status", 0);
    /* The server's own configuration goes before the site. */
    bool is_configured = f->configured_url.n && str_eq(f->configured_url, url);
    struct str how = is_configured
                         ? STR("compare 'url' with 'http' in cloudseedd.yaml, and let the firewall "
                               "pass it")
                         : STR("compare 'url' in site.yaml with 'http' in cloudseedd.yaml, and let "
                               "the firewall pass it");
    if (is_loopback(url))
        return finding_wrong(
            f->arena,
            is_configured
                ? STR("set 'url' in cloudseedd.yaml to the address that machines reach, or remove "
                      "it there so that the one in site.yaml counts; then restart the server")
                : STR("set 'url' in site.yaml to the address that machines reach, and run "
                      "'cloudseed reload'"),
            "%.*s: no machine but this one reaches the loopback", STR_ARG(url));
    if (f->http.kind != VALUE_MAP)
        return finding_unseen(f->arena, "%.*s was not asked", STR_ARG(url));
    if (trouble.n)
        return finding_wrong(f->arena, how, "%.*s: %.*s", STR_ARG(url), STR_ARG(trouble));
    if (status != 200 || !is_true(f->http, "ours"))
        return finding_wrong(f->arena, how, "%.*s: something else than this server answers there%s",
                             STR_ARG(url), status == 200 ? " (its CA is another one)" : "");
    return finding_ok(f->arena, "%.*s answers, with the CA of this server", STR_ARG(url));
}

struct finding doctor_https(const struct doctor_facts *f)
{
    struct str url = api_text(f->https, "url"), trouble = doctor_trouble(f->https);
    if (f->https.kind != VALUE_MAP)
        return finding_unseen(f->arena, "the nodes' URL is in the seed tree, which cannot be read "
                                        "here");
    if (api_number(f->https, "refused", 0))
        return finding_wrong(
            f->arena,
            STR("see whether something in between ends TLS, and compare 'cloudseed "
                "ca show' with what it shows"),
            "%.*s: the certificate is not this server's: %.*s", STR_ARG(url), STR_ARG(trouble));
    if (trouble.n)
        return finding_wrong(f->arena,
                             STR("set 'https' in cloudseedd.yaml to that port and restart the "
                                 "server, or correct 'node_url' in site.yaml"),
                             "%.*s: %.*s", STR_ARG(url), STR_ARG(trouble));
    return finding_ok(f->arena, "%.*s answers, with a certificate of the CA that nodes pin",
                      STR_ARG(url));
}

/* --- tftp ------------------------------------------------------------------------------------ */

struct finding doctor_tftp(const struct doctor_facts *f)
{
    struct value files = value_get(f->tftp, STR("files"));
    struct str host = api_text(f->tftp, "host"), skipped = api_text(f->tftp, "skipped");
    if (skipped.n)
        return finding_ok(f->arena, "%.*s", STR_ARG(skipped));
    if (f->tftp.kind != VALUE_MAP)
        return finding_unseen(f->arena, "what boots from the network is in the seed tree, which "
                                        "cannot be read here");
    for (uint32_t i = 0; files.kind == VALUE_LIST && i < files.n; i++) {
        struct value file = files.items[i];
        struct str trouble = doctor_trouble(file);
        bool is_silent = is_true(file, "silent");
        if (trouble.n)
            return finding_wrong(
                f->arena,
                is_silent
                    ? STR("set 'tftp' in cloudseedd.yaml (0.0.0.0:69), restart the server, and "
                          "let the firewall pass UDP to port 69")
                    : STR("run 'cloudseed asset bootloaders'"),
                "%.*s by TFTP from %.*s: %.*s", STR_ARG(api_text(file, "file")), STR_ARG(host),
                STR_ARG(trouble));
    }
    return finding_ok(f->arena, "%.*s has the boot programs for BIOS and UEFI", STR_ARG(host));
}
