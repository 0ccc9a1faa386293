// SPDX-License-Identifier: Apache-2.0
// The way in: a token, or the one-time code with which `cloudseed ui` opens this page.

import {login} from "./api.js";
import {h, icon} from "./dom.js";

// The code in the address, which it is taken out of at once: it is in no history, and works once.
export function takeCode() {
    const code = /^#code=([^&]+)$/.exec(location.hash)?.[1];
    if (!code) return null;
    history.replaceState(null, "", location.pathname);
    return decodeURIComponent(code);
}

export class LoginView {
    constructor(onLogin, why = "") {
        this.onLogin = onLogin;
        this.token = h("input", {
            type: "password",
            id: "token",
            required: true,
            autocomplete: "current-password",
            spellcheck: "false"
        });
        this.trouble = h("p", {class: "trouble", role: "alert"});
        this.form = h(
            "form",
            {class: "login-form", onsubmit: (event) => this.submit(event)},
            h("label", {class: "field", for: "token"}, "Token"),
            this.token,
            this.trouble,
            h("button", {type: "submit", class: "primary"}, "Sign in")
        );
        this.el = h(
            "div",
            {class: "login"},
            h(
                "div",
                {class: "login-box"},
                icon("seed", "login-mark"),
                h("h1", {tabindex: "-1"}, "Sign in to cloudseed"),
                this.form,
                h(
                    "p",
                    {class: "todo"},
                    "An admin of the server makes a token with ",
                    h("code", {}, "cloudseed token create NAME --role operator"),
                    ". From a terminal that has one, ",
                    h("code", {}, "cloudseed ui"),
                    " opens this page without it."
                )
            )
        );
        this.tell(why);
    }

    title() {
        return "Sign in";
    }
    render() {
        return false;
    }
    refresh() {}
    resize() {}
    key() {
        return false;
    }

    tell(text) {
        this.trouble.replaceChildren(...(text ? [icon("warn"), text] : []));
    }

    async submit(event) {
        event.preventDefault();
        const token = this.token.value.trim();
        this.tell("");
        try {
            await login({token});
            this.token.value = "";
            this.onLogin();
        } catch (error) {
            this.tell(
                error.status === 401
                    ? "This token is not valid: it is wrong, revoked or has ended."
                    : error.message
            );
            this.token.select();
        }
    }
}
