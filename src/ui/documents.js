// SPDX-License-Identifier: Apache-2.0
// A node's rendered documents, and where each line comes from: the template's line, and the
// variables in it with the place that sets them. Operators see them: they hold the node's keys.

import {get, nodePath} from "./api.js";
import {h, icon, setText, hidden} from "./dom.js";

const VALUE_MAX = 80; // characters of one that are repeated beside the line

const placeText = (place) => (place ? `${place.file}:${place.line}` : "");

// Beside a line there is room for the end of it.
const shortPlace = ({file, line}) => `${file.split("/").slice(-2).join("/")}:${line}`;

// Pieces of the rendered text as lines: [[{text, piece}, …], …].
export function linesOf(pieces) {
    const lines = [[]];
    for (const piece of pieces) {
        piece.text.split("\n").forEach((text, i) => {
            if (i) lines.push([]);
            if (text) lines.at(-1).push({text, piece});
        });
    }
    if (lines.at(-1).length === 0 && lines.length > 1) lines.pop(); // after the last newline
    return lines;
}

// Where a line comes from; the piece that most of it is made of counts.
function sourceOf(line) {
    const longest = line.reduce(
        (best, part) => (part.text.length > (best?.text.length ?? 0) ? part : best),
        null
    );
    return longest?.piece.at ? shortPlace(longest.piece.at) : "";
}

export class Documents {
    constructor(name) {
        this.name = name;
        this.tabs = h("div", {class: "tabs", role: "tablist", "aria-label": "Documents"});
        this.lines = h("div", {
            class: "lines",
            role: "listbox",
            tabindex: "0",
            "aria-label": "Lines"
        });
        this.source = h("div", {class: "source", id: "source"});
        this.trouble = h("p", {class: "empty", hidden: true});
        this.panel = h(
            "div",
            {class: "document", role: "tabpanel", id: "document"},
            this.lines,
            this.source
        );
        this.el = h(
            "section",
            {class: "documents", "aria-labelledby": "documents-title"},
            h("h2", {id: "documents-title"}, "Documents"),
            this.tabs,
            this.trouble,
            this.panel
        );
        this.panel.hidden = true;
        this.at = -1;
        this.tabs.addEventListener("keydown", (event) => this.tabKey(event));
        this.lines.addEventListener("keydown", (event) => this.lineKey(event));
        this.lines.addEventListener("focus", () => this.choose(Math.max(this.at, 0)));
        this.lines.addEventListener("mousemove", ({target, movementX, movementY}) => {
            const line = target.closest(".line");
            // What is scrolled under the pointer is not pointed at.
            if (line && (movementX || movementY)) this.choose(Number(line.dataset.at), false);
        });
    }

    async load() {
        const {documents} = await get(nodePath(this.name, "/documents"));
        this.tabs.replaceChildren(
            ...documents.map((name, i) =>
                h(
                    "button",
                    {
                        type: "button",
                        role: "tab",
                        id: `tab-${i}`,
                        "aria-controls": "document",
                        "aria-selected": "false",
                        tabindex: i ? "-1" : "0",
                        onclick: ({target}) => this.show(target)
                    },
                    name
                )
            )
        );
    }

    tabKey(event) {
        const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
        if (!step) return;
        const tabs = [...this.tabs.children];
        const next =
            tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
        next.focus();
        event.preventDefault();
    }

    async show(tab) {
        for (const other of this.tabs.children) {
            other.setAttribute("aria-selected", other === tab);
            other.tabIndex = other === tab ? 0 : -1;
        }
        const document_ = tab.textContent;
        this.asked = document_;
        this.panel.setAttribute("aria-labelledby", tab.id);
        try {
            const path = nodePath(this.name, `/documents/${encodeURIComponent(document_)}`);
            const traced = await get(`${path}?trace=1`);
            if (this.asked !== document_) return;
            this.trouble.hidden = true;
            this.write(document_, traced);
        } catch (error) {
            this.panel.hidden = true;
            this.trouble.hidden = false;
            setText(this.trouble, error.message);
        }
    }

    write(name, traced) {
        this.parts = linesOf(
            traced.pieces ?? [{text: traced.text, at: null, value: false, names: []}]
        );
        this.lines.setAttribute("aria-label", `Lines of ${name}`);
        this.lines.replaceChildren(
            ...this.parts.map((line, i) =>
                h(
                    "div",
                    {
                        class: "line",
                        role: "option",
                        id: `line-${i}`,
                        "data-at": i,
                        "aria-selected": "false"
                    },
                    h("span", {class: "line-number", "aria-hidden": "true"}, String(i + 1)),
                    h(
                        "span",
                        {class: "line-text"},
                        line.map(({text, piece}) => (piece.value ? h("mark", {}, text) : text)),
                        line.length ? null : "\u00a0"
                    ),
                    h("span", {class: "line-source"}, hidden(" from "), sourceOf(line))
                )
            )
        );
        this.panel.hidden = false;
        this.at = -1;
        this.source.replaceChildren(
            h(
                "p",
                {},
                "Point at a line, or go through the lines with the arrow keys, to see where it comes from."
            )
        );
    }

    lineKey(event) {
        const step = {
            ArrowDown: 1,
            ArrowUp: -1,
            PageDown: 20,
            PageUp: -20,
            Home: -Infinity,
            End: Infinity
        }[event.key];
        if (!step) return;
        this.choose(Math.min(Math.max(this.at + step, 0), this.parts.length - 1));
        event.preventDefault();
    }

    choose(at, isByKey = true) {
        if (at === this.at || !this.parts?.[at]) return;
        this.lines.children[this.at]?.setAttribute("aria-selected", "false");
        this.at = at;
        const line = this.lines.children[at];
        line.setAttribute("aria-selected", "true");
        this.lines.setAttribute("aria-activedescendant", line.id);
        if (isByKey) line.scrollIntoView({block: "nearest"});
        this.tell(this.parts[at], at);
    }

    tell(parts, at) {
        const values = parts.filter(({piece}) => piece.value);
        const places = [...new Set(parts.map(({piece}) => placeText(piece.at)).filter(Boolean))];
        const from = places.flatMap((place, i) => [i ? ", " : "from ", h("code", {}, place)]);
        this.source.replaceChildren(
            h("h3", {}, `Line ${at + 1}`),
            h("p", {}, places.length ? from : "made by the server"),
            h(
                "ul",
                {},
                values.map((part) => this.value(part))
            )
        );
    }

    // A value, and the variables that it was made of.
    value({text, piece}) {
        const shown = text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX)}…` : text;
        const places = piece.names.map(({name, set}) =>
            h(
                "div",
                {class: "name-set"},
                h("code", {}, name),
                set ? [" set in ", h("code", {}, placeText(set))] : null
            )
        );
        return h("li", {}, h("mark", {}, shown), places);
    }
}

export const notForViewers = () =>
    h(
        "p",
        {class: "empty"},
        icon("lock"),
        "Documents hold the node's keys: an operator's token shows them."
    );
