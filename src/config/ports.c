/* SPDX-License-Identifier: Apache-2.0 */
#include "config/ports.h"

#include "config/config.h"

/* Below it a port wants privileges, which are gone when a transfer takes one. */
#define PORT_MIN 1024

static bool read_port(struct str s, uint16_t *ret)
{
    uint64_t port;
    if (!str_to_u64(s, UINT16_MAX, &port) || port < PORT_MIN)
        return false;
    *ret = (uint16_t)port;
    return true;
}

static bool read_ports(struct schema_reader *r, const struct schema_field *f,
                       const struct yaml_node *y, void *out)
{
    struct str rest = yaml_text(y);
    struct str first = str_cut(&rest, '-');
    struct config_ports ports;
    if (!rest.p || !read_port(first, &ports.first) || !read_port(rest, &ports.last) ||
        ports.first > ports.last)
        return schema_refuse(r, f, y);
    *(struct config_ports *)out = ports;
    return true;
}

const struct schema_type config_ports_type = {
    .what = "two ports of 1024 or more, like 6900-6999",
    .size = sizeof(struct config_ports),
    .read = read_ports,
};
