/* SPDX-License-Identifier: Apache-2.0 */
/* tftp: whether a server has a file by TFTP, asked as firmware does: for its size. */
#ifndef CLOUDSEED_CLI_DOCTOR_TFTP_H
#define CLOUDSEED_CLI_DOCTOR_TFTP_H

#include "base/err.h"
#include "model/address.h"

/* Sends a request with tsize, several times if need be, and ends the transfer after its first
 * answer. -ENOENT: the server says that there is no such file, or refuses it; -ETIMEDOUT and
 * -ECONNREFUSED: there is no answer. */
int tftp_probe(struct endpoint server, struct str file, struct err *e);

#endif
