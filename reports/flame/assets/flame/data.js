// The flame graph. The files of this folder are one module, in the order of
// ../../assets.go: data, cost, boxes, draw, view, controls, table, input. All
// names are data: they reach the page as text only.

const host = document.getElementById('flame'), packed = document.getElementById('flame-data');
const $ = id => document.getElementById('fl-' + id);
const ALL = -1, EVERY = -2; // CPU: all chosen; not told apart in the data
const make = (tag, text, properties) => Object.assign(document.createElement(tag), text === undefined ? {} : { textContent: text }, properties);

// --- Reading the data: ../../encode.go says how the tree is packed ---------

const parse = raw => {
  let at = 0;
  const fail = what => { throw new Error(`${what} at byte ${at}`); };
  const number = () => {
    let n = 0;
    for (let m = 1, b = 128; b > 127; m *= 128) {
      if (at >= raw.length) fail('the data ends early');
      b = raw[at++];
      n += (b & 127) * m;
    }
    return n;
  };
  const size = () => { // of a list whose elements take a byte or more
    const n = number();
    return n <= raw.length - at ? n : fail('a list is longer than the data');
  };
  const head = size();
  const d = JSON.parse(new TextDecoder().decode(raw.subarray(at, at += head)));
  const callees = Array.from({ length: d.names.length + 1 }, () => Int32Array.from({ length: size() }, number));
  const n = size() + 1;
  const t = { d, n, frame: new Int32Array(n), parent: new Int32Array(n), end: new Int32Array(n).fill(n) };
  t.frame[0] = t.parent[0] = -1;
  const path = [0];
  for (let i = 1; i < n; i++) {
    for (let up = number(); up > 0; up--) t.end[path.pop() ?? fail('a node has no parent')] = i;
    t.parent[i] = path.at(-1) ?? fail('a node has no parent');
    path.push(i);
  }
  const last = new Int32Array(n);
  for (let i = 1; i < n; i++) {
    const p = t.parent[i], rank = last[p] + number();
    last[p] = rank + 1;
    t.frame[i] = callees[t.frame[p] + 1][rank] ?? fail('a node has no frame');
  }
  const ends = [];
  for (let i = 0; i < n; i++) if (t.end[i] === i + 1 || number() === 1) ends.push(i);
  const s = d.slices;
  t.first = [0];
  for (const _ of s.cpu) t.first.push(t.first.at(-1) + size());
  const entries = t.first.at(-1);
  t.node = new Int32Array(entries);
  t.count = new Uint32Array(entries);
  t.weight = new Float64Array(entries);
  const each = f => s.cpu.forEach((_, k) => { for (let j = t.first[k]; j < t.first[k + 1]; j++) f(j, k); });
  let next = 0, slice = -1;
  each((j, k) => {
    if (k !== slice) [slice, next] = [k, 0];
    next += number();
    t.node[j] = ends[next++] ?? fail('a stack has no node');
  });
  each(j => { t.count[j] = number() + 1; });
  each((j, k) => { t.weight[j] = s.part[k] > 0 ? number() * s.part[k] : t.count[j] * s.fixed[k]; });
  if (at !== raw.length) fail('the data goes on');
  return t;
};

// load never ends if there is nothing to draw: nothing below runs then.
const load = async () => {
  try {
    return parse(new Uint8Array(await inflate('flame-data').arrayBuffer()));
  } catch (e) {
    const still = $('still');
    const why = make('p', `The flame graph cannot be drawn: ${e.message}. The file may be damaged; make the report again.${still ? ' Static pictures follow.' : ''}`, { className: 'alert', role: 'alert' });
    host.after(why);
    if (still) why.insertAdjacentHTML('afterend', still.textContent); // our own markup, of noscript
    host.dataset.ready = 'no';
    return new Promise(() => {});
  }
};
const t = await load();
packed.remove();
host.hidden = false;
const { d, frame, parent, end } = t;
const nameOf = f => f < 0 ? 'all' : d.names[f];
const moduleOf = f => f < 0 ? '' : d.modules[d.module[f]];
