// The controls of the 20 specifications, their mistakes and the notes beside them.

import { noteText } from "./answer.js";
import { make, setText } from "./dom.js";
import { plain, span } from "./format.js";
import { t } from "./language.js";
import { GROUPS, isFlag, UNITS } from "./specifications.js";

export function createControls(place, info, onChange) {
	const create = (feature) => (isFlag(feature.name) ? createSwitch : createNumber)(feature, onChange);
	const controls = Object.fromEntries(info.features.map((feature) => [feature.name, create(feature)]));
	const control = (name) => {
		const note = make("p.note", { id: `${name}-note` });
		return make("div.control", ...controls[name].parts, note);
	};
	const group = ([heading, names]) =>
		make("fieldset", { class: heading }, make("legend", t(heading)), ...Object.keys(names).map(control));
	place.replaceChildren(...Object.entries(GROUPS).map(group));

	return {
		show(phone) {
			for (const name in controls) controls[name].show(phone[name]);
		},

		/** The phone as it stands, or nothing while a control has a mistake. */
		read() {
			const values = Object.keys(controls).map((name) => [name, controls[name].read()]);
			return values.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(values);
		},

		note(warnings) {
			for (const name in controls) {
				const own = warnings.filter((warning) => warning.feature === name);
				setText(`${name}-note`, own.map((warning) => noteText(warning, info)).join(" "));
			}
		},
	};
}

function createSwitch({ name }, onChange) {
	const input = make("input", { type: "checkbox", role: "switch", id: name, "aria-describedby": `${name}-note` });
	input.onchange = onChange;
	return {
		parts: [make("label.switch", input, t(name))],
		read: () => Number(input.checked),
		show: (value) => (input.checked = value === 1),
	};
}

function createNumber({ name, low, high, step, plausible_low: least, plausible_high: most }, onChange) {
	const described = `${name}-range ${name}-mistake ${name}-note`;
	const input = make("input", { type: "number", id: name, min: least, max: most, step, "aria-describedby": described });
	const label = t("slider", t(name));
	const slider = make("input", { type: "range", min: low, max: high, step, "aria-label": label });
	const mistake = make("p.mistake", { id: `${name}-mistake` });

	function read() {
		const value = input.value === "" ? NaN : Number(input.value);
		return value >= least && value <= most && (step < 1 || Number.isInteger(value)) ? value : undefined;
	}

	function judge() {
		const wrong = read() === undefined;
		const expected = t(step < 1 ? "expectNumber" : "expectWhole", plain(least), plain(most));
		input.ariaInvalid = wrong;
		mistake.textContent = wrong ? expected : "";
		slider.value = input.value;
		slider.ariaValueText = `${plain(slider.value)} ${t(UNITS[name])}`;
	}

	input.oninput = () => {
		judge();
		onChange();
	};
	slider.oninput = () => {
		input.value = slider.value;
		input.oninput();
	};

	return {
		parts: [
			make("label", { for: name }, t(name)),
			make("span.entry", input, make("span.unit", t(UNITS[name]))),
			slider,
			make("p.small", { id: `${name}-range` }, span(name, low, high)),
			mistake,
		],
		read,
		show(value) {
			input.value = value;
			judge();
		},
	};
}
