// A board on a canvas: x right, y down, in mm; a positive angle turns clockwise. Text is drawn, never parsed.

const FORCE_COLORS = {
    attraction: "#4cc38a", repulsion: "#ff7b72", boundary: "#5aa9ff", constraint: "#ffb454", alignment: "#c297ff",
};
const PALETTE = ["#5aa9ff", "#ffb454", "#5fd38d", "#ff7a90", "#c297ff", "#4fd6d2", "#f2d45c", "#ff9d6c", "#9fc5e8", "#b6d77a"];
const MOST_DETAILED = 3000; // parts with names and pads; beyond, they are too small to tell apart
const NO_PART = {width: 3, height: 3, pads: []};

function own(object, name) {
    return object != null && Object.hasOwn(object, name) ? object[name] : undefined;
}

class PlacementCanvas {
    constructor(canvas) {
        this.canvas = canvas;
        this.layers = {nets: true, pads: true, names: true, forces: true, trails: false};
        this.frame = null;
        this.view = null; // {scale, x, y}: pixels per mm, and where the origin of the board is
        this.moduleColors = new Map(Object.entries(moduleColors));
        this.scheduled = false;
        this.fitted = true;
        new ResizeObserver(() => this.resized()).observe(canvas);
        matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => { this.theme = null; this.draw(); });
        canvas.addEventListener("wheel", event => this.onWheel(event), {passive: false});
        canvas.addEventListener("pointerdown", event => canvas.setPointerCapture(event.pointerId));
        canvas.addEventListener("pointermove", event => this.onMove(event));
        canvas.addEventListener("dblclick", () => this.fit());
    }

    show(frame) {
        this.frame = frame;
        this.draw();
    }

    toggle(layer) {
        this.layers[layer] = !this.layers[layer];
        this.draw();
    }

    colorOf(module) {
        if (!module) return this.colors().muted;
        if (!this.moduleColors.has(module)) {
            this.moduleColors.set(module, PALETTE[this.moduleColors.size % PALETTE.length]);
        }
        return this.moduleColors.get(module);
    }

    fit() {
        const {clientWidth, clientHeight} = this.canvas;
        const width = boardBounds.maxX - boardBounds.minX, height = boardBounds.maxY - boardBounds.minY;
        const scale = Math.min(clientWidth / width, clientHeight / height) || 1;
        this.view = {
            scale,
            x: (clientWidth - width * scale) / 2 - boardBounds.minX * scale,
            y: (clientHeight - height * scale) / 2 - boardBounds.minY * scale,
        };
        this.fitted = true;
        this.draw();
    }

    resized() {
        const ratio = devicePixelRatio || 1;
        this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
        this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
        if (this.fitted || !this.view) this.fit(); else this.draw();
    }

    onWheel(event) {
        event.preventDefault();
        const factor = Math.exp(-event.deltaY / 500), {scale, x, y} = this.view;
        const next = Math.min(Math.max(scale * factor, 0.05), 500), real = next / scale;
        this.view = {
            scale: next,
            x: event.offsetX - (event.offsetX - x) * real,
            y: event.offsetY - (event.offsetY - y) * real,
        };
        this.fitted = false;
        this.draw();
    }

    onMove(event) {
        if (!event.buttons) return;
        this.view.x += event.movementX;
        this.view.y += event.movementY;
        this.fitted = false;
        this.draw();
    }

    colors() {
        if (!this.theme) {
            const style = getComputedStyle(document.documentElement);
            this.theme = Object.fromEntries(
                ["background", "text", "muted", "grid", "board", "edge", "pad", "net", "error"].map(
                    name => [name, style.getPropertyValue(`--${name}`).trim()]));
        }
        return this.theme;
    }

    draw() {
        if (this.scheduled) return;
        this.scheduled = true;
        requestAnimationFrame(() => { this.scheduled = false; this.paint(); });
    }

    paint() {
        if (!this.view) return;
        const context = this.canvas.getContext("2d"), ratio = devicePixelRatio || 1, colors = this.colors();
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.fillStyle = colors.background;
        context.fillRect(0, 0, this.canvas.width, this.canvas.height);
        const {scale, x, y} = this.view;
        context.setTransform(scale * ratio, 0, 0, scale * ratio, x * ratio, y * ratio);
        this.pixel = 1 / scale; // mm
        this.paintBoard(context);
        if (!this.frame) return;
        const parts = Object.entries(this.frame.components);
        if (this.layers.trails) this.paintTrails(context, parts);
        if (this.layers.nets) this.paintNets(context);
        this.paintParts(context, parts);
        if (this.layers.forces) this.paintForces(context);
    }

    paintBoard(context) {
        const colors = this.colors();
        context.fillStyle = colors.board;
        this.traceBoard(context);
        context.fill("evenodd");
        this.paintGrid(context);
        context.lineWidth = 1.5 * this.pixel;
        context.strokeStyle = colors.edge;
        this.traceBoard(context);
        context.stroke();
    }

    traceBoard(context) {
        context.beginPath();
        for (const loop of boardOutline ? [boardOutline.polygon, ...boardOutline.holes] : []) {
            loop.forEach(([x, y], index) => index ? context.lineTo(x, y) : context.moveTo(x, y));
            context.closePath();
        }
    }

    paintGrid(context) {
        if (!(gridSpacing > 0)) return;
        let step = gridSpacing;
        while (step / this.pixel < 14) step *= 2; // lines closer than that are noise
        const {minX, minY, maxX, maxY} = boardBounds;
        context.strokeStyle = this.colors().grid;
        context.lineWidth = this.pixel;
        context.beginPath();
        for (let x = Math.ceil(minX / step) * step; x <= maxX; x += step) { context.moveTo(x, minY); context.lineTo(x, maxY); }
        for (let y = Math.ceil(minY / step) * step; y <= maxY; y += step) { context.moveTo(minX, y); context.lineTo(maxX, y); }
        context.stroke();
    }

    paintNets(context) {
        const components = this.frame.components;
        context.strokeStyle = this.colors().net;
        context.globalAlpha = 0.35;
        context.lineWidth = this.pixel;
        context.beginPath();
        for (const [first, second] of this.frame.connections ?? []) {
            const a = own(components, first), b = own(components, second);
            if (a && b) { context.moveTo(a[0], a[1]); context.lineTo(b[0], b[1]); }
        }
        context.stroke();
        context.globalAlpha = 1;
    }

    paintTrails(context, parts) {
        context.strokeStyle = this.colors().muted;
        context.globalAlpha = 0.5;
        context.setLineDash([4 * this.pixel, 3 * this.pixel]);
        context.lineWidth = this.pixel;
        context.beginPath();
        for (const [ref, [x, y]] of parts) {
            const moved = own(this.frame.movement, ref);
            if (moved) { context.moveTo(x - moved[0], y - moved[1]); context.lineTo(x, y); }
        }
        context.stroke();
        context.setLineDash([]);
        context.globalAlpha = 1;
    }

    paintParts(context, parts) {
        const overlapping = new Set((this.frame.overlaps ?? []).flat()), colors = this.colors();
        const detailed = parts.length <= MOST_DETAILED;
        // The lower side first, so that the upper one covers it.
        const lower = ([ref]) => own(componentLayers, ref) === "bottom";
        for (const part of [...parts.filter(lower), ...parts.filter(part => !lower(part))]) {
            const [ref, [x, y, degrees]] = part, told = own(staticProps, ref) ?? NO_PART;
            const color = this.colorOf(own(this.frame.modules, ref)), overlaps = overlapping.has(ref);
            context.save();
            context.translate(x, y);
            context.rotate(degrees * Math.PI / 180);
            context.globalAlpha = lower(part) ? 0.15 : 0.32;
            context.fillStyle = color;
            context.fillRect(-told.width / 2, -told.height / 2, told.width, told.height);
            context.globalAlpha = 1;
            context.strokeStyle = overlaps ? colors.error : color;
            context.lineWidth = (overlaps ? 2 : 1) * this.pixel;
            if (lower(part)) context.setLineDash([3 * this.pixel, 2 * this.pixel]);
            context.strokeRect(-told.width / 2, -told.height / 2, told.width, told.height);
            context.setLineDash([]);
            if (this.layers.pads && detailed) this.paintPads(context, told.pads);
            context.restore();
        }
        if (this.layers.names && detailed) this.paintNames(context, parts);
    }

    paintPads(context, pads) {
        context.fillStyle = this.colors().pad;
        for (const [x, y, width, height, turned] of pads) {
            if (Math.max(width, height) < 1.5 * this.pixel) continue;
            if (turned && turned % 180) {
                context.save();
                context.translate(x, y);
                context.rotate(turned * Math.PI / 180);
                context.fillRect(-width / 2, -height / 2, width, height);
                context.restore();
            } else {
                context.fillRect(x - width / 2, y - height / 2, width, height);
            }
        }
    }

    paintNames(context, parts) {
        context.textAlign = "center";
        context.textBaseline = "middle";
        context.lineJoin = "round";
        context.font = `600 ${11 * this.pixel}px system-ui, "DejaVu Sans", sans-serif`;
        context.lineWidth = 3 * this.pixel;
        context.strokeStyle = this.colors().background;
        context.fillStyle = this.colors().text;
        for (const [ref, [x, y]] of parts) {
            const told = own(staticProps, ref) ?? NO_PART;
            if (Math.max(told.width, told.height) < 18 * this.pixel) continue;
            context.strokeText(ref, x, y);
            context.fillText(ref, x, y);
        }
    }

    paintForces(context) {
        const forces = Object.entries(this.frame.forces ?? {});
        let longest = 0;
        for (const [, several] of forces) for (const [fx, fy] of several) longest = Math.max(longest, Math.hypot(fx, fy));
        if (!(longest > 0)) return;
        const unit = 40 * this.pixel / longest; // the strongest is 40 pixels long
        context.lineWidth = 1.5 * this.pixel;
        for (const [ref, several] of forces) {
            const place = own(this.frame.components, ref);
            if (!place) continue;
            for (const [fx, fy, kind] of several) this.paintArrow(context, place, fx * unit, fy * unit, kind);
        }
    }

    paintArrow(context, [x, y], dx, dy, kind) {
        const length = Math.hypot(dx, dy);
        if (length < 3 * this.pixel) return;
        const head = Math.min(5 * this.pixel, length / 2) / length;
        context.strokeStyle = own(FORCE_COLORS, kind) ?? this.colors().muted;
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(x + dx, y + dy);
        context.lineTo(x + dx - head * (dx - dy * 0.6), y + dy - head * (dy + dx * 0.6));
        context.moveTo(x + dx, y + dy);
        context.lineTo(x + dx - head * (dx + dy * 0.6), y + dy - head * (dy - dx * 0.6));
        context.stroke();
    }
}

