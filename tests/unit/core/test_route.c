/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "core/route.h"

#define KEY "az6o3ywl5uymutxjnaezydi2qiq"

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct route_match got(const char *path)
{
    return route_find(LISTENER_BOOT, METHOD_GET, str_from(path), &arena);
}

static struct route_match by_tftp(struct str path)
{
    return route_find(LISTENER_TFTP, METHOD_GET, path, &arena);
}

static void is_row(const struct route_match *m, const char *pattern)
{
    assert_non_null(m->route);
    assert_string_equal(m->route->pattern, pattern);
}

static void is_seed(const char *path, enum seed_file file)
{
    struct route_match r = got(path);
    is_row(&r, "/s/{key}/{file}");
    assert_str(r.path.key, KEY);
    assert_int_equal(r.path.file, file);
    assert_null(r.reason);
}

static void seed_files(void **state)
{
    (void)state;
    is_seed("/s/" KEY "/meta-data", SEED_META_DATA);
    is_seed("/s/" KEY "/user-data", SEED_USER_DATA);
    is_seed("/s/" KEY "/vendor-data", SEED_VENDOR_DATA);
    is_seed("/s/" KEY "/network-config", SEED_NETWORK_CONFIG);
}

static void old_clients_forget_the_slash(void **state)
{
    (void)state;
    is_seed("/s/" KEY "meta-data", SEED_META_DATA);
    is_seed("/s/" KEY "user-data", SEED_USER_DATA);
    is_seed("/s/" KEY "vendor-data", SEED_VENDOR_DATA);
    is_seed("/s/" KEY "network-config", SEED_NETWORK_CONFIG);
}

static void is_none(const char *path, const char *reason)
{
    struct route_match r = got(path);
    assert_null(r.route);
    assert_int_equal(r.methods, 0);
    assert_non_null(r.reason);
    assert_contains(r.reason, reason);
    assert_null(strchr(r.reason, '\n')); /* one line, for a console */
}

static void paths_that_are_none(void **state)
{
    (void)state;
    is_none("/", "no such path");
    is_none("", "no such path");
    is_none("/s", "no such path");
    is_none("//s/" KEY "/meta-data", "no such path");
    is_none("/S/" KEY "/meta-data", "no such path");
    is_none("/nocloud", "no such path");
    is_none("/healthz/", "no such path");
    is_none("/healthz2", "no such path");
    is_none("/x/../healthz", "no such path");
    is_none("/%68ealthz", "no such path");
    is_none("healthz", "no such path");
}

static void keys_that_are_none(void **state)
{
    (void)state;
    is_none("/s/", "no seed key");
    is_none("/s/meta-data", "no seed key");
    is_none("/s/" KEY, "no such file");
    is_none("/s/short/meta-data", "no seed key");
    is_none("/s/az6o3ywl5uymutxjnaezydi2qi/meta-data", "no seed key"); /* one too few */
    is_none("/s//" KEY "/meta-data", "no seed key");
    is_none("/s/AZ6O3YWL5UYMUTXJNAEZYDI2QIQ/meta-data", "no seed key");
    is_none("/s/az6o3ywl5uymutxjnaezydi2qi%71/meta-data", "no seed key");
    is_none("/s/../s/" KEY "/meta-data", "no seed key");
}

static void files_that_are_none(void **state)
{
    (void)state;
    is_none("/s/" KEY "/", "no such file");
    is_none("/s/" KEY "//meta-data", "no such file");
    is_none("/s/" KEY "/meta-data/", "no such file");
    is_none("/s/" KEY "/.ssh", "no such file");
    is_none("/s/" KEY "/install/", "no such file");
    is_none("/s/" KEY "/install//user-data", "no such file");
    is_none("/s/" KEY "/boot.ipxe", "no such file");
    is_none("/s/" KEY "/sealed/etc/x", "no such file");
    is_none("/s/" KEY "/meta%2Ddata", "no such file");
    is_none("/s/" KEY "/meta-data%00", "no such file");
    is_none("/s/" KEY "/x/../meta-data", "no such file");
    is_none("/nocloud/name/n1/", "no such file");
    is_none("/nocloud/name/n1/x/../y", "no such file");
    is_none("/nocloud/name/n1/meta-data/", "no such file");
    is_none("/nocloud/name/n1/meta-data%00", "no such file");
}

static void is_document(const char *path, const char *name)
{
    struct route_match r = got(path);
    assert_non_null(r.route);
    assert_int_equal(r.path.file, SEED_FILE_COUNT);
    assert_str_equal(r.path.document, str_from(name));
}

/* Whether a node has it is for its role to say. */
static void further_documents(void **state)
{
    (void)state;
    is_document("/s/" KEY "/ks.cfg", "ks.cfg");
    is_document("/s/" KEY "/install/user-data", "install/user-data");
    is_document("/nocloud/mac/52:54:00:12:34:56/a/b_c-d.e", "a/b_c-d.e");
    struct route_match r = route_find(LISTENER_BOOT, METHOD_POST, STR("/s/" KEY "/report"), &arena);
    is_row(&r, "/s/{key}/report");
    r = route_find(LISTENER_BOOT, METHOD_POST, STR("/s/" KEY "/install/report"), &arena);
    is_row(&r, "/s/{key}/install/report");
    r = got("/s/" KEY "/install/report");
    assert_null(r.route);
    r = got("/s/" KEY "/report");
    assert_null(r.route);
    assert_int_equal(r.methods, 1U << METHOD_POST);
}

