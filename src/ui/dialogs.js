// SPDX-License-Identifier: Apache-2.0
// Arm and disarm: each is asked for once more before it is done. What arming answers holds the join
// key: it is shown here, and nowhere kept.

import {nodePath, post} from "./api.js";
import {command, h, icon, say} from "./dom.js";
import {count, when} from "./text.js";

const dialog = document.getElementById("ask");
const MINUTES = 120,
    MINUTES_MAX = 10080;

dialog.addEventListener("close", () => dialog.replaceChildren());

// Fills the dialog: a title, what is said, and buttons [{text, kind, run}]. run() may throw a
// Problem, which is shown; without one the dialog closes.
function show(title, content, buttons) {
    const trouble = h("p", {class: "trouble", role: "alert"});
    const act = async (event, run) => {
        event.preventDefault();
        if (!run) {
            dialog.close();
            return;
        }
        trouble.replaceChildren();
        form.inert = true;
        try {
            await run();
        } catch (error) {
            trouble.replaceChildren(icon("warn"), error.message);
        }
        form.inert = false;
    };
    const form = h(
        "form",
        {method: "dialog"},
        h("h2", {id: "ask-title"}, title),
        content,
        trouble,
        h(
            "div",
            {class: "buttons"},
            buttons.map(({text, kind, run}) =>
                h(
                    "button",
                    {
                        type: run ? "submit" : "button",
                        class: kind,
                        onclick: (event) => act(event, run)
                    },
                    text
                )
            )
        )
    );
    dialog.replaceChildren(form);
    if (!dialog.open) dialog.showModal();
}

function showArmed(node, arm) {
    const {serial, ends} = arm;
    show(
        `${node.name} is armed`,
        [
            h(
                "p",
                {},
                `Its build window is open until ${when(ends)}. Give the machine this SMBIOS serial, and start it cold:`
            ),
            command(serial),
            h("p", {class: "todo"}, "For a VM in Proxmox VE, this command sets it:"),
            command(`cloudseed pve register ${node.name}`),
            h(
                "p",
                {class: "note-line"},
                icon("lock"),
                "The serial holds the join key. It is not kept on this page: close this, and it is gone."
            )
        ],
        [{text: "Close", kind: "primary"}]
    );
    say(`${node.name} is armed.`);
}

export function askArm(node, onDone) {
    const minutes = h("input", {
        type: "number",
        min: 1,
        max: MINUTES_MAX,
        value: MINUTES,
        required: true,
        id: "minutes"
    });
    const isOpen = Boolean(node.window);
    show(
        `Arm ${node.name}?`,
        [
            h(
                "p",
                {},
                "This opens its build window: a machine that has its serial is installed as this node, and may join its cluster."
            ),
            isOpen
                ? h(
                      "p",
                      {class: "note-line"},
                      icon("warn"),
                      "Its window is open. It gets a new join key; the serial that the machine has now is no longer valid."
                  )
                : null,
            node.state === "ready"
                ? h(
                      "p",
                      {class: "note-line"},
                      icon("warn"),
                      "The node is ready. Arm it only to install it again."
                  )
                : null,
            node.locked
                ? h(
                      "p",
                      {class: "note-line"},
                      icon("lock"),
                      "This also lifts the lock of its alarm."
                  )
                : null,
            h("label", {class: "field", for: "minutes"}, "Minutes"),
            minutes
        ],
        [
            {text: "Cancel", kind: ""},
            {
                text: "Arm",
                kind: "primary",
                run: async () => {
                    if (!minutes.reportValidity()) return;
                    const armed = await post(nodePath(node.name, "/arm"), {
                        minutes: minutes.valueAsNumber
                    });
                    onDone(armed);
                    showArmed(node, armed.arm);
                }
            }
        ]
    );
    minutes.select();
}

export function askDisarm(node, onDone) {
    show(
        `Disarm ${node.name}?`,
        [
            h(
                "p",
                {},
                "This closes its build window: the serial of its machine is no longer valid" +
                    (node.boot && !node.boot.finished
                        ? `, and the boot that is running after ${count(node.boot.events, "report")} cannot join.`
                        : ".")
            )
        ],
        [
            {text: "Cancel", kind: ""},
            {
                text: "Disarm",
                kind: "danger",
                run: async () => {
                    onDone(await post(nodePath(node.name, "/disarm")));
                    dialog.close();
                    say(`${node.name} is disarmed.`);
                }
            }
        ]
    );
}
