/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/taken.h"

#include <linux/tcp.h> /* netinet/tcp.h is older than the field, and cannot stand beside it */
#include <netinet/in.h>
#include <sys/socket.h>

uint64_t http_taken(int fd)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0)
        return 0;
    return info.tcpi_bytes_acked;
}
