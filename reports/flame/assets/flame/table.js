// Search, and the graph as a table.

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
  const error = whole.cost > sum.cost * (1 + 1e-9) ? Math.sqrt(sum.variance * (1 - p) ** 2 + Math.max(whole.variance - sum.variance, 0) * p * p) / whole.cost : 0;
  hits.text = hits.n === 0 ? 'No function matches.' : `${digits(hits.n, 0)} function${hits.n > 1 ? 's match' : ' matches'}: in ${around(100 * p, 100 * error)} % of ${nameOf(b.frame)}${c.perPacket ? `, ${around(sum.cost, Math.sqrt(sum.variance))} ${unitOf(c)}` : ''}, ${samples(sum, c)}`;
  $('found').textContent = hits.text;
};
const find = () => {
  touched = true;
  query = $('q').value.trim();
  search();
  repaint();
  later();
};

const ROWS = 40;
let order = null; // as a reader chose it; else what changed most, or what costs most
// gather sums self and total of every function below a box, or on the way to it.
const gather = (b, c) => {
  const n = d.names.length, out = { near: new Int32Array(n).fill(t.n) }; // callers: levels away
  for (const use of ['self', 'total']) for (const what of ['', 'Var', 'Count']) out[use + what] = new Float64Array(n);
  const add = (f, i, to, use) => {
    for (const what of ['', 'Var', 'Count']) out[to + what][f] += c[use + what][i];
  };
  if (b.half === 'down') {
    const open = new Int32Array(n); // end of the outermost call that is open
    for (const id of b.ids) {
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
  b.ids.forEach((id, j) => {
    if (!c[b.use][id]) return;
    if (b.use === 'self') add(frame[id], id, 'self', 'self');
    for (let i = b.at ? b.at[j] : id, level = 0; i > 0; i = parent[i], level++) {
      if (seen[frame[i]] === j) continue;
      seen[frame[i]] = j;
      out.near[frame[i]] = Math.min(out.near[frame[i]], level);
      add(frame[i], id, 'total', b.use);
    }
  });
  return out;
};
// rowsOf lists the functions of a box; role says what they are to it.
const rowsOf = (b, role) => {
  const a = gather(b, after), was = before && gather(b, before), list = [];
  const cell = (from, use, f) => ({ cost: from[use][f], variance: from[use + 'Var'][f], count: from[use + 'Count'][f] });
  for (let f = 0; f < d.names.length; f++) {
    if (!(a.total[f] > 0 || (was && was.total[f] > 0)) || (hits && !hits.frames[f]) || (role && f === choice.frame)) continue;
    const own = cell(a, 'self', f), whole = cell(a, 'total', f), row = { f, role, own, whole, self: own.cost, total: whole.cost, count: whole.count, near: a.near[f] };
    if (was) {
      row.was = cell(was, role ? 'total' : 'self', f);
      row.now = role ? whole : own;
      row.before = row.was.cost;
      row.change = Math.abs(row.now.cost - row.was.cost);
    }
    list.push(row);
  }
  return list;
};
const tabulate = () => {
  const around1 = choice.shape === 'both' && !zoom.parent, unit = unitOf(after), k = factor(after), part = around1 ? 'total' : 'self';
  const list = around1 ? [...rowsOf(roots.up, 'caller'), ...rowsOf(roots.down, 'callee')] : rowsOf(zoom, '');
  const heads = [['f', 'function', ''], ['total', around1 ? 'through both' : 'with callees', unit], ['count', 'samples', '']];
  if (around1) heads.splice(1, 0, ['role', 'is', '']);
  else if (zoom.half === 'down' || zoom.use === 'self') heads.splice(1, 0, ['self', 'self', unit]);
  if (before) heads.push(['before', `${part}, ${groupText(choice.vs)}`, unit], ['change', `change of ${part}`, unit]);
  const { key, down } = heads.some(h => h[0] === order?.key) ? order : { key: before ? 'change' : heads.find(h => h[0] === 'self' || h[0] === 'total')[0], down: true };
  const compare = (x, y) => (x[key] < y[key] ? -1 : x[key] > y[key] ? 1 : 0);
  list.sort((x, y) => (down ? -1 : 1) * compare(x, y) || y.total - x.total || x.near - y.near || x.f - y.f);
  const test = held && testOf();
  const texts = { role: r => r.role, self: r => costText(r.own, after), total: r => costText(r.whole, after), count: r => after.exact ? 'counted' : after.sampled ? digits(r.count, 0) : 'not recorded', before: r => costText(r.was, before),
    change: r => signed(k * (r.now.cost - r.was.cost), k * Math.sqrt(r.now.variance + r.was.variance)) + ((test ? !around1 && test.frames.includes(r.f) : !repeated() && beyond(r.was, r.now, before, after)) ? ' *' : '') };
  const table = $('table'), row = make('tr');
  heads.forEach(([id, label, small], at) => {
    const th = make('th', undefined, { scope: 'col', className: id === 'f' || id === 'role' ? '' : 'num' }), sorter = make('button', label, { type: 'button' });
    if (small) sorter.append(' ', make('small', small));
    if (id === key) th.ariaSort = down ? 'descending' : 'ascending';
    sorter.addEventListener('click', () => {
      order = { key: id, down: id === key ? !down : id !== 'f' };
      tabulate();
      table.querySelectorAll('th button')[at].focus();
    });
    th.append(sorter);
    row.append(th);
  });
  table.tHead.replaceChildren(row);
  table.tBodies[0].replaceChildren(...list.slice(0, ROWS).map(r => {
    const tr = make('tr'), td = make('td'), go = make('button', nameOf(r.f), { type: 'button', className: 'fl-fn', title: 'its callers and callees', disabled: r.f === d.small });
    go.addEventListener('click', () => {
      sandwich(r.f);
      canvas.focus();
    });
    td.append(go, moduleOf(r.f) ? ' ' : '', make('small', moduleOf(r.f)));
    tr.append(td, ...heads.slice(1).map(([id]) => make('td', texts[id](r), { className: id === 'role' ? '' : 'num' })));
    return tr;
  }));
  const where = around1 ? `that call ${nameOf(zoom.frame)} or are called by it` : zoom.half === 'up' && zoom.parent ? `on the way to ${nameOf(zoom.frame)}` : zoom.frame < 0 ? 'in the whole graph' : `in ${nameOf(zoom.frame)}`;
  table.caption.textContent = `${list.length > ROWS ? `The first ${ROWS} of ${digits(list.length, 0)}` : `All ${digits(list.length, 0)}`} functions ${where}${hits ? ', as searched' : ''}; ${groupText(choice.group)}, ${d.events[choice.event].name}, ${cpuText(choice.cpu)}.${after.exact ? '' : ' ± is of sampling.'}${before ? test ? ' *: holds over the runs.' : repeated() ? '' : after.exact ? ' *: the counts differ.' : ' *: beyond sampling error.' : ''}`;
  table.setAttribute('aria-busy', 'false');
};
// later does what a reader does not wait for: the picture comes first.
let asked = 0;
const later = () => {
  $('table').setAttribute('aria-busy', 'true');
  clearTimeout(asked);
  asked = setTimeout(() => {
    search();
    tabulate();
    remember();
  }, 120);
};
