// SPDX-License-Identifier: Apache-2.0
// The page: who is logged in, which view is shown, and the frames in which it is written.

import * as api from "./api.js";
import {h, icon, setText} from "./dom.js";
import {FleetView} from "./fleet.js";
import {Live} from "./live.js";
import {LoginView, takeCode} from "./login.js";
import {Fleet} from "./model.js";
import {NodeView} from "./node.js";
import {ClustersView, EventsView, MachinesView} from "./places.js";
import {Server} from "./server.js";
import {when} from "./text.js";

const TICK_MS = 1000; // ages and bars grow
const FRAME_MS = 12; // of events applied in one frame; what is left comes in the next
const SWEEP_MS = 60000; // refused fetches and checks change without an event

const by = (id) => document.getElementById(id);
const main = by("main");
let view = null;

// --- Frames: whatever comes is written once a frame ---

const queue = [];
let isAwaited = false;

function wake() {
    if (isAwaited) return;
    isAwaited = true;
    requestAnimationFrame(frame);
}

// Applies events for as long as a frame allows.
function drain() {
    const end = performance.now() + FRAME_MS;
    const taken = [];
    while (taken.length < queue.length && performance.now() < end) {
        fleet.apply(queue[taken.length]);
        taken.push(queue[taken.length]);
    }
    queue.splice(0, taken.length);
    return taken;
}

function frame() {
    isAwaited = false;
    const events = drain();
    if (events.length) view?.onEvents?.(events);
    const isUnfinished = view?.render();
    if (queue.length || isUnfinished) wake();
}

// --- What is known ---

let sweeper = 0;

const fleet = new Fleet(wake, (error) => {
    if (error.status !== 401) console.warn(error.message);
});

const server = new Server({
    change() {
        view?.refresh();
        fleet.loadJoining().catch(() => {});
        wake();
    },
    reloaded: () => fleet.loadAll(),
    trouble() {}
});

const live = new Live({
    event(event) {
        queue.push(event);
        wake();
    },
    lost() {
        fleet.loadAll();
        view?.onLost?.();
    },
    state: showLive,
    ended: () => leave("The session has ended. Sign in again.")
});

function showLive(state, since) {
    const el = by("live");
    el.hidden = state === "off";
    el.className = `live is-${state}`;
    const text = state === "live" ? "live" : `disconnected since ${since ? when(since) : "now"}`;
    if (el.textContent !== text)
        el.replaceChildren(icon(state === "live" ? "ready" : "warn"), text);
    if (state === "live" && wasDown) fleet.loadAll(); // the server may be another one
    wasDown = state === "down";
}

let wasDown = false;

function sweep() {
    if (!document.hidden) fleet.loadAll();
}

// --- Views ---

function viewOf(hash) {
    const [, first = "", second = ""] = hash.split("/");
    switch (first) {
        case "nodes":
            return new NodeView(fleet, decodeURIComponent(second));
        case "clusters":
            return new ClustersView();
        case "machines":
            return new MachinesView();
        case "events":
            return new EventsView();
        default:
            return fleetView;
    }
}

const fleetView = new FleetView(fleet, () => server.problems());
let fleetScroll = 0;

function show(next, isFirst = false) {
    if (view === fleetView) fleetScroll = scrollY;
    const before = view;
    view = next;
    document.title = `${view.title()} – cloudseed`;
    main.replaceChildren(view.el);
    for (const link of by("views").children) {
        const isCurrent =
            link.hash === "#/" ? view === fleetView : location.hash.startsWith(link.hash);
        if (isCurrent) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    }
    view.refresh();
    view.render();
    scrollTo(0, view === fleetView ? fleetScroll : 0);
    wake();
    if (isFirst) return;
    if (view === fleetView && before instanceof NodeView) returnTo(before.name);
    else view.el.querySelector("h1")?.focus({preventScroll: true});
}

// Back in the fleet, the focus is where it was.
function returnTo(name) {
    const at = fleetView.list?.findIndex(({node}) => node.name === name) ?? -1;
    if (at >= 0) fleetView.go(at);
    else fleetView.el.querySelector("h1").focus({preventScroll: true});
}

function route(isFirst = false) {
    if (api.session) show(viewOf(decodeHash()), isFirst);
}

function decodeHash() {
    try {
        decodeURIComponent(location.hash);
        return location.hash;
    } catch {
        return "";
    }
}

// --- In and out ---

function enter(isFirst = false) {
    const {name, role} = api.session;
    for (const id of ["views", "who", "help-open", "logout"]) by(id).hidden = false;
    by("who").replaceChildren(h("b", {}, name.replace(/^token /, "")), ` ${role}`);
    fleet.clear();
    live.start();
    server.start();
    fleet
        .loadAlarms()
        .catch(() => {})
        .then(() => fleet.loadAll(true));
    sweeper = setInterval(sweep, SWEEP_MS);
    route(isFirst);
}

function leave(why) {
    clearInterval(sweeper);
    live.stop();
    server.stop();
    fleet.clear();
    queue.length = 0;
    for (const id of ["views", "who", "help-open", "logout"]) by(id).hidden = true;
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    show(new LoginView(() => enter(), why));
    by("token").focus();
}

async function start() {
    const code = takeCode();
    let why = "";
    try {
        if (code) await api.login({code});
        else await api.resume();
    } catch (error) {
        why =
            code && error.status === 401
                ? "The code of this address has been used or has ended. Run 'cloudseed ui' again, or sign in with a token."
                : error.message;
    }
    if (api.session) enter(true);
    else leave(why);
}

api.whenSessionEnds(leave);

// --- Keys and the rest ---

const isTyping = ({target}) => target.matches("input:not([type=checkbox]), select, textarea");

document.addEventListener("keydown", (event) => {
    if (
        !api.session ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        document.querySelector("dialog[open]")
    )
        return;
    if (isTyping(event) && event.key !== "Escape") return;
    if (event.key === "?") by("help").showModal();
    else if (!view?.key(event)) return;
    event.preventDefault();
});

by("skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
});
by("help-open").addEventListener("click", () => by("help").showModal());
by("logout").addEventListener("click", async () => {
    await api.logout().catch(() => {});
    leave("");
});
addEventListener("hashchange", () => route());
addEventListener("scroll", wake, {passive: true});
addEventListener("resize", () => view?.resize());
document.addEventListener("visibilitychange", wake);
setInterval(() => {
    if (!document.hidden) wake();
}, TICK_MS);

setText(main, "");
start();
