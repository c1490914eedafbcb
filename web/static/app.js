// The pages work without this: it keeps them current, adds keys, and shows local times.

import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startTimes } from "./times.js";

const refreshTimes = startTimes();
startKeys();
startLive(refreshTimes);
document.documentElement.classList.add("has-js"); // Last: what it shows works then.
