// What things cost, what differs, what grows, and how numbers are written.

const slicesOf = (group, event, cpu) => d.slices.cpu.map((_, k) => k).filter(k => {
  const p = d.profiles[d.slices.profile[k]];
  return p.event === event && d.runs[p.run].group === group && (cpu === ALL || d.slices.cpu[k] === cpu);
});
const scaleOf = (k, cpu) => cpu === ALL ? d.profiles[d.slices.profile[k]].scale : d.slices.scale[k];
const hasCost = (group, event, cpu) => {
  const list = slicesOf(group, event, cpu);
  return list.length > 0 && list.every(k => scaleOf(k, cpu) > 0);
};
const columns = new Map();
// column returns self and total cost per packet (or share of busy) of every
// node, with variances and samples; the mean over the runs of a group.
const column = (group, event, cpu, perPacket) => {
  const key = [group, event, cpu, perPacket].join();
  if (columns.has(key)) return columns.get(key);
  const c = { key, perPacket, idle: 0, runs: 0, sampled: true, exact: true, self: new Float64Array(t.n), selfVar: new Float32Array(t.n), selfCount: new Uint32Array(t.n) };
  const list = slicesOf(group, event, cpu), runs = new Map();
  for (const k of list) {
    let sum = runs.get(d.slices.profile[k]) ?? 0;
    for (let j = t.first[k]; j < t.first[k + 1]; j++) sum += t.weight[j];
    runs.set(d.slices.profile[k], sum);
    c.idle += d.slices.idle[k];
    c.sampled &&= !d.slices.weights[k];
    c.exact &&= d.slices.spread[k] === 0;
  }
  c.runs = runs.size;
  for (const k of list) {
    const busy = runs.get(d.slices.profile[k]), scale = (perPacket ? scaleOf(k, cpu) : busy > 0 ? 1 / busy : 0) / runs.size;
    for (let j = t.first[k]; j < t.first[k + 1]; j++) {
      const i = t.node[j], w = t.weight[j] * scale;
      c.self[i] += w;
      c.selfVar[i] += w * w / t.count[j] * d.slices.spread[k];
      c.selfCount[i] += t.count[j];
    }
  }
  // Repeats: what each run alone has, to see how runs differ.
  c.each = runs.size < 2 ? [] : [...runs.keys()].map(p => {
    const one = { self: new Float32Array(t.n) };
    for (const k of list.filter(k => d.slices.profile[k] === p)) {
      const scale = perPacket ? scaleOf(k, cpu) : runs.get(p) > 0 ? 1 / runs.get(p) : 0;
      for (let j = t.first[k]; j < t.first[k + 1]; j++) one.self[t.node[j]] += t.weight[j] * scale;
    }
    one.total = one.self.slice();
    for (let i = t.n - 1; i > 0; i--) one.total[parent[i]] += one.total[i];
    return one;
  });
  c.total = c.self.slice();
  c.totalVar = c.selfVar.slice();
  c.totalCount = c.selfCount.slice();
  for (let i = t.n - 1; i > 0; i--) {
    const p = parent[i];
    c.total[p] += c.total[i];
    c.totalVar[p] += c.totalVar[i];
    c.totalCount[p] += c.totalCount[i];
  }
  if (columns.size > 24) columns.delete(columns.keys().next().value);
  columns.set(key, c);
  return c;
};
// larger is the width of a difference: the dearer side of every stack.
const larger = (a, b) => {
  const c = { key: 'larger', self: a.self.map((v, i) => Math.max(v, b.self[i])) };
  c.total = c.self.slice();
  for (let i = t.n - 1; i > 0; i--) c.total[parent[i]] += c.total[i];
  return c;
};

