// SPDX-License-Identifier: Apache-2.0
// One node: what is wrong, its boot, its events, what is known of it, its documents.

import {get, may, nodePath} from "./api.js";
import {remedy} from "./attention.js";
import {askArm, askDisarm} from "./dialogs.js";
import {Documents, notForViewers} from "./documents.js";
import {h, icon, setIcon, setText} from "./dom.js";
import {EventList} from "./eventlist.js";
import {commandsOf, HINTS, iconOf} from "./hints.js";
import {span, when} from "./text.js";
import {bootOf, Timeline} from "./timeline.js";

const HISTORY = 1000; // events of which the timeline is made

const list = (values) => values.join(", ");
const vmText = ({vmid, host, endpoint}) => `${vmid} on ${host} (${endpoint})`;

// [name, text] of what is known.
function factsOf(node) {
    const {window, vm, identity, kubernetes, mint} = node;
    return [
        ["Role", node.role],
        ["Cluster", node.cluster],
        ["Name", node.fqdn],
        ["Addresses", list(node.addresses)],
        ["MACs", list(node.macs)],
        ["UUID", node.uuid],
        ["Serial", node.serial],
        ["VM", vm && vmText(vm)],
        ["Tombstones", node.tombstones?.length && node.tombstones.map(vmText).join("; ")],
        ["Declared", node.declared ?? "registered through the API"],
        ["Instance", node.instance_id],
        [
            "Window",
            window ? `until ${when(window.ends)}${window.claimed ? ", claimed" : ""}` : "closed"
        ],
        ["Bootstrap token", mint && `${mint.token}, ${mint.phase}`],
        [
            "Kubernetes",
            kubernetes &&
                [kubernetes.ready ? "Ready" : "not Ready", kubernetes.kubelet]
                    .filter(Boolean)
                    .join(", ")
        ],
        ["Hostname", identity?.hostname],
        ["ssh keys", identity && list(Object.keys(identity.host_keys))],
        [
            "Documents",
            {ok: "checked, no fault", faulty: "have faults", unchecked: "not checked yet"}[
                node.check
            ]
        ],
        ["Alarms", node.alarms ? String(node.alarms) : null]
    ].filter(([, text]) => text);
}

export class NodeView {
    constructor(fleet, name) {
        this.fleet = fleet;
        this.name = name;
        this.entry = null;
        this.events = [];
        this.eventsVersion = 0;
        this.timeline = new Timeline();
        this.journal = null;
        this.build();
        this.load();
    }

    title() {
        return this.name;
    }

    build() {
        this.badgeIcon = icon("registered", "state-icon");
        this.badgeText = h("span");
        this.badge = h("span", {class: "badge", hidden: true}, this.badgeIcon, this.badgeText);
        this.sub = h("p", {class: "sub"});
        this.arm = h(
            "button",
            {
                type: "button",
                class: "primary",
                hidden: true,
                "aria-haspopup": "dialog",
                onclick: () => askArm(this.entry.node, (node) => this.took(node))
            },
            "Arm"
        );
        this.disarm = h(
            "button",
            {
                type: "button",
                hidden: true,
                "aria-haspopup": "dialog",
                onclick: () => askDisarm(this.entry.node, (node) => this.took(node))
            },
            "Disarm"
        );
        this.problems = h("ul", {class: "problems"});
        this.facts = h("dl", {class: "facts"});
        this.side = h(
            "div",
            {class: "side"},
            h(
                "section",
                {"aria-labelledby": "facts-title"},
                h("h2", {id: "facts-title"}, "Node"),
                this.facts
            )
        );
        this.boot = h(
            "section",
            {"aria-labelledby": "boot-title"},
            h("h2", {id: "boot-title"}, "Boot"),
            this.timeline.el
        );
        this.log = h("div");
        this.documents = h("div");
        this.missing = h("p", {class: "empty", hidden: true});
        this.body = h(
            "div",
            {class: "node-body", hidden: true},
            this.problems,
            this.boot,
            this.side,
            this.log,
            this.documents
        );
        this.el = h(
            "div",
            {class: "node"},
            h("a", {class: "back", href: "#/"}, icon("back"), "Fleet"),
            h(
                "div",
                {class: "node-head"},
                h(
                    "div",
                    {class: "node-name"},
                    h("h1", {tabindex: "-1"}, this.name),
                    this.badge,
                    this.sub
                ),
                h("div", {class: "buttons"}, this.arm, this.disarm)
            ),
            this.missing,
            this.body
        );
    }

