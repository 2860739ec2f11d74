// The answer: the price range, how sure it is, its probabilities and its notes.

import { byId, make, makeBar, setText } from "./dom.js";
import { anyOf, exactPercent, percent, rangeName, span, specification } from "./format.js";
import { t } from "./language.js";
import { isFlag } from "./specifications.js";

const SPOKEN_PAUSE = 500;

let speaking;

const showCompact = ([answer]) => byId("compact").classList.toggle("shown", !answer.isIntersecting);
new IntersectionObserver(showCompact).observe(byId("range"));

export function createAnswer(info) {
	const bars = info.classes.map(({ price_range: range }) => makeBar(rangeName(range), `range-${range}`));
	byId("probabilities").replaceChildren(...bars.map((bar) => bar.element));

	function show({ price_range: range, confidence, probabilities, prediction_set: set, warnings }) {
		const name = rangeName(range);
		for (const id of ["range", "compact-range"]) setText(id, name);
		setText("compact-probability", percent(confidence));
		byId("swatch").className = `range-${range}`;
		mark(warnings.length ? "isGuess" : "");
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
		const heading = make("h3", t("whyGuess"));
		byId("notes").replaceChildren(...(warnings.length ? [heading, list] : []));
	}

	return { show, mark };
}

/** That it is asked, a guess or out of date, or nothing. */
function mark(state) {
	for (const id of ["state", "compact-state"]) setText(id, state && t(state));
	byId("phone-view").classList.toggle("old", ["outdated", "mistake"].includes(state));
}

function speak(sentence) {
	clearTimeout(speaking);
	speaking = setTimeout(() => setText("spoken", sentence), SPOKEN_PAUSE);
}

export const noteText = ({ kind, feature, low, high }, info) =>
	kind === "broken_regularity" ? brokenText(feature, limit(feature, info)) : t(kind, span(feature, low, high));

export const brokenText = (feature, other) =>
	t(isFlag(feature) ? "broken_flag" : "broken_regularity", t(feature), t(other));

const limit = (name, info) => info.regularities.find(({ feature }) => feature === name).not_above;

function noteItem(warning, info) {
	const { kind, feature, value, low, high } = warning;
	if (kind === "unlike") return t(kind);
	const outside = kind === "out_of_range";
	const given = outside && [t(feature), specification(feature, value), span(feature, low, high)];
	const text = outside ? t("outside", ...given) : noteText(warning, info);
	return make("button", { click: () => byId(feature).focus() }, text);
}
