// SPDX-License-Identifier: Apache-2.0
// The fleet: what is wrong first, then all nodes.

import {Attention} from "./attention.js";
import {h, icon, say, setAttribute, setIcon, setText} from "./dom.js";
import {HINTS, iconOf} from "./hints.js";
import {STATES, stepsOf} from "./model.js";
import {Rows} from "./rows.js";
import {count, minute, number, span} from "./text.js";

const ORDER_MS = 250; // rows change their places no faster

const COLUMNS = [
    {key: "state", text: "State"},
    {key: "name", text: "Node"},
    {key: "role", text: "Role"},
    {key: "cluster", text: "Cluster"},
    {key: "boot", text: "Boot"},
    {key: "since", text: "For"},
    {key: "window", text: "Window"},
    {key: "problem", text: "What is wrong"}
];

// Ties are decided by the name.
const COMPARE = {
    problem: (a, b) => a.worst - b.worst || a.stateRank - b.stateRank,
    state: (a, b) => a.stateRank - b.stateRank,
    name: () => 0,
    role: (a, b) => compareText(a.node.role, b.node.role),
    cluster: (a, b) => compareText(a.node.cluster ?? "~", b.node.cluster ?? "~"),
    boot: (a, b) => b.progress.at - a.progress.at,
    since: (a, b) => b.sinceMs - a.sinceMs,
    window: (a, b) => compareText(a.node.window?.ends ?? "~", b.node.window?.ends ?? "~")
};

const compareText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

// --- One row ---

function makeRow() {
    const cell = (name, ...children) =>
        h("div", {class: `cell c-${name}`, role: "cell"}, ...children);
    const row = h("div", {class: "row", role: "row"});
    const parts = (row.parts = {
        icon: icon("registered"),
        state: h("span", {class: "state-text"}),
        name: h("a", {class: "name", tabindex: "-1"}),
        role: h("span"),
        cluster: h("span"),
        track: h("span", {class: "track", "aria-hidden": "true"}),
        stage: h("span", {class: "stage"}),
        since: h("span"),
        window: h("span"),
        mark: icon("warn"),
        problem: h("span", {class: "problem-text"}),
        more: h("span", {class: "more"})
    });
    row.append(
        cell("state", parts.icon, parts.state),
        cell("name", parts.name),
        cell("role", parts.role),
        cell("cluster", parts.cluster),
        cell("boot", parts.track, parts.stage),
        cell("since", parts.since),
        cell("window", parts.window),
        cell("problem", parts.mark, parts.problem, parts.more)
    );
    return row;
}

// A segment for each step; which, is told by its class.
function fillTrack(track, entry) {
    const steps = stepsOf(entry.node),
        {at, failed} = entry.progress;
    const key = `${steps.length} ${at} ${failed}`;
    if (track.dataset.key === key) return;
    track.dataset.key = key;
    while (track.childNodes.length < steps.length) track.append(h("i"));
    while (track.childNodes.length > steps.length) track.lastChild.remove();
    steps.forEach((_, i) => {
        track.childNodes[i].className = i < at ? "done" : i > at ? "" : failed ? "failed" : "now";
    });
}

function windowText(node, now) {
    if (!node.window) return "";
    const ends = new Date(node.window.ends);
    return ends > now ? `until ${minute(ends)}` : "ended";
}

function fillRow(row, entry, index, now) {
    const {parts} = row,
        {node, problems} = entry;
    setAttribute(row, "aria-rowindex", index + 2);
    if (row.entry !== entry) {
        row.entry = entry;
        setAttribute(row, "class", `row is-${node.state}${entry.isBad ? " is-bad" : ""}`);
        setIcon(parts.icon, node.state, "state-icon");
        setText(parts.state, node.state);
        setText(parts.name, node.name);
        setAttribute(parts.name, "href", `#/nodes/${encodeURIComponent(node.name)}`);
        setText(parts.role, node.role);
        setText(parts.cluster, node.cluster ?? "");
        fillTrack(parts.track, entry);
        setText(parts.stage, entry.stage);
        setAttribute(parts.stage, "title", entry.stage || null);
        const [first] = problems;
        parts.mark.style.display = first ? "" : "none";
        if (first) setIcon(parts.mark, iconOf(first.kind));
        setText(parts.problem, first?.what ?? "");
        setAttribute(
            parts.problem,
            "title",
            first ? problems.map(({what}) => what).join("\n") : null
        );
        setText(parts.more, problems.length > 1 ? `+${problems.length - 1}` : "");
    }
    setText(parts.since, node.since ? span(now - entry.sinceMs) : "");
    setText(parts.window, windowText(node, now));
}

// --- The view ---

export class FleetView {
    constructor(fleet, othersOf) {
        this.fleet = fleet;
        this.othersOf = othersOf;
        this.version = -1;
        this.orderedMs = -Infinity;
        this.current = null; // name of the node that Tab goes to
        this.filter = {text: "", state: "", role: "", cluster: "", problem: ""};
        this.sort = {key: "problem", back: false};
        this.attention = new Attention((kind) => this.showProblem(kind));
        this.build();
    }

