/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "lib/folder.h"
#include "lib/listing.h"
#include "tree/files.h"

/* The names of the files found, then the faults. */
static const char *listed(void (*list)(struct files *, const char *), const char *folder)
{
    static char result[4096];
    struct arena a;
    struct faults faults;
    struct files files;
    struct buf out;
    arena_init(&a, 4096);
    faults_init(&faults);
    buf_init(&out, sizeof(result) - 1);
    files_init(&files, &a, &faults);
    list(&files, folder);
    for (size_t i = 0; i < files.n; i++)
        buf_printf(&out, "%.*s\n", STR_ARG(files.list[i].name));
    for (size_t i = 0; i < files.n; i++)
        assert_true(str_ends(str_from(files.list[i].path), files.list[i].name));
    listing_write(&out, &faults);
    snprintf(result, sizeof(result), "%s", out.p ? out.p : "");
    buf_done(&out);
    files_done(&files);
    faults_done(&faults);
    arena_done(&a);
    return result;
}

static void yaml_files_are_found_in_order(void **state)
{
    struct folder *f = *state;
    folder_file(f, "b.yml", "");
    folder_file(f, "a.yaml", "");
    folder_file(f, "c.YAML", "");
    assert_string_equal(listed(files_yaml, "."),
                        "a.yaml\nb.yml\n"
                        "./c.YAML: warning: this is not read: its name does not end in .yaml or "
                        ".yml\n");
}

static void leftovers_are_passed_over_in_silence(void **state)
{
    struct folder *f = *state;
    static const char *const names[] = {".hidden.yaml", "a.yaml~",     "a.yaml.swp", "#a.yaml#",
                                        "a.yaml.bak",   "a.yaml.orig", "a.yaml.rej", ".#a.yaml"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        folder_file(f, names[i], "");
    folder_file(f, "a.yaml", "");
    assert_string_equal(listed(files_yaml, "."), "a.yaml\n");
    assert_string_equal(listed(files_below, "."), "a.yaml\n");
}

static void what_looks_meant_but_is_not_read_is_told(void **state)
{
    struct folder *f = *state;
    folder_file(f, "a.json", "");
    folder_file(f, "b.yaml.txt", "");
    folder_file(f, "c#", "");
    folder_sub(f, "old");
    folder_file(f, "old/c.yaml", "");
    assert_string_equal(
        listed(files_yaml, "."),
        "./a.json: warning: this is not read: its name does not end in .yaml or .yml\n"
        "./b.yaml.txt: warning: this is not read: its name does not end in .yaml or .yml\n"
        "./c#: warning: this is not read: its name does not end in .yaml or .yml\n"
        "./old: warning: this is not read: move what is in this folder one level up\n");
}

/* As kubelet mounts it: names → ..data/name, ..data → ..2026_11_22_…/ */
static void config_maps_are_followed(void **state)
{
    struct folder *f = *state;
    folder_sub(f, "..2026_11_22_08_00_00.1");
    folder_file(f, "..2026_11_22_08_00_00.1/nodes.yaml", "");
    folder_link(f, "..data", "..2026_11_22_08_00_00.1");
    folder_link(f, "nodes.yaml", "..data/nodes.yaml");
    assert_string_equal(listed(files_yaml, "."), "nodes.yaml\n");
    assert_string_equal(listed(files_below, "."), "nodes.yaml\n");
}

static void links_to_nothing_are_faults(void **state)
{
    struct folder *f = *state;
    folder_link(f, "a.yaml", "nowhere.yaml");
    assert_string_equal(listed(files_yaml, "."), "./a.yaml: No such file or directory\n");
}

static void pipes_are_not_read(void **state)
{
    struct folder *f = *state;
    folder_pipe(f, "a.yaml");
    assert_string_equal(listed(files_yaml, "."),
                        "./a.yaml: warning: this is not a regular file; it is not read\n");
}

static void a_missing_folder_has_no_yaml_files(void **state)
{
    (void)state;
    assert_string_equal(listed(files_yaml, "missing"), "");
    assert_string_equal(listed(files_below, "missing"),
                        "missing: there is no such folder; the templates of the roles are "
                        "expected in it\n");
}

static void a_file_in_place_of_the_folder_is_a_fault(void **state)
{
    folder_file(*state, "nodes", "");
    assert_string_equal(listed(files_yaml, "nodes"), "nodes: Not a directory\n");
}

static void folders_below_are_part_of_the_name(void **state)
{
    struct folder *f = *state;
    folder_sub(f, "worker");
    folder_sub(f, "worker/parts");
    folder_sub(f, ".git");
    folder_file(f, "worker/user-data", "");
    folder_file(f, "worker/parts/users", "");
    folder_file(f, ".git/config", "");
    folder_file(f, "meta-data", "");
    assert_string_equal(listed(files_below, "."),
                        "meta-data\nworker/parts/users\nworker/user-data\n");
}

static void a_link_that_leads_back_ends(void **state)
{
    folder_link(*state, "a", ".");
    assert_contains(listed(files_below, "."), "nested deeper than 16 folders; does a link lead "
                                              "back?");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_enter, folder_leave)

UNIT_MAIN(IN_FOLDER(yaml_files_are_found_in_order), IN_FOLDER(leftovers_are_passed_over_in_silence),
          IN_FOLDER(what_looks_meant_but_is_not_read_is_told), IN_FOLDER(config_maps_are_followed),
          IN_FOLDER(links_to_nothing_are_faults), IN_FOLDER(pipes_are_not_read),
          IN_FOLDER(a_missing_folder_has_no_yaml_files),
          IN_FOLDER(a_file_in_place_of_the_folder_is_a_fault),
          IN_FOLDER(folders_below_are_part_of_the_name), IN_FOLDER(a_link_that_leads_back_ends))
