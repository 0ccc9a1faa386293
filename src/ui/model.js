// SPDX-License-Identifier: Apache-2.0
// The fleet as it is known here: nodes as the server lists them, brought forward by events until
// they are fetched again.

import {get, getPages, nodePath} from "./api.js";
import {HINTS, problemsOf, rankOf} from "./hints.js";
import {orderOf} from "./text.js";

export const STATES = [
    "failed",
    "installing",
    "booting",
    "up",
    "joining",
    "armed",
    "ready",
    "registered"
];
const STATE_RANKS = Object.fromEntries(STATES.map((state, i) => [state, i]));

const REFETCH_MS = 250; // events of one moment are answered by one request
const SINGLES = 20; // of more nodes than that, pages are fetched
const PARALLEL = 3; // of the six connections, one of them the stream's
const PAGES_APART_MS = 5000;
const PAGE = 200;

// --- What an event does to a node ---

const newBoot = (at, reboot) => ({
    began: at,
    last: at,
    stage: null,
    events: 0,
    warnings: 0,
    failed: null,
    finished: false,
    reboot
});

function progressed(boot, event) {
    const {stage, type, result, reboot} = event.data;
    const next = {...(boot ?? newBoot(event.at, Boolean(reboot))), last: event.at, stage};
    next.events++;
    if (result === "FAIL") {
        next.failed = stage;
        next.warnings++;
    }
    if (type === "finish" && stage === "modules-final") next.finished = true;
    return next;
}

const CHANGES = {
    armed: (event) => ({
        boot: null,
        failure: null,
        waits: null,
        mint: null,
        locked: false,
        generation: event.data.generation,
        window: {
            opened: event.at,
            claimed: false,
            ends: new Date(Date.parse(event.at) + event.data.minutes * 60000).toISOString()
        }
    }),
    disarmed: () => ({window: null}),
    expired: () => ({window: null}),
    ready: () => ({window: null, waits: null, mint: null}),
    installing: (event) => ({boot: newBoot(event.at, false)}),
    booting: (event) => ({boot: newBoot(event.at, false), failure: null, refused: null}),
    rebooted: (event) => ({boot: newBoot(event.at, true)}),
    progress: (event, node) => ({boot: progressed(node.boot, event)}),
    failed: ({data}) => ({
        failure: {stage: data.stage ?? null, reason: data.reason ?? "", log: data.log ?? null}
    }),
    waits: ({data}) => ({waits: data.reason}),
    minting: ({data}) => ({mint: {phase: "intended", token: data.token, reason: null}}),
    "mint-waits": ({data}) => ({mint: {phase: "intended", token: data.token, reason: data.reason}}),
    minted: ({data}) => ({waits: null, mint: {phase: "signed", token: data.token, reason: null}}),
    alarm: ({data}, node) => ({
        alarms: node.alarms + 1,
        alarm: data.reason,
        alarm_detail: data.detail ?? null
    }),
    locked: () => ({locked: true}),
    unlocked: () => ({locked: false})
};

export function advance(node, event) {
    const next = {...node, ...CHANGES[event.kind]?.(event, node)};
    if (event.kind in STATE_RANKS) {
        next.state = event.kind;
        next.since = event.at;
        if (event.kind !== "failed" && event.kind !== "joining") next.failure = null;
    }
    return next;
}

// --- How far a boot is: steps that every node takes ---

const STAGE_STEPS = {"init-local": 1, "init-network": 1, "modules-config": 2, "modules-final": 3};

export function stepsOf(node) {
    const steps = ["seed", "init", "config", "final"];
    return node.bootstrap === "none" ? [...steps, "ready"] : [...steps, "join", "ready"];
}

// {at: the index of the step that it is in (its number: all are done; -1: none has begun), failed}
export function progressOf(node) {
    const steps = stepsOf(node);
    const ofStage = (stage) => STAGE_STEPS[stage?.split("/")[0]];
    switch (node.state) {
        case "ready":
            return {at: steps.length, failed: false};
        case "joining":
            return {at: 4, failed: false};
        case "up":
            return {at: node.boot?.finished ? 4 : (ofStage(node.boot?.stage) ?? 3), failed: false};
        case "booting":
            return {at: ofStage(node.boot?.stage) ?? 0, failed: false};
        case "failed":
            return {
                at:
                    ofStage(node.failure?.stage) ??
                    (node.failure?.stage ? 4 : (ofStage(node.boot?.stage) ?? 0)),
                failed: true
            };
        default:
            return {at: -1, failed: false};
    }
}

// In few words, what it does now.
export function stageText(node) {
    switch (node.state) {
        case "armed":
            return "waits for the machine";
        case "installing":
            return node.boot?.stage ?? "installer";
        case "booting":
            return node.boot?.stage ?? "fetches its files";
        case "up":
            return node.boot?.finished ? "cloud-init has ended" : (node.boot?.stage ?? "");
        case "failed":
            return node.failure?.stage ?? node.boot?.stage ?? "";
        case "joining":
            if (node.mint?.phase === "intended") return "its token is made";
            if (node.waits && !node.mint) return node.waits;
            return node.kubernetes && !node.kubernetes.ready ? "not Ready yet" : "joins";
        default:
            return "";
    }
}

// --- All of them ---

