// SPDX-License-Identifier: Apache-2.0
// The session, and requests to the admin interface (docs/formats/api.md).

export class Problem extends Error {
    constructor(status, detail) {
        super(detail);
        this.status = status;
    }
}

const REQUEST_MS = 60000; // as long as an answer takes at most

// Goes with every request. The browser gives the cookie to other ports of this host, too, but what an
// origin stores only to that origin; the one without the other is of no use.
const KEY = "csrf";
export let session = null; // {name, role, ends}
let onEnd = () => {};

// Called when the server knows the session no more.
export function whenSessionEnds(callback) {
    onEnd = callback;
}

const RANKS = ["viewer", "operator", "admin"];

export function may(role) {
    return RANKS.indexOf(session?.role) >= RANKS.indexOf(role);
}

async function problemOf(answer) {
    const text = await answer.text();
    try {
        return new Problem(answer.status, JSON.parse(text).detail ?? text);
    } catch {
        return new Problem(
            answer.status,
            text.trim().slice(0, 200) || `The server answered ${answer.status}.`
        );
    }
}

export function sessionHeaders() {
    const csrf = localStorage.getItem(KEY);
    return csrf ? {"X-Cloudseed-CSRF": csrf} : {};
}

async function send(method, path, body) {
    const headers = sessionHeaders();
    if (body !== undefined) headers["Content-Type"] = "application/json";
    try {
        return await fetch(path, {
            method,
            headers,
            body: body === undefined ? undefined : JSON.stringify(body),
            credentials: "same-origin",
            cache: "no-store",
            signal: AbortSignal.timeout(REQUEST_MS)
        });
    } catch (error) {
        throw new Problem(
            0,
            error.name === "TimeoutError"
                ? "The server does not answer."
                : "The server cannot be reached."
        );
    }
}

async function answerOf(method, path, body) {
    const answer = await send(method, path, body);
    if (answer.status === 401 && session) {
        leave();
        onEnd("The session has ended. Sign in again.");
    }
    if (!answer.ok) throw await problemOf(answer);
    return answer;
}

export const get = async (path) => (await answerOf("GET", path)).json();
export const post = async (path, body = {}) => (await answerOf("POST", path, body)).json();

// Calls each(item) for all items of a list that comes in pages.
export async function getPages(path, member, each) {
    let after = null;
    do {
        const page = await get(
            after === null ? path : `${path}&after=${encodeURIComponent(after)}`
        );
        for (const item of page[member]) each(item);
        after = page.next;
    } while (after !== null);
}

export const nodePath = (name, rest = "") => `/v1/nodes/${encodeURIComponent(name)}${rest}`;

// Calls onMessage(kind, data) for what a stream of events brings, until it ends. EventSource cannot
// send the session's header.
export async function stream(path, signal, onOpen, onMessage) {
    const answer = await fetch(path, {
        headers: {...sessionHeaders(), Accept: "text/event-stream"},
        credentials: "same-origin",
        cache: "no-store",
        signal
    });
    if (!answer.ok) throw await problemOf(answer);
    onOpen();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ; ) {
        const {done, value} = await reader.read();
        if (done) return;
        const messages = (text + value).split("\n\n");
        text = messages.pop();
        for (const message of messages) {
            const kind = /^event: (.*)$/m.exec(message)?.[1]; // none in a comment
            if (kind) onMessage(kind, JSON.parse(/^data: (.*)$/m.exec(message)[1]));
        }
    }
}

// --- The session ---

function enter(value) {
    localStorage.setItem(KEY, value.csrf);
    session = {name: value.name, role: value.role, ends: value.ends};
}

function leave() {
    localStorage.removeItem(KEY);
    session = null;
}

// The session that this browser has; false: there is none.
export async function resume() {
    const answer = await send("GET", "/ui/session");
    if (answer.status === 401 || answer.status === 403) return false;
    if (!answer.ok) throw await problemOf(answer);
    enter(await answer.json());
    return true;
}

// With {token} or {code}, the one-time code of `cloudseed ui`.
export async function login(by) {
    const answer = await send("POST", "/ui/session", by);
    if (!answer.ok) throw await problemOf(answer);
    enter(await answer.json());
}

export async function logout() {
    const answer = await send("DELETE", "/ui/session");
    leave();
    if (!answer.ok && answer.status !== 401) throw await problemOf(answer);
}
