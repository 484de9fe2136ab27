// The player of captured frames. Each frame tells what changed; null in it means as before.

const SNAPSHOT_EVERY = 32;

class FrameReel {
    constructor(deltas) {
        this.deltas = deltas;
        this.snapshots = [];
        let before = {components: new Map(), modules: new Map(), connections: []};
        deltas.forEach((delta, index) => {
            if (index % SNAPSHOT_EVERY === 0) {
                this.snapshots.push({...before, components: new Map(before.components), modules: new Map(before.modules)});
            }
            before = FrameReel.follow(before, delta);
        });
    }

    // Changes the maps of `before`; the places in them are never changed, only replaced.
    static follow(before, delta) {
        const {components, modules} = before;
        for (const ref of delta.removed_components ?? []) components.delete(ref);
        for (const ref of delta.removed_modules ?? []) modules.delete(ref);
        for (const [ref, {x, y, rotation}] of Object.entries(delta.changed_components)) {
            const known = components.get(ref) ?? [0, 0, 0];
            components.set(ref, [x ?? known[0], y ?? known[1], rotation ?? known[2]]);
        }
        for (const [ref, module] of Object.entries(delta.changed_modules)) modules.set(ref, module);
        return {components, modules, connections: delta.connections.length ? delta.connections : before.connections};
    }

    at(position) {
        const start = Math.floor(position / SNAPSHOT_EVERY), snapshot = this.snapshots[start];
        let known = {...snapshot, components: new Map(snapshot.components), modules: new Map(snapshot.modules)};
        for (let index = start * SNAPSHOT_EVERY; index <= position; index++) known = FrameReel.follow(known, this.deltas[index]);
        return {
            ...this.deltas[position],
            components: Object.fromEntries(known.components),
            modules: Object.fromEntries(known.modules),
            connections: known.connections,
        };
    }
}

const board = new PlacementCanvas(element("board"));
const reel = new FrameReel(deltaFrames);
const numbers = name => deltaFrames.map(delta => typeof delta[name] === "number" ? delta[name] : null);
const graphs = [[element("energy-graph"), numbers("energy")], [element("wire-graph"), numbers("total_wire_length")]];
let position = 0, playing = false, due = 0;

function go(to) {
    position = Math.min(Math.max(to, 0), totalFrames - 1);
    const frame = reel.at(position);
    board.show(frame);
    showFigures(frame);
    showLegend(board, frame.modules);
    element("position").value = String(position);
    element("place").textContent = `${number(position + 1, 0)} of ${number(totalFrames, 0)}`;
    for (const [canvas, values] of graphs) paintGraph(canvas, values, position);
}

function play(on) {
    playing = on;
    element("play").textContent = on ? "Pause" : "Play";
    if (!on) return;
    if (position >= totalFrames - 1) go(0);
    due = performance.now();
    requestAnimationFrame(tick);
}

function tick(now) {
    if (!playing) return;
    const interval = 1000 / Number(element("speed").value);
    const steps = Math.floor((now - due) / interval);
    if (steps > 0) {
        due += steps * interval;
        go(position + steps);
    }
    if (position >= totalFrames - 1) play(false); else requestAnimationFrame(tick);
}

function step(by) {
    play(false);
    go(position + by);
}

const actions = {first: () => step(-totalFrames), back: () => step(-1), forward: () => step(1), last: () => step(totalFrames)};
for (const [id, action] of Object.entries(actions)) element(id).addEventListener("click", action);
element("play").addEventListener("click", () => play(!playing));
element("position").addEventListener("input", event => step(Number(event.target.value) - position));
for (const [canvas, values] of graphs) {
    canvas.addEventListener("pointerdown", event => {
        step(Math.round(event.offsetX / canvas.clientWidth * (values.length - 1)) - position);
    });
}
const keys = {ArrowLeft: actions.back, ArrowRight: actions.forward, Home: actions.first, End: actions.last, " ": () => play(!playing)};
document.addEventListener("keydown", event => {
    const action = own(keys, event.key);
    if (!action || ["SELECT", "INPUT"].includes(event.target.tagName)) return;
    if (event.target.tagName === "BUTTON" && event.key === " ") return; // which presses that button
    event.preventDefault();
    action();
});
addEventListener("resize", () => go(position));

element("count").textContent = `${number(totalFrames, 0)} frames`;
element("position").max = String(totalFrames - 1);
wireLayers(board);
go(0);
