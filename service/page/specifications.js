// The 20 specifications: how a person groups them, their units, and phones to start from.

/** What has no unit is a flag. */
export const GROUPS = {
	processor: { ram: "MB", int_memory: "GB", n_cores: "cores", clock_speed: "GHz" },
	battery: { battery_power: "mAh", talk_time: "hours" },
	screen: { px_height: "pixels", px_width: "pixels", sc_h: "cm", sc_w: "cm", touch_screen: "" },
	cameras: { pc: "MP", fc: "MP" },
	network: { four_g: "", three_g: "", wifi: "", blue: "", dual_sim: "" },
	body: { mobile_wt: "g", m_dep: "cm" },
};

export const UNITS = Object.assign({}, ...Object.values(GROUPS));
export const FEATURES = Object.keys(UNITS);
export const isFlag = (feature) => !UNITS[feature];

const phone = (...values) => Object.fromEntries(FEATURES.map((feature, index) => [feature, values[index]]));

export const EXAMPLES = {
	cheap: phone(512, 8, 2, 1, 800, 8, 320, 640, 9, 5, 0, 3, 0, 0, 0, 0, 0, 0, 160, 0.8),
	middle: phone(2048, 32, 4, 1.5, 1450, 12, 720, 1280, 13, 7, 1, 12, 5, 1, 1, 1, 1, 1, 145, 0.6),
	flagship: phone(3800, 64, 8, 2.5, 1900, 18, 1440, 1920, 15, 8, 1, 20, 12, 1, 1, 1, 1, 1, 120, 0.4),
	today: phone(8192, 128, 8, 2.8, 5000, 24, 1080, 2400, 16, 7, 1, 50, 32, 1, 1, 1, 1, 1, 190, 0.8),
};
