// Plays the replays: one <figure class="player"> an environment, its data in a JSON script element.
const HEADINGS = [[0, -1], [0, 1], [-1, 0], [1, 0]]; // up, down, left, right: [x, y]

function unpack(replay) { // fill in what the compact form leaves out: all shelves and requests at every step
  let shelves = replay.shelves, wanted = new Set();
  return replay.frames.map(({ r, q, m }) => {
    if (m) { shelves = shelves.slice(); for (const [index, row, col] of m) shelves[index] = [row, col]; }
    if (q) wanted = new Set(q);
    return { robots: r, shelves, wanted };
  });
}

const MOVES = [[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]]; // [rows, columns] by number of the move

function unpackErrands(replay) { // robots are written by their moves, goals only where they change
  let places = replay.robots, goals = [];
  return replay.frames.map(({ m, t, g }) => {
    const letters = [...m].map(letter => letter.charCodeAt(0) - 97);
    places = places.map(([row, col], a) => [row + MOVES[letters[a] >> 2][0], col + MOVES[letters[a] >> 2][1]]);
    if (g) { goals = goals.slice(); for (const [a, row, col] of g) goals[a] = [row, col]; }
    const robots = places.map(([row, col], a) => [row, col, letters[a] & 3, -1]);
    return { robots, goals, done: t, shelves: [], wanted: new Set() };
  });
}

function unpackSignals({ lanes, frames }) { // numbers of vehicles by lane
  const counts = text => [...text].map(letter => letter.charCodeAt(0) - 40);
  return frames.map(({ s, m, o, t }) => ({ standing: counts(s), moving: counts(m), open: o, trips: t }));
}

function alongFromEnd(points, from, to) { // the piece of a polyline [x, y, ...] between two distances from its end
  const piece = [];
  let passed = 0;
  for (let i = points.length - 4; i >= 0 && passed < to; i -= 2) {
    const [x0, y0, x1, y1] = points.slice(i, i + 4), size = Math.hypot(x1 - x0, y1 - y0) || 1;
    const at = distance => [x1 + (x0 - x1) * (distance - passed) / size, y1 + (y0 - y1) * (distance - passed) / size];
    if (passed + size > from) {
      if (!piece.length) piece.push(at(Math.max(from, passed)));
      piece.push(at(Math.min(to, passed + size)));
    }
    passed += size;
  }
  return piece;
}

