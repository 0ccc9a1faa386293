/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: what a machine that is being built fetches and reports, until it is up; and reboots.
 *
 * Where a role has an installer, two systems speak for one node. They are told apart by their URLs,
 * never by the node's state (docs/why/installing.md).
 */
#ifndef CLOUDSEED_FLEET_BUILD_H
#define CLOUDSEED_FLEET_BUILD_H

struct step;

void build_fetch(struct step *s);
void build_report(struct step *s);
void build_phone_home(struct step *s);

#endif
