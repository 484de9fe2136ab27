// The viewer of a running stream: shows what the producer says, and what it says only.

const PING_MS = 2000, FPS_MS = 2000, FIRST_PAUSE_MS = 500, LONGEST_PAUSE_MS = 5000, CONFIRM_MS = 3000;
const MOST_EVENTS = 300, MOST_ENERGIES = 600;

class StreamClient {
    constructor(url, {onMessage, onOpen, onClose}) {
        Object.assign(this, {url, onMessage, onOpen, onClose});
        this.pause = FIRST_PAUSE_MS;
        this.bytes = 0;
        this.connect();
    }

    connect() {
        const socket = this.socket = new WebSocket(this.url);
        socket.onopen = () => { this.pause = FIRST_PAUSE_MS; this.onOpen(); };
        socket.onmessage = event => {
            this.bytes += event.data.length;
            let message;
            try { message = JSON.parse(event.data); } catch { return; }
            if (message && typeof message === "object") this.onMessage(message);
        };
        socket.onclose = () => {
            const pause = this.pause;
            this.pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
            this.onClose(pause);
            setTimeout(() => this.connect(), pause);
        };
    }

    send(type) {
        if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({type}));
    }
}

const board = new PlacementCanvas(element("board"));
const state = {connected: false, paused: false, stopping: false, complete: false, asked: "", frames: 0, armed: 0};
const arrivals = [], energies = [];
let pingSent = 0, shownFrames = 0, everConnected = false;

function tell(level, text) {
    const item = document.createElement("li"), time = document.createElement("time"), words = document.createElement("span");
    item.className = level;
    time.textContent = new Date().toLocaleTimeString("en-GB");
    words.textContent = text;
    item.append(time, words);
    const log = element("log"), atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    log.append(item);
    while (log.childElementCount > MOST_EVENTS) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
}

function pill(id, kind, text) {
    const badge = element(id);
    badge.hidden = !text;
    badge.className = `pill ${kind}`;
    badge.textContent = text;
}

function showState() {
    const {connected, paused, stopping, complete, asked} = state, free = connected && !stopping && !complete;
    element("pause").disabled = !free || paused || asked === "pause";
    element("resume").disabled = !free || !paused || asked === "resume";
    element("stop").disabled = !connected || stopping || complete || asked === "stop";
    element("pause").textContent = asked === "pause" ? "Pausing…" : "Pause";
    element("resume").textContent = asked === "resume" ? "Resuming…" : "Resume";
    element("resume").classList.toggle("primary", free && paused);
    const armed = state.armed > 0 && !element("stop").disabled;
    element("stop").classList.toggle("armed", armed);
    element("stop").textContent = asked === "stop" ? "Stopping…" : armed ? "Really?" : "Stop";
    if (!everConnected) return;
    if (complete) pill("run", "ok", "Complete");
    else if (stopping) pill("run", "warning", "Stop requested");
    else if (paused) pill("run", "warning", "Paused");
    else pill("run", connected ? "ok" : "", "Running");
}

function ask(type) {
    state.asked = type;
    client.send(type);
    showState();
}

const handlers = {
    welcome(message) {
        // Another server, or the old one anew: what was told before no longer holds.
        Object.assign(state, {paused: message.paused === true, stopping: false, complete: false, asked: ""});
        tell("info", `Connected, ${number(message.fps, 0)} frames a second at most`);
    },
    frame(message) {
        const frame = message.data;
        if (!frame || typeof frame.components !== "object" || frame.components === null) return;
        state.frames += 1;
        arrivals.push(performance.now());
        if (typeof frame.energy === "number") {
            energies.push(frame.energy);
            if (energies.length > MOST_ENERGIES) energies.shift();
        }
        element("empty").hidden = true;
        board.show(frame);
        showFigures(frame);
        showLegend(board, frame.modules);
    },
    status(message) {
        const level = ["info", "warning", "error", "complete"].includes(message.status) ? message.status : "info";
        if (level === "complete") state.complete = true;
        tell(level, String(message.message));
    },
    control_state(message) {
        const before = {...state};
        Object.assign(state, {paused: message.paused === true, stopping: message.stop_requested === true, asked: ""});
        if (state.stopping && !before.stopping) tell("warning", "Stop requested");
        else if (state.paused !== before.paused) tell("info", state.paused ? "Paused" : "Resumed");
    },
    pong() {
        if (pingSent) element("latency").textContent = `${number((performance.now() - pingSent) / 2, 1)} ms`;
        pingSent = 0;
    },
    stats() {}, // its names are the program's own; the window of dockscope draws them
};

const client = new StreamClient(WEBSOCKET_URL, {
    onOpen() {
        state.connected = everConnected = true;
        pill("link", "ok", "Connected");
        measure();
        showState();
    },
    onClose(pause) {
        if (state.connected) tell(state.complete || state.stopping ? "info" : "warning", "Connection closed");
        Object.assign(state, {connected: false, asked: "", armed: 0});
        pingSent = 0;
        pill("link", state.complete || state.stopping ? "" : "error", `Not connected, again in ${number(pause / 1000, 1)} s`);
        showState();
    },
    onMessage(message) {
        const handler = own(handlers, message.type);
        if (handler) { handler(message); showState(); }
    },
});

element("pause").addEventListener("click", () => ask("pause"));
element("resume").addEventListener("click", () => ask("resume"));
element("stop").addEventListener("click", () => {
    if (state.armed) {
        clearTimeout(state.armed);
        state.armed = 0;
        ask("stop");
    } else {
        state.armed = setTimeout(() => { state.armed = 0; showState(); }, CONFIRM_MS);
        showState();
    }
});

function dataUsed(bytes) {
    return bytes < 1e6 ? `${number(bytes / 1e3, 1)} kB` : `${number(bytes / 1e6, 1)} MB`;
}

setInterval(() => {
    const now = performance.now();
    while (arrivals.length && now - arrivals[0] > FPS_MS) arrivals.shift();
    element("fps").textContent = number(arrivals.length / (FPS_MS / 1000), 1);
    element("data").textContent = dataUsed(client.bytes);
    element("frames").textContent = number(state.frames, 0);
    if (state.frames !== shownFrames) { paintGraph(element("graph"), energies); shownFrames = state.frames; }
}, 500);

function measure() {
    if (!state.connected) { element("latency").textContent = "–"; return; }
    if (!pingSent) { pingSent = performance.now(); client.send("ping"); }
}

setInterval(measure, PING_MS);

element("empty").hidden = false;
wireLayers(board);
showState();
