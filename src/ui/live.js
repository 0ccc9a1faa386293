// SPDX-License-Identifier: Apache-2.0
// The one stream of events. A hidden page holds none: a browser has six connections for a host.

import {get, resume, stream} from "./api.js";

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

    async listen() {
        const reader = new AbortController();
        const source = (this.source = {close: () => reader.abort()});
        const onOpen = () => {
            this.wait = WAIT_MS;
            this.downSince = null;
            this.on.state("live");
        };
        try {
            await stream(`/v1/events?after=${this.last}`, reader.signal, onOpen, (kind, data) => {
                if (this.source !== source) return;
                if (kind === "lost") this.lose(data.to);
                else this.take(data);
            });
        } catch {
            // It is asked for again, whatever the reason.
        }
        if (this.source === source) this.retry();
    }

    lose(to) {
        this.last = Math.max(this.last, to);
        this.on.lost();
    }

    take(event) {
        if (event.id <= this.last) return;
        console.timeStamp("event"); // for tests/web/trace.py
        this.last = event.id;
        this.on.event(event);
    }

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