// beyond tells whether two costs differ by more than sampling makes them:
// exactly, from counts, where there are few; 95 % either way.
const beyond = (a, b, A, B) => {
  const n = a.count + b.count;
  if (n === 0) return false;
  if (A.exact && B.exact) return a.cost !== b.cost;
  const one = c => c.total[0] / Math.max(c.totalCount[0], 1);
  if (n >= 100 || !(one(A) > 0) || !(one(B) > 0)) return Math.abs(b.cost - a.cost) > 1.96 * Math.sqrt(a.variance + b.variance);
  const p = one(A) / (one(A) + one(B)); // a sample is one of B's, if nothing differs
  let tail = 0, term = (1 - p) ** n;
  const low = b.count <= n * p;
  for (let k = 0; k <= n; k++) {
    if (low ? k <= b.count : k >= b.count) tail += term;
    term *= (n - k) / (k + 1) * p / (1 - p);
  }
  return tail < 0.025;
};
// between is the squared error of a box's mean over its runs, by their spread.
const between = (b, c) => {
  const costs = c.each.map(one => b.ids.reduce((sum, i) => sum + one[b.use][i], 0));
  const mean = costs.reduce((x, y) => x + y, 0) / costs.length;
  return costs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / costs.length / (costs.length - 1);
};
// T is Student's t, 97.5 %, by degrees of freedom.
const T = [Infinity, 12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14];
// apart tells whether two costs differ: by the runs where there are several,
// else by the error of sampling.
const repeated = () => before.each.length + after.each.length > 0;
const apart = (b, x, y) => {
  if (!repeated()) return beyond(x, y, before, after);
  const va = before.each.length ? between(b, before) : x.variance, vb = after.each.length ? between(b, after) : y.variance;
  const df = Math.max(before.each.length - 1, 0) + Math.max(after.each.length - 1, 0);
  return Math.abs(y.cost - x.cost) > (T[df] ?? 2.13) * Math.sqrt(va + vb);
};
const testOf = () => d.tests.find(x => choice.cross && x.mode === choice.group.mode && x.n === choice.group.n && x.event === choice.event);
// held marks nodes whose function changed over the runs, and those above:
// 1 it got cheaper, 2 dearer.
let held = null;
const markHeld = test => {
  if (!test) return null;
  const sign = new Uint8Array(d.names.length), m = { self: new Uint8Array(t.n), total: new Uint8Array(t.n) };
  test.frames.forEach((f, i) => { sign[f] = test.up[i] ? 2 : 1; });
  for (let i = t.n - 1; i > 0; i--) {
    if (before.self[i] + after.self[i] > 0) m.self[i] = sign[frame[i]];
    m.total[i] |= m.self[i];
    m.total[parent[i]] |= m.total[i];
  }
  return m;
};
const differ = b => {
  if (b.differs) return b.differs;
  const x = value(b, before), y = value(b, after), r = { before: x, after: y, by: y.cost - x.cost, error: Math.sqrt(x.variance + y.variance) };
  r.sure = apart(b, x, y);
  if (held && r.sure) r.sure = b.ids.some(i => held[b.use][i] & (r.by > 0 ? 2 : 1));
  r.part = r.by / (Math.max(x.cost, y.cost) || 1);
  return (b.differs = r);
};
// grow fits log cost to log N; a cost of nothing counts as half a sample.
const grow = b => {
  if (b.grows) return b.grows;
  const points = steps.map(s => {
    const v = value(b, s.column), one = s.column.total[0] / Math.max(s.column.totalCount[0], 1);
    const cost = v.cost > 0 ? v.cost : one / 2;
    return { n: s.n, v, x: Math.log(s.n), y: Math.log(cost), e: v.cost > 0 ? Math.max(v.variance, s.column.each.length ? between(b, s.column) : 0) / (cost * cost) : 1 };
  });
  const mean = points.reduce((sum, p) => sum + p.x, 0) / points.length;
  const spread = points.reduce((sum, p) => sum + (p.x - mean) ** 2, 0);
  const slope = points.reduce((sum, p) => sum + (p.x - mean) * p.y, 0) / spread;
  const error = Math.sqrt(points.reduce((sum, p) => sum + (p.x - mean) ** 2 * p.e, 0)) / spread;
  return (b.grows = { points, slope, error, sure: Math.abs(slope) > 1.96 * error });
};

const thin = '\u2009', minus = '\u2212';
const digits = (v, places) => {
  const [whole, rest] = Math.abs(v).toFixed(places).split('.');
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, thin) : whole;
  return (v < 0 && Number(v.toFixed(places)) !== 0 ? minus : '') + grouped + (rest ? '.' + rest : '');
};
// around prints a number with half of its 95 % interval, by its standard error.
const around = (v, se) => {
  const error = 1.96 * se;
  const places = error > 0 ? Math.min(Math.max(1 - Math.floor(Math.log10(error)), 0), 6) : v === 0 ? 0 : Math.min(Math.max(2 - Math.floor(Math.log10(Math.abs(v))), 0), 6);
  return error > 0 ? `${digits(v, places)} ± ${digits(error, places)}` : digits(v, places);
};
const unitOf = c => c.perPacket ? d.events[choice.event].cost : `% of ${d.events[choice.event].of}`;
const factor = c => c.perPacket ? 1 : 100;
const shareOf = (v, c) => {
  const whole = c.total[0], p = whole > 0 ? v.cost / whole : 0;
  const out = Math.max(c.totalVar[0] - v.variance, 0);
  const error = whole > 0 ? 100 * Math.sqrt(v.variance * (1 - p) ** 2 + out * p * p) / whole : 0;
  return [100 * p, error > 1e-6 ? error : 0]; // of the whole only rounding is left
};
const shareText = (v, c) => `${around(...shareOf(v, c))}${thin}%`;
const costText = (v, c) => c.perPacket ? around(v.cost, Math.sqrt(v.variance)) : around(...shareOf(v, c));
const samples = (v, c) => c.exact ? 'counted' : c.sampled ? `n = ${digits(v.count, 0)}` : 'samples not recorded';
const signed = (v, error) => (v > 0 ? '+' : '') + around(v, error);
const groupText = g => [g.side, g.mode, g.n ? `N=${g.n}` : ''].filter(Boolean).join(' ');
const cpuText = c => c === ALL ? 'all CPUs' : `CPU ${c}`;
const stageOf = b => {
  for (let i = b.half === 'up' ? -1 : b.ids[0], f = b.frame; f >= 0; i = parent[i], f = i > 0 ? frame[i] : -1) {
    if (d.stage[f] >= 0) return d.stages[d.stage[f]];
    if (i < 0) break;
  }
  return '';
};
const sentence = b => {
  const c = after, v = value(b, c), parts = [`${nameOf(b.frame)}${moduleOf(b.frame) ? ' ' + moduleOf(b.frame) : ''}: ${costText(v, c)} ${unitOf(c)}`];
  if (c.perPacket) parts.push(`${shareText(v, c)} of ${d.events[choice.event].of}`);
  const own = selfOf(b, c);
  if (own && b.frame >= 0) parts.push(`self ${costText(own, c)}`);
  parts.push(samples(v, c));
  if (choice.colour === 'diff') {
    const r = differ(b), k = factor(c);
    parts.push(`${groupText(choice.vs)} ${costText(r.before, before)}, change ${signed(k * r.by, k * r.error)}${r.sure ? '' : ', not significant'}`);
  }
  if (choice.colour === 'grow') {
    const r = grow(b);
    parts.push(`grows as N^${around(r.slope, r.error)}${r.sure ? '' : ', within the error'}`);
  }
  return parts.join(', ');
};
