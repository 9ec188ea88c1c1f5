// The tree as it is drawn: boxes, made when they are looked at.

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
