// SPDX-License-Identifier: Apache-2.0
// Elements. Text from outside reaches the page only as text nodes and attributes made here.

const SVG = "http://www.w3.org/2000/svg";

// h("p", {class: "note"}, "text", element, …). A property that begins with "on" is a listener;
// null and false leave an attribute or a child out.
export function h(tag, props, ...children) {
    const el = document.createElement(tag);
    for (const [name, value] of Object.entries(props ?? {})) {
        if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
        else if (value !== null && value !== undefined && value !== false)
            el.setAttribute(name, value === true ? "" : value);
    }
    el.append(
        ...children
            .flat(2)
            .filter((child) => child !== null && child !== undefined && child !== false)
    );
    return el;
}

// One of the shapes in index.html. It says nothing to a screen reader: text stands beside it.
export function icon(name, more = "") {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", `icon ${more}`);
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `#i-${name}`);
    svg.append(use);
    return svg;
}

export function setIcon(svg, name, more = "") {
    const href = `#i-${name}`;
    if (svg.firstChild.getAttribute("href") !== href) svg.firstChild.setAttribute("href", href);
    if (svg.getAttribute("class") !== `icon ${more}`) svg.setAttribute("class", `icon ${more}`);
}

// Writes only what is different: what is written is laid out again.
export function setText(el, text) {
    if (el.textContent !== text) el.textContent = text;
}

export function setAttribute(el, name, value) {
    if (value === null || value === undefined) el.removeAttribute(name);
    else if (el.getAttribute(name) !== String(value)) el.setAttribute(name, value);
}

export const hidden = (text) => h("span", {class: "hear"}, text);

// Said to screen readers, once. For what was asked for, not for what just happens.
export function say(text) {
    document.getElementById("said").textContent = text;
}

// A command for a terminal, with a button that copies it.
export function command(text) {
    const button = h(
        "button",
        {type: "button", class: "copy", "aria-label": `Copy: ${text}`, title: "Copy"},
        icon("copy")
    );
    button.addEventListener("click", async () => {
        try {
            await navigator.clipboard.writeText(text);
            say("Copied.");
            button.classList.add("copied");
            setTimeout(() => button.classList.remove("copied"), 1200);
        } catch {
            // without TLS there is no clipboard
            getSelection().selectAllChildren(button.previousElementSibling);
            say("Selected. Copy it with the keyboard.");
        }
    });
    return h("span", {class: "command"}, h("code", {}, text), button);
}
