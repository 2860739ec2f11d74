// The page's address: which view, and the whole phone, so that a link can be shared.

import { EXAMPLES, FEATURES, isFlag } from "./specifications.js";

export const VIEWS = ["phone", "table", "model"];

export const currentView = () => VIEWS.find((view) => location.hash === `#${view}`) ?? "phone";

export function phoneInAddress() {
	const given = new URLSearchParams(location.hash.slice(1));
	const read = (feature) => {
		const value = parseFloat(given.get(feature));
		const usable = isFlag(feature) ? value === 0 || value === 1 : Number.isFinite(value);
		return usable ? value : EXAMPLES.middle[feature];
	};
	return Object.fromEntries(FEATURES.map((feature) => [feature, read(feature)]));
}

export const addressOf = (phone) => `#${FEATURES.map((feature) => `${feature}=${phone[feature]}`).join("&")}`;

export function writeAddress(phone, step) {
	const address = addressOf(phone);
	if (currentView() !== "phone" || address === location.hash) return;
	history[step ? "pushState" : "replaceState"](null, "", address);
}