// What both pages have around the canvas.

const element = id => document.getElementById(id);

function number(value, digits) {
    return typeof value === "number" ? value.toLocaleString("en", {maximumFractionDigits: digits, minimumFractionDigits: digits}) : "–";
}

function showFigures(frame) {
    element("iteration").textContent = number(frame.iteration, 0);
    element("phase").textContent = frame.phase || "–";
    element("energy").textContent = number(frame.energy, 2);
    element("max-move").textContent = typeof frame.max_move === "number" ? `${number(frame.max_move, 3)} mm` : "–";
    element("overlaps").textContent = number(frame.overlap_count, 0);
    element("wire-length").textContent =
        typeof frame.total_wire_length === "number" ? `${number(frame.total_wire_length, 1)} mm` : "–";
    element("caption").textContent = frame.label ?? "";
}

function showLegend(board, modules) {
    const names = [...new Set(Object.values(modules ?? {}))].sort();
    const key = JSON.stringify(names);
    if (showLegend.key === key) return;
    showLegend.key = key;
    element("modules").hidden = !names.length;
    element("legend").replaceChildren(...names.map(name => {
        const item = document.createElement("li"), swatch = document.createElement("i");
        swatch.style.background = board.colorOf(name);
        item.append(swatch, name);
        return item;
    }));
}

