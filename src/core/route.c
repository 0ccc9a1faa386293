/* SPDX-License-Identifier: Apache-2.0 */
#include "core/route.h"

#include "crypto/keys.h"
#include "model/asset.h"
#include "wire/uri.h"

static const char no_path[] = "no such path: nodes fetch /s/KEY/meta-data, user-data, vendor-data "
                              "or network-config";
static const char no_key[] = "no seed key: it has 27 characters, a-z and 2-7; 'cloudseed node url "
                             "NAME' prints the right URL";
static const char no_file[] =
    "no such file: there are meta-data, user-data, vendor-data and network-config";

static struct route none(const char *reason)
{
    return (struct route){.kind = ROUTE_NONE, .reason = reason};
}

/* An old cloud-init adds no slash where the URL has none: /s/KEYmeta-data is /s/KEY/meta-data. A
 * key's length is fixed, so that both are one. */
static struct route parse_seed(struct str rest)
{
    struct route r = {.kind = ROUTE_SEED, .key = str_head(rest, SEED_KEY_LEN)};
    if (!seed_key_valid(r.key))
        return none(no_key);
    struct str file = str_skip(rest, SEED_KEY_LEN);
    if (str_starts(file, STR("/")))
        file = str_skip(file, 1);
    if (str_is(file, "report") || str_is(file, "phone-home")) {
        r.kind = str_is(file, "report") ? ROUTE_REPORT : ROUTE_PHONE_HOME;
        return r;
    }
    r.file = seed_file_parse(file);
    return r.file == SEED_FILE_COUNT ? none(no_file) : r;
}

static bool parse_kind(struct str name, enum evidence *ret)
{
    for (int i = 0; i < EVIDENCE_COUNT; i++) {
        if (str_is(name, evidence_names[i])) {
            *ret = (enum evidence)i;
            return true;
        }
    }
    return false;
}

static struct route parse_evidence(struct str path, struct str rest, struct arena *a)
{
    struct route r = {.kind = ROUTE_EVIDENCE};
    struct str kind = str_cut(&rest, '/');
    struct str value = rest.p ? str_cut(&rest, '/') : (struct str){NULL, 0};
    if (!parse_kind(kind, &r.evidence))
        return none("no such evidence: there are mac, uuid, serial and name");
    if (!value.n || !rest.p)
        return none("the path wants a value and a file: /nocloud/mac/52:54:00:12:34:56/meta-data");
    if (!uri_decode_segment(value, a, &r.value))
        return none("the value is badly percent-encoded");
    r.base = (struct str){path.p, (size_t)(rest.p - path.p)};
    r.file = seed_file_parse(rest);
    return r.file == SEED_FILE_COUNT ? none(no_file) : r;
}

/* Behind "/ipxe/" or "/grub/": KIND/VALUE, as it stands there; ROUTE_NONE for anything else. */
static struct route parse_script(struct str rest, enum boot_loader loader)
{
    struct route r = {.kind = ROUTE_SCRIPT, .loader = loader};
    struct str kind = str_cut(&rest, '/');
    if (loader == LOADER_GRUB && !rest.p && str_is(kind, "grub.cfg"))
        return r;
    r.value = rest.p ? rest : STR("");
    if (!parse_kind(kind, &r.evidence) || !r.value.n || memchr(r.value.p, '/', r.value.n))
        return none("no such script: there are /boot.ipxe, /ipxe/mac/MAC, /grub/grub.cfg and "
                    "/grub/mac/MAC");
    return r;
}

static struct route find_script(struct str path)
{
    if (str_is(path, "/boot.ipxe"))
        return (struct route){.kind = ROUTE_SCRIPT, .loader = LOADER_IPXE};
    if (str_starts(path, STR("/ipxe/")))
        return parse_script(str_skip(path, 6), LOADER_IPXE);
    if (str_starts(path, STR("/grub/")))
        return parse_script(str_skip(path, 6), LOADER_GRUB);
    return none(no_path);
}

static struct route decoded_script(struct str path, struct arena *a)
{
    struct route r = find_script(path);
    if (r.kind == ROUTE_SCRIPT && r.value.n && !uri_decode_segment(r.value, a, &r.value))
        return none("the value is badly percent-encoded");
    return r;
}

static struct route asset(struct str name)
{
    const char *refusal = asset_name_refusal(name);
    return refusal ? none(refusal) : (struct route){.kind = ROUTE_ASSET, .value = name};
}

/* A slash that is percent-encoded parts nothing: it would be one to the file system. */
static struct route parse_asset(struct str rest, struct arena *a)
{
    struct str name = {"", 0};
    while (rest.p) {
        struct str part;
        if (!uri_decode_segment(str_cut(&rest, '/'), a, &part))
            return none("the asset's name is badly percent-encoded");
        if (memchr(part.p, '/', part.n))
            return none("a slash in an asset's name is not percent-encoded");
        name = ARENA_JOIN(a, name, part, rest.p ? STR("/") : STR(""));
    }
    return asset(name);
}

struct route route_parse_tftp(struct str path)
{
    struct route script = find_script(path);
    if (script.kind == ROUTE_SCRIPT)
        return script;
    return asset(str_skip(path, str_starts(path, STR("/assets/")) ? 8 : 1));
}

struct route route_parse(struct str path, struct arena *a)
{
    if (str_starts(path, STR("/s/")))
        return parse_seed(str_skip(path, 3));
    if (str_starts(path, STR("/nocloud/")))
        return parse_evidence(path, str_skip(path, 9), a);
    if (str_starts(path, STR("/assets/")))
        return parse_asset(str_skip(path, 8), a);
    if (str_is(path, "/healthz"))
        return (struct route){.kind = ROUTE_HEALTHZ};
    if (str_is(path, "/readyz"))
        return (struct route){.kind = ROUTE_READYZ};
    return decoded_script(path, a);
}
