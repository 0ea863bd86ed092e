// Scenes of the warehouse: shelves and errands. A scene knows how to read a replay and to draw a moment of it.
const HEADINGS = [[0, -1], [0, 1], [-1, 0], [1, 0]]; // up, down, left, right: [x, y]
const MOVES = [[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]]; // [rows, columns] by number of the move

function unpackShelves(replay) { // fill in what the compact form leaves out: all shelves and requests at every step
  let shelves = replay.shelves, wanted = new Set();
  return replay.frames.map(({ r, q, m }) => {
    if (m) { shelves = shelves.slice(); for (const [index, row, col] of m) shelves[index] = [row, col]; }
    if (q) wanted = new Set(q);
    return { robots: r, shelves, wanted };
  });
}

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

function floorScene(unpack) {
  return {
    unpack,
    size: replay => [replay.rows[0].length, replay.rows.length],
    status: (frame, step, last) => `step ${step} of ${last} · ` + (frame.goals ? `${frame.done} tasks done`
      : `${frame.robots.reduce((sum, robot) => sum + robot[4], 0)} delivered`),
    heat: standingRobots,
    draw: drawFloor,
  };
}

function standingRobots(replay, frames) { // [x, y, share of the episode in which a robot stood there]
  const counts = new Map();
  for (let t = 1; t < frames.length; t++) {
    frames[t].robots.forEach(([row, col], a) => {
      const before = frames[t - 1].robots[a];
      if (before[0] === row && before[1] === col) counts.set(row * 4096 + col, (counts.get(row * 4096 + col) || 0) + 1);
    });
  }
  return [...counts].map(([place, n]) => [place % 4096, Math.floor(place / 4096), n / (frames.length - 1)]);
}

function box(pen, col, row, gap, radius, fill) {
  pen.fillStyle = fill;
  pen.beginPath();
  pen.roundRect(col + gap, row + gap, 1 - 2 * gap, 1 - 2 * gap, radius);
  pen.fill();
}

function drawFloor(pen, color, replay, frames, time, heat) {
  const [width, height] = [replay.rows[0].length, replay.rows.length];
  pen.fillStyle = color("floor"); pen.fillRect(0, 0, width, height);
  pen.strokeStyle = color("grid"); pen.lineWidth = 0.02; pen.beginPath();
  for (let x = 1; x < width; x++) { pen.moveTo(x, 0); pen.lineTo(x, height); }
  for (let y = 1; y < height; y++) { pen.moveTo(0, y); pen.lineTo(width, y); }
  pen.stroke();
  replay.rows.forEach((row, y) => [...row].forEach((cell, x) => {
    if (cell === "x" || cell === "E") box(pen, x, y, 0.1, 0.1, color("home"));
    if (cell === "@") box(pen, x, y, 0, 0, color("shelf"));
    if (cell === "g") drawGoal(pen, color, x, y);
    if (cell === "c" || cell === "C") box(pen, x, y, 0.1, 0.1, color("charger"));
  }));
  const step = Math.min(Math.floor(time), frames.length - 1), now = frames[step];
  const next = frames[Math.min(step + 1, frames.length - 1)], part = time - step;
  const carried = new Set(now.robots.map(robot => robot[3]));
  now.shelves.forEach(([row, col], index) => {
    if (!carried.has(index)) box(pen, col, row, 0.1, 0.1, color(now.wanted.has(index) ? "wanted" : "shelf"));
  });
  if (heat) {
    const most = Math.max(...heat.map(([, , share]) => share));
    for (const [x, y, share] of heat) {
      pen.globalAlpha = 0.15 + 0.75 * share / most;
      box(pen, x, y, 0, 0, color("heat"));
    }
    pen.globalAlpha = 1;
  }
  (now.goals || []).forEach(([row, col]) => { if (row >= 0) drawErrand(pen, color, col, row); });
  now.robots.forEach((robot, a) => drawRobot(pen, color, robot, next.robots[a], part, now.wanted, a));
}

function drawGoal(pen, color, x, y) {
  box(pen, x, y, 0.04, 0.14, color("goal"));
  pen.strokeStyle = color("robot-ink"); pen.lineWidth = 0.08; pen.lineCap = "round"; pen.beginPath();
  for (const top of [y + 0.3, y + 0.52]) {
    pen.moveTo(x + 0.3, top); pen.lineTo(x + 0.5, top + 0.18); pen.lineTo(x + 0.7, top);
  }
  pen.stroke();
}

function drawErrand(pen, color, x, y) { // a diamond where some robot wants to go
  pen.fillStyle = color("goal");
  pen.beginPath();
  for (const [dx, dy] of [[0.5, 0.15], [0.85, 0.5], [0.5, 0.85], [0.15, 0.5]]) pen.lineTo(x + dx, y + dy);
  pen.fill();
}

function drawRobot(pen, color, robot, next, part, wanted, index) {
  const col = robot[1] + (next[1] - robot[1]) * part, row = robot[0] + (next[0] - robot[0]) * part;
  if (robot[3] >= 0) box(pen, col, row, 0.03, 0.12, color(wanted.has(robot[3]) ? "wanted" : "shelf"));
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