function entryOf(node, alarmed, before) {
    const problems = problemsOf(node, alarmed);
    const worst = problems.length ? Math.min(...problems.map(({kind}) => rankOf(kind))) : 99;
    const stage = stageText(node);
    return {
        node,
        problems,
        stage,
        worst,
        isBad: problems.some(({kind}) => HINTS[kind].bad),
        progress: progressOf(node),
        order: before?.order ?? orderOf(node.name),
        stateRank: STATE_RANKS[node.state] ?? 99,
        sinceMs: node.since ? Date.parse(node.since) : 0,
        text: [
            node.name,
            node.fqdn,
            node.state,
            node.role,
            node.cluster,
            stage,
            node.uuid,
            node.serial,
            node.vm?.host,
            ...node.macs,
            ...node.addresses,
            ...problems.map(({what}) => what)
        ]
            .join("\n")
            .toLowerCase()
    };
}

export class Fleet {
    // onChange() is called after each change, onTrouble(error) when nodes cannot be fetched.
    constructor(onChange, onTrouble) {
        this.onChange = onChange;
        this.onTrouble = onTrouble;
        this.clear();
    }

    clear() {
        clearTimeout(this.timer);
        this.entries = new Map(); // by name
        this.alarmed = new Map(); // name: time of the latest alarm
        this.version = 0;
        this.loaded = false;
        this.dirty = new Set();
        this.busy = 0;
        this.sweep = 0; // counts loads of all pages
        this.sweeping = false;
        this.wanted = false; // another load of all pages
        this.sweptMs = -Infinity;
        this.timer = 0;
        this.life = {}; // an answer that was asked for in another one is dropped
    }

    put(node) {
        const before = this.entries.get(node.name);
        const entry = entryOf(node, this.alarmed.get(node.name), before);
        entry.sweep = this.sweep;
        this.entries.set(node.name, entry);
        this.version++;
    }

    drop(name) {
        if (this.entries.delete(name)) this.version++;
    }

    // Applies an event, and has its node fetched again.
    apply(event) {
        if (!event.node) return;
        if (event.kind === "alarm") this.alarmed.set(event.node, Date.parse(event.at));
        const entry = this.entries.get(event.node);
        if (event.kind === "deleted") this.drop(event.node);
        else if (entry) this.put(advance(entry.node, event));
        this.dirty.add(event.node);
        this.soon();
    }

    // --- Fetching ---

    soon() {
        this.timer ||= setTimeout(() => {
            this.timer = 0;
            this.fetchDirty();
        }, REFETCH_MS);
    }

    fetchDirty() {
        if (this.sweeping || this.wanted) return; // goes on afterwards
        if (this.dirty.size > SINGLES) {
            this.loadAll();
            return;
        }
        for (const name of this.dirty) {
            if (this.busy >= PARALLEL) return;
            this.dirty.delete(name);
            this.fetchOne(name);
        }
    }

    async fetchOne(name) {
        const life = this.life;
        this.busy++;
        try {
            const node = await get(nodePath(name));
            if (life === this.life) this.put(node);
        } catch (error) {
            if (life === this.life && error.status === 404) this.drop(name);
            else if (life === this.life) this.onTrouble(error);
        }
        if (life !== this.life) return;
        this.busy--;
        this.onChange();
        if (this.dirty.size) this.soon();
    }

    // Fetches all nodes by pages, at once or when the last load is long enough ago.
    loadAll(isUrgent = false) {
        if (this.wanted && !isUrgent) return;
        this.wanted = true;
        const wait = isUrgent ? 0 : this.sweptMs + PAGES_APART_MS - performance.now();
        clearTimeout(this.pagesTimer);
        this.pagesTimer = setTimeout(() => this.sweepPages(), Math.max(0, wait));
    }

    async sweepPages() {
        const life = this.life;
        if (this.sweeping) return; // another one follows
        this.sweeping = true;
        this.wanted = false;
        this.dirty.clear(); // what an event names from here on is fetched once more
        this.sweep++;
        try {
            await this.readPages(life);
        } catch (error) {
            if (life === this.life) this.onTrouble(error);
        }
        if (life !== this.life) return;
        this.sweeping = false;
        this.sweptMs = performance.now();
        this.onChange();
        if (this.wanted) this.loadAll(true);
        else if (this.dirty.size) this.soon();
    }

    async readPages(life) {
        await getPages(`/v1/nodes?limit=${PAGE}`, "nodes", (node) => {
            if (life === this.life) this.put(node);
            this.onChange();
        });
        if (life !== this.life) return;
        for (const [name, entry] of this.entries) {
            if (entry.sweep !== this.sweep) this.drop(name);
        }
        this.loaded = true;
    }

    // Times of the latest alarms: a node says only how many it had.
    async loadAlarms() {
        const life = this.life;
        const page = await get("/v1/events?kind=alarm&order=newest&limit=500");
        if (life !== this.life) return;
        for (const event of page.events) {
            // the newest first
            if (!this.alarmed.has(event.node)) this.alarmed.set(event.node, Date.parse(event.at));
        }
    }

    // Why a joining node is not Ready changes without an event.
    async loadJoining() {
        const life = this.life;
        if (this.sweeping || ![...this.entries.values()].some(({node}) => node.state === "joining"))
            return;
        await getPages(`/v1/nodes?state=joining&limit=${PAGE}`, "nodes", (node) => {
            if (life === this.life) this.put(node);
        });
        this.onChange();
    }
}