static void is_evidence(const char *path, enum evidence kind, const char *value)
{
    struct route_match r = got(path);
    is_row(&r, "/nocloud/{evidence}/{value}/{file}");
    assert_int_equal(r.path.evidence, kind);
    assert_str_equal(r.path.value, str_from(value));
    assert_int_equal(r.path.file, SEED_USER_DATA);
}

static void evidence_of_each_kind(void **state)
{
    (void)state;
    is_evidence("/nocloud/mac/bc:24:11:0a:14:0b/user-data", EVIDENCE_MAC, "bc:24:11:0a:14:0b");
    is_evidence("/nocloud/uuid/x/user-data", EVIDENCE_UUID, "x");
    is_evidence("/nocloud/serial/a%20b%2Fc/user-data", EVIDENCE_SERIAL, "a b/c");
    is_evidence("/nocloud/name/n1/user-data", EVIDENCE_NAME, "n1");
    is_evidence("/nocloud/name/../user-data", EVIDENCE_NAME, "..");
}

static void evidence_that_is_none(void **state)
{
    (void)state;
    is_none("/nocloud/", "no such evidence");
    is_none("/nocloud/ip/10.0.0.1/user-data", "no such evidence");
    is_none("/nocloud/MAC/x/user-data", "no such evidence");
    is_none("/nocloud//x/user-data", "no such evidence");
    is_none("/nocloud/mac", "wants a value");
    is_none("/nocloud/mac/", "wants a value");
    is_none("/nocloud/mac/x", "wants a value");
    is_none("/nocloud/mac//user-data", "wants a value");
    is_none("/nocloud/name/n1%00/user-data", "percent-encoded");
    is_none("/nocloud/name/n1%/user-data", "percent-encoded");
    is_none("/nocloud/name/n1%0a/user-data", "percent-encoded");
}

static void is_asset(const char *path, const char *name)
{
    struct route_match r = got(path);
    is_row(&r, "/assets/{asset}");
    assert_str_equal(r.path.asset, str_from(name));
}

static void assets(void **state)
{
    (void)state;
    is_asset("/assets/x", "x");
    is_asset("/assets/debian/12/linux", "debian/12/linux");
    is_asset("/assets/a%20b%25/%78", "a b%/x");
    is_asset("/assets/a..b", "a..b");
    is_asset("/assets/%252e", "%2e"); /* decoded once */
    is_none("/assets", "no such path");
    is_none("/assets/", "empty part");
    is_none("/assets//x", "empty part");
    is_none("/assets/x/", "empty part");
    is_none("/assets/..", "dot");
    is_none("/assets/a/%2e%2E/b", "dot");
    is_none("/assets/.x", "dot");
    is_none("/assets/a%2fb", "slash");
    is_none("/assets/a%00", "percent-encoded");
    is_none("/assets/a%", "percent-encoded");
}

static void usual_paths(void **state)
{
    static const char *const paths[][2] = {
        {"/a/b", "/a/b"},     {"//a", "/a"},        {"/a//b", "/a/b"},     {"/a///b", "/a/b"},
        {"/./a", "/a"},       {"/a/./b", "/a/b"},   {"/a/././/b", "/a/b"}, {"/a/", "/a/"},
        {"/a//", "/a/"},      {"/a/.", "/a/"},      {"//", "/"},           {"/.", "/"},
        {"/", "/"},           {"/.a", "/.a"},       {"/a./b", "/a./b"},    {"/../a", "/../a"},
        {"/a/..", "/a/.."},   {"/.../a", "/.../a"}, {"a//b", "a//b"},      {"", ""},
        {"/%2e/a", "/%2e/a"},
    };
    struct arena a;
    (void)state;
    arena_init(&a, 1024);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_str_equal(route_usual_path(str_from(paths[i][0]), &a), str_from(paths[i][1]));
    arena_done(&a);
}

static void assets_by_tftp(void **state)
{
    (void)state;
    assert_str(by_tftp(STR("/ipxe.efi")).path.asset, "ipxe.efi");
    assert_str(by_tftp(STR("/assets/ipxe.efi")).path.asset, "ipxe.efi");
    assert_str(by_tftp(STR("/a%20b")).path.asset, "a%20b"); /* it is its name */
    assert_str(by_tftp(STR("/healthz")).path.asset, "healthz");
    assert_str(by_tftp(STR("/v1/nodes")).path.asset, "v1/nodes");
    assert_null(by_tftp(STR("/../x")).route);
    assert_contains(by_tftp(STR("/../x")).reason, "dot");
    assert_null(by_tftp(STR("/")).route);
    assert_null(by_tftp(STR("/a\nb")).route);
    assert_null(by_tftp(STR("/a\0b")).route);
}

