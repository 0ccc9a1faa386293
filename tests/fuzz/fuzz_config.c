/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config: the daemon's configuration file.
 *
 * A file with faults changes nothing; each fault is one line that a terminal may show. What is
 * accepted keeps the limits of config.h.
 */
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static void check_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->kept; i++) {
        const struct fault *f = &faults->list[i];
        need(f->msg[0] && !strchr(f->msg, '\n'));
        for (const char *p = f->msg; *p; p++)
            need((unsigned char)*p >= 0x20 && *p != 0x7F);
    }
}

static void check_text(struct str s)
{
    need(s.p[s.n] == '\0' && !memchr(s.p, '\0', s.n));
}

static void check_config(const struct config *c)
{
    need(c->http_n >= 1 && c->limits.connections >= 1 && c->limits.connections_per_address >= 1);
    need(c->tftp_ports.first <= c->tftp_ports.last);
    need(!c->url.n || (config_url_valid(c->url) && c->url.p[c->url.n - 1] != '/'));
    check_text(c->seed_dir);
    check_text(c->state_dir);
    check_text(c->user);
    for (uint32_t i = 0; i < c->secrets_n; i++) {
        const struct config_secret *s = &c->secrets[i];
        need((s->file.n > 0) + (s->env.n > 0) + (s->command_n > 0) == 1);
        need(config_find_secret(c, s->name) == s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct config none = {.http_n = 12345};
    struct config c = none;
    struct faults faults;
    struct arena a;
    char path[64];
    int fd = memfd_create("config", MFD_CLOEXEC);
    need(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    arena_init(&a, 4096);
    faults_init(&faults);
    int r = config_load(path, &faults, &a, &c);
    need((r < 0) == (faults.errors > 0));
    check_faults(&faults);
    if (r == 0)
        check_config(&c);
    else
        need(memcmp(&c, &none, sizeof(c)) == 0);
    faults_done(&faults);
    arena_done(&a);
    close(fd);
    return 0;
}
