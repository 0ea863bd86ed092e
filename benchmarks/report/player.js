// Plays the replays: one <figure class="player"> an environment, its data in a JSON script element: agent -> which
// episode -> { title, start, replay }. An address "#watch/ENVIRONMENT/AGENT/WHICH" in the page opens one.
function sceneOf(replay) {
  if (replay.wide) return vehicleScene;
  if (replay.lanes) return signalScene;
  return floorScene(replay.robots ? unpackErrands : unpackShelves);
}

const AHEAD = 8; // steps before what an episode is shown for

function player(figure) {
  const replays = JSON.parse(figure.querySelector("script").textContent);
  const canvas = figure.querySelector("canvas"), pen = canvas.getContext("2d");
  const slider = figure.querySelector("input[type=range]"), status = figure.querySelector(".status");
  const play = figure.querySelector(".play"), speed = figure.querySelector("select");
  const heatBox = figure.querySelector(".heat"), title = figure.querySelector(".which");
  const tabs = [...figure.querySelectorAll(".tabs button")], episodes = figure.querySelector(".episodes");
  let agent, replay, scene, frames, heat, time = 0, playing = false, last = 0;

  const styles = getComputedStyle(figure), color = name => styles.getPropertyValue("--" + name).trim();

  function draw() {
    const [width, height] = scene.size(replay), pixels = canvas.clientWidth * devicePixelRatio, scale = pixels / width;
    canvas.width = pixels; canvas.height = pixels * height / width;
    canvas.style.aspectRatio = `${width} / ${height}`;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    scene.draw(pen, color, replay, frames, time, heatBox.checked ? (heat = heat || scene.heat(replay, frames)) : null);
    const step = Math.min(Math.floor(time), frames.length - 1);
    slider.value = step;
    status.textContent = scene.status(frames[step], step, frames.length - 1);
  }

  function show(name, which) { // an episode of an agent
    const one = replays[name][which];
    agent = name; replay = one.replay; scene = sceneOf(replay); frames = scene.unpack(replay); heat = null;
    tabs.forEach(tab => {
      tab.setAttribute("aria-selected", tab.dataset.agent === name);
      tab.tabIndex = tab.dataset.agent === name ? 0 : -1;
    });
    episodes.replaceChildren(...Object.entries(replays[name]).map(([key, { label }]) => {
      const button = document.createElement("button");
      button.type = "button"; button.textContent = label; button.dataset.which = key;
      button.setAttribute("aria-pressed", key === which);
      button.addEventListener("click", () => show(name, key));
      return button;
    }));
    title.textContent = one.title;
    slider.max = frames.length - 1;
    time = Math.min(Math.max(one.start - AHEAD, 0), frames.length - 1);
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

  tabs.forEach(tab => tab.addEventListener("click", () => show(tab.dataset.agent, Object.keys(replays[tab.dataset.agent])[0])));
  figure.querySelector(".tabs").addEventListener("keydown", event => { // as tabs are expected to work
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = tabs[(tabs.findIndex(tab => tab.dataset.agent === agent) + by + tabs.length) % tabs.length];
    next.focus(); next.click();
  });
  play.addEventListener("click", () => { if (time >= frames.length - 1) time = 0; run(!playing); });
  slider.addEventListener("input", () => { time = +slider.value; draw(); });
  heatBox.addEventListener("change", draw);
  new ResizeObserver(draw).observe(figure);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("beforeprint", draw);
  show(figure.dataset.first, Object.keys(replays[figure.dataset.first])[0]);
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) { // play once it is in view
    const view = new IntersectionObserver(seen => {
      if (seen[0].isIntersecting) { view.disconnect(); run(true); }
    }, { threshold: 0.5 });
    view.observe(canvas);
  }
  figure.watch = (name, which) => { if (replays[name]?.[which]) { show(name, which); run(true); } };
}

document.querySelectorAll(".player").forEach(player);

function follow() { // a number of a table was clicked
  const [kind, environment, agent, which] = decodeURIComponent(location.hash.slice(1)).split("/");
  const figure = kind === "watch" && document.getElementById(`player/${environment}`);
  if (!figure) return;
  figure.scrollIntoView({ block: "center" });
  figure.watch(agent, which);
  figure.querySelector(".play").focus({ preventScroll: true });
}
addEventListener("hashchange", follow);
follow();
