// SPDX-License-Identifier: Apache-2.0
// The one stream of events. A hidden page holds none: a browser has six connections for a host.

import {get, resume} from "./api.js";

// EventSource hands out only kinds that it was asked for (docs/reference/events.md; a test
// compares).
export const KINDS =
    `created changed deleted rekeyed armed registered disarmed expired unlocked reprovisioned
  restored vm vm-gone vm-lost installing booting progress rebooted up identity joining waits render-failed
  minting mint-waits minted joined ready not-ready ready-again approved failed alarm locked cluster-init
  cluster-turn cluster-standing cluster-tokens cluster-adopted cluster-version cluster-certificate
  cluster-clock cluster-renewed cluster-late cluster-certs cluster-stuck cluster-request
  cluster-autoapproves cluster-hardened cluster-returning cluster-returned cluster-unconfirmed
  cluster-reset state-behind state-acknowledged token-created token-revoked`.split(/\s+/);

const WAIT_MS = 1000,
    WAIT_MAX_MS = 30000;

export class Live {
    // on.event(event); on.lost(): some events were not received; on.state("live" | "down" | "off",
    // since); on.ended(): the session is over
    constructor(on) {
        this.on = on;
        this.last = null; // id of the latest event received
        this.source = null;
        this.timer = 0;
        this.wait = WAIT_MS;
        this.downSince = null;
        this.running = false;
        document.addEventListener("visibilitychange", () => this.look());
        addEventListener("online", () => this.hurry());
    }

    start() {
        this.running = true;
        this.look();
    }

    stop() {
        this.running = false;
        this.last = null;
        this.downSince = null;
        this.close();
        this.on.state("off");
    }

    close() {
        clearTimeout(this.timer);
        this.timer = 0;
        this.source?.close();
        this.source = null;
    }

    look() {
        if (!this.running || document.hidden) this.close();
        else if (!this.source && !this.timer) this.open();
    }

    // Something else was just answered by the server, or may be again.
    hurry() {
        if (this.running && this.timer && !document.hidden) {
            this.close();
            this.open();
        }
    }

    async open() {
        const source = (this.source = {
            close() {
                this.closed = true;
            }
        }); // until the newest id is known
        try {
            if (this.last === null) {
                const newest = await get("/v1/events?order=newest&limit=1");
                this.last = newest.events[0]?.id ?? 0;
            }
        } catch {
            if (this.source === source) this.retry();
            return;
        }
        if (this.source === source) this.listen();
    }

    listen() {
        const source = (this.source = new EventSource(`/v1/events?after=${this.last}`));
        source.onopen = () => {
            this.wait = WAIT_MS;
            this.downSince = null;
            this.on.state("live");
        };
        source.onerror = () => {
            if (this.source === source) this.retry();
        };
        source.addEventListener("lost", (message) => {
            this.last = Math.max(this.last, JSON.parse(message.data).to);
            this.on.lost();
        });
        const take = (message) => this.take(JSON.parse(message.data));
        for (const kind of KINDS) source.addEventListener(kind, take);
    }

    take(event) {
        if (event.id <= this.last) return;
        if (event.id > this.last + 1)
            // of a kind that a newer server has
            this.on.lost();
        this.last = event.id;
        this.on.event(event);
    }

    // EventSource would try again by itself, but for ever at the same pace, and never after an
    // error of HTTP.
    retry() {
        this.close();
        this.downSince ??= Date.now();
        this.on.state("down", this.downSince);
        if (document.hidden) return;
        this.timer = setTimeout(async () => {
            const session = await resume().catch(() => null);
            this.timer = 0;
            if (session === false) this.on.ended();
            else if (session === null) this.retry();
            else this.look();
        }, this.wait);
        this.wait = Math.min(this.wait * 2, WAIT_MAX_MS);
    }
}
