// The request for the phone as curl and Python, to be copied.

import { keyInUse } from "./api.js";
import { byId, setText } from "./dom.js";
import { t } from "./language.js";

const COPIED_FOR = 2_000;

export function showRequest(phone) {
	const address = new URL("predict", document.baseURI).href;
	const body = JSON.stringify(phone);
	const [header, option] = keyInUse()
		? ['\n  -H "X-API-Key: $API_KEY" \\', '\n    headers={"X-API-Key": "YOUR KEY"},']
		: ["", ""];
	setText("curl", `curl ${address} \\${header}\n  -H "Content-Type: application/json" \\\n  -d '${body}'`);
	setText(
		"python",
		`import httpx\n\nanswer = httpx.post(\n    "${address}",${option}\n    json=${body},\n)\nprint(answer.json())`,
	);
}

export function startCopying() {
	for (const button of document.querySelectorAll("[data-copies]")) {
		button.onclick = async () => {
			await copy(byId(button.dataset.copies));
			button.textContent = t("copied");
			setTimeout(() => (button.textContent = t(button.dataset.words)), COPIED_FOR);
		};
	}
}

async function copy(element) {
	try {
		await navigator.clipboard.writeText(element.textContent);
	} catch {
		getSelection().selectAllChildren(element); // plain http has no clipboard
		document.execCommand("copy");
	}
}
