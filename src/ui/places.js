// SPDX-License-Identifier: Apache-2.0
// The small views: clusters, machines that nobody knows, and the events of all nodes.

import {get} from "./api.js";
import {remedy} from "./attention.js";
import {command, h, icon, setText} from "./dom.js";
import {EventList} from "./eventlist.js";
import {clusterProblemsOf} from "./hints.js";
import {count, span, when} from "./text.js";

// What the three have in common.
class View {
    constructor(title) {
        this.name = title;
    }
    title() {
        return this.name;
    }
    render() {
        return false;
    }
    refresh() {}
    resize() {}
    onLost() {
        this.load?.();
    }
    key(event) {
        if (event.key !== "Escape") return false;
        location.hash = "#/";
        return true;
    }
}

class ListView extends View {
    constructor(title, about) {
        super(title);
        this.list = h("ul", {class: "cards"});
        this.empty = h("p", {class: "empty"}, "Loading.");
        this.el = h(
            "div",
            {class: "place"},
            h("h1", {tabindex: "-1"}, title),
            h("p", {class: "sub"}, about),
            this.empty,
            this.list
        );
    }

    show(cards, none) {
        const key = JSON.stringify(cards);
        this.empty.hidden = cards.length > 0;
        setText(this.empty, none);
        if (this.key_ === key) return;
        this.key_ = key;
        this.list.replaceChildren(...cards.map((value) => this.card(value)));
    }

    async load() {
        try {
            this.show(...(await this.ask()));
        } catch (error) {
            this.empty.hidden = false;
            setText(this.empty, error.message);
        }
    }

    refresh() {
        this.load();
    }
}

const facts = (pairs) =>
    h(
        "dl",
        {class: "facts"},
        pairs
            .filter(([, text]) => text)
            .map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text)))
    );

const PHASES = {
    none: "not made yet",
    init: "is being made",
    standing: "stands",
    unconfirmed: "not confirmed since a restore"
};

export class ClustersView extends ListView {
    constructor() {
        super("Clusters", "What this server knows of them, and whether it can let nodes join.");
    }

    async ask() {
        return [(await get("/v1/clusters")).clusters, "No cluster is declared."];
    }

    onEvents(events) {
        if (events.some(({kind}) => kind.startsWith("cluster-"))) this.load();
    }

    card(cluster) {
        const problems = clusterProblemsOf(cluster);
        const {approval} = cluster;
        return h(
            "li",
            {class: "card"},
            h("h2", {}, cluster.name),
            h(
                "p",
                {class: "sub"},
                `${PHASES[cluster.phase] ?? cluster.phase}${cluster.since ? ` since ${when(cluster.since)}` : ""}`
            ),
            facts([
                [
                    "Version",
                    [
                        cluster.version && `declared ${cluster.version}`,
                        cluster.runs && `runs ${cluster.runs}`
                    ]
                        .filter(Boolean)
                        .join(", ")
                ],
                ["Endpoint", cluster.endpoint ?? cluster.reported],
                ["First master", cluster.holder?.name],
                ["Its turn", cluster.turn?.name],
                ["Waiting", cluster.held ? count(cluster.held, "node") : null],
                ["Hardened", cluster.hardened === null ? null : cluster.hardened ? "yes" : "no"],
                ["Certificate requests", approval ? `${approval.pending} pending` : null],
                [
                    "API server's certificate",
                    cluster.certificate_end && `until ${when(cluster.certificate_end)}`
                ],
                ["Token", cluster.minter && `until ${when(cluster.minter.expires)}`],
                ["Epoch", String(cluster.epoch)]
            ]),
            problems.length
                ? h(
                      "ul",
                      {class: "problems"},
                      problems.map(({what, todo, commands}) =>
                          h(
                              "li",
                              {class: "problem is-bad"},
                              h("p", {class: "what"}, icon("warn"), what),
                              remedy(todo, commands)
                          )
                      )
                  )
                : null
        );
    }
}

export class MachinesView extends ListView {
    constructor() {
        super(
            "Unregistered machines",
            "They have asked for a boot script since the server started. What they say about themselves can be forged."
        );
    }

    async ask() {
        return [
            (await get("/v1/discovered")).machines,
            "No unregistered machine has asked to boot."
        ];
    }

    card(machine) {
        const {mac, manufacturer, product, uuid, platform, arch, address, first, last, times} =
            machine;
        return h(
            "li",
            {class: "card"},
            h("h2", {class: "mac"}, mac),
            h(
                "p",
                {class: "sub"},
                [manufacturer, product].filter(Boolean).join(" ") || "unknown model"
            ),
            facts([
                ["Address", address ?? "this server"],
                ["Boots", [platform, arch].filter(Boolean).join(", ")],
                ["UUID", uuid],
                [
                    "Asked",
                    `${count(times, "time")}, last ${span(Date.now() - Date.parse(last))} ago`
                ],
                ["First", when(first)]
            ]),
            h("div", {class: "commands"}, command(`cloudseed node adopt ${mac} NAME --role ROLE`))
        );
    }
}

export class EventsView extends View {
    constructor() {
        super("Events");
        this.journal = new EventList({heading: "h1"});
        this.trouble = h("p", {class: "empty", hidden: true});
        this.el = h("div", {class: "place"}, this.journal.el, this.trouble);
        this.load();
    }

    async load() {
        try {
            await this.journal.load();
            this.trouble.hidden = true;
        } catch (error) {
            this.trouble.hidden = false;
            setText(this.trouble, error.message);
        }
    }

    onEvents(events) {
        this.journal.add(events);
    }
}
