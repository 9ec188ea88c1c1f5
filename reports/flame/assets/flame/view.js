// What is shown, and its address: a view is named by what it shows, not by
// pixels.

const groupsWith = event => d.groups.map((_, i) => i).filter(g => d.profiles.some(p => p.event === event && d.runs[p.run].group === g));
const want = { event: d.start.event, group: d.start.group, cpu: ALL, shape: 'down', colour: 'cost', vs: null, width: 'larger', frame: -1 };
const unique = list => [...new Set(list)];
// nearest finds the group that fits best: mode, then side, then N.
const nearest = (event, w) => {
  const score = g => (g.mode === w.mode ? 4 : 0) + (g.side === w.side ? 2 : 0) + (g.n === w.n ? 1 : 0);
  return groupsWith(event).reduce((best, g) => best < 0 || score(d.groups[g]) > score(d.groups[best]) ? g : best, -1);
};
// usualVs is what a group is compared with: the other side, else the mode that
// others are set against, else another one, else another N.
const usualVs = (g, list) => {
  const me = d.groups[g], other = f => list.find(i => i !== g && f(d.groups[i]));
  return other(o => o.side !== me.side && o.mode === me.mode && o.n === me.n) ?? other(o => o.n === me.n && o.side === me.side && o.mode === first) ?? other(o => o.n === me.n && o.side === me.side)
    ?? other(o => o.mode === me.mode && o.side === me.side) ?? other(() => true) ?? null;
};
const first = d.start.before;
// Of a difference the later is looked at, against the earlier: after against
// before, another mode against the one that others are set against.
const afterOf = (g, list) => {
  const vs = usualVs(g, list), me = d.groups[g], o = d.groups[vs];
  return vs !== null && (me.side === 'before' && o.side !== me.side || o.side === me.side && me.mode === first && o.mode !== first) ? vs : g;
};
// decide makes a choice that can be shown of what is wanted.
const decide = () => {
  const list = groupsWith(want.event);
  if (!list.includes(want.group)) want.group = nearest(want.event, d.groups[want.group]);
  const me = d.groups[want.group];
  const cpus = unique(slicesOf(want.group, want.event, ALL).map(k => d.slices.cpu[k])).filter(c => c !== EVERY).sort((a, b) => a - b);
  if (!cpus.includes(want.cpu)) want.cpu = ALL;
  const vs = list.includes(want.vs) && want.vs !== want.group ? want.vs : usualVs(want.group, list);
  const line = list.filter(i => d.groups[i].mode === me.mode && d.groups[i].side === me.side && d.groups[i].n > 0 && hasCost(i, want.event, want.cpu));
  const can = { diff: vs !== null, grow: line.length > 1 && line.includes(want.group) };
  const colour = can[want.colour] === false ? 'cost' : want.colour;
  const shape = want.shape === 'both' && want.frame < 0 ? 'down' : want.shape;
  const perPacket = hasCost(want.group, want.event, want.cpu) && (colour !== 'diff' || hasCost(vs, want.event, want.cpu));
  return { event: want.event, group: me, groupAt: want.group, cpu: want.cpu, cpus, list, vs: vs === null ? null : d.groups[vs], vsAt: vs, line, can, colour, shape, perPacket, width: want.width, frame: want.frame,
    cross: colour === 'diff' && d.groups[vs].mode === me.mode && d.groups[vs].n === me.n && d.groups[vs].side !== me.side };
};
// rebuild reckons all that depends on the choice, and keeps the zoom if its
// path is still there.
const rebuild = path => {
  choice = decide();
  after = column(choice.groupAt, choice.event, choice.cpu, choice.perPacket);
  before = choice.colour === 'diff' ? column(choice.vsAt, choice.event, choice.cpu, choice.perPacket) : null;
  steps = choice.colour === 'grow' ? choice.line.map(g => ({ n: d.groups[g].n, column: column(g, choice.event, choice.cpu, true) })) : [];
  width = !before || choice.width === 'after' ? after : choice.width === 'before' ? before : larger(before, after);
  held = before && markHeld(testOf());
  roots = {};
  if (choice.shape === 'down') roots.down = box(-1, [0], null, null, 'down', 'total');
  if (choice.shape === 'up') {
    const ids = [];
    for (let i = 1; i < t.n; i++) if (width.self[i] > 0) ids.push(i);
    roots.up = box(-1, ids, null, null, 'up', 'self');
  }
  if (choice.shape === 'both') {
    const ids = outermost(choice.frame);
    roots.down = box(choice.frame, ids, ids, null, 'down', 'total');
    roots.up = box(choice.frame, ids, ids, null, 'up', 'total');
  }
  zoom = focused = roots.down ?? roots.up;
  const lost = path ? !follow(path) : false;
  controls();
  search();
  redraw();
  describe();
  later();
  if (lost) say('The stack of this view is not in what is chosen: shown is as much of it as there is.');
};

