/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tree/reference.h"

#include "base/guess.h"
#include "config/config.h"
#include "tree/reference.h"

#include <stdio.h>

#define PAGE_MAX_BYTES ((size_t)16 * 1024 * 1024)

static const struct {
    const char *name;
    void (*write)(struct buf *out);
} pages[] = {
    {"seed", reference_seed},
    {"config", config_reference},
    {"templates", reference_templates},
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

int reference_run(struct cli *c)
{
    struct guess guess;
    guess_init(&guess, str_from(c->operands[0]));
    for (size_t i = 0; i < PAGES_N; i++) {
        if (strcmp(c->operands[0], pages[i].name) == 0) {
            print(pages[i].write);
            return CLI_OK;
        }
        guess_offer(&guess, str_from(pages[i].name));
    }
    return cli_misuse(c, "there is no reference '%s': it is seed, config or templates%s",
                      c->operands[0], guess_text(&guess));
}
