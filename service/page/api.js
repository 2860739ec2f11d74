// Requests to the service: keys, time limits, and patience with one that is stopped or busy.

import { byId, setText } from "./dom.js";
import { t } from "./language.js";

const TIME_LIMIT = 15_000;
const SHORTEST_PAUSE = 500;
const LONGEST_PAUSE = 5_000;

let key = ""; // in memory only
let asking;
let failures = 0;
let report;

/** Be told "up", "busy" or "down", as requests show it. */
export function watchService(listener) {
	report = listener;
}

export const keyInUse = () => key !== "";

/** Ask until there is an answer to read, an abort, or a refusal: an error with the service's `messages`. */
export async function ask(path, read, { signal, limit = TIME_LIMIT, ...options } = {}) {
	for (;;) {
		let wait;
		try {
			const used = key;
			const headers = { ...options.headers, ...(used && { "X-API-Key": used }) };
			const ends = [signal, limit && AbortSignal.timeout(limit)].filter(Boolean);
			const response = await fetch(path, { ...options, headers, signal: AbortSignal.any(ends) });
			if (response.status === 401) {
				if (used === key) await (asking ??= askForKey());
				continue;
			}
			if (response.status < 500 && response.status !== 429) {
				const answer = response.ok ? await read(response) : await refusal(response);
				failures = 0;
				report("up");
				if (response.ok) return answer;
				throw answer;
			}
			wait = Number(response.headers.get("Retry-After")) * 1000 || undefined;
		} catch (error) {
			if (signal?.aborted || error.messages) throw error;
		}
		report(wait ? "busy" : "down"); // down: no network, no answer in time, or only a proxy's
		await pause(wait ?? Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** failures++), signal);
	}
}

export function postPhone(path, phone, signal) {
	const headers = { "Content-Type": "application/json" };
	return ask(path, (response) => response.json(), { signal, method: "POST", headers, body: JSON.stringify(phone) });
}

async function refusal(response) {
	const { detail } = await response.json().catch(() => ({})); // a proxy in between has other words
	const messages = detail?.map((item) => item.msg) ?? [`${response.status}`];
	return Object.assign(new Error(messages[0]), { messages });
}

const pause = (milliseconds, signal) =>
	new Promise((resolve, reject) => {
		setTimeout(resolve, milliseconds);
		signal?.addEventListener("abort", () => reject(signal.reason));
	});

/** Requests that wait for a key share one dialog. */
function askForKey() {
	const dialog = byId("key-dialog");
	setText("key-wrong", key && t("keyWrong"));
	byId("key").value = "";
	dialog.showModal();
	byId("key-form").onsubmit = (event) => {
		event.preventDefault();
		dialog.close();
	};
	return new Promise((resolve) => {
		dialog.onclose = () => {
			key = byId("key").value.trim();
			asking = undefined;
			resolve();
		};
	});
}