function wireLayers(board) {
    for (const button of document.querySelectorAll("#layers button[data-layer]")) {
        const layer = button.dataset.layer;
        const show = () => button.setAttribute("aria-pressed", String(board.layers[layer]));
        button.addEventListener("click", () => { board.toggle(layer); show(); });
        show();
    }
    element("fit").addEventListener("click", () => board.fit());
}

// A curve of numbers over their index, as wide as its canvas; null is a gap. `mark` is an index to point out.
function paintGraph(canvas, values, mark) {
    const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    context.scale(ratio, ratio);
    const known = values.filter(value => value !== null);
    if (known.length < 2) return;
    const low = known.reduce((a, b) => Math.min(a, b)), high = known.reduce((a, b) => Math.max(a, b));
    const x = index => 1 + (width - 2) * index / (values.length - 1);
    const y = value => height - 3 - (height - 6) * (high > low ? (value - low) / (high - low) : 0.5);
    context.strokeStyle = style.getPropertyValue("--accent");
    context.lineWidth = 1.5;
    context.beginPath();
    let pen = false;
    values.forEach((value, index) => {
        if (value === null) { pen = false; return; }
        if (pen) context.lineTo(x(index), y(value)); else context.moveTo(x(index), y(value));
        pen = true;
    });
    context.stroke();
    if (mark !== undefined) {
        context.strokeStyle = style.getPropertyValue("--muted");
        context.lineWidth = 1;
        context.beginPath();
        context.moveTo(x(mark), 0);
        context.lineTo(x(mark), height);
        context.stroke();
    }
}
