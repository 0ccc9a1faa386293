// SPDX-License-Identifier: Apache-2.0
// The server and its clusters as they are now: the line at the page's end, and what is wrong with
// them.

import {get} from "./api.js";
import {h, setText} from "./dom.js";
import {clusterProblemsOf, serverProblemsOf} from "./hints.js";
import {bytes, count, when} from "./text.js";

const ASK_MS = 20000;
const DAY_MS = 24 * 3600 * 1000;

export class Server {
    // on.change(): something may be shown in another way; on.reloaded(): other nodes are declared,
    // or checked; on.trouble(error)
    constructor(on) {
        this.on = on;
        this.el = document.getElementById("status");
        this.timer = 0;
        document.addEventListener("visibilitychange", () => this.look());
    }

    start() {
        this.running = true;
        this.look();
    }

    stop() {
        this.running = false;
        this.server = this.ca = null;
        this.clusters = [];
        this.el.hidden = true;
        clearTimeout(this.timer);
    }

    look() {
        clearTimeout(this.timer);
        if (this.running && !document.hidden) this.ask();
    }

    async ask() {
        clearTimeout(this.timer);
        try {
            const before = this.server;
            const [server, {clusters}] = await Promise.all([
                get("/v1/server"),
                get("/v1/clusters")
            ]);
            if (!this.running) return;
            Object.assign(this, {server, clusters});
            if (!before || before.started !== server.started)
                this.ca = await get("/v1/ca").catch(() => null);
            this.write();
            if (
                before &&
                ["started", "seed_loaded", "nodes", "registered", "faulty"].some(
                    (member) => before[member] !== server[member]
                )
            )
                this.on.reloaded();
            this.on.change();
        } catch (error) {
            this.on.trouble(error);
        }
        clearTimeout(this.timer);
        if (this.running && !document.hidden) this.timer = setTimeout(() => this.ask(), ASK_MS);
    }

    // [{where, problem}]
    problems() {
        return [
            ...serverProblemsOf(this.server, this.ca).map((problem) => ({
                where: "Server",
                problem
            })),
            ...(this.clusters ?? []).flatMap((cluster) =>
                clusterProblemsOf(cluster).map((problem) => ({
                    where: `Cluster ${cluster.name}`,
                    problem
                }))
            )
        ];
    }

    write() {
        const {version, seed_loaded: loaded, nodes, store} = this.server;
        const until = this.ca?.certificate?.until;
        const soon = until && Date.parse(until) - Date.now() < 14 * DAY_MS;
        const parts = [
            ["", `cloudseedd ${version}`],
            ["", count(nodes, "node")],
            ["", `seed tree loaded ${when(loaded)}`],
            [
                store.ok ? "" : "is-bad",
                store.ok
                    ? `store ok, ${bytes(store.file_bytes)}${store.free_bytes ? `, ${bytes(store.free_bytes)} free` : ""}`
                    : `store: ${store.reason}`
            ],
            ["is-bad".repeat(Boolean(soon)), until ? `TLS certificate until ${when(until)}` : ""]
        ].filter(([, text]) => text);
        this.el.hidden = false;
        while (this.el.childElementCount < parts.length) this.el.append(h("span"));
        while (this.el.childElementCount > parts.length) this.el.lastChild.remove();
        parts.forEach(([kind, text], i) => {
            this.el.children[i].className = kind;
            setText(this.el.children[i], text);
        });
    }
}
