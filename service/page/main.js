// Starts the page: views, language, and the state of the service.

import { addressOf, currentView, phoneInAddress, VIEWS } from "./address.js";
import { ask, watchService } from "./api.js";
import { byId, setText } from "./dom.js";
import { switchLanguage, t, translatePage } from "./language.js";
import { showModel } from "./model.js";
import { createPhoneView } from "./phone.js";
import { startCopying } from "./request.js";
import { renderTable, startTable } from "./table.js";

let info;
let phoneView;
let phone = phoneInAddress();

translatePage();
startTable();
startCopying();
watchService(showService);
showView();
byId("language").onclick = changeLanguage;

await start();
onpopstate = () => {
	if (currentView() === "phone") phoneView.show(phoneInAddress());
	showView();
};

async function start() {
	info = await ask("model-info", (response) => response.json());
	startViews();
}

function startViews() {
	phoneView?.leave();
	phoneView = createPhoneView(info, keep, start);
	phoneView.show(phone);
	showView();
}

function keep(changed) {
	phone = changed;
	byId("phone-link").href = addressOf(phone);
}

function showView() {
	for (const view of VIEWS) {
		byId(`${view}-view`).hidden = view !== currentView();
		byId(`${view}-link`).ariaCurrent = view === currentView() ? "page" : null;
	}
	if (currentView() === "model" && info) showModel(info);
}

function changeLanguage() {
	switchLanguage();
	translatePage();
	renderTable();
	if (info) startViews();
}

function showService(state) {
	setText("banner", state === "up" ? "" : t(state));
	if (state !== "up") phoneView?.outdated();
}
