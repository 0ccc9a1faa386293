// SPDX-License-Identifier: Apache-2.0
// A node's latest boot as a timeline: phases made of its events (docs/reference/events.md), and how
// they are drawn. Each row says in words what its bar shows.

import {h, hidden, icon, setText} from "./dom.js";
import {clock, span, took, when} from "./text.js";

const LABELS = {
    install: ["Installer", "partitions and installs"],
    seed: ["Seed", "script and files are fetched"],
    "init-local": ["init-local", "datasource and network"],
    "init-network": ["init-network", "disks, users, ssh keys"],
    "modules-config": ["modules-config", "packages' sources, time"],
    "modules-final": ["modules-final", "packages, scripts"],
    up: ["up", "phoned home"],
    join: ["Join", "waits its turn, runs kubeadm"],
    ready: ["Ready", "the cluster lists it as Ready"]
};
const EXPECTED = ["seed", "init-network", "modules-config", "modules-final", "up", "join", "ready"];

// --- From events to phases ---

class Boot {
    constructor(bootstraps) {
        this.phases = [];
        this.bootstraps = bootstraps;
        this.armed = null;
    }

    phase(key, at) {
        let phase =
            this.phases.find((one) => one.key === key && one.end === null) ??
            this.phases.findLast((one) => one.key === key);
        if (!phase) {
            phase = {key, start: at, end: null, result: "running", notes: [], steps: []};
            this.phases.push(phase);
        }
        return phase;
    }

    end(key, at, result = "ok") {
        const phase = this.phases.find((one) => one.key === key);
        if (phase && phase.end === null) {
            phase.end = at;
            phase.result = phase.result === "failed" ? "failed" : result;
        }
    }

    point(key, at, note) {
        const phase = this.phase(key, at);
        phase.end ??= at;
        phase.result = phase.result === "failed" ? "failed" : "ok";
        if (note) phase.notes.push(note);
        return phase;
    }

    // Ends all that is open.
    endAll(at, result) {
        for (const {key} of this.phases.filter(({end}) => end === null)) this.end(key, at, result);
    }

    progress({stage, type, result, duration, description}, at) {
        const [key, ...rest] = stage.split("/"),
            name = rest.join("/");
        const start = typeof duration === "number" ? at - duration * 1000 : at;
        this.end("seed", Math.min(start, at));
        const phase = this.phase(key, type === "start" ? at : start);
        if (!name) {
            if (type === "finish") this.end(key, at, result === "FAIL" ? "failed" : "ok");
            if (result === "FAIL") phase.result = "failed";
            return;
        }
        let step = phase.steps.findLast((one) => one.name === name && one.end === null);
        if (!step) {
            step = {
                name,
                start: type === "start" ? at : start,
                end: null,
                result: "running",
                description: ""
            };
            phase.steps.push(step);
        }
        if (type === "finish") {
            step.end = at;
            step.result = result === "FAIL" ? "failed" : result === "WARN" ? "warned" : "ok";
            step.description = description ?? "";
        }
        if (result === "FAIL") phase.hasFailedStep = true;
    }

    fail({stage, reason}, at) {
        const key = stage?.split("/")[0];
        const phase =
            this.phases.find((one) => one.key === key) ??
            this.phases.findLast(({end}) => end === null) ??
            this.phases.at(-1) ??
            this.phase("seed", at);
        phase.result = "failed";
        if (phase.end === null) phase.end = at;
        const step = phase.steps.find(({name}) => stage === `${key}/${name}`);
        if (step) Object.assign(step, {result: "failed", end: step.end ?? at});
        phase.notes.push([stage, reason].filter(Boolean).join(": "));
        this.endAll(at, "stopped");
    }

    waits(text, at) {
        const phase = this.phase("join", at);
        this.endWait(at);
        phase.steps.push({
            name: text,
            start: at,
            end: null,
            result: "running",
            description: "",
            isWait: true
        });
    }

    endWait(at) {
        const step = this.phases
            .find(({key}) => key === "join")
            ?.steps.findLast(({end}) => end === null);
        if (step) Object.assign(step, {end: at, result: "ok"});
    }