static void is_script(struct route_match r, const char *pattern, const char *value)
{
    is_row(&r, pattern);
    assert_str_equal(r.path.value, str_from(value));
}

static void scripts(void **state)
{
    (void)state;
    is_script(got("/boot.ipxe"), "/boot.ipxe", "");
    is_script(got("/grub/grub.cfg"), "/grub/grub.cfg", "");
    is_script(got("/ipxe/mac/bc-24-11-0a-14-0b"), "/ipxe/{kind}/{value}", "bc-24-11-0a-14-0b");
    is_script(got("/grub/mac/bc%3A24:11:0a:14:0b"), "/grub/{kind}/{value}", "bc:24:11:0a:14:0b");
    assert_int_equal(got("/ipxe/uuid/x").path.evidence, EVIDENCE_UUID);
    is_none("/boot.ipxe/", "no such path");
    is_none("/ipxe/boot.ipxe", "no such script");
    is_none("/ipxe/grub.cfg", "no such script");
    is_none("/ipxe/mac", "no such script");
    is_none("/ipxe/mac/", "no such script");
    is_none("/ipxe/mac/a/b", "no such script");
    is_none("/ipxe/disk/a", "no such script");
    is_none("/grub/x86_64-efi/command.lst", "no such script");
    is_none("/ipxe/mac/%00", "percent-encoded");
}

static void scripts_by_tftp(void **state)
{
    (void)state;
    is_script(by_tftp(STR("/boot.ipxe")), "/boot.ipxe", "");
    is_script(by_tftp(STR("/grub/grub.cfg")), "/grub/grub.cfg", "");
    is_script(by_tftp(STR("/grub/mac/bc:24:11:0a:14:0b")), "/grub/{kind}/{value}",
              "bc:24:11:0a:14:0b");
    is_script(by_tftp(STR("/ipxe/mac/%41")), "/ipxe/{kind}/{value}", "%41");
    /* What grub asks for besides may lie among the assets. */
    assert_str(by_tftp(STR("/grub/x86_64-efi/command.lst")).path.asset,
               "grub/x86_64-efi/command.lst");
    assert_str(by_tftp(STR("/ipxe/boot.ipxe")).path.asset, "ipxe/boot.ipxe");
}

static void health(void **state)
{
    (void)state;
    struct route_match alive = got("/healthz"), ready = got("/readyz");
    is_row(&alive, "/healthz");
    is_row(&ready, "/readyz");
}

/* --- What admins ask for ---------------------------------------------------------------------- */

static struct route_match admin(enum exchange_method method, const char *path)
{
    return route_find(LISTENER_SOCKET, method, str_from(path), &arena);
}

static void is_no_api(const char *path)
{
    struct route_match r = admin(METHOD_GET, path);
    assert_null(r.route);
    assert_int_equal(r.methods, 0);
    assert_contains(r.reason, "docs/formats/api.md");
}

static void nodes_and_their_documents(void **state)
{
    (void)state;
    struct route_match r = admin(METHOD_PATCH, "/v1/nodes/a%20b");
    is_row(&r, "/v1/nodes/{name}");
    assert_int_equal(r.route->methods, METHOD(PATCH));
    assert_str(r.path.name, "a b");
    r = admin(METHOD_GET, "/v1/nodes/n1/documents/sealed/etc%2fx");
    is_row(&r, "/v1/nodes/{name}/documents/{document}");
    assert_str(r.path.name, "n1");
    assert_str(r.path.document, "sealed/etc/x");
    is_no_api("/v1/");
    is_no_api("/v1/nodes/");
    is_no_api("/v1/nodes//arm");
    is_no_api("/v1/nodes/%zz");
    is_no_api("/v1/nodes/n1/");
    is_no_api("/v1/nodes/n1/arm/x");
    is_no_api("/v1/nodes/n1/documents/");
    is_no_api("/v1/nodes2");
}

static void methods_of_a_path(void **state)
{
    (void)state;
    static const struct {
        const char *path, *methods;
    } cases[] = {
        {"/v1/nodes", "GET, HEAD, POST"}, {"/v1/nodes/n1", "GET, HEAD, PATCH, DELETE"},
        {"/v1/nodes/n1/arm", "POST"},     {"/v1/nodes/n1/documents/user-data", "GET, HEAD"},
        {"/s/" KEY "/report", "POST"},    {"/s/" KEY "/user-data", "GET, HEAD"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct route_match r = admin(METHOD_PUT, cases[i].path);
        assert_null(r.route);
        assert_string_equal(route_method_names(r.methods, &arena), cases[i].methods);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(seed_files), TEST(old_clients_forget_the_slash), TEST(paths_that_are_none),
          TEST(keys_that_are_none), TEST(files_that_are_none), TEST(further_documents),
          TEST(evidence_of_each_kind), TEST(evidence_that_is_none), TEST(assets), TEST(usual_paths),
          TEST(assets_by_tftp), TEST(scripts), TEST(scripts_by_tftp), TEST(health),
          TEST(nodes_and_their_documents), TEST(methods_of_a_path))
