// SPDX-License-Identifier: Apache-2.0
// What is wrong with a node, a cluster or the server, and what to do about it: the words are those
// of docs/troubleshooting.md and `cloudseed doctor`.

import {bytes, count, span, when} from "./text.js";

const DAY_MS = 24 * 3600 * 1000;
const SOON_MS = 30 * DAY_MS; // a certificate's end

// In the order in which they are worth a look. `title` heads a list of nodes; `commands` has NODE
// and CLUSTER replaced. What is not `bad` stops no node.
export const HINTS = {
    failed: {
        bad: true,
        title: "Failed",
        todo: "Look at the step and its log. When the cause is fixed, arm the node and start the machine again.",
        commands: ["cloudseed node show NODE", "cloudseed doctor NODE"]
    },
    locked: {
        bad: true,
        title: "Locked by an alarm",
        todo: "Find the cause. A clone gets a node of its own; then unlock the node, or arm it again.",
        commands: ["cloudseed events NODE --kind alarm", "cloudseed node unlock NODE"]
    },
    alarm: {
        bad: true,
        title: "Alarm",
        todo: "Find the cause before you arm the node again. A clone or a restored backup gets a node of its own.",
        commands: ["cloudseed events NODE --kind alarm"]
    },
    template: {
        bad: true,
        title: "A template fails",
        todo: "Correct the template at that line. The node asks again by itself.",
        commands: ["cloudseed check", "cloudseed reload"]
    },
    faulty: {
        bad: true,
        title: "Documents have faults",
        todo: "Fix what the check lists, then reload.",
        commands: ["cloudseed check", "cloudseed reload"]
    },
    notready: {
        bad: true,
        title: "No longer Ready in its cluster",
        todo: "See what the cluster says.",
        commands: ["kubectl describe node NODE"]
    },
    token: {
        bad: false,
        title: "Waits for its token",
        todo: "See what the cluster's API server answers.",
        commands: ["cloudseed cluster show CLUSTER"]
    },
    refused: {
        bad: false,
        title: "Refused",
        todo: "Open its build window, then start the machine again.",
        commands: ["cloudseed node arm NODE"]
    },
    step: {
        bad: false,
        title: "A step failed, and the boot went on",
        todo: "See /var/log/cloud-init.log on the node.",
        commands: ["cloudseed events NODE --kind progress"]
    },
    keys: {
        bad: false,
        title: "Reports other ssh host keys",
        todo: "If you made new keys on the node, accept them.",
        commands: ["cloudseed node accept-keys NODE"]
    }
};

const KINDS = Object.keys(HINTS);
export const rankOf = (kind) => KINDS.indexOf(kind);
export const iconOf = (kind) => (kind === "failed" ? "failed" : kind === "locked" ? "lock" : "warn");

// `cloudseed node show k8s-worker-2`
export function commandsOf(kind, node) {
    return HINTS[kind].commands.map((text) =>
        text.replace("NODE", node?.name ?? "NODE").replace("CLUSTER", node?.cluster ?? "CLUSTER")
    );
}

const colon = (before, text) => (text ? `${before}: ${text}` : before);

function alarmIsFresh(node, alarmed, now) {
    if (alarmed === undefined) return false;
    return (
        now - alarmed < DAY_MS ||
        (node.window !== null && alarmed >= Date.parse(node.window.opened))
    );
}