function player(figure) {
  const replays = JSON.parse(figure.querySelector("script").textContent);
  const canvas = figure.querySelector("canvas"), pen = canvas.getContext("2d");
  const slider = figure.querySelector("input"), status = figure.querySelector(".status");
  const play = figure.querySelector(".play"), speed = figure.querySelector("select");
  const tabs = [...figure.querySelectorAll(".tabs button")];
  let rows, roads, frames, time = 0, playing = false, last = 0;

  const color = name => getComputedStyle(figure).getPropertyValue("--" + name).trim();
  function box(col, row, gap, radius, fill) {
    pen.fillStyle = fill;
    pen.beginPath();
    pen.roundRect(col + gap, row + gap, 1 - 2 * gap, 1 - 2 * gap, radius);
    pen.fill();
  }

  function drawTraffic() { // each vehicle takes 7.5 m of its lane from its end on: standing ones first
    const [width, height] = roads.size, pixels = canvas.clientWidth * devicePixelRatio, scale = pixels / width;
    canvas.width = pixels; canvas.height = pixels * height / width;
    canvas.style.aspectRatio = `${width} / ${height}`;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.fillStyle = color("floor"); pen.fillRect(0, 0, width, height);
    const wide = Math.max(2.4, 1.4 * devicePixelRatio / scale), step = Math.min(Math.floor(time), frames.length - 1);
    const now = frames[step];
    const stroke = (points, fill, thick) => {
      pen.strokeStyle = color(fill); pen.lineWidth = thick; pen.beginPath();
      points.forEach(([x, y]) => pen.lineTo(x, y));
      pen.stroke();
    };
    roads.lanes.forEach(lane => stroke(alongFromEnd(lane, 0, Infinity), "home", wide));
    roads.lanes.forEach((lane, index) => {
      const still = 7.5 * now.standing[index], all = still + 7.5 * now.moving[index];
      stroke(alongFromEnd(lane, still, all), "robot", wide);
      stroke(alongFromEnd(lane, 0, still), "wanted", wide);
      if (now.open[index] === "1") stroke(alongFromEnd(lane, 0, 2 * wide), "goal", 1.6 * wide);
    });
    slider.value = step;
    const [seconds, created, finished, driving] = now.trips;
    status.textContent = `${seconds} s · ${driving} driving, ${created - finished - driving} outside, ${finished} arrived`;
  }

  function draw() {
    if (roads) { drawTraffic(); return; }
    const width = rows[0].length, height = rows.length, pixels = canvas.clientWidth * devicePixelRatio;
    canvas.width = pixels; canvas.height = pixels * height / width;
    canvas.style.aspectRatio = `${width} / ${height}`;
    pen.setTransform(pixels / width, 0, 0, pixels / width, 0, 0);
    pen.fillStyle = color("floor"); pen.fillRect(0, 0, width, height);
    pen.strokeStyle = color("grid"); pen.lineWidth = 0.02; pen.beginPath();
    for (let x = 1; x < width; x++) { pen.moveTo(x, 0); pen.lineTo(x, height); }
    for (let y = 1; y < height; y++) { pen.moveTo(0, y); pen.lineTo(width, y); }
    pen.stroke();
    rows.forEach((row, y) => [...row].forEach((cell, x) => {
      if (cell === "x" || cell === "E") box(x, y, 0.1, 0.1, color("home"));
      if (cell === "@") box(x, y, 0, 0, color("shelf"));
      if (cell === "g") drawGoal(x, y);
      if (cell === "c" || cell === "C") box(x, y, 0.1, 0.1, color("charger"));
    }));
    const step = Math.min(Math.floor(time), frames.length - 1), now = frames[step];
    const next = frames[Math.min(step + 1, frames.length - 1)], part = time - step;
    const carried = new Set(now.robots.map(robot => robot[3]));
    now.shelves.forEach(([row, col], index) => {
      if (!carried.has(index)) box(col, row, 0.1, 0.1, color(now.wanted.has(index) ? "wanted" : "shelf"));
    });
    (now.goals || []).forEach(([row, col]) => { if (row >= 0) drawErrand(col, row); });
    now.robots.forEach((robot, index) => drawRobot(robot, next.robots[index], part, now.wanted, index));
    slider.value = step;
    const done = now.goals ? `${now.done} tasks done` : `${now.robots.reduce((sum, robot) => sum + robot[4], 0)} delivered`;
    status.textContent = `step ${step} of ${frames.length - 1} · ${done}`;
  }

  function drawGoal(x, y) {
    box(x, y, 0.04, 0.14, color("goal"));
    pen.strokeStyle = color("robot-ink"); pen.lineWidth = 0.08; pen.lineCap = "round"; pen.beginPath();
    for (const top of [y + 0.3, y + 0.52]) {
      pen.moveTo(x + 0.3, top); pen.lineTo(x + 0.5, top + 0.18); pen.lineTo(x + 0.7, top);
    }
    pen.stroke();
  }

  function drawErrand(x, y) { // a diamond where some robot wants to go
    pen.fillStyle = color("goal");
    pen.beginPath();
    for (const [dx, dy] of [[0.5, 0.15], [0.85, 0.5], [0.5, 0.85], [0.15, 0.5]]) pen.lineTo(x + dx, y + dy);
    pen.fill();
  }

  function drawRobot(robot, next, part, wanted, index) {
    const col = robot[1] + (next[1] - robot[1]) * part, row = robot[0] + (next[0] - robot[0]) * part;
    if (robot[3] >= 0) box(col, row, 0.03, 0.12, color(wanted.has(robot[3]) ? "wanted" : "shelf"));
    const [dx, dy] = HEADINGS[robot[2]];
    pen.save();
    pen.translate(col + 0.5, row + 0.5);
    pen.fillStyle = color("robot");
    pen.beginPath(); pen.arc(0, 0, 0.32, 0, 7); pen.fill();
    pen.beginPath();
    pen.moveTo(0.48 * dx, 0.48 * dy);
    pen.lineTo(0.22 * dx - 0.24 * dy, 0.22 * dy + 0.24 * dx);
    pen.lineTo(0.22 * dx + 0.24 * dy, 0.22 * dy - 0.24 * dx);
    pen.fill();
    pen.fillStyle = color("robot-ink");
    pen.font = "600 0.34px system-ui, sans-serif"; pen.textAlign = "center"; pen.textBaseline = "middle";
    pen.fillText(index, 0, 0.02);
    pen.restore();
  }

  function choose(agent) {
    tabs.forEach(tab => tab.setAttribute("aria-selected", tab.dataset.agent === agent));
    const replay = replays[agent];
    rows = replay.rows; roads = replay.lanes ? replay : null;
    frames = (roads ? unpackSignals : replay.robots ? unpackErrands : unpack)(replay);
    slider.max = frames.length - 1;
    time = Math.min(time, frames.length - 1);
    draw();
  }

  function run(on) { playing = on; play.textContent = on ? "❚❚" : "▶"; last = 0; if (on) requestAnimationFrame(tick); }
  function tick(moment) {
    if (!playing) return;
    if (last) time += (moment - last) / 1000 * speed.value;
    last = moment;
    if (time >= frames.length - 1) { time = frames.length - 1; run(false); }
    draw();
    if (playing) requestAnimationFrame(tick);
  }

  tabs.forEach(tab => tab.addEventListener("click", () => choose(tab.dataset.agent)));
  play.addEventListener("click", () => { if (time >= frames.length - 1) time = 0; run(!playing); });
  slider.addEventListener("input", () => { time = +slider.value; draw(); });
  new ResizeObserver(draw).observe(figure);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  choose(figure.dataset.first);
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) { // play once it is in view
    const view = new IntersectionObserver(seen => {
      if (seen[0].isIntersecting) { view.disconnect(); run(true); }
    }, { threshold: 0.5 });
    view.observe(canvas);
  }
}

document.querySelectorAll(".player").forEach(player);
