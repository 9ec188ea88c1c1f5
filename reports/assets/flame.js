'use strict';
// The flame graph: one tree for all runs, events, CPUs and sides, drawn on a
// canvas. ../treecode.go says how the tree is packed, ../flamedata.go what its
// header holds. All names are data: they reach the page as text only.
(() => {
  const host = document.getElementById('flame'), packed = document.getElementById('flame-data');
  if (!host || !packed) return;
  const $ = id => document.getElementById('fl-' + id);
  const ALL = -1, EVERY = -2; // CPU: all chosen; not told apart in the data
  const HIGH = 18, MIN = 0.5, ROWS = 40; // row and narrowest frame in px, rows of the table

  // --- Reading the data -----------------------------------------------------

  const unpack = async text => {
    const chars = atob(text.trim()), bytes = new Uint8Array(chars.length);
    for (let i = 0; i < chars.length; i++) bytes[i] = chars.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

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

  const start = t => {
    const { d, frame, parent, end } = t;
    const nameOf = f => f < 0 ? 'all' : d.names[f];
    const moduleOf = f => f < 0 ? '' : d.modules[d.module[f]];
    const make = (tag, text, properties) => Object.assign(document.createElement(tag), text === undefined ? {} : { textContent: text }, properties);

    // --- Columns: what each node weighs in a choice -------------------------

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
      const c = { key, perPacket, idle: 0, runs: 0, self: new Float64Array(t.n), selfVar: new Float32Array(t.n), selfCount: new Uint32Array(t.n) };
      const list = slicesOf(group, event, cpu), runs = new Map();
      for (const k of list) {
        let sum = runs.get(d.slices.profile[k]) ?? 0;
        for (let j = t.first[k]; j < t.first[k + 1]; j++) sum += t.weight[j];
        runs.set(d.slices.profile[k], sum);
        c.idle += d.slices.idle[k];
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

    // --- Boxes: the tree as it is drawn, made when it is looked at ----------

    // A box merges nodes of the tree: ids say what it weighs, at where it is.
    // Downwards both are the same; upwards at climbs from the ends of stacks.
    let choice, width, before, after, steps, roots, zoom, focused, hits, query = '';
    const box = (f, ids, at, over, half, use) => {
      const b = { frame: f, ids, at, parent: over, half, use, depth: over ? over.depth + 1 : 0, w: 0, kids: null, of: new Map() };
      for (const i of ids) b.w += width[use][i];
      return b;
    };
    const slot = new Int32Array(d.names.length).fill(-1);
    const kidsOf = b => {
      if (b.kids) return b.kids;
      const groups = [];
      const put = (f, id, at) => {
        if (slot[f] < 0) {
          slot[f] = groups.length;
          groups.push({ f, ids: [], at: [] });
        }
        const g = groups[slot[f]];
        g.ids.push(id);
        if (b.half === 'up') g.at.push(at);
      };
      if (b.half === 'down') {
        for (const id of b.ids) for (let c = id + 1; c < end[id]; c = end[c]) if (width.total[c] > 0) put(frame[c], c);
      } else if (b.at) {
        b.at.forEach((a, j) => { if (parent[a] > 0) put(frame[parent[a]], b.ids[j], parent[a]); });
      } else {
        for (const id of b.ids) put(frame[id], id, id);
      }
      for (const g of groups) slot[g.f] = -1;
      b.kids = groups.map(g => box(g.f, g.ids, b.half === 'up' ? g.at : g.ids, b, b.half, b.use));
      const merged = choice.shape !== 'down';
      b.kids.sort((x, y) => merged ? y.w - x.w || x.frame - y.frame : x.frame - y.frame);
      return b.kids;
    };
    // outermost lists the nodes of a frame that are not below another of it.
    const outermost = f => {
      const ids = [];
      for (let i = 1; i < t.n;) {
        if (frame[i] === f) {
          if (width.total[i] > 0) ids.push(i);
          i = end[i];
        } else i++;
      }
      return ids;
    };
    const value = (b, c, use = b.use) => {
      const key = c.key + use;
      let v = b.of.get(key);
      if (!v) {
        v = { cost: 0, variance: 0, count: 0 };
        for (const i of b.ids) {
          v.cost += c[use][i];
          v.variance += c[use + 'Var'][i];
          v.count += c[use + 'Count'][i];
        }
        b.of.set(key, v);
      }
      return v;
    };
    // selfOf is what ended in a frame itself; of a caller nothing is asked.
    const selfOf = (b, c) => b.half === 'up' && b.depth > 1 ? null : value(b, c, 'self');

    // --- What differs, and what grows ---------------------------------------

    // beyond tells whether two costs differ by more than sampling makes them:
    // exactly, from counts, where there are few; 95 % either way.
    const beyond = (a, b, A, B) => {
      const n = a.count + b.count;
      if (n === 0) return false;
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
      r.sure = beyond(x, y, before, after);
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
        return { n: s.n, v, x: Math.log(s.n), y: Math.log(cost), e: v.cost > 0 ? v.variance / (cost * cost) : 1 };
      });
      const mean = points.reduce((sum, p) => sum + p.x, 0) / points.length;
      const spread = points.reduce((sum, p) => sum + (p.x - mean) ** 2, 0);
      const slope = points.reduce((sum, p) => sum + (p.x - mean) * p.y, 0) / spread;
      const error = Math.sqrt(points.reduce((sum, p) => sum + (p.x - mean) ** 2 * p.e, 0)) / spread;
      return (b.grows = { points, slope, error, sure: Math.abs(slope) > 1.96 * error });
    };

    // --- Numbers as text ----------------------------------------------------

    const thin = '\u2009', minus = '\u2212';
    const digits = (v, places) => {
      const [whole, rest] = Math.abs(v).toFixed(places).split('.');
      const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, thin) : whole;
      return (v < 0 && Number(v.toFixed(places)) !== 0 ? minus : '') + grouped + (rest ? '.' + rest : '');
    };
    const around = (v, error) => {
      const places = error > 0 ? Math.min(Math.max(1 - Math.floor(Math.log10(error)), 0), 6) : v === 0 ? 0 : Math.min(Math.max(2 - Math.floor(Math.log10(Math.abs(v))), 0), 6);
      return error > 0 ? `${digits(v, places)} ± ${digits(error, places)}` : digits(v, places);
    };
    const unitOf = c => c.perPacket ? d.events[choice.event].cost : '% of busy';
    const factor = c => c.perPacket ? 1 : 100;
    const shareOf = (v, c) => {
      const whole = c.total[0], p = whole > 0 ? v.cost / whole : 0;
      const out = Math.max(c.totalVar[0] - v.variance, 0);
      return [100 * p, whole > 0 ? 100 * Math.sqrt(v.variance * (1 - p) ** 2 + out * p * p) / whole : 0];
    };
    const shareText = (v, c) => `${around(...shareOf(v, c))}${thin}%`;
    const costText = (v, c) => c.perPacket ? around(v.cost, Math.sqrt(v.variance)) : around(...shareOf(v, c));
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
      if (c.perPacket) parts.push(`${shareText(v, c)} of busy`);
      const own = selfOf(b, c);
      if (own && b.frame >= 0) parts.push(`self ${costText(own, c)}`);
      parts.push(`${digits(v.count, 0)} samples`);
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

    // --- Drawing ------------------------------------------------------------

    const canvas = $('canvas'), pane = $('pane'), pad = $('pad'), pen = canvas.getContext('2d');
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const css = n => getComputedStyle(document.documentElement).getPropertyValue(n).trim();
    let ink = {}, rects = [], rows = 0, wide = 0;
    const theme = () => {
      ink = { paper: css('--bg'), text: css('--ink'), accent: css('--accent'), grey: dark.matches ? [92, 99, 106] : [220, 220, 220], mono: css('--mono') };
      ink.font = `11px ${ink.mono}`;
      pen.font = ink.font;
      ink.char = pen.measureText('mmmmmmmmmm').width / 10;
      const stripes = (gap, line) => {
        const c = Object.assign(document.createElement('canvas'), { width: gap, height: gap }), p = c.getContext('2d');
        p.strokeStyle = line;
        p.lineWidth = 1.4;
        for (const o of [-gap, 0, gap]) {
          p.moveTo(o, gap);
          p.lineTo(o + gap, 0);
        }
        p.stroke();
        return pen.createPattern(c, 'repeat');
      };
      ink.hatch = { d: stripes(5, 'rgba(255,255,255,.5)'), l: stripes(9, 'rgba(255,255,255,.5)'), n: stripes(6, 'rgba(0,0,0,.28)') };
    };
    const mix = (to, part) => `rgb(${ink.grey.map((g, i) => Math.round(g + (to[i] - g) * part))})`;
    const BLUE = [0, 114, 178], ORANGE = [230, 120, 0], DARK = '#111', LIGHT = '#fff';
    // looks returns how a box is filled, inked, hatched and outlined.
    const looks = b => {
      if (choice.colour === 'cost') {
        const k = b.frame < 0 ? d.kinds[0] : d.kinds[d.kind[b.frame]];
        const plain = k === d.kinds[0];
        return { fill: plain ? `rgb(${ink.grey})` : k.fill, ink: plain && dark.matches ? LIGHT : k.ink, hatch: k.hatch };
      }
      const r = choice.colour === 'diff' ? differ(b) : grow(b), by = choice.colour === 'diff' ? r.part : Math.max(-1, Math.min(1, r.slope));
      const part = r.sure ? 0.2 + 0.8 * Math.abs(by) : 0;
      const look = { fill: mix(by > 0 ? ORANGE : BLUE, part), ink: (by < 0 && part > 0.45) || (dark.matches && (part < 0.3 || by < 0)) ? LIGHT : DARK };
      if (choice.colour === 'diff') {
        if (r.after.count === 0) Object.assign(look, { gone: true, ink: ink.text, line: r.sure ? `rgb(${BLUE})` : css('--muted') });
        else if (r.before.count === 0 && r.sure) look.hatch = 'n';
      }
      return look;
    };
    const place = () => {
      rects = [];
      wide = pane.clientWidth;
      let deep = { up: 0, down: 0 };
      const put = (b, x, w) => {
        deep[b.half] = Math.max(deep[b.half], b.depth);
        if (b !== roots.up || !roots.down) rects.push({ b, x, w });
      };
      const spread = (b, x, w) => {
        put(b, x, w);
        const scale = b.w > 0 ? w / b.w : 0;
        for (const k of kidsOf(b)) {
          const kw = k.w * scale;
          if (kw >= MIN) spread(k, x, kw);
          x += kw;
        }
      };
      for (const half of ['down', 'up']) {
        const root = roots[half];
        if (!root) continue;
        const from = zoom.half === half ? zoom : root;
        for (let b = from.parent; b; b = b.parent) put(b, 0, wide);
        spread(from, 0, wide);
      }
      rows = roots.down && roots.up ? deep.up + deep.down + 1 : Math.max(deep.up, deep.down) + 1;
      const row = b => choice.shape === 'both' ? b.half === 'up' ? deep.up - b.depth : deep.up + b.depth
        : choice.shape === 'down' ? rows - 1 - b.depth : b.depth;
      for (const r of rects) r.row = row(r.b);
    };
    const lead = b => { // of a box's label
      const k = choice.colour === 'cost' && b.frame >= 0 && d.kinds[d.kind[b.frame]].hatch;
      return k ? `${nameOf(b.frame)}  ${digits(shareOf(value(b, after), after)[0], 1)} %` : nameOf(b.frame);
    };
    const paint = () => {
      const top = pane.scrollTop, high = pane.clientHeight, ratio = devicePixelRatio || 1;
      if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(high * ratio)) {
        canvas.width = Math.round(wide * ratio);
        canvas.height = Math.round(high * ratio);
        canvas.style.width = wide + 'px';
        canvas.style.height = high + 'px';
      }
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, wide, high);
      pen.font = ink.font;
      pen.textBaseline = 'middle';
      for (const r of rects) {
        const y = r.row * HIGH - top, h = HIGH - 1, w = Math.max(r.w - (r.w > 3 ? 1 : 0), 0.5);
        if (y + HIGH < 0 || y > high) continue;
        const look = looks(r.b), hit = hits && r.b.frame >= 0 && hits.frames[r.b.frame];
        pen.globalAlpha = hits && !hit ? 0.28 : r.b === zoom || !isAbove(r.b) ? 1 : 0.55;
        if (!look.gone) {
          pen.fillStyle = look.fill;
          pen.fillRect(r.x, y, w, h);
        }
        if (look.hatch && w > 3) {
          pen.fillStyle = ink.hatch[look.hatch];
          pen.fillRect(r.x, y, w, h);
        }
        if (look.gone && w > 3) {
          pen.strokeStyle = look.line;
          pen.lineWidth = 1;
          pen.setLineDash([4, 2]);
          pen.strokeRect(r.x + 0.5, y + 0.5, w - 1, h - 1);
          pen.setLineDash([]);
        }
        if (w > 3 * ink.char + 6) {
          const room = Math.floor((w - 6) / ink.char), full = lead(r.b), label = full.length <= room ? full : nameOf(r.b.frame);
          const text = label.length <= room ? label : label.slice(0, room - 1) + '…';
          if (look.hatch) {
            pen.lineWidth = 3;
            pen.strokeStyle = look.fill;
            pen.strokeText(text, r.x + 3, y + h / 2 + 0.5);
          }
          pen.fillStyle = look.ink;
          pen.fillText(text, r.x + 3, y + h / 2 + 0.5);
        }
        pen.globalAlpha = 1;
        if (hit && w > 2) frameLine(r.x, y, w, h, ink.text, 1.5);
        if (r.b === focused) frameLine(r.x, y, w, h, ink.text, 2.5);
      }
    };
    const frameLine = (x, y, w, h, colour, line) => {
      pen.strokeStyle = colour;
      pen.lineWidth = line;
      pen.strokeRect(x + line / 2, y + line / 2, Math.max(w - line, 0.5), h - line);
    };
    const isAbove = b => { // between the root and what is zoomed to
      for (let z = zoom.parent; z; z = z.parent) if (z === b) return true;
      return false;
    };
    let frameAsked = 0;
    const repaint = () => { frameAsked ||= requestAnimationFrame(() => { frameAsked = 0; paint(); }); };
    const redraw = () => {
      place();
      const high = rows * HIGH;
      pad.style.height = high + 'px';
      pane.style.height = Math.min(high, Math.max(innerHeight * 0.62, 220)) + 'px';
      wide = pane.clientWidth;
      place();
      reveal(zoom);
      paint();
    };
    const rectOf = b => rects.find(r => r.b === b);
    const reveal = b => {
      const r = rectOf(b);
      if (!r) return;
      const y = r.row * HIGH;
      if (y < pane.scrollTop) pane.scrollTop = Math.max(y - HIGH, 0);
      else if (y + HIGH > pane.scrollTop + pane.clientHeight) pane.scrollTop = y + 2 * HIGH - pane.clientHeight;
    };

    // --- What is chosen -----------------------------------------------------

    const groupsWith = event => d.groups.map((_, i) => i).filter(g => d.profiles.some(p => p.event === event && d.runs[p.run].group === g));
    const want = { event: d.start.event, group: d.start.group, cpu: ALL, shape: 'down', colour: 'cost', vs: null, width: 'larger', frame: -1 };
    const unique = list => [...new Set(list)];
    // nearest finds the group that fits best: mode, then side, then N.
    const nearest = (event, w) => {
      const score = g => (g.mode === w.mode ? 4 : 0) + (g.side === w.side ? 2 : 0) + (g.n === w.n ? 1 : 0);
      return groupsWith(event).reduce((best, g) => best < 0 || score(d.groups[g]) > score(d.groups[best]) ? g : best, -1);
    };
    const usualVs = (g, list) => {
      const me = d.groups[g], other = f => list.find(i => i !== g && f(d.groups[i]));
      return other(o => o.side !== me.side && o.mode === me.mode && o.n === me.n) ?? other(o => o.n === me.n && o.side === me.side) ?? other(o => o.mode === me.mode && o.side === me.side) ?? other(() => true);
    };
    // decide makes a choice that can be shown of what is wanted.
    const decide = () => {
      const list = groupsWith(want.event);
      if (!list.includes(want.group)) want.group = nearest(want.event, d.groups[want.group]);
      const me = d.groups[want.group];
      const cpus = unique(slicesOf(want.group, want.event, ALL).map(k => d.slices.cpu[k])).filter(c => c !== EVERY).sort((a, b) => a - b);
      if (!cpus.includes(want.cpu)) want.cpu = ALL;
      if (!list.includes(want.vs) || want.vs === want.group) want.vs = usualVs(want.group, list) ?? null;
      const line = list.filter(i => d.groups[i].mode === me.mode && d.groups[i].side === me.side && d.groups[i].n > 0 && hasCost(i, want.event, want.cpu));
      const can = { diff: want.vs !== null, grow: line.length > 1 && line.includes(want.group) };
      const colour = can[want.colour] === false ? 'cost' : want.colour;
      const shape = want.shape === 'both' && want.frame < 0 ? 'down' : want.shape;
      const perPacket = hasCost(want.group, want.event, want.cpu) && (colour !== 'diff' || hasCost(want.vs, want.event, want.cpu));
      return { event: want.event, group: me, groupAt: want.group, cpu: want.cpu, cpus, list, vs: want.vs === null ? null : d.groups[want.vs], vsAt: want.vs, line, can, colour, shape, perPacket, width: want.width, frame: want.frame,
        cross: colour === 'diff' && d.groups[want.vs].mode === me.mode && d.groups[want.vs].n === me.n && d.groups[want.vs].side !== me.side };
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
      tabulate();
      remember();
      if (lost) say('The stack of this view is not in what is chosen: shown is as much of it as there is.');
    };

    // --- The address: a view is named by what it shows, not by pixels -------

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

    // --- Controls -----------------------------------------------------------

    // options fills a group of radio buttons: value, text, why not.
    const options = (id, list, chosen, pick) => {
      const set = $(id), kept = document.activeElement?.closest('#fl-' + id) ? true : false;
      set.hidden = list.length < 2;
      if (list.length > 10) {
        const select = make('select', undefined, { ariaLabel: set.dataset.label });
        for (const o of list) select.append(make('option', o.text, { value: o.value, selected: o.value === chosen }));
        select.addEventListener('change', () => pick(list[select.selectedIndex].value));
        set.replaceChildren(make('legend', set.dataset.label), select);
        if (kept) select.focus();
        return;
      }
      set.replaceChildren(make('legend', set.dataset.label), ...list.map(o => {
        const label = make('label'), input = make('input', undefined, { type: 'radio', name: 'fl-' + id, value: o.value, checked: o.value === chosen, disabled: Boolean(o.why) });
        label.append(input, make('span', o.text));
        if (o.why) label.title = o.why;
        input.addEventListener('change', () => pick(o.value));
        return label;
      }));
      if (kept) set.querySelector(':checked')?.focus();
    };
    const set = change => value => {
      touched = true;
      const path = zoom.parent && choice.shape === 'down' && change !== 'shape' && change !== 'frame' ? pathOf(zoom) : null;
      want[change] = value;
      rebuild(path);
    };
    const toGroup = change => value => set('group')(nearest(want.event, { ...choice.group, ...change(value) }));
    const controls = () => {
      const g = choice.group, groups = choice.list.map(i => d.groups[i]);
      options('event', d.events.map((e, i) => ({ value: i, text: e.name })), choice.event, set('event'));
      options('side', unique(groups.map(x => x.side)).filter(Boolean).map(s => ({ value: s, text: s })), g.side, toGroup(side => ({ side })));
      options('mode', unique(groups.map(x => x.mode)).map(m => ({ value: m, text: m })), g.mode, toGroup(mode => ({ mode })));
      options('n', unique(groups.filter(x => x.mode === g.mode && x.side === g.side).map(x => x.n)).map(n => ({ value: n, text: String(n) })), g.n, toGroup(n => ({ n })));
      options('cpu', [{ value: ALL, text: 'all' }, ...(choice.cpus.length > 1 ? choice.cpus.map(c => ({ value: c, text: String(c) })) : [])], choice.cpu, set('cpu'));
      options('colour', [{ value: 'cost', text: 'Cost' },
        { value: 'diff', text: 'Difference', why: choice.can.diff ? '' : 'there is nothing to compare with' },
        { value: 'grow', text: 'Growth with N', why: choice.can.grow ? '' : 'packets were not counted at two N of this mode' }], choice.colour, set('colour'));
      options('shape', [{ value: 'down', text: 'From the root' }, { value: 'up', text: 'From the leaf' },
        { value: 'both', text: 'Callers and callees', why: want.frame < 0 ? 'choose a frame first' : '' }], choice.shape, set('shape'));
      const diff = choice.colour === 'diff';
      options('vs', diff ? choice.list.filter(i => i !== choice.groupAt).map(i => ({ value: i, text: groupText(d.groups[i]) })) : [], choice.vsAt, set('vs'));
      $('vs').hidden = !diff;
      options('width', diff ? [{ value: 'larger', text: 'larger' }, { value: 'before', text: groupText(choice.vs) }, { value: 'after', text: groupText(g) }] : [], choice.width, set('width'));
      legend();
      summary();
    };
    const legend = () => {
      const item = (text, style, hatch) => {
        const li = make('li'), mark = make('span', undefined, { className: 'fl-mark' + (hatch ? ' fl-' + hatch : '') });
        mark.style.cssText = style;
        li.append(mark, text);
        return li;
      };
      const fill = (to, part) => `background:${mix(to, part)}`;
      const list = choice.colour === 'cost' ? d.kinds.filter((_, i) => d.kind.includes(i)).map((k, i) => item(k.label, `background:${k === d.kinds[0] ? mix(BLUE, 0) : k.fill}`, k.hatch))
        : choice.colour === 'diff' ? [item(`cheaper in ${groupText(choice.group)}`, fill(BLUE, 1)), item('dearer', fill(ORANGE, 1)), item('no significant change', fill(BLUE, 0)), item('gone', `border:1px dashed rgb(${BLUE})`), item('new', fill(ORANGE, 1), 'n')]
          : [item('cost per packet grows with N', fill(ORANGE, 1)), item('scales: it does not', fill(BLUE, 0)), item('falls', fill(BLUE, 1))];
      $('legend').replaceChildren(...list);
    };
    const summary = () => {
      const c = after, whole = { cost: c.total[0], variance: c.totalVar[0], count: c.totalCount[0] }, g = choice.group;
      const text = [`${groupText(g)}, ${d.events[choice.event].name}, ${cpuText(choice.cpu)}${c.runs > 1 ? `, mean of ${c.runs} runs` : ''}: `];
      if (whole.count === 0) text.push(c.idle ? `every sample was idle (${digits(c.idle, 0)}): nothing to draw.` : 'no samples: nothing to draw.');
      else text.push(c.perPacket ? `${costText(whole, c)} ${unitOf(c)} that are not idle, ` : 'shares of the time that is not idle, ', `${digits(whole.count, 0)} samples. `);
      const p = d.profiles.filter(x => x.event === choice.event && d.runs[x.run].group === choice.groupAt);
      if (whole.count && !c.perPacket) text.push(`No cost per packet: ${choice.cpu !== ALL ? 'the packets of single CPUs were not counted' : p.find(x => x.why)?.why || 'the other side has none'}. `);
      if (choice.colour === 'diff') {
        const x = testOf(), y = { cost: before.total[0], variance: before.totalVar[0] };
        text.push(`Against ${groupText(choice.vs)}${c.perPacket ? `: ${costText(y, before)}` : ''}. Width: ${{ larger: 'the dearer side of each stack', before: groupText(choice.vs), after: groupText(g) }[choice.width]}. `,
          x ? `Coloured where a function in it changed over the runs (${x.tested} tested, ${x.frames.length} hold).` : 'Coloured beyond 95 % sampling error; that says nothing of the spread between runs.',
          c.perPacket ? '' : ' Shares: what one frame gains the others lose.');
      }
      if (choice.colour === 'grow') text.push(`Slope of log cost on log N over N = ${steps.map(s => s.n).join(', ')}: 0 scales; 1: twice the CPUs, twice the cost. Grey within 95 % sampling error.`);
      if (d.small >= 0 && whole.cost > 0) {
        let small = 0;
        for (let i = 1; i < t.n; i++) if (frame[i] === d.small) small += c.total[i];
        text.push(` ${digits(100 * small / whole.cost, 1)} % of it is in frames under ${digits(100 * d.limit, 4)} % that were put together to keep the page small.`);
      }
      if (d.merged) text.push(' CPUs were put together to keep the page small.');
      const lost = unique(p.flatMap(x => x.lost));
      if (lost.length) text.push(` Lost: ${lost.slice(0, 3).join('; ')}.`);
      if (c.idle && whole.count) text.push(` Idle, not drawn: ${digits(c.idle, 0)} samples.`);
      $('sum').textContent = text.join('');
    };

    // --- The frame in focus -------------------------------------------------

    const say = text => { $('say').textContent = text; };
    const describe = () => {
      const b = focused, f = b.frame, c = after;
      const name = make('p', undefined, { className: 'fl-name' });
      name.append(make('code', nameOf(f)));
      const facts = [moduleOf(f), stageOf(b) && `stage: ${stageOf(b)}`, f >= 0 && d.kind[f] > 0 && d.kinds[d.kind[f]].label].filter(Boolean).join(' · ');
      const list = make('dl');
      const fact = (key, text) => list.append(make('dt', key), make('dd', text));
      const line = (key, v) => v && fact(key, `${costText(v, c)} ${unitOf(c)}${c.perPacket ? `, ${shareText(v, c)}` : ''}, n = ${digits(v.count, 0)}`);
      line(b.half === 'up' && b.depth > (roots.down ? 0 : 1) ? 'through it' : 'total', value(b, c));
      if (f >= 0) line('self', selfOf(b, c));
      if (choice.colour === 'diff') {
        const r = differ(b), k = factor(c);
        fact(groupText(choice.vs), `${costText(r.before, before)} ${unitOf(c)}, n = ${digits(r.before.count, 0)}`);
        fact('change', `${signed(k * r.by, k * r.error)} (${r.before.cost > 0 ? (r.by > 0 ? '+' : '') + digits(100 * r.by / r.before.cost, 1) + ' %' : 'new'}), ${r.sure ? held ? 'holds over the runs' : 'beyond sampling error' : 'not significant'}`);
      }
      if (choice.colour === 'grow') {
        const r = grow(b);
        for (const p of r.points) fact(`N=${p.n}`, `${around(p.v.cost, Math.sqrt(p.v.variance))} ${d.events[choice.event].cost}`);
        fact('exponent', `${around(r.slope, r.error)}${r.sure ? '' : ', within the error'}`);
      }
      const buttons = make('p', undefined, { className: 'fl-do' });
      const button = (text, run) => buttons.append(make('button', text, { type: 'button', onclick: run }));
      if (b !== zoom) button('Zoom to it', () => zoomTo(b));
      if (zoom.parent) button('Whole graph', () => zoomTo(rootOf(zoom)));
      if (f >= 0) button('Callers and callees', () => sandwich(f));
      $('frame').replaceChildren(name, make('p', facts, { className: 'muted' }), list, buttons);
    };
    const rootOf = b => b.parent ? rootOf(b.parent) : b.half === 'up' && roots.down ? roots.down : b;
    const focus = b => {
      focused = b === roots.up && roots.down ? roots.down : b;
      reveal(focused);
      repaint();
      describe();
      say(sentence(focused));
    };
    const zoomTo = b => {
      touched = true;
      zoom = b;
      focused = b;
      redraw();
      describe();
      search();
      tabulate();
      remember();
      say('Zoomed. ' + sentence(b));
    };
    const sandwich = f => {
      want.frame = f;
      set('shape')('both');
      say('Callers above, callees below. ' + sentence(zoom));
    };

    // --- Search -------------------------------------------------------------

    const search = () => {
      hits = null;
      const wanted = query.toLowerCase();
      if (!wanted) {
        $('found').textContent = '';
        return;
      }
      hits = { frames: new Uint8Array(d.names.length), n: 0 };
      d.names.forEach((n, f) => {
        if (f !== d.small && (n.toLowerCase().includes(wanted) || moduleOf(f).toLowerCase().includes(wanted))) {
          hits.frames[f] = 1;
          hits.n++;
        }
      });
      const sum = { cost: 0, variance: 0, count: 0 }, b = zoom, c = after;
      const add = (i, use) => {
        sum.cost += c[use][i];
        sum.variance += c[use + 'Var'][i];
        sum.count += c[use + 'Count'][i];
      };
      if (b.half === 'down') {
        for (const id of b.ids) {
          for (let i = id; i < end[id];) {
            if (i > 0 && hits.frames[frame[i]]) {
              add(i, 'total');
              i = end[i];
            } else i++;
          }
        }
      } else {
        const on = new Uint8Array(t.n); // is there a match on the way from the root
        for (let i = 1; i < t.n; i++) on[i] = hits.frames[frame[i]] | on[parent[i]];
        for (const i of b.ids) if (on[i]) add(i, b.use);
      }
      const whole = value(b, c), p = whole.cost > 0 ? sum.cost / whole.cost : 0;
      const error = whole.cost > 0 ? Math.sqrt(sum.variance * (1 - p) ** 2 + Math.max(whole.variance - sum.variance, 0) * p * p) / whole.cost : 0;
      hits.text = hits.n === 0 ? 'No function matches.' : `${digits(hits.n, 0)} function${hits.n > 1 ? 's match' : ' matches'}: in ${around(100 * p, 100 * error)} % of ${nameOf(b.frame)}${c.perPacket ? `, ${around(sum.cost, Math.sqrt(sum.variance))} ${unitOf(c)}` : ''}, n = ${digits(sum.count, 0)}`;
      $('found').textContent = hits.text;
    };
    const find = () => {
      touched = true;
      query = $('q').value.trim();
      search();
      repaint();
      tabulate();
      remember();
    };

    // --- The table: the same numbers as text --------------------------------

    let order = { key: 'self', down: true };
    // gather sums self and total of every function in what is zoomed to.
    const gather = c => {
      const n = d.names.length, out = { self: new Float64Array(n), selfVar: new Float64Array(n), selfCount: new Float64Array(n), total: new Float64Array(n), totalVar: new Float64Array(n), totalCount: new Float64Array(n) };
      const add = (f, i, to, use) => {
        out[to][f] += c[use][i];
        out[to + 'Var'][f] += c[use + 'Var'][i];
        out[to + 'Count'][f] += c[use + 'Count'][i];
      };
      if (zoom.half === 'down') {
        const open = new Int32Array(n); // end of the outermost call that is open
        for (const id of zoom.ids) {
          for (let i = Math.max(id, 1); i < end[id]; i++) {
            const f = frame[i];
            if (c.self[i]) add(f, i, 'self', 'self');
            if (open[f] > i || !c.total[i]) continue;
            open[f] = end[i];
            add(f, i, 'total', 'total');
          }
        }
        return out;
      }
      const seen = new Int32Array(n).fill(-1);
      zoom.ids.forEach((id, j) => {
        if (!c[zoom.use][id]) return;
        if (zoom.use === 'self') add(frame[id], id, 'self', 'self');
        for (let i = zoom.at ? zoom.at[j] : id; i > 0; i = parent[i]) {
          if (seen[frame[i]] === j) continue;
          seen[frame[i]] = j;
          add(frame[i], id, 'total', zoom.use);
        }
      });
      return out;
    };
    const tabulate = () => {
      const a = gather(after), b = before && gather(before), k = factor(after), unit = unitOf(after), small = d.small;
      const cell = (from, use, f) => ({ cost: from[use][f], variance: from[use + 'Var'][f], count: from[use + 'Count'][f] });
      const num = (sort, text) => ({ sort, text });
      const heads = [['name', 'function', ''], ['self', 'self', unit], ['total', 'with callees', unit], ['count', 'samples', 'of total']];
      if (b) heads.push(['before', `self, ${groupText(choice.vs)}`, unit], ['change', 'change of self', unit]);
      if (!after.perPacket) heads.splice(3, 0);
      const list = [];
      for (let f = 0; f < d.names.length; f++) {
        if (!(a.total[f] > 0 || (b && b.total[f] > 0)) || (hits && !hits.frames[f])) continue;
        const own = cell(a, 'self', f), whole = cell(a, 'total', f), row = { f, name: nameOf(f), self: own.cost, total: whole.cost, count: whole.count, own, whole };
        if (b) {
          row.was = cell(b, 'self', f);
          row.before = row.was.cost;
          row.change = Math.abs(own.cost - row.was.cost);
        }
        list.push(row);
      }
      const key = heads.some(h => h[0] === order.key) ? order.key : 'self', sign = order.down ? -1 : 1;
      list.sort((x, y) => (key === 'name' ? -sign * (x.f - y.f) * -1 : sign * (x[key] - y[key])) || x.f - y.f);
      const table = $('table'), head = make('tr');
      for (const [id, text, small2] of heads) {
        const th = make('th', undefined, { scope: 'col', className: id === 'name' ? '' : 'num' }), sorter = make('button', text, { type: 'button' });
        if (small2) sorter.append(' ', make('small', small2));
        if (id === key) th.ariaSort = order.down ? 'descending' : 'ascending';
        sorter.addEventListener('click', () => {
          order = { key: id, down: id === key ? !order.down : id !== 'name' };
          tabulate();
          table.querySelectorAll('th button')[heads.findIndex(h => h[0] === id)].focus();
        });
        th.append(sorter);
        head.append(th);
      }
      table.tHead.replaceChildren(head);
      table.tBodies[0].replaceChildren(...list.slice(0, ROWS).map(r => {
        const tr = make('tr'), td = make('td'), go = make('button', r.name, { type: 'button', className: 'fl-fn', title: 'its callers and callees' });
        go.disabled = r.f === small;
        go.addEventListener('click', () => {
          sandwich(r.f);
          canvas.focus();
        });
        td.append(go);
        if (moduleOf(r.f)) td.append(' ', make('small', moduleOf(r.f)));
        tr.append(td, ...[costText(r.own, after), costText(r.whole, after), digits(r.count, 0)].map(text => make('td', text, { className: 'num' })));
        if (b) {
          const by = k * (r.own.cost - r.was.cost), error = k * Math.sqrt(r.own.variance + r.was.variance);
          const star = beyond(r.was, r.own, before, after) && (!held || testOf().frames.includes(r.f));
          tr.append(make('td', costText(r.was, before), { className: 'num' }), make('td', signed(by, error) + (star ? ' *' : ''), { className: 'num' }));
        }
        return tr;
      }));
      const where = zoom.parent || choice.shape === 'both' ? `in ${nameOf(zoom.frame)}` : 'in the whole graph';
      table.caption.textContent = `The ${list.length > ROWS ? `first ${ROWS} of ${digits(list.length, 0)}` : digits(list.length, 0)} functions ${zoom.half === 'up' && zoom.at ? `on the way to ${nameOf(zoom.frame)}` : where}${hits ? ' that match the search' : ''}; ${groupText(choice.group)}, ${d.events[choice.event].name}, ${cpuText(choice.cpu)}. ± is one standard error of sampling.${b ? ' *: as in the graph, not grey.' : ''}`;
    };

    // --- Pointer and keys ---------------------------------------------------

    const tip = $('tip');
    const under = e => {
      const r = canvas.getBoundingClientRect(), x = e.clientX - r.left, row = Math.floor((e.clientY - r.top + pane.scrollTop) / HIGH);
      return rects.find(q => q.row === row && x >= q.x && x < q.x + Math.max(q.w, 1));
    };
    canvas.addEventListener('pointermove', e => {
      const r = under(e);
      tip.hidden = !r || e.pointerType === 'touch';
      if (tip.hidden) return;
      tip.textContent = sentence(r.b);
      tip.style.left = Math.max(8, Math.min(e.clientX + 12, innerWidth - tip.offsetWidth - 12)) + 'px';
      tip.style.top = (e.clientY + 22 + tip.offsetHeight > innerHeight ? e.clientY - tip.offsetHeight - 12 : e.clientY + 18) + 'px';
    });
    canvas.addEventListener('pointerleave', () => { tip.hidden = true; });
    canvas.addEventListener('click', e => {
      const r = under(e);
      if (r) zoomTo(r.b);
    });
    pane.addEventListener('scroll', () => {
      tip.hidden = true;
      repaint();
    });
    const sideways = by => {
      const r = rectOf(focused), row = rects.filter(q => q.row === r?.row).sort((a, b) => a.x - b.x), at = row.indexOf(r) + by;
      if (row[at]) focus(row[at].b);
    };
    const inward = b => { // the heaviest callee, or caller, that is drawn
      const kids = kidsOf(b).filter(k => rectOf(k)).sort((x, y) => y.w - x.w);
      if (kids[0]) focus(kids[0]);
    };
    const vertical = by => { // -1: up on the screen
      const b = focused, grows = choice.shape === 'down' || b.half === 'up' && choice.shape === 'both' ? -1 : 1;
      if (choice.shape === 'both' && !b.parent) inward(by < 0 ? roots.up : roots.down);
      else if (by === grows) inward(b);
      else if (b.parent) focus(b.parent);
    };
    const keys = {
      ArrowUp: () => vertical(-1), ArrowDown: () => vertical(1), ArrowLeft: () => sideways(-1), ArrowRight: () => sideways(1),
      Enter: () => zoomTo(focused), ' ': () => zoomTo(focused),
      Backspace: () => zoom.parent && zoomTo(zoom.parent === roots.up && roots.down ? roots.down : zoom.parent),
      Escape: () => zoomTo(rootOf(zoom)), Home: () => zoomTo(rootOf(zoom)),
      c: () => focused.frame >= 0 && sandwich(focused.frame),
    };
    canvas.addEventListener('keydown', e => {
      const run = keys[e.key];
      if (!run || e.ctrlKey || e.metaKey || e.altKey) return;
      e.preventDefault();
      run();
    });
    canvas.addEventListener('focus', () => say(sentence(focused)));
    document.addEventListener('keydown', e => {
      if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input,select,textarea')) return;
      e.preventDefault();
      $('q').focus();
      $('q').select();
    });
    $('form').addEventListener('submit', e => e.preventDefault());
    $('q').addEventListener('input', find);
    $('q').addEventListener('keydown', e => {
      if (e.key === 'Escape') {
        $('q').value = '';
        find();
      }
      if (e.key !== 'Escape' && e.key !== 'Enter') return;
      e.preventDefault();
      canvas.focus();
    });
    $('link').addEventListener('click', e => {
      e.preventDefault();
      touched = true;
      remember();
      navigator.clipboard?.writeText(location.href).then(() => say('The address of this view was copied.'), () => {});
    });
    addEventListener('hashchange', recall);
    new ResizeObserver(() => { if (pane.clientWidth !== wide && pane.clientWidth > 0) redraw(); }).observe(pane);
    dark.addEventListener('change', () => {
      theme();
      legend();
      paint();
    });

    theme();
    if (d.groups[want.group].side === 'after') want.colour = 'diff';
    if (!recall()) rebuild(null);
    host.dataset.ready = 'yes';
  };

  const load = async () => {
    try {
      const t = parse(await unpack(packed.textContent));
      packed.remove();
      host.hidden = false;
      start(t);
    } catch (e) {
      host.hidden = true;
      const still = document.getElementById('fl-still');
      const why = document.createElement('p');
      why.className = 'alert';
      why.setAttribute('role', 'alert');
      why.textContent = `The flame graph cannot be drawn: ${e.message}. The file may be damaged; make the report again. ${still ? 'Static pictures follow.' : ''}`;
      host.after(why);
      if (still) why.insertAdjacentHTML('afterend', still.textContent); // what stands in noscript is our own markup
      host.dataset.ready = 'no';
    }
  };
  if ('DecompressionStream' in window) load();
})();