    title() {
        return "Fleet";
    }

    build() {
        this.chips = h("div", {class: "chips", role: "group", "aria-label": "States"});
        this.search = h("input", {
            type: "search",
            id: "filter",
            placeholder: "name, address, MAC, stage",
            "aria-label": "Filter",
            autocomplete: "off",
            spellcheck: "false",
            "aria-keyshortcuts": "/",
            oninput: () => this.set({text: this.search.value.trim().toLowerCase()})
        });
        this.roles = this.select("Role", "role");
        this.clusters = this.select("Cluster", "cluster");
        this.sorts = h(
            "select",
            {
                "aria-label": "Sort by",
                class: "sorts",
                onchange: () => this.setSort(this.sorts.value)
            },
            COLUMNS.map(({key, text}) =>
                h(
                    "option",
                    {value: key, selected: key === this.sort.key},
                    `by ${text.toLowerCase()}`
                )
            )
        );
        this.count = h("p", {class: "count"});
        this.reset = h(
            "button",
            {type: "button", class: "link", onclick: () => this.clear()},
            "Clear"
        );
        this.heads = COLUMNS.map(({key, text}) =>
            h(
                "div",
                {class: `cell c-${key}`, role: "columnheader"},
                h("button", {type: "button", class: "sort", onclick: () => this.setSort(key)}, text)
            )
        );
        this.box = h("div", {class: "rows", role: "rowgroup"});
        this.table = h(
            "div",
            {class: "table", role: "table", "aria-label": "Nodes", "aria-colcount": COLUMNS.length},
            h(
                "div",
                {class: "table-head", role: "rowgroup"},
                h("div", {class: "head-row", role: "row", "aria-rowindex": 1}, this.heads)
            ),
            this.box
        );
        this.empty = h("p", {class: "empty", hidden: true});
        this.rows = new Rows(this.box, {
            make: makeRow,
            fill: (row, entry, i) => this.fill(row, entry, i),
            keyOf: (entry) => entry.node.name
        });
        this.box.addEventListener("focusin", ({target}) =>
            this.setCurrent(target.closest(".row")?.dataset.key)
        );
        this.el = h(
            "div",
            {class: "fleet"},
            h("h1", {class: "hear", tabindex: "-1"}, "Fleet"),
            this.chips,
            this.attention.el,
            h(
                "section",
                {class: "nodes", "aria-label": "Nodes"},
                h(
                    "div",
                    {class: "tools"},
                    this.search,
                    this.roles,
                    this.clusters,
                    this.sorts,
                    this.count,
                    this.reset
                ),
                this.table,
                this.empty
            )
        );
    }

    select(text, key) {
        return h(
            "select",
            {"aria-label": text, onchange: ({target}) => this.set({[key]: target.value})},
            h("option", {value: ""}, `any ${text.toLowerCase()}`)
        );
    }

    // --- Filter and order ---

    set(change) {
        Object.assign(this.filter, change);
        this.version = -1;
        this.orderedMs = -Infinity;
        this.render();
        scrollTo({top: Math.min(scrollY, this.table.offsetTop)});
        say(this.count.textContent);
    }

    clear() {
        this.search.value = this.roles.value = this.clusters.value = "";
        this.set({text: "", state: "", role: "", cluster: "", problem: ""});
        this.search.focus();
    }

    showProblem(kind) {
        this.set({problem: kind});
        this.table.scrollIntoView();
        this.reset.focus({preventScroll: true});
    }

    setSort(key) {
        this.sort = {key, back: this.sort.key === key && !this.sort.back};
        this.sorts.value = key;
        this.set({});
    }

    matches(entry) {
        const {text, state, role, cluster, problem} = this.filter;
        return (
            (!state || entry.node.state === state) &&
            (!role || entry.node.role === role) &&
            (!cluster || entry.node.cluster === cluster) &&
            (!text || entry.text.includes(text)) &&
            (!problem || entry.problems.some(({kind}) => kind === problem))
        );
    }

    order() {
        const compare = COMPARE[this.sort.key],
            sign = this.sort.back ? -1 : 1;
        const entries = [...this.fleet.entries.values()];
        this.all = entries;
        this.list = entries
            .filter((entry) => this.matches(entry))
            .sort((a, b) => sign * (compare(a, b) || compareText(a.order, b.order)));
    }

    // --- Writing ---

    fill(row, entry, index) {
        fillRow(row, entry, index, this.now);
        row.parts.name.tabIndex = entry.node.name === this.current ? 0 : -1;
    }

    setCurrent(name) {
        if (!name || name === this.current) return;
        const before = this.rows.shown.get(this.current);
        if (before) before.parts.name.tabIndex = -1;
        this.current = name;
        const row = this.rows.shown.get(name);
        if (row) row.parts.name.tabIndex = 0;
    }