    take(event) {
        const at = Date.parse(event.at),
            {kind, data} = event;
        switch (kind) {
            case "installing":
                this.phase("install", at).notes.push(data.file ? `fetched ${data.file}` : "");
                break;
            case "booting": {
                this.end("install", at);
                const seed = this.phase("seed", at);
                seed.notes.push(
                    [
                        data.file && `first file: ${data.file}`,
                        data.evidence && `known by ${data.evidence}`
                    ]
                        .filter(Boolean)
                        .join(", ")
                );
                break;
            }
            case "progress":
                this.progress(data, at);
                break;
            case "up":
                this.end("seed", at);
                this.point("up", at, data.hostname && `as ${data.hostname}`);
                break;
            case "joining":
                this.phase("join", at);
                break;
            case "waits":
                this.waits(data.reason ?? "waits", at);
                break;
            case "minting":
                this.waits(`token ${data.token ?? ""} is made`, at);
                break;
            case "mint-waits":
                this.waits(data.reason ?? "waits for its token", at);
                break;
            case "minted":
                this.phase("join", at);
                this.endWait(at);
                break;
            case "render-failed":
                this.phase("join", at).notes.push(data.reason);
                break;
            case "joined":
                this.endWait(at);
                this.end("join", at);
                this.phase("ready", at);
                break;
            case "ready":
                this.endWait(at);
                this.endAll(at, "ok");
                this.point(
                    "ready",
                    at,
                    data.result && data.result !== "SUCCESS" ? data.result : null
                );
                break;
            case "failed":
                this.fail(data, at);
                break;
            default:
                break;
        }
    }
}

// The boot in `events`, the oldest first; null: none has begun. {phases, armed, start, end, isLive}
export function bootOf(events, node) {
    const begins = ({kind, data}) =>
        kind === "installing" ||
        kind === "rebooted" ||
        (kind === "booting" && data.from !== "installing" && data.from !== "failed");
    let first = events.findLastIndex(begins);
    const armed = events.findLastIndex(({kind}) => kind === "armed" || kind === "reprovisioned");
    if (first < 0 && armed < 0)
        // history has removed how it began
        first = events.findIndex(({kind}) => kind === "progress");
    if (first < 0 || first < armed) return null;
    const boot = new Boot(node.bootstrap !== "none");
    for (const event of events.slice(first)) boot.take(event);
    if (!boot.phases.length) return null;
    const start = Math.min(...boot.phases.map((phase) => phase.start));
    const isLive = boot.phases.some(({end}) => end === null);
    const end = Math.max(...boot.phases.flatMap((phase) => [phase.start, phase.end ?? 0]));
    return {
        phases: pad(boot),
        start,
        end,
        isLive,
        isReboot: events[first].kind === "rebooted",
        armed: armed >= 0 && armed < first ? Date.parse(events[armed].at) : null
    };
}

// Adds those that are still to come.
function pad({phases, bootstraps}) {
    if (phases.some(({result}) => result === "failed")) return phases;
    const reached = Math.max(...phases.map(({key}) => EXPECTED.indexOf(key)));
    const coming = EXPECTED.slice(reached + 1).filter(
        (key) =>
            (bootstraps || (key !== "join" && key !== "up")) &&
            !phases.some((one) => one.key === key)
    );
    return [
        ...phases,
        ...coming.map((key) => ({
            key,
            start: null,
            end: null,
            result: "coming",
            notes: [],
            steps: []
        }))
    ];
}

// --- The drawing ---

const RESULT_TEXT = {
    ok: "done",
    failed: "failed",
    running: "running",
    coming: "not yet",
    stopped: "stopped",
    warned: "with a warning"
};
const RESULT_ICON = {
    ok: "ready",
    failed: "failed",
    running: "booting",
    coming: "registered",
    stopped: "registered",
    warned: "warn"
};

const NOTABLE = 0.08; // of the whole boot: a step that took as long is shown at once

export class Timeline {
    constructor() {
        this.isOpen = false;
        this.summary = h("p", {class: "boot-summary"});
        this.axis = h("div", {class: "axis", "aria-hidden": "true"});
        this.list = h("ol", {class: "timeline"});
        this.toggle = h("button", {
            type: "button",
            class: "link",
            "aria-expanded": "false",
            onclick: () => this.open()
        });
        this.el = h("div", {class: "boot"}, this.summary, this.axis, this.list, this.toggle);
        this.running = [];
        this.boot = null;
    }

    open() {
        this.isOpen = !this.isOpen;
        this.render(this.boot, this.node);
    }

    bar(item) {
        const bar = h("span", {class: "bar-fill"});
        if (item.start === null) return h("span", {class: "bar-box", "aria-hidden": "true"});
        this.running.push({item, bar});
        return h("span", {class: "bar-box", "aria-hidden": "true"}, bar);
    }

