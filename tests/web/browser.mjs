// SPDX-License-Identifier: Apache-2.0
// A real Chromium for tests in Python (browser.py): one JSON object a line in, {"call", "args"},
// and one out, {"value"} or {"error"}. Modules are in NODE_PATH's folder; CHROMIUM names the
// browser.

import {createRequire} from "node:module";
import {readFileSync} from "node:fs";
import {createInterface} from "node:readline";

const require = createRequire(`${process.env.CLOUDSEED_NODE_MODULES}/`);
const {chromium} = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const STEP_MS = 30000;

const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--font-render-hinting=none"]
});
let context, page, cdp, traced;
const said = []; // errors of scripts, of the console, and what CSP has refused

function listen() {
    page.on("console", (message) => {
        if (message.type() === "error")
            said.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => said.push(`error: ${error.stack}`));
}

// By the debugger: the page's policy, which lets no text become a script, does not bind it.
async function evaluate(expression) {
    const {result, exceptionDetails: thrown} = await cdp.send("Runtime.evaluate", {
        expression,
        awaitPromise: true,
        returnByValue: true
    });
    if (thrown) throw new Error(thrown.exception?.description ?? thrown.text);
    return result.value;
}

const calls = {
    async open({url, ...options}) {
        await context?.close();
        context = await browser.newContext({
            viewport: {width: 1280, height: 800},
            reducedMotion: "reduce",
            ...options
        });
        context.setDefaultTimeout(STEP_MS);
        page = await context.newPage();
        cdp = await context.newCDPSession(page);
        cdp.on("Tracing.dataCollected", ({value}) => traced.push(...value));
        listen();
        await page.goto(url);
    },
    goto: (url) => page.goto(url).then(() => null),
    reload: () => page.reload().then(() => null),
    url: () => page.url(),
    run: (text, ...args) => evaluate(`(${text})(...${JSON.stringify(args)})`),
    async until(text, ...args) {
        for (
            const end = Date.now() + STEP_MS;
            ;
            await new Promise((resolve) => setTimeout(resolve, 20))
        ) {
            const value = await calls.run(text, ...args);
            if (value) return value;
            if (Date.now() > end)
                throw new Error(
                    `it did not come true in ${STEP_MS} ms: ${text} ${JSON.stringify(args)}`
                );
        }
    },
    click: (selector) => page.click(selector),
    fill: (selector, text) => page.fill(selector, text),
    press: (keys) => page.keyboard.press(keys),
    type: (text) => page.keyboard.type(text),
    hover: (selector) => page.hover(selector),
    size: (width, height) => page.setViewportSize({width, height}),
    media: (options) => page.emulateMedia(options),
    cookies: () => context.cookies(),
    offline: (is) => context.setOffline(is),
    shot: (path, options = {}) => page.screenshot({path, ...options}).then(() => null),
    // The page's own idea of being hidden: there is no other tab to go to without a head.
    async hide(isHidden) {
        await calls.run(
            `(hidden) => {
      Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
      document.dispatchEvent(new Event("visibilitychange"));
    }`,
            isHidden
        );
    },
    async axe() {
        await evaluate(`${AXE}; null`);
        return evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations.map((v) => " +
                "({id: v.id, help: v.help, nodes: v.nodes.map((n) => n.html + ' ' + n.failureSummary)})))"
        );
    },
    // The tree that a screen reader gets.
    spoken: (selector = "body") => page.locator(selector).ariaSnapshot(),
    said: () => said.splice(0),
    async traceStart(categories) {
        traced = [];
        await cdp.send("Tracing.start", {
            transferMode: "ReportEvents",
            traceConfig: {includedCategories: categories}
        });
    },
    async traceEnd() {
        const ended = new Promise((resolve) => cdp.once("Tracing.tracingComplete", resolve));
        await cdp.send("Tracing.end");
        await ended;
        return traced;
    }
};

for await (const line of createInterface({input: process.stdin})) {
    const {call, args} = JSON.parse(line);
    let answer;
    try {
        answer = {value: (await calls[call](...args)) ?? null};
    } catch (error) {
        answer = {error: error.message};
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
