/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_script: what boot scripts are made of: what a machine says of itself, which anyone can send,
 * and the words of a kernel's command line.
 *
 * The first byte chooses: 'q' a query, 'm' a MAC, 'u' a uuid, 'w' words.
 */
#include "core/discovered.h"
#include "core/machine.h"
#include "model/boot.h"

#include <ctype.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

/* What a script shows of it is read as the same thing again. */
static void check_machine(const struct machine *m)
{
    char text[UUID_TEXT_SIZE];
    struct mac mac;
    struct uuid uuid;
    if (m->has_mac) {
        need(mac_parse(str_from(mac_text(m->mac, text)), &mac));
        need(memcmp(&mac, &m->mac, sizeof(mac)) == 0);
    }
    if (m->has_uuid) {
        need(uuid_parse(str_from(uuid_text(m->uuid, text)), &uuid));
        need(memcmp(&uuid, &m->uuid, sizeof(uuid)) == 0);
    }
    need(m->manufacturer.n <= MACHINE_TEXT_MAX_BYTES && m->product.n <= MACHINE_TEXT_MAX_BYTES);
    need(m->platform.n <= MACHINE_TEXT_MAX_BYTES && m->arch.n <= MACHINE_TEXT_MAX_BYTES);
}

/* The table goes on, and is full before long. */
static void check_noted(const struct machine *m)
{
    static struct discovered *d;
    if (!d)
        d = discovered_new();
    discovered_note(d, m, (struct address){0}, 1);
    need(!discovered_note(d, m, (struct address){0}, 2));
    const struct discovered_machine *first = discovered_at(d, 0);
    need(!m->has_mac || (first && memcmp(&first->said.mac, &m->mac, sizeof(m->mac)) == 0));
    need(!discovered_at(d, DISCOVERED_MAX));
}

/* As iPXE takes a line to pieces: settings first, then words, of which some end the command. */
static void check_words(struct str s)
{
    const char *refusal = boot_arguments_refusal(s);
    if (refusal) {
        need(refusal[0] && !strchr(refusal, '\n'));
        return;
    }
    need(!memmem(s.p, s.n, "${", 2));
    for (size_t i = 0; i < s.n; i++) {
        bool begins = i == 0 || isspace((unsigned char)s.p[i - 1]);
        need(s.p[i] == ' ' || !isspace((unsigned char)s.p[i]));
        need(!begins || s.p[i] != '#');
        struct str rest = str_skip(s, i), word = str_cut(&rest, ' ');
        need(!begins || (!str_is(word, "||") && !str_is(word, "&&") && !str_is(word, ";")));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct machine m = {0};
    struct str rest = {(const char *)data + 1, size ? size - 1 : 0};
    if (!size)
        return 0;
    arena_init(&a, 4096);
    if (data[0] == 'q')
        m = machine_of_query(rest, &a);
    else if (data[0] == 'm' || data[0] == 'u')
        m = machine_of_request(data[0] == 'm' ? EVIDENCE_MAC : EVIDENCE_UUID, rest, STR(""), &a);
    else
        check_words(rest);
    check_machine(&m);
    check_noted(&m);
    arena_done(&a);
    return 0;
}
