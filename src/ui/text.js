// SPDX-License-Identifier: Apache-2.0
// Times, spans, numbers and events as text.

const NUMBER = new Intl.NumberFormat("en");

export const number = (n) => NUMBER.format(n);

// "1 node", "2,000 nodes"
export function count(n, noun, plural = `${noun}s`) {
    return `${number(n)} ${n === 1 ? noun : plural}`;
}

// The time in two units at most: "8 s", "4 min", "3 h 20 min", "12 d".
export function span(ms) {
    const s = Math.max(0, Math.round(ms / 1000));
    if (s < 60) return `${s} s`;
    const min = Math.floor(s / 60);
    if (min < 60) return `${min} min`;
    const hours = Math.floor(min / 60);
    if (hours < 24) return min % 60 && hours < 10 ? `${hours} h ${min % 60} min` : `${hours} h`;
    return `${Math.floor(hours / 24)} d`;
}

// The time that a step took: tenths while it is short.
export function took(ms) {
    if (ms < 9950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
    if (ms < 60000) return `${Math.round(ms / 1000)} s`;
    const s = Math.round(ms / 1000);
    if (s < 3600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")} min`;
    return span(ms);
}

const two = (n) => String(n).padStart(2, "0");

export function minute(date) {
    return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function clock(date) {
    return `${minute(date)}:${two(date.getSeconds())}`;
}

export function day(date) {
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

// In the reader's time zone; today's without the day.
export function when(time, now = new Date()) {
    const date = new Date(time);
    return day(date) === day(now) ? clock(date) : `${day(date)} ${clock(date)}`;
}

export function bytes(n) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    for (; n >= 1024 && unit < units.length - 1; unit++) n /= 1024;
    return `${n < 10 && unit ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

// Names with numbers in them in the order that people expect: worker-2 before worker-10.
export function orderOf(name) {
    return name.replace(/\d+/g, (digits) => digits.padStart(12, "0"));
}

// --- Events, in the words of `cloudseed events` ---

function progress(data) {
    let text = data.stage ?? "";
    if (data.type === "start") text += " begins";
    if (data.result) text += ` ends: ${data.result}`;
    if (typeof data.duration === "number") text += ` after ${data.duration.toFixed(1)} s`;
    return data.description ? `${text}: ${data.description}` : text;
}

function identity(data) {
    const keys = data.host_keys?.length ?? 0;
    return [
        data.hostname && `hostname ${data.hostname}`,
        data.instance_id && `instance-id ${data.instance_id}`,
        keys && count(keys, "ssh host key")
    ];
}

function other(data) {
    return [
        data.name,
        data.role && `role ${data.role}`,
        data.from && `was ${data.from}`,
        data.cluster && `cluster ${data.cluster}`,
        data.epoch && `epoch ${data.epoch}`,
        data.minutes && `for ${count(data.minutes, "minute")}`,
        data.generation && `generation ${data.generation}`,
        data.file && `fetched ${data.file}`,
        data.evidence && `by ${data.evidence}`,
        data.token && `token ${data.token}`,
        data.vmid && `VM ${data.vmid} on ${data.host}`,
        data.certificate && `${data.certificate} certificate`,
        data.result && `result ${data.result}`,
        data.warnings && count(data.warnings, "warning"),
        data.stage && `in ${data.stage}`,
        data.reason,
        data.detail
    ];
}

export function eventText(event) {
    const data = event.data ?? {};
    if (event.kind === "progress") return progress(data);
    const parts = event.kind === "up" || event.kind === "identity" ? identity(data) : other(data);
    if (/^(uid|token) /.test(event.cause ?? "")) parts.push(`by ${event.cause}`);
    return parts.filter(Boolean).join(", ");
}

const BAD = new Set([
    "failed",
    "alarm",
    "locked",
    "mint-waits",
    "render-failed",
    "not-ready",
    "state-behind",
    "cluster-stuck",
    "cluster-late"
]);

export function isBad(event) {
    return BAD.has(event.kind) || event.data?.result === "FAIL";
}
