// The answer: the price range, how sure it is, its probabilities and its notes.

import { byId, make, makeBar, setText } from "./dom.js";
import { anyOf, exactPercent, percent, rangeName, span, specification } from "./format.js";
import { t } from "./language.js";

const SPOKEN_PAUSE = 500;

let speaking;

export function createAnswer(info) {
	const bars = info.classes.map(({ price_range: range }) => makeBar(rangeName(range), `range-${range}`));
	byId("probabilities").replaceChildren(...bars.map((bar) => bar.element));

	function show({ price_range: range, confidence, probabilities, prediction_set: set, warnings }) {
		const name = rangeName(range);
		for (const id of ["range", "compact-range"]) setText(id, name);
		setText("compact-probability", percent(confidence));
		byId("swatch").className = `range-${range}`;
		const sureness = t(warnings.length ? "guess" : set.length > 1 ? "unsure" : "sure", anyOf(set));
		setText("sureness", sureness);
		setText("promise", warnings.length ? "" : t("promise", exactPercent(info.calibration.coverage)));
		bars.forEach((bar, each) => {
			bar.show(probabilities[each], percent(probabilities[each]));
			bar.element.classList.toggle("chosen", each === range);
		});
		showNotes(warnings);
		document.title = `${name} – ${t("title")}`;
		speak(`${name}, ${percent(confidence)}. ${sureness}`);
	}

	function showNotes(warnings) {
		const wholeFirst = warnings.toSorted((one, other) => (one.feature !== null) - (other.feature !== null));
		const list = make("ul", ...wholeFirst.map((warning) => make("li", noteItem(warning, info))));
		const heading = make("h3", t("notesOnPhone", warnings.length));
		byId("notes").replaceChildren(...(warnings.length ? [heading, list] : []));
	}

	return { show, mark };
}

/** What is asked, why the answer is out of date, or nothing. */
function mark(state) {
	for (const id of ["state", "compact-state"]) setText(id, state && t(state));
	byId("phone-view").classList.toggle("old", state && state !== "asking");
}

function speak(sentence) {
	clearTimeout(speaking);
	speaking = setTimeout(() => setText("spoken", sentence), SPOKEN_PAUSE);
}

export const noteText = ({ kind, feature, low, high }, info) =>
	kind === "broken_regularity" ? t(kind, t(feature), limit(feature, info)) : t(kind, span(feature, low, high));

const limit = (name, info) => t(info.regularities.find(({ feature }) => feature === name).not_above);

function noteItem(warning, info) {
	const { kind, feature, value } = warning;
	if (kind === "unlike") return t(kind);
	const outside = kind === "out_of_range";
	const text = outside ? `${t(feature)}: ${specification(feature, value)}` : noteText(warning, info);
	return make("button", { click: () => byId(feature).focus() }, text);
}
