// SPDX-License-Identifier: Apache-2.0
// A list of events, the newest first, which grows while it is looked at.

import {get} from "./api.js";
import {h, icon, setText} from "./dom.js";
import {eventText, isBad, when} from "./text.js";

const PAGE = 100;
const MAX = 1000; // rows; older ones give way

export class EventList {
    // Of one node (by its uid), or of all; `title` heads it at level `heading`.
    constructor({node = null, uid = null, heading = "h2", title = "Events"}) {
        Object.assign(this, {node, uid});
        this.list = h("ol", {class: "events"});
        this.quiet = h(
            "label",
            {class: "check"},
            h("input", {type: "checkbox", onchange: ({target}) => this.hideSteps(target.checked)}),
            "without progress"
        );
        this.more = h(
            "button",
            {type: "button", class: "link", hidden: true, onclick: () => this.older()},
            "Show older events"
        );
        this.empty = h("p", {class: "empty", hidden: true}, "No event is kept.");
        this.el = h(
            "section",
            {class: "journal", "aria-label": title},
            h(
                "div",
                {class: "section-head"},
                h(heading, heading === "h1" ? {tabindex: "-1"} : {}, title),
                this.quiet
            ),
            this.list,
            this.empty,
            this.more
        );
        this.newest = 0;
        this.before = null;
        this.waiting = []; // came while the first page was asked for
        this.isLoaded = false;
    }

    query(more) {
        return `/v1/events?order=newest${this.uid ? `&node=${encodeURIComponent(this.uid)}` : ""}${more}`;
    }

    hideSteps(isHidden) {
        this.list.classList.toggle("no-progress", isHidden);
    }

    row(event) {
        const bad = isBad(event);
        const time = h(
            "time",
            {datetime: event.at, title: `${event.at}, event ${event.id}`},
            when(event.at)
        );
        return h(
            "li",
            {class: `event k-${event.kind}${bad ? " is-bad" : ""}`},
            time,
            h("span", {class: "kind"}, bad ? icon("warn") : null, event.kind),
            this.node || !event.node
                ? null
                : h(
                      "a",
                      {class: "of", href: `#/nodes/${encodeURIComponent(event.node)}`},
                      event.node
                  ),
            h("span", {class: "event-text"}, eventText(event)),
            event.data?.log
                ? h(
                      "details",
                      {class: "log"},
                      h("summary", {}, "Log"),
                      h("pre", {tabindex: "0"}, event.data.log)
                  )
                : null
        );
    }

    take(page) {
        this.list.append(...page.events.map((event) => this.row(event)));
        this.before = page.next;
        this.more.hidden = page.next === null || this.list.childElementCount >= MAX;
    }

    async load() {
        const page = await get(this.query(`&limit=${PAGE}`));
        this.list.replaceChildren();
        this.newest = page.events[0]?.id ?? 0;
        this.take(page);
        this.isLoaded = true;
        this.add(this.waiting);
        this.waiting = [];
        this.empty.hidden = this.list.firstChild !== null;
    }

    async older() {
        this.more.disabled = true;
        try {
            const last = this.list.lastChild;
            this.take(await get(this.query(`&limit=${PAGE}&before=${this.before}`)));
            const next = last?.nextSibling;
            if (next) {
                next.tabIndex = -1;
                next.focus();
            }
            setText(this.more, "Show older events");
        } catch (error) {
            setText(this.more, `${error.message} Try again`);
        }
        this.more.disabled = false;
    }

    // New ones, the oldest first, as they came.
    add(events) {
        if (!this.isLoaded) {
            this.waiting.push(...events);
            return;
        }
        const news = events
            .filter((event) => event.id > this.newest && (!this.node || event.node === this.node))
            .slice(-MAX);
        if (!news.length) return;
        this.newest = news.at(-1).id;
        this.empty.hidden = true;
        this.list.prepend(...news.reverse().map((event) => this.row(event)));
        while (this.list.childElementCount > MAX) this.list.lastChild.remove();
    }
}
