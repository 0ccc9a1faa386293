/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/fs.h"
#include "cli/tree/reference.h"
#include "config/config.h"
#include "tree/reference.h"

#include <stdlib.h>

/* docs/reference/ is printed from the tables. With CLOUDSEED_REWRITE set it is printed anew. */

/* The pages name the folders of a packaged daemon, whatever this build was configured for. */
static struct str as_packaged(struct arena *a, struct str page)
{
    static const struct {
        const char *built, *packaged;
    } folders[] = {{CLOUDSEED_CONFIG_DIR, "/etc/cloudseed"},
                   {CLOUDSEED_TEMPLATES_DIR, "/usr/share/cloudseed/templates"},
                   {CLOUDSEED_STATE_DIR, "/var/lib/cloudseed"},
                   {CLOUDSEED_RUNTIME_DIR, "/run/cloudseed"}};
    struct buf out;
    buf_init(&out, 1 << 20);
    for (size_t at = 0; at < page.n;) {
        size_t step = 0;
        for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !step; i++) {
            if (!str_starts(str_skip(page, at), str_from(folders[i].built)))
                continue;
            buf_str(&out, str_from(folders[i].packaged));
            step = strlen(folders[i].built);
        }
        if (!step)
            buf_char(&out, page.p[at]);
        at += step ? step : 1;
    }
    page = arena_str(a, buf_view(&out));
    buf_done(&out);
    return page;
}

static void check_page(const char *name, void (*print)(struct buf *))
{
    char path[4096];
    struct arena a;
    struct buf page;
    struct str want;
    const char *source = getenv("CLOUDSEED_SOURCE");
    snprintf(path, sizeof(path), "%s/docs/reference/%s", source ? source : ".", name);
    arena_init(&a, 65536);
    buf_init(&page, 1 << 20);
    print(&page);
    struct str got = as_packaged(&a, buf_view(&page));
    if (getenv("CLOUDSEED_REWRITE")) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(got.p, 1, got.n, f), got.n);
        assert_int_equal(fclose(f), 0);
    }
    assert_int_equal(fs_read(path, 1 << 20, &a, &want, NULL), 0);
    assert_str_equal(got, want);
    buf_done(&page);
    arena_done(&a);
}

static void page_of_the_seed_tree(void **state)
{
    (void)state;
    check_page("seed.md", reference_seed);
}

static void page_of_the_configuration(void **state)
{
    (void)state;
    check_page("cloudseedd.yaml.md", config_reference);
}

static void page_of_templates(void **state)
{
    (void)state;
    check_page("templates.md", reference_templates);
}

UNIT_MAIN(cmocka_unit_test(page_of_the_seed_tree), cmocka_unit_test(page_of_the_configuration),
          cmocka_unit_test(page_of_templates))
