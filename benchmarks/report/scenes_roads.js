// Scenes of roads: signals (how full each lane is) and vehicles (each one as a box).
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

function stroke(pen, points, fill, thick) {
  pen.strokeStyle = fill; pen.lineWidth = thick; pen.beginPath();
  points.forEach(([x, y]) => pen.lineTo(x, y));
  pen.stroke();
}

const signalScene = {
  unpack({ frames }) { // numbers of vehicles by lane
    const counts = text => [...text].map(letter => letter.charCodeAt(0) - 40);
    return frames.map(({ s, m, o, t }) => ({ standing: counts(s), moving: counts(m), open: o, trips: t }));
  },
  size: replay => replay.size,
  status({ trips: [seconds, created, finished, driving] }) {
    return `${seconds} s · ${driving} driving, ${created - finished - driving} outside, ${finished} arrived`;
  },
  heat(replay, frames) { // mean number of standing vehicles, by lane
    return replay.lanes.map((_, lane) => frames.reduce((sum, frame) => sum + frame.standing[lane], 0) / frames.length);
  },
  draw(pen, color, replay, frames, time, heat) { // each vehicle takes 7.5 m of its lane from its end on
    const [width, height] = replay.size, wide = Math.max(2.4, 1.4 * devicePixelRatio / pen.getTransform().a);
    const now = frames[Math.min(Math.floor(time), frames.length - 1)];
    pen.fillStyle = color("floor"); pen.fillRect(0, 0, width, height);
    replay.lanes.forEach(lane => stroke(pen, alongFromEnd(lane, 0, Infinity), color("home"), wide));
    replay.lanes.forEach((lane, index) => {
      const still = 7.5 * now.standing[index], all = still + 7.5 * now.moving[index];
      if (heat) {
        pen.globalAlpha = 0.9 * heat[index] / Math.max(...heat, 1e-9);
        stroke(pen, alongFromEnd(lane, 0, Infinity), color("heat"), 1.3 * wide);
        pen.globalAlpha = 1;
      } else {
        stroke(pen, alongFromEnd(lane, still, all), color("robot"), wide);
        stroke(pen, alongFromEnd(lane, 0, still), color("wanted"), wide);
      }
      if (now.open[index] === "1") stroke(pen, alongFromEnd(lane, 0, 2 * wide), color("goal"), 1.6 * wide);
    });
  },
};

const JUMP = 40; // further than anything drives in a step [m]: another vehicle has taken the slot
const vehicleScene = {
  unpack: ({ frames }) => frames.map(({ v, t }) => ({ boxes: v, at: new Map(v.map(one => [one[0], one])), time: t })),
  size: replay => replay.size,
  status({ time: [seconds, created, finished, collisions] }) {
    return `${seconds} s · ${finished} of ${created} arrived · ${collisions} collisions`;
  },
  heat(replay, frames) { // [x, y, share of the time in which a vehicle stood within this square of 4 m]
    const counts = new Map();
    for (let t = 1; t < frames.length; t++) {
      for (const [slot, x, y] of frames[t].boxes) {
        const before = frames[t - 1].at.get(slot);
        if (!before || Math.hypot(before[1] - x, before[2] - y) > 0.2) continue;
        const place = Math.floor(y / 4) * 4096 + Math.floor(x / 4);
        counts.set(place, (counts.get(place) || 0) + 1);
      }
    }
    return [...counts].map(([place, n]) => [4 * (place % 4096), 4 * Math.floor(place / 4096), n / (frames.length - 1)]);
  },
  draw(pen, color, replay, frames, time, heat) {
    const step = Math.min(Math.floor(time), frames.length - 1), part = time - step;
    const now = frames[step], next = frames[Math.min(step + 1, frames.length - 1)];
    pen.fillStyle = color("floor"); pen.fillRect(0, 0, ...replay.size);
    pen.lineCap = "butt";
    replay.lanes.forEach(lane => stroke(pen, alongFromEnd(lane, 0, Infinity), color("home"), replay.wide));
    const most = heat ? Math.max(...heat.map(([, , share]) => share)) : 1;
    for (const [x, y, share] of heat || []) {
      pen.globalAlpha = 0.15 + 0.75 * share / most;
      pen.fillStyle = color("heat"); pen.fillRect(x, y, 4, 4);
    }
    pen.globalAlpha = 1;
    for (const [slot, x, y, angle, who, long, wide] of now.boxes) {
      const to = next.at.get(slot), moves = to && Math.hypot(to[1] - x, to[2] - y) < JUMP ? part : 0;
      pen.save();
      pen.translate(x + (moves ? moves * (to[1] - x) : 0), y + (moves ? moves * (to[2] - y) : 0));
      pen.rotate(angle * Math.PI / 180);
      if (who === 2) { pen.fillStyle = color("wanted"); pen.fillRect(-long / 2 - 0.6, -wide / 2 - 0.6, long + 1.2, wide + 1.2); }
      pen.fillStyle = color(["shelf", "robot", "ink"][who]);
      pen.fillRect(-long / 2, -wide / 2, long, wide);
      pen.fillStyle = color("robot-ink"); pen.fillRect(long / 2 - 1.6, -0.38 * wide, 0.8, 0.76 * wide);
      pen.restore();
    }
  },
};
