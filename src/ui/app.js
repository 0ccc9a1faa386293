// SPDX-License-Identifier: Apache-2.0
"use strict";
fetch("/readyz").then(async (answer) => {
  document.getElementById("state").textContent = `The server is ${(await answer.text()).trim()}.`;
});
