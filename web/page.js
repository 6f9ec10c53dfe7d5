/** The page: takes two pictures, asks the worker to paint, and shows what it tells. */
const byId = (id) => document.getElementById(id);
const worker = new Worker('worker.js', { type: 'module' });

/** Bytes of the files of the two pictures. */
const chosen = { photograph: null, painting: null };
let id = 0;
let scale = null;

function choose(name, bytes) {
  chosen[name] = bytes;
  const view = byId(`${name}-view`);
  URL.revokeObjectURL(view.src);
  view.src = URL.createObjectURL(new Blob([bytes]));
}

/** Which buttons can be pressed. */
function allow(...names) {
  for (const name of ['paint', 'pause', 'resume', 'stop']) byId(name).disabled = !names.includes(name);
}

const say = (text) => (byId('status').textContent = text);

const tellers = {
  ready({ device, gpu, photograph, painting }) {
    byId('device').textContent = gpu
      ? `Painting on ${device || 'the GPU'} through WebGPU. No picture leaves this computer.`
      : 'This browser offers no GPU through WebGPU (Chrome, Edge, Safari 26 and Firefox 141 can): painting on the processor, which is slow; keep to small sizes.';
    if (!gpu) byId('size').value = 96;
    if (chosen.photograph === null) choose('photograph', photograph);
    if (chosen.painting === null) choose('painting', painting);
    allow('paint');
  },
  scale(told) {
    scale = told;
    say(`Size ${told.number} of ${told.count}: ${told.width}x${told.height}.`);
  },
  iteration({ iteration, loss }) {
    say(`Size ${scale.number} of ${scale.count}, iteration ${iteration} of ${scale.iterations}, loss ${loss.toPrecision(4)}.`);
  },
  picture({ png, last }) {
    const view = byId('picture');
    URL.revokeObjectURL(view.src);
    view.src = URL.createObjectURL(new Blob([png], { type: 'image/png' }));
    view.hidden = false;
    byId('save').href = view.src;
    byId('save').hidden = !last;
    if (last) {
      say('Done.');
      allow('paint');
    }
  },
  stopped() {
    say('Stopped.');
    allow('paint');
  },
  failed({ message }) {
    say(message);
    allow('paint');
  },
  refused({ message }) {
    say(message);
  },
};

worker.addEventListener('message', ({ data }) => {
  if (data.id === undefined || data.id === id) tellers[data.kind](data);
});
worker.addEventListener('error', () => {
  say('The engine broke down: reload the page, and try a smaller picture or other files.');
  allow();
});

for (const name of ['photograph', 'painting']) {
  byId(name).addEventListener('change', async ({ target }) => {
    const [file] = target.files;
    if (file) choose(name, new Uint8Array(await file.arrayBuffer()));
  });
}

document.forms[0].addEventListener('submit', (event) => {
  event.preventDefault();
  id += 1;
  const options = { size: Number(byId('size').value), 'style-weight': Number(byId('style-weight').value) };
  byId('save').hidden = true;
  say('Learning filters from the two pictures …');
  allow('pause', 'stop');
  worker.postMessage({ kind: 'paint', id, ...chosen, options });
});

byId('style-weight').addEventListener('change', ({ target }) => {
  worker.postMessage({ kind: 'change', id, options: { 'style-weight': Number(target.value) } });
});

for (const [verb, ...then] of [['pause', 'resume', 'stop'], ['resume', 'pause', 'stop'], ['stop']]) {
  byId(verb).addEventListener('click', () => {
    allow(...then);
    worker.postMessage({ kind: verb, id });
  });
}
