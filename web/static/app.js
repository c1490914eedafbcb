// The pages work without this: it keeps them current, adds keys, and shows local times.

import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startTimes } from "./times.js";

document.documentElement.classList.add("has-js");
const refreshTimes = startTimes();
startKeys();
startLive(refreshTimes);
