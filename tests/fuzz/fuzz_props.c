/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_props: a VM's options as Proxmox VE tells them, read and written again. */
#include "cli/pve/props.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static void check_serial(struct str text, struct arena *a)
{
    struct str with, again;
    struct smbios read;
    struct err e = {.code = 0};
    int r = smbios_set_serial(text, STR("ds=nocloud;s=http://h/"), a, &with, &e);
    need(r == e.code && (r == 0 || e.msg[0]));
    if (r < 0)
        return;
    need(with.n <= SMBIOS_MAX);
    need(smbios_read(with, a, &read, NULL) == 0 && str_is(read.serial, "ds=nocloud;s=http://h/"));
    need(smbios_set_serial(with, read.serial, a, &again, NULL) == 0 && str_eq(with, again));
    need(smbios_drop_serial(with, a, &again, NULL) == 0);
    need(smbios_read(again, a, &read, NULL) == 0 && !read.serial.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct props p, q;
    struct card card;
    struct arena a;
    arena_init(&a, 4096);
    if (props_read(text, &p, NULL) == 0) {
        struct str written = props_text(&p, &a);
        need(props_read(written, &q, NULL) == 0 && str_eq(props_text(&q, &a), written));
        check_serial(text, &a);
    }
    card_read(text, &card, NULL);
    arena_done(&a);
    return 0;
}