    async load() {
        try {
            const node = await get(nodePath(this.name));
            this.fleet.put(node);
            this.fleet.onChange();
            await Promise.all([this.loadEvents(node), this.loadDocuments()]);
        } catch (error) {
            this.missing.hidden = false;
            setText(this.missing, error.message);
        }
    }

    async loadEvents(node) {
        this.journal = new EventList({node: this.name, uid: node.uid});
        this.log.append(this.journal.el);
        await Promise.all([this.journal.load(), this.loadHistory(node.uid)]);
    }

    async loadHistory(uid) {
        const page = await get(
            `/v1/events?node=${encodeURIComponent(uid)}&order=newest&limit=${HISTORY}`
        );
        const newest = page.events[0]?.id ?? 0;
        this.events = [...page.events.reverse(), ...this.events.filter(({id}) => id > newest)];
        this.eventsVersion++;
        this.fleet.onChange();
    }

    async loadDocuments() {
        if (!may("operator")) {
            this.documents.replaceChildren(
                h(
                    "section",
                    {"aria-labelledby": "documents-title"},
                    h("h2", {id: "documents-title"}, "Documents"),
                    notForViewers()
                )
            );
            return;
        }
        const documents = new Documents(this.name);
        this.documents.replaceChildren(documents.el);
        await documents.load();
    }

    took(node) {
        const {arm, ...rest} = node; // the key goes nowhere else
        this.fleet.put(rest);
        this.fleet.onChange();
    }

    // Events of all nodes, as they come.
    onEvents(events) {
        const own = events.filter(({node}) => node === this.name);
        if (!own.length) return;
        this.events.push(...own);
        if (this.events.length > 2 * HISTORY) this.events.splice(0, HISTORY);
        this.eventsVersion++;
        this.journal?.add(own);
    }

    // Events were lost: what is shown is asked for again.
    async onLost() {
        if (!this.entry) return;
        await Promise.all([this.journal?.load(), this.loadHistory(this.entry.node.uid)]).catch(
            () => {}
        );
    }

    problem({kind, what}, node) {
        const hint = HINTS[kind];
        return h(
            "li",
            {class: `problem ${hint.bad ? "is-bad" : "is-warn"}`},
            h(
                "h2",
                {},
                icon(iconOf(kind)),
                hint.title
            ),
            h("p", {class: "what"}, what),
            kind === "failed" && node.failure?.log
                ? h(
                      "details",
                      {class: "log", open: true},
                      h("summary", {}, "Log"),
                      h("pre", {tabindex: "0", "aria-label": "Log"}, node.failure.log)
                  )
                : null,
            remedy(hint.todo, commandsOf(kind, node))
        );
    }

    renderNode() {
        const {node, problems} = this.entry;
        this.body.hidden = false;
        this.badge.hidden = false;
        this.badge.className = `badge is-${node.state}`;
        setIcon(this.badgeIcon, node.state, "state-icon");
        setText(this.badgeText, node.state);
        const isOperator = may("operator");
        this.arm.hidden = !isOperator;
        this.disarm.hidden = !isOperator || !node.window;
        const key = JSON.stringify(problems) + (node.failure?.log ?? "");
        if (this.problemsKey !== key) {
            this.problemsKey = key;
            this.problems.replaceChildren(
                ...problems.map((problem) => this.problem(problem, node))
            );
            this.problems.hidden = !problems.length;
        }
        const facts = factsOf(node);
        const factsKey = JSON.stringify(facts);
        if (this.factsKey !== factsKey) {
            this.factsKey = factsKey;
            this.facts.replaceChildren(
                ...facts.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text)))
            );
        }
    }

    render() {
        const entry = this.fleet.entries.get(this.name);
        if (!entry) {
            if (this.entry) {
                this.missing.hidden = false;
                setText(this.missing, "The node was deleted.");
                this.arm.hidden = this.disarm.hidden = true;
            }
            return false;
        }
        if (this.entry !== entry) {
            this.entry = entry;
            this.renderNode();
        }
        const {node, stage} = entry;
        setText(
            this.sub,
            [
                node.role,
                node.cluster,
                stage,
                node.since && `for ${span(Date.now() - entry.sinceMs)}`
            ]
                .filter(Boolean)
                .join(" · ")
        );
        const key = `${this.eventsVersion} ${node.state} ${node.bootstrap}`;
        if (this.timelineKey !== key) {
            this.timelineKey = key;
            this.timeline.render(bootOf(this.events, node), node);
        } else {
            this.timeline.tick();
        }
        return false;
    }

    refresh() {}
    resize() {}

    key(event) {
        if (event.key !== "Escape") return false;
        location.hash = "#/";
        return true;
    }
}