// [{kind, what}], the worst first. `alarmed`: the time of its latest alarm, as far as it is known.
export function problemsOf(node, alarmed, now = Date.now()) {
    const found = [];
    const add = (kind, what) => found.push({kind, what});
    const {state, failure} = node;
    if (state === "failed")
        add(
            "failed",
            colon(failure?.stage ? `failed in ${failure.stage}` : "failed", failure?.reason)
        );
    if (node.locked) add("locked", colon(node.alarm ?? "an alarm", node.alarm_detail));
    else if (node.alarms > 0 && alarmIsFresh(node, alarmed, now))
        add("alarm", colon(node.alarm ?? "an alarm", node.alarm_detail));
    if (state !== "failed" && failure) add("template", failure.reason);
    if (node.check === "faulty") add("faulty", "its rendered documents have faults");
    if (state === "ready" && node.kubernetes?.since)
        add("notready", colon("not Ready", node.kubernetes.reason));
    if (state === "joining" && node.mint?.phase === "intended" && node.mint.reason)
        add("token", node.mint.reason);
    if (node.refused && state !== "ready" && !node.window)
        add(
            "refused",
            `${count(node.refused.times, "fetch was", "fetches were")} refused: ${node.refused.reason}`
        );
    if (node.boot?.failed && state !== "failed") add("step", `${node.boot.failed} failed`);
    if (Object.keys(node.identity?.offered_keys ?? {}).length)
        add("keys", `keys of kind ${Object.keys(node.identity.offered_keys).join(", ")}`);
    return found;
}

// [{bad, what, todo, commands}]
export function clusterProblemsOf(cluster, now = Date.now()) {
    const found = [];
    const add = (what, todo, ...commands) => found.push({bad: true, what, todo, commands});
    const show = `cloudseed cluster show ${cluster.name}`;
    if (cluster.stuck)
        add(
            `${cluster.turn?.name ?? "the master that has the turn"} has failed, and others wait for it`,
            "Fix its fault and arm it again, or disarm it.",
            `cloudseed doctor ${cluster.turn?.name ?? "MASTER"}`
        );
    if (cluster.phase === "unconfirmed")
        add(
            "a backup was restored; the cluster may have changed since",
            "Adopt it, or reset it if it is gone.",
            `cloudseed cluster adopt ${cluster.name}`
        );
    if (cluster.trouble) add(cluster.trouble, "See what its API server answers.", show);
    for (const account of ["minter", "approver"]) {
        if (cluster[account]?.late || cluster[account]?.trouble)
            add(
                colon(`the token of the ${account} is not renewed`, cluster[account].trouble),
                "As it says; else adopt the cluster again.",
                `cloudseed cluster adopt ${cluster.name}`
            );
    }
    if (cluster.approval?.trouble)
        add(cluster.approval.trouble, "See what its API server answers.", show);
    if (cluster.approval?.autoapproves && !cluster.approval.returning && cluster.hardened)
        add(
            "any bootstrap token gets a certificate for any node's name",
            "The command that stops this is printed by",
            show
        );
    if (cluster.certificate_end && Date.parse(cluster.certificate_end) - now < SOON_MS)
        add(
            `the certificate of its API server ends ${when(cluster.certificate_end)}`,
            "On that master:",
            "kubeadm certs renew all"
        );
    if (cluster.clock_ahead_s)
        add(
            `its clock is ${span(Math.abs(cluster.clock_ahead_s) * 1000)} ${cluster.clock_ahead_s > 0 ? "ahead" : "behind"}`,
            "NTP on both."
        );
    return found;
}

export function serverProblemsOf(server, ca, now = Date.now()) {
    const found = [];
    const add = (what, todo, ...commands) => found.push({bad: true, what, todo, commands});
    if (server && !server.store.ok)
        add(
            colon("changes cannot be stored", server.store.reason),
            `${bytes(server.store.free_bytes)} are free on its disk.`,
            "cloudseed doctor"
        );
    if (server?.loss)
        add(
            "the state is older than it was",
            "Restore a newer backup, or accept the loss.",
            "cloudseed server acknowledge"
        );
    if (server?.left_out.length) {
        const [first] = server.left_out;
        add(
            `${count(server.left_out.length, "registered node")} left out: ${first.name ?? "unreadable"}: ${first.reason}`,
            "Change the declared node or the registered one.",
            "cloudseed doctor"
        );
    }
    const until = ca && !ca.provided ? Date.parse(ca.certificate.until) : NaN;
    if (until - now < 0)
        add(`the server's certificate ended ${when(until)}`, "Prolong it.", "cloudseed ca renew");
    for (const warning of ca?.warnings ?? [])
        add(warning, "See also docs/tls.md.", "cloudseed ca show");
    return found;
}
