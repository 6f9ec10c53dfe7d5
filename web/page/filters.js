/**
 * The part of a safetensors file of VGG19 that is needed: the convolutions, of which torchvision calls the tensors
 * `features.N.weight` and `features.N.bias`. The classifier behind them is most of such a file and is not read.
 */
const NEEDED = /^features\.\d+\.(weight|bias)$/;

/** The longest header that is believed. */
const LONGEST_HEADER = 16 << 20;

/** Tensors that lie so near to each other, in bytes, are read at once. */
const NEAR = 1 << 20;

/**
 * @param {(start: number, end: number) => Promise<ArrayBuffer>} read
 * @param {string} name what errors call the file
 * @returns {Promise<Blob>} a file with the needed tensors
 */
async function needed(read, name) {
  const length = Number(new DataView(await read(0, 8)).getBigUint64(0, true));
  if (!(length > 0 && length <= LONGEST_HEADER)) throw new Error(`${name} is no safetensors file`);
  let header;
  try {
    header = JSON.parse(new TextDecoder().decode(await read(8, 8 + length)));
  } catch {
    throw new Error(`${name} is no safetensors file: its header cannot be read`);
  }
  const tensors = Object.entries(header)
    .filter(([tensor]) => NEEDED.test(tensor))
    .sort(([, one], [, other]) => one.data_offsets[0] - other.data_offsets[0]);
  if (tensors.length === 0) throw new Error(`${name} has no tensors called features.N.weight, as torchvision's VGG19 has`);
  const runs = [];
  for (const [, { data_offsets }] of tensors) {
    const [start, end] = data_offsets;
    const run = runs.at(-1);
    if (run && start - run.end <= NEAR) run.end = end;
    else runs.push({ start, end });
  }
  for (const run of runs) run.bytes = await read(8 + length + run.start, 8 + length + run.end);
  const kept = header.__metadata__ ? { __metadata__: header.__metadata__ } : {};
  const parts = [];
  let at = 0;
  for (const [tensor, about] of tensors) {
    const [start, end] = about.data_offsets;
    const run = runs.find((run) => run.start <= start && end <= run.end);
    parts.push(run.bytes.slice(start - run.start, end - run.start));
    kept[tensor] = { ...about, data_offsets: [at, at + end - start] };
    at += end - start;
  }
  const text = new TextEncoder().encode(JSON.stringify(kept));
  const first = new DataView(new ArrayBuffer(8));
  first.setBigUint64(0, BigInt(text.length), true);
  return new Blob([first, text, ...parts]);
}

/** What a user calls filters: the name of their file. */
const nameOf = (path) => path.split('/').pop().split('?')[0] || 'filters';

/** @param {File} file @returns {Promise<{name: string, file: Blob}>} */
export async function filtersIn(file) {
  return { name: nameOf(file.name), file: await needed((start, end) => file.slice(start, end).arrayBuffer(), file.name) };
}

/** @param {string} address of a server that answers requests for parts, also those of other sites' pages */
export async function filtersAt(address) {
  const read = async (start, end) => {
    let response;
    try {
      response = await fetch(address, { headers: { Range: `bytes=${start}-${end - 1}` } });
    } catch {
      throw new Error(`${address} does not answer, or does not allow this page to read it: save the file and open it`);
    }
    if (response.status !== 206) {
      response.body?.cancel();
      throw new Error(`${address} answers with status ${response.status}, where 206 is expected: save the file and open it`);
    }
    return response.arrayBuffer();
  };
  return { name: nameOf(new URL(address, location.href).pathname), file: await needed(read, address) };
}
