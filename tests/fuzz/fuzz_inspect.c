/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_inspect: a rendered document, checked as its reader would read it. The first byte says which
 * document it is.
 *
 * Each fault must lie within the text, and its message must be one line that a terminal may show.
 */
#include "render/cloudconfig.h"
#include "render/manifest.h"
#include "render/netconfig.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static uint32_t lines_in(struct str text)
{
    uint32_t n = 2; /* libyaml may see the end as a line of its own */
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n' || text.p[i] == '\r' || (unsigned char)text.p[i] >= 0x80;
    return n;
}

static void check_faults(const struct faults *faults, uint32_t lines)
{
    for (size_t i = 0; i < faults->kept; i++) {
        const struct fault *f = &faults->list[i];
        need(f->at.line >= 1 && f->at.line <= lines && f->at.column >= 1 && f->msg[0]);
        for (const char *p = f->msg; *p; p++)
            need((unsigned char)*p >= 0x20 && *p != 0x7F);
    }
}

static void check_document(struct inspect *in, char kind, struct str text)
{
    const struct yaml_node *y;
    struct yaml_documents docs;
    switch (kind) {
    case 'n': netconfig_check(in, text, &y); break;
    case 'u':
        cloudconfig_check(in, text, (enum user_data_format)(text.n % 4), &y);
        if (y)
            manifest_check_written(in, y, STR("1.34"));
        break;
    case 'm': cloudconfig_check_meta_data(in, text, &y); break;
    case '3': manifest_check(in, text, STR("1.30"), &docs); break;
    case '4': manifest_check(in, text, STR("1.34"), &docs); break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct faults faults;
    struct inspect in = {.file = "f", .arena = &arena, .faults = &faults};
    if (size == 0)
        return 0;
    struct str text = {(const char *)data + 1, size - 1};
    arena_init(&arena, 4096);
    faults_init(&faults);
    check_document(&in, (char)data[0], text);
    need(!in.warns);
    check_faults(&faults, lines_in(text));
    faults_done(&faults);
    arena_done(&arena);
    return 0;
}
