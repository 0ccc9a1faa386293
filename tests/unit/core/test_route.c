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

static struct route parsed(const char *path)
{
    return route_parse(str_from(path), &arena);
}

static void is_seed(const char *path, enum seed_file file)
{
    struct route r = parsed(path);
    assert_int_equal(r.kind, ROUTE_SEED);
    assert_str(r.key, KEY);
    assert_int_equal(r.file, file);
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
    struct route r = parsed(path);
    assert_int_equal(r.kind, ROUTE_NONE);
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
    is_none("/s/" KEY "a/meta-data", "no such file");                  /* one too many */
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
    is_none("/s/" KEY "/meta-dat", "no such file");
    is_none("/s/" KEY "/meta-data2", "no such file");
    is_none("/s/" KEY "/Meta-Data", "no such file");
    is_none("/s/" KEY "/meta%2Ddata", "no such file");
    is_none("/s/" KEY "/meta-data%00", "no such file");
    is_none("/s/" KEY "/x/../meta-data", "no such file");
    is_none("/nocloud/name/n1/", "no such file");
    is_none("/nocloud/name/n1/x", "no such file");
    is_none("/nocloud/name/n1/meta-data/", "no such file");
    is_none("/nocloud/name/n1/meta-data%00", "no such file");
}

static void is_evidence(const char *path, enum evidence kind, const char *value, const char *base)
{
    struct route r = parsed(path);
    assert_int_equal(r.kind, ROUTE_EVIDENCE);
    assert_int_equal(r.evidence, kind);
    assert_str_equal(r.value, str_from(value));
    assert_str_equal(r.base, str_from(base));
    assert_int_equal(r.file, SEED_USER_DATA);
}

static void evidence_of_each_kind(void **state)
{
    (void)state;
    is_evidence("/nocloud/mac/bc:24:11:0a:14:0b/user-data", EVIDENCE_MAC, "bc:24:11:0a:14:0b",
                "/nocloud/mac/bc:24:11:0a:14:0b/");
    is_evidence("/nocloud/uuid/x/user-data", EVIDENCE_UUID, "x", "/nocloud/uuid/x/");
    is_evidence("/nocloud/serial/a%20b%2Fc/user-data", EVIDENCE_SERIAL, "a b/c",
                "/nocloud/serial/a%20b%2Fc/"); /* the node asks again by what it asked with */
    is_evidence("/nocloud/name/n1/user-data", EVIDENCE_NAME, "n1", "/nocloud/name/n1/");
    is_evidence("/nocloud/name/../user-data", EVIDENCE_NAME, "..", "/nocloud/name/../");
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
    struct route r = parsed(path);
    assert_int_equal(r.kind, ROUTE_ASSET);
    assert_str_equal(r.value, str_from(name));
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

static void assets_by_tftp(void **state)
{
    (void)state;
    assert_str(route_parse_tftp(STR("/ipxe.efi")).value, "ipxe.efi");
    assert_str(route_parse_tftp(STR("/assets/ipxe.efi")).value, "ipxe.efi");
    assert_str(route_parse_tftp(STR("/a%20b")).value, "a%20b"); /* it is its name */
    assert_int_equal(route_parse_tftp(STR("/../x")).kind, ROUTE_NONE);
    assert_int_equal(route_parse_tftp(STR("/")).kind, ROUTE_NONE);
    assert_int_equal(route_parse_tftp(STR("/a\nb")).kind, ROUTE_NONE);
    assert_int_equal(route_parse_tftp(STR("/a\0b")).kind, ROUTE_NONE);
}

static void is_script(struct route r, enum boot_loader loader, const char *value)
{
    assert_int_equal(r.kind, ROUTE_SCRIPT);
    assert_int_equal(r.loader, loader);
    assert_str_equal(r.value, str_from(value));
}

static void scripts(void **state)
{
    (void)state;
    is_script(parsed("/boot.ipxe"), LOADER_IPXE, "");
    is_script(parsed("/grub/grub.cfg"), LOADER_GRUB, "");
    is_script(parsed("/ipxe/mac/bc-24-11-0a-14-0b"), LOADER_IPXE, "bc-24-11-0a-14-0b");
    is_script(parsed("/grub/mac/bc%3A24:11:0a:14:0b"), LOADER_GRUB, "bc:24:11:0a:14:0b");
    assert_int_equal(parsed("/ipxe/uuid/x").evidence, EVIDENCE_UUID);
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
    is_script(route_parse_tftp(STR("/boot.ipxe")), LOADER_IPXE, "");
    is_script(route_parse_tftp(STR("/grub/grub.cfg")), LOADER_GRUB, "");
    is_script(route_parse_tftp(STR("/grub/mac/bc:24:11:0a:14:0b")), LOADER_GRUB,
              "bc:24:11:0a:14:0b");
    is_script(route_parse_tftp(STR("/ipxe/mac/%41")), LOADER_IPXE, "%41");
    /* What grub asks for besides may lie among the assets. */
    assert_str(route_parse_tftp(STR("/grub/x86_64-efi/command.lst")).value,
               "grub/x86_64-efi/command.lst");
    assert_str(route_parse_tftp(STR("/ipxe/boot.ipxe")).value, "ipxe/boot.ipxe");
}

static void health(void **state)
{
    (void)state;
    assert_int_equal(parsed("/healthz").kind, ROUTE_HEALTHZ);
    assert_int_equal(parsed("/readyz").kind, ROUTE_READYZ);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(seed_files), TEST(old_clients_forget_the_slash), TEST(paths_that_are_none),
          TEST(keys_that_are_none), TEST(files_that_are_none), TEST(evidence_of_each_kind),
          TEST(evidence_that_is_none), TEST(assets), TEST(assets_by_tftp), TEST(scripts),
          TEST(scripts_by_tftp), TEST(health))
