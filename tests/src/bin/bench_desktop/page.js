// Watches the page of the app from inside, so that no driver's time is in what is measured: when the job begins and when its answer is there;
// where it presses, how long a click takes, and how long the app takes to answer the page. What is found lies in `bench`. Or the app is idle,
// and what is pressed meanwhile tells how the machine is: until `bench.over`.
const [presses, stopAt, isIdle] = arguments;
const bench = { clicks: [], calls: [], began: null, seconds: null, stopped: null, failed: null, over: false };
self.bench = bench;
const screen = () => document.body.dataset.screen;
const isStopping = stopAt > 0;
const isPressing = () => isIdle ? !bench.over : screen() === "running";

// From the page's first word of the job, which it sends then, to the answer.
new MutationObserver((_, observer) => {
  if (bench.began === null && screen() === "running") {
    bench.began = performance.now();
    if (presses) press();
  }
  if (bench.began !== null && screen() !== "running") {
    observer.disconnect();
    bench.seconds = (performance.now() - bench.began) / 1000;
    if (!isStopping && !document.querySelector("#answer[data-answer=opened]")) bench.failed = document.body.innerText;
  }
}).observe(document.body, { attributes: true, attributeFilter: ["data-screen"] });

// What waits behind all that the page does now, and is there once a frame was drawn.
const drawn = () => new Promise((resolve) => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = resolve;
  port2.postMessage(null);
}));

const press = async () => {
  // A click of ours changes the page and goes no further: it must not stop the job.
  let pressed = 0;
  let ours = true;
  addEventListener("click", (event) => {
    if (!ours) return;
    event.stopImmediatePropagation();
    document.body.dataset.pressed = pressed += 1;
  }, true);
  while (isPressing()) {
    // A person presses at any time: a click that falls due while the page is at work waits until it has time.
    const due = performance.now() + 20 + 60 * Math.random();
    await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
    if (!isPressing()) break;
    // Only a job has one.
    const stop = document.querySelector("#stop") ?? document.body;
    stop.click();
    await drawn();
    bench.clicks.push([performance.now() - due, (due - bench.began) / 1000]);
    const asked = performance.now();
    await __TAURI__.core.invoke("about");
    bench.calls.push(performance.now() - asked);
    if (isStopping && document.querySelector("#progress").value >= stopAt) {
      ours = false;
      const pressedAt = performance.now();
      stop.click();
      await drawn();
      bench.stopped = screen() === "running" ? -1 : performance.now() - pressedAt;
    }
  }
};

if (isIdle) press();
