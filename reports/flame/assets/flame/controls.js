// Controls, the legend, and what is said of the whole and of one frame.

// options fills a group of radio buttons: value, text, why not.
const options = (id, list, chosen, pick) => {
  const set = $(id), kept = document.activeElement?.closest('#fl-' + id) ? true : false;
  set.hidden = list.length < 2;
  if (list.length > 10 || id === 'vs') {
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
    { value: 'grow', text: 'Growth with N', why: choice.can.grow ? '' : 'packets were not counted at two N of this mode' }], choice.colour, colour => {
    if (colour === 'diff' && want.vs === null) want.group = afterOf(choice.groupAt, choice.list);
    set('colour')(colour);
  });
  options('shape', [{ value: 'down', text: 'From the root' }, { value: 'up', text: 'From the leaf' },
    { value: 'both', text: 'Callers and callees', why: want.frame < 0 ? 'choose a frame first' : '' }], choice.shape, set('shape'));
  const diff = choice.colour === 'diff';
  options('vs', diff ? choice.list.filter(i => i !== choice.groupAt).map(i => ({ value: i, text: groupText(d.groups[i]) })) : [], choice.vsAt, set('vs'));
  $('vs').hidden = !diff;
  options('width', diff ? [{ value: 'larger', text: 'larger' }, { value: 'before', text: groupText(choice.vs) }, { value: 'after', text: groupText(g) }] : [], choice.width, set('width'));
  summary();
};
// legend explains the colours, with their scale, and the width.
const legend = () => {
  const mark = (name, style, hatch) => {
    const m = make('span', undefined, { className: name + (hatch ? ' fl-' + hatch : '') });
    m.style.cssText = style;
    return m;
  };
  const item = (...parts) => {
    const li = make('li');
    li.append(...parts);
    return li;
  };
  const list = [];
  if (choice.colour === 'cost') {
    d.kinds.forEach((k, i) => d.kind.includes(i) && list.push(item(mark('fl-mark', `background:${k === d.kinds[0] ? mix(BLUE, 0) : k.fill}`, k.hatch), k.label)));
  } else {
    const diff = choice.colour === 'diff', scale = make('div', undefined, { className: 'fl-scale' });
    const stops = [mix(BLUE, 1), mix(BLUE, 0.2) + ' 49%', mix(BLUE, 0) + ' 49% 51%', mix(ORANGE, 0.2) + ' 51%', mix(ORANGE, 1)];
    scale.append(mark('fl-ramp', `background:linear-gradient(90deg,${stops})`), ...(diff ? ['gone', 'half', '0', 'twice', 'new'] : ['~ 1/N', '', '0', '', '~ N']).map(x => make('span', x)));
    list.push(item(scale), item(diff ? `Blue: cheaper in ${groupText(choice.group)} than in ${groupText(choice.vs)}; orange: dearer; grey: not significant.` : 'Orange: the cost per packet grows with N; blue: it falls; grey: not significant.'));
  }
  if (zoom.w > 0) { // a round part of what is as wide as the picture
    const k = factor(after), most = k * zoom.w * 0.25, ten = 10 ** Math.floor(Math.log10(most)), round = [5, 2, 1].find(m => m * ten <= most) * ten;
    list.push(item(mark('fl-ruler', `width:${round / k / zoom.w * wide}px`), `${digits(round, Math.max(0, -Math.floor(Math.log10(round))))} ${unitOf(after)}`));
  }
  $('legend').replaceChildren(...list);
};
// marks lead to the report's footnotes that weaken the numbers of a group.
const marks = group => unique(d.profiles.filter(p => p.event === choice.event && d.runs[p.run].group === group).flatMap(p => p.caveats)).sort((a, b) => a - b).map(n => {
  const mark = make('sup', undefined, { className: 'fn', title: document.getElementById('caveat-' + n)?.textContent ?? '' });
  mark.append(make('a', `[${n}]`, { href: '#caveat-' + n }));
  return mark;
});
const summary = () => {
  const c = after, whole = { cost: c.total[0], variance: c.totalVar[0], count: c.totalCount[0] }, g = choice.group;
  const text = [`${groupText(g)}, ${d.events[choice.event].name}, ${cpuText(choice.cpu)}${c.runs > 1 ? `, mean of ${c.runs} runs` : ''}: `];
  if (whole.count === 0) text.push(c.idle ? `every sample was idle (${digits(c.idle, 0)}): nothing to draw.` : 'no samples: nothing to draw.');
  else text.push(c.perPacket ? `${costText(whole, c)} ${unitOf(c)} that are not idle` : d.events[choice.event].of === 'busy' ? 'shares of the time that is not idle' : 'shares of samples', ...marks(choice.groupAt), `, ${c.sampled && !c.exact ? digits(whole.count, 0) + ' samples' : samples(whole, c)}. `);
  const p = d.profiles.filter(x => x.event === choice.event && d.runs[x.run].group === choice.groupAt);
  if (whole.count && !c.perPacket) text.push(`No cost per packet: ${choice.cpu !== ALL ? 'the packets of single CPUs were not counted' : p.find(x => x.why)?.why || 'the other side has none'}. `);
  if (choice.colour === 'diff') {
    const x = testOf(), y = { cost: before.total[0], variance: before.totalVar[0] };
    text.push(`Against ${groupText(choice.vs)}${c.perPacket ? `: ${costText(y, before)}` : ''}`, ...marks(choice.vsAt), `. Width: ${{ larger: 'the dearer side of each stack', before: groupText(choice.vs), after: groupText(g) }[choice.width]}. `,
      x ? `Coloured where a function in it changed over the runs: of ${x.tested} tested ${x.frames.length} hold${x.gated ? `, and failed gates took back the significance of ${x.gated}` : ''}.`
        : repeated() ? 'Coloured where the difference is beyond the spread of the runs (t, 95 %, each frame by itself).' : `Coloured ${before.exact && c.exact ? 'where the counts differ' : 'beyond 95 % sampling error'}; that says nothing of the spread between runs.`,
      c.perPacket ? '' : ' Shares: what one frame gains the others lose.');
  }
  if (choice.colour === 'grow') text.push(`Slope of log cost on log N over N = ${steps.map(s => s.n).join(', ')}: 0 scales; 1: twice the CPUs, twice the cost. Grey within the error (95 %; of sampling, or of runs where they were repeated).`);
  if (d.small >= 0 && whole.cost > 0) {
    let small = 0;
    for (let i = 1; i < t.n; i++) if (frame[i] === d.small) small += c.total[i];
    text.push(` ${digits(100 * small / whole.cost, 1)} % of it is in frames under ${digits(100 * d.limit, 4)} % that were put together to keep the page small.`);
  }
  if (slicesOf(choice.groupAt, choice.event, ALL).some(k => d.slices.cpu[k] === EVERY)) text.push(' CPUs were put together to keep the page small.');
  const repeats = d.runs.filter(x => x.group === choice.groupAt).length;
  if (p.length < repeats) text.push(` Of ${repeats} runs ${p.length} ${p.length === 1 ? 'has' : 'have'} this event here.`);
  const lost = unique(p.flatMap(x => x.lost));
  if (lost.length) text.push(` Lost: ${lost.slice(0, 3).join('; ')}.`);
  if (c.idle && whole.count) text.push(c.exact ? ' What was idle is not drawn.' : ` Idle, not drawn: ${digits(c.idle, 0)} samples.`);
  $('sum').replaceChildren(...text);
};

