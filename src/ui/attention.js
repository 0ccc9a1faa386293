// SPDX-License-Identifier: Apache-2.0
// What is wrong, above or beside the fleet: nodes by what they have in common, with what to do and
// the commands for it.

import {command, h, hidden, icon, setText} from "./dom.js";
import {commandsOf, HINTS, iconOf} from "./hints.js";
import {number} from "./text.js";

const GROUP_MAX = 4; // nodes of one problem that are named

// What to do, and the commands for it.
export const remedy = (todo, commands) => [
    h("p", {class: "todo"}, todo),
    h("div", {class: "commands"}, commands.map(command))
];

// The list of problems, written again only where it changed.
export class Attention {
    constructor(onShow) {
        this.onShow = onShow;
        this.key = "";
        this.list = h("ul", {class: "problems"});
        this.title = h("h2", {id: "attention-title"});
        this.el = h(
            "section",
            {class: "attention", "aria-labelledby": "attention-title"},
            this.title,
            this.list
        );
    }

    node(kind, entry) {
        const {what} = entry.problems.find((problem) => problem.kind === kind);
        return h(
            "li",
            {},
            h("a", {href: `#/nodes/${encodeURIComponent(entry.node.name)}`}, entry.node.name),
            h("span", {class: "what"}, what)
        );
    }

    group(kind, entries) {
        const hint = HINTS[kind],
            only = entries.length === 1 ? entries[0].node : null;
        const rest = entries.length - GROUP_MAX;
        return h(
            "li",
            {class: `problem ${hint.bad ? "is-bad" : "is-warn"}`},
            h(
                "h3",
                {},
                icon(iconOf(kind)),
                hint.title,
                entries.length > 1 ? h("span", {class: "n"}, number(entries.length)) : null
            ),
            h(
                "ul",
                {class: "named"},
                entries.slice(0, GROUP_MAX).map((entry) => this.node(kind, entry))
            ),
            rest > 0
                ? h(
                      "button",
                      {type: "button", class: "link", onclick: () => this.onShow(kind)},
                      `Show all ${number(entries.length)}`,
                      hidden(` nodes: ${hint.title}`)
                  )
                : null,
            remedy(hint.todo, commandsOf(kind, only))
        );
    }

    other(where, problem) {
        return h(
            "li",
            {class: "problem is-bad"},
            h("h3", {}, icon("warn"), where),
            h("p", {class: "what"}, problem.what),
            remedy(problem.todo, problem.commands)
        );
    }

    // `others`: [{where, problem}] of the server and the clusters.
    render(entries, others, isLoaded) {
        const groups = new Map(Object.keys(HINTS).map((kind) => [kind, []]));
        for (const entry of entries) {
            for (const {kind} of entry.problems) groups.get(kind).push(entry);
        }
        const kinds = [...groups].filter(([, list]) => list.length);
        const key = JSON.stringify([
            isLoaded,
            others,
            kinds.map(([kind, list]) => [
                kind,
                list.length,
                list.slice(0, GROUP_MAX).map(({node, problems}) => [node.name, problems])
            ])
        ]);
        if (key === this.key) return;
        this.key = key;
        const isFocused = this.el.contains(document.activeElement);
        const n = kinds.length + others.length;
        setText(this.title, n ? "Needs attention" : isLoaded ? "All is well" : "Loading");
        this.list.replaceChildren(
            ...others.map(({where, problem}) => this.other(where, problem)),
            ...kinds.map(([kind, list]) => this.group(kind, list))
        );
        this.el.classList.toggle("is-empty", n === 0);
        if (isFocused && !this.el.contains(document.activeElement)) {
            this.title.tabIndex = -1;
            this.title.focus({preventScroll: true});
        }
    }
}