    renderChips() {
        const counts = Object.fromEntries(STATES.map((state) => [state, 0]));
        for (const {node} of this.all) counts[node.state]++;
        if (!this.chips.firstChild) {
            for (const state of ["", ...STATES]) {
                this.chips.append(
                    h(
                        "button",
                        {
                            type: "button",
                            class: `chip ${state ? `is-${state}` : ""}`,
                            "data-state": state,
                            onclick: () =>
                                this.set({state: this.filter.state === state ? "" : state})
                        },
                        state ? icon(state, "state-icon") : null,
                        h("span", {class: "n"}),
                        h("span", {class: "label"}, state || "all")
                    )
                );
            }
        }
        for (const chip of this.chips.children) {
            const {state} = chip.dataset,
                n = state ? counts[state] : this.all.length;
            setText(chip.querySelector(".n"), this.fleet.loaded ? number(n) : "…");
            setAttribute(chip, "aria-pressed", this.filter.state === state);
            chip.classList.toggle("is-none", n === 0);
        }
    }

    renderSelect(select, values) {
        const key = values.join("\n");
        if (select.dataset.key === key) return;
        const {value} = select;
        select.dataset.key = key;
        select.replaceChildren(
            select.firstChild,
            ...values.map((text) => h("option", {value: text}, text))
        );
        select.value = values.includes(value) ? value : "";
        select.hidden = values.length < 2;
    }

    renderCount() {
        const n = this.list.length,
            all = this.all.length;
        const {problem} = this.filter;
        setText(
            this.count,
            this.fleet.loaded
                ? (n === all ? count(all, "node") : `${number(n)} of ${count(all, "node")}`) +
                      (problem ? `: ${HINTS[problem].title.toLowerCase()}` : "")
                : "…"
        );
        this.reset.hidden = !Object.values(this.filter).some(Boolean);
        this.empty.hidden = n > 0;
        setText(
            this.empty,
            !this.fleet.loaded
                ? "The nodes are being loaded."
                : all
                  ? "No node matches the filter."
                  : "There is no node yet. Declare them in the seed tree, or run: cloudseed node add NAME"
        );
        this.table.hidden = n === 0;
        setAttribute(this.table, "aria-rowcount", n + 1);
        COLUMNS.forEach(({key}, i) =>
            setAttribute(
                this.heads[i],
                "aria-sort",
                key !== this.sort.key ? null : this.sort.back ? "descending" : "ascending"
            )
        );
    }

    // All that depends on which nodes there are, in which order.
    renderOrder() {
        this.version = this.fleet.version;
        this.orderedMs = performance.now();
        this.order();
        this.renderChips();
        const values = (member) =>
            [...new Set(this.all.map(({node}) => node[member]))].filter(Boolean).sort();
        this.renderSelect(this.roles, values("role"));
        this.renderSelect(this.clusters, values("cluster"));
        this.renderCount();
        this.attention.render(this.all, this.othersOf(), this.fleet.loaded);
        if (!this.list.some(({node}) => node.name === this.current))
            this.current = this.list[0]?.node.name ?? null;
        this.rows.set(this.list);
    }

    // Called for each frame in which something may be new. True: it wants another one.
    render() {
        this.now = Date.now();
        const isStale = this.version !== this.fleet.version;
        const mayOrder = performance.now() - this.orderedMs >= ORDER_MS;
        if (isStale && mayOrder) {
            this.renderOrder();
        } else if (isStale) {
            // the new words at once, their places later
            this.list = this.list.map((entry) => this.fleet.entries.get(entry.node.name) ?? entry);
            this.rows.items = this.list;
        }
        this.rows.render();
        return isStale && !mayOrder;
    }

    refresh() {
        this.version = -1;
    }

    resize() {
        this.rows.measure();
        this.rows.render();
    }

    // --- Keys ---

    move(step) {
        const focused = document.activeElement?.closest?.(".row");
        const at = this.list.findIndex(({node}) => node.name === this.current);
        const to = focused ? at + step : Math.max(0, at);
        this.go(to);
    }

    go(index) {
        if (!this.list.length) return;
        const at = Math.min(Math.max(index, 0), this.list.length - 1);
        const row = this.rows.reveal(at);
        this.setCurrent(row.dataset.key);
        row.parts.name.focus({preventScroll: true});
    }

    key(event) {
        const isInRow = Boolean(document.activeElement?.closest?.(".row"));
        switch (event.key) {
            case "/":
                this.search.focus();
                this.search.select();
                break;
            case "j":
                this.move(1);
                break;
            case "k":
                this.move(-1);
                break;
            case "ArrowDown":
                if (!isInRow) return false;
                this.move(1);
                break;
            case "ArrowUp":
                if (!isInRow) return false;
                this.move(-1);
                break;
            case "Home":
                if (!isInRow) return false;
                this.go(0);
                break;
            case "End":
                if (!isInRow) return false;
                this.go(this.list.length - 1);
                break;
            case "Escape":
                this.clear();
                break;
            default:
                return false;
        }
        return true;
    }
}