const say = text => { $('say').textContent = text; };
const describe = () => {
  const b = focused, f = b.frame, c = after;
  const name = make('p', undefined, { className: 'fl-name' });
  name.append(make('code', nameOf(f)));
  const facts = [moduleOf(f), stageOf(b) && `stage: ${stageOf(b)}`, f >= 0 && d.kind[f] > 0 && d.kinds[d.kind[f]].label].filter(Boolean).join(' · ');
  const list = make('dl');
  const fact = (key, text) => list.append(make('dt', key), make('dd', text));
  const line = (key, v) => v && fact(key, `${costText(v, c)} ${unitOf(c)}${c.perPacket ? `, ${shareText(v, c)}` : ''}, ${samples(v, c)}`);
  line(b.half === 'up' && b.depth > (roots.down ? 0 : 1) ? 'through it' : 'total', value(b, c));
  if (f >= 0) line('self', selfOf(b, c));
  if (choice.colour === 'diff') {
    const r = differ(b), k = factor(c);
    fact(groupText(choice.vs), `${costText(r.before, before)} ${unitOf(c)}, ${samples(r.before, before)}`);
    fact('change', `${signed(k * r.by, k * r.error)} (${r.before.cost > 0 ? (r.by > 0 ? '+' : '') + digits(100 * r.by / r.before.cost, 1) + ' %' : 'new'}), ${r.sure ? held ? 'holds over the runs' : repeated() ? 'beyond the spread of runs' : before.exact && c.exact ? 'the counts differ' : 'beyond sampling error' : 'not significant'}`);
  }
  if (choice.colour === 'grow') {
    const r = grow(b);
    for (const p of r.points) fact(`N=${p.n}`, `${around(p.v.cost, Math.sqrt(p.v.variance))} ${d.events[choice.event].cost}`);
    fact('exponent', `${around(r.slope, r.error)}${r.points.some(p => p.v.cost === 0) ? '; 0 taken as half a sample' : ''}${r.sure ? '' : ', within the error'}`);
  }
  const buttons = make('p', undefined, { className: 'fl-do' });
  const button = (text, run) => buttons.append(make('button', text, { type: 'button', onclick: run }));
  if (b !== zoom) button('Zoom to it', () => zoomTo(b));
  if (zoom.parent) button('Whole graph', () => zoomTo(rootOf(zoom)));
  if (f >= 0 && f !== d.small && (choice.shape !== 'both' || f !== choice.frame)) button('Callers and callees', () => sandwich(f));
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
  later();
  say('Zoomed. ' + sentence(b));
};
const sandwich = f => {
  want.frame = f;
  set('shape')('both');
  say('Callers above, callees below. ' + sentence(zoom));
};