    row(item, isStep) {
        const [label, about] = LABELS[item.key] ?? [item.name ?? item.key, ""];
        const time = h("span", {class: "took"});
        const notes = isStep ? [item.description] : item.notes;
        const row = h(
            "li",
            {class: `phase is-${item.result}${isStep ? " is-step" : ""}`},
            h(
                "span",
                {class: "phase-name", title: about || label},
                icon(RESULT_ICON[item.result]),
                h("span", {}, label),
                hidden(`, ${RESULT_TEXT[item.result]}`),
                about ? h("span", {class: "about"}, about) : null
            ),
            this.bar(item),
            time,
            item.start !== null
                ? hidden(
                      `, began ${took(item.start - this.boot.start)} after the start of the boot`
                  )
                : null,
            notes.filter(Boolean).length && (!isStep || item.result === "failed")
                ? h("span", {class: "note"}, notes.filter(Boolean).join("; "))
                : null
        );
        if (item.start !== null) this.running.at(-1).time = time;
        return row;
    }

    isShown(step) {
        return (
            this.isOpen ||
            step.result === "failed" ||
            step.isWait ||
            ((step.end ?? Date.now()) - step.start > NOTABLE * (this.boot.end - this.boot.start) &&
                step.end - step.start > 500)
        );
    }

    render(boot, node) {
        this.boot = boot;
        this.node = node;
        this.running = [];
        this.axis.hidden = this.list.hidden = !boot;
        if (!boot) {
            setText(
                this.summary,
                node.state === "armed"
                    ? "The machine has not been seen since the window was opened."
                    : "No boot is known."
            );
            this.toggle.hidden = true;
            return;
        }
        const steps = boot.phases.flatMap((phase) => phase.steps);
        const hiddenSteps = steps.filter((step) => !this.isShown(step)).length;
        this.list.replaceChildren(
            ...boot.phases.flatMap((phase) => [
                this.row(phase, false),
                ...phase.steps
                    .filter((step) => this.isShown(step))
                    .map((step) => this.row(step, true))
            ])
        );
        this.toggle.hidden = !this.isOpen && hiddenSteps === 0;
        this.toggle.setAttribute("aria-expanded", this.isOpen);
        setText(
            this.toggle,
            this.isOpen ? "Show only the long steps" : `Show all ${steps.length} steps`
        );
        this.tick();
    }

    summaryText(end) {
        const {boot} = this;
        const failed = boot.phases.find(({result}) => result === "failed");
        const parts = [`${boot.isReboot ? "Rebooted" : "Began"} ${when(boot.start)}`];
        if (boot.armed !== null && boot.start - boot.armed >= 1000)
            parts.push(`${span(boot.start - boot.armed)} after it was armed`);
        parts.push(
            failed
                ? `failed after ${took(boot.end - boot.start)}`
                : boot.isLive
                  ? `running for ${took(end - boot.start)}`
                  : `took ${took(boot.end - boot.start)}`
        );
        return `${parts.join(", ")}.`;
    }

    // What runs grows with the time.
    tick() {
        if (!this.boot) return;
        const end = this.boot.isLive ? Math.max(this.boot.end, Date.now()) : this.boot.end;
        const whole = Math.max(end - this.boot.start, 1);
        setText(this.summary, this.summaryText(end));
        for (const {item, bar, time} of this.running) {
            const until = item.end ?? end;
            bar.style.left = `min(${((item.start - this.boot.start) / whole) * 100}%, 100% - 3px)`;
            bar.style.width = `${(Math.max(0, until - item.start) / whole) * 100}%`;
            setText(
                time,
                item.key === "up" || until === item.start
                    ? clock(new Date(until))
                    : took(until - item.start)
            );
        }
        this.scale(whole);
    }

    // Marks at round times, five at most.
    scale(whole) {
        const units = [
            0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400,
            43200, 86400, 172800, 604800
        ];
        const unit = (units.find((s) => whole / (s * 1000) <= 5) ?? whole / 5000) * 1000;
        const key = `${unit} ${Math.round((whole / unit) * 200)}`;
        if (this.axis.dataset.key === key) return;
        this.axis.dataset.key = key;
        const marks = [];
        for (let at = 0; at <= whole; at += unit) {
            const mark = h(
                "span",
                {class: "mark"},
                at === 0 ? "0" : unit < 1000 ? `${(at / 1000).toFixed(1)} s` : span(at)
            );
            mark.style.left = `${(at / whole) * 100}%`;
            marks.push(mark);
        }
        this.axis.firstChild ?? this.axis.append(h("div", {class: "marks"}));
        this.axis.firstChild.replaceChildren(...marks);
    }
}
