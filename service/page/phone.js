// The phone view: asks the service as one changes the phone, and shows what it says.

import { addressOf, writeAddress } from "./address.js";
import { createAnswer } from "./answer.js";
import { postPhone } from "./api.js";
import { createControls } from "./controls.js";
import { byId, make } from "./dom.js";
import { t } from "./language.js";
import { createReasons } from "./reasons.js";
import { showRequest } from "./request.js";
import { EXAMPLES } from "./specifications.js";

const PREDICT_PAUSE = 50;
const EXPLAIN_PAUSE = 150;
const SLOW = 300;

/** `onPhone` is told each phone that is asked about, `onOtherModel` that an answer is not of `info`'s model. */
export function createPhoneView(info, onPhone, onOtherModel) {
	let current;
	let asked = new AbortController();
	const controls = createControls(byId("controls"), info, () => follow(PREDICT_PAUSE, EXPLAIN_PAUSE));
	const answer = createAnswer(info);
	const reasons = createReasons(info, change);
	const examples = Object.entries(EXAMPLES);
	const buttons = examples.map(([name, example]) => make("button", { click: () => change(example) }, t(name)));
	byId("examples").replaceChildren(...buttons);

	/** Ask about the phone as it stands; what is still asked is aborted, so that no answer comes too late. */
	function follow(predictPause, explainPause, step) {
		asked.abort();
		asked = new AbortController();
		const phone = controls.read();
		if (!phone) return answer.mark("mistake");
		current = phone;
		writeAddress(phone, step);
		onPhone(phone);
		showRequest(phone);
		examples.forEach(([, example], index) => (buttons[index].ariaPressed = addressOf(example) === addressOf(phone)));
		const { signal } = asked;
		const post = (path) => postPhone(path, phone, signal);
		after(predictPause, signal, () => predict(post, signal));
		after(explainPause, signal, async () => reasons.explain(await post("explain")));
		after(explainPause, signal, async () => reasons.whatIf(await post("what-if")));
	}

	async function predict(post, signal) {
		const slow = setTimeout(() => signal.aborted || byId("banner").textContent || answer.mark("asking"), SLOW);
		try {
			const prediction = await post("predict");
			if (prediction.model_version !== info.model_version) return onOtherModel();
			answer.show(prediction);
			controls.note(prediction.warnings);
		} catch (error) {
			if (error.messages) answer.mark("outdated");
			throw error;
		} finally {
			clearTimeout(slow);
		}
	}

	function change(changes) {
		controls.show({ ...current, ...changes });
		follow(0, 0, true);
	}

	return {
		show(phone) {
			controls.show((current = phone));
			follow(0, 0);
		},
		outdated: () => answer.mark("outdated"),
		leave: () => asked.abort(),
	};
}

function after(milliseconds, signal, act) {
	const judge = (error) => {
		if (!signal.aborted && !error.messages) throw error;
	};
	const timer = setTimeout(() => act().catch(judge), milliseconds);
	signal.addEventListener("abort", () => clearTimeout(timer));
}