const hashes = () => {
  if (t.hash) return t.hash;
  const one = d.names.map((n, f) => { // FNV-1a
    let h = 0x811c9dc5;
    for (const c of n + '\0' + moduleOf(f)) h = Math.imul(h ^ c.codePointAt(0), 0x01000193);
    return h;
  });
  t.hash = new Uint32Array(t.n);
  for (let i = 1; i < t.n; i++) t.hash[i] = Math.imul(t.hash[parent[i]] ^ one[frame[i]], 0x01000193);
  return t.hash;
};
const LONG = 6;
// pathOf names a box: by all its frames, or by its last three and a hash.
const pathOf = b => {
  const names = [];
  for (let x = b; x.parent; x = x.parent) names.unshift(encodeURIComponent(nameOf(x.frame)));
  if (choice.shape === 'down' && names.length > LONG) names.splice(0, names.length - 3, ':' + hashes()[b.ids[0]].toString(16));
  return (b.half === 'up' && choice.shape === 'both' ? '^;' : '') + names.join(';');
};
const decode = s => {
  try { return decodeURIComponent(s); } catch { return s; }
};
const follow = path => {
  let names = path.split(';');
  let at = roots.down ?? roots.up;
  if (names[0] === '^') {
    at = roots.up ?? at;
    names.shift();
  }
  names = names.map(n => n[0] === ':' ? n : decode(n));
  if (names[0]?.[0] === ':') {
    const h = parseInt(names[0].slice(1), 16), node = hashes().indexOf(h);
    if (node < 0 || choice.shape !== 'down') return false;
    names = [];
    for (let i = node; i > 0; i = parent[i]) names.unshift(nameOf(frame[i]));
  }
  for (const n of names) {
    const next = kidsOf(at).find(k => nameOf(k.frame) === n);
    if (!next) {
      zoom = focused = at;
      return false;
    }
    at = next;
  }
  zoom = focused = at;
  return true;
};
const address = () => {
  const g = choice.group, q = new URLSearchParams({ event: d.events[choice.event].name, mode: g.mode, n: g.n });
  if (g.side) q.set('side', g.side);
  if (choice.cpu !== ALL) q.set('cpu', choice.cpu);
  if (choice.colour !== 'cost') q.set('colour', choice.colour);
  if (choice.colour === 'diff') {
    q.set('vs', [choice.vs.side, choice.vs.n, choice.vs.mode].join('/'));
    if (choice.width !== 'larger') q.set('width', choice.width);
  }
  if (choice.shape !== 'down') q.set('shape', choice.shape);
  if (choice.shape === 'both') q.set('frame', nameOf(choice.frame));
  if (zoom.parent) q.set('path', pathOf(zoom));
  if (query) q.set('q', query);
  return '#flame?' + q;
};
let touched = false;
const remember = () => {
  $('link').href = address();
  if (touched) history.replaceState(null, '', address());
};
// recall takes a view from the address.
const recall = () => {
  const [mark, rest] = location.hash.split(/\?(.*)/s);
  if (mark !== '#flame' || rest === undefined) return false;
  const q = new URLSearchParams(rest);
  const event = d.events.findIndex(e => e.name === q.get('event'));
  if (event >= 0) want.event = event;
  want.group = nearest(want.event, { mode: q.get('mode') ?? d.groups[want.group].mode, side: q.get('side') ?? '', n: Number(q.get('n') ?? d.groups[want.group].n) });
  want.cpu = q.has('cpu') ? Number(q.get('cpu')) : ALL;
  want.colour = ['diff', 'grow'].includes(q.get('colour')) ? q.get('colour') : 'cost';
  const [side, n, mode] = (q.get('vs') ?? '').split(/\/([^/]*)\/(.*)/s);
  want.vs = q.has('vs') ? nearest(want.event, { side, n: Number(n), mode }) : null;
  want.width = ['before', 'after'].includes(q.get('width')) ? q.get('width') : 'larger';
  want.frame = q.has('frame') ? d.names.indexOf(q.get('frame')) : -1;
  want.shape = ['up', 'both'].includes(q.get('shape')) ? q.get('shape') : 'down';
  query = $('q').value = q.get('q') ?? '';
  touched = true;
  rebuild(q.get('path'));
  host.closest('section').scrollIntoView({ behavior: 'instant' });
  return true;
};
