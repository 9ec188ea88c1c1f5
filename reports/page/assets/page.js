'use strict';
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // What is packed (../packed.go) is inflated when it is needed. A script so made
  // runs only if the page's policy names its hash.
  const inflates = 'DecompressionStream' in window;
  const unpack = s => { // ascii85: z is four zeros, v stands for <
    const out = new Uint8Array(4 * s.length);
    let n = 0;
    for (let i = 0; i < s.length;) {
      let v = 0, k = Math.min(5, s.length - i);
      if (s[i] === 'z') k = 1;
      else for (let j = 0; j < 5; j++) v = v * 85 + (j >= k ? 84 : s[i + j] === 'v' ? 27 : s.charCodeAt(i + j) - 33);
      for (let j = 0, take = s[i] === 'z' ? 4 : k - 1; j < take; j++) out[n++] = v / 256 ** (3 - j);
      i += k;
    }
    return out.subarray(0, n);
  };
  const inflate = id => new Response(new Blob([unpack(document.getElementById(id).textContent)]).stream().pipeThrough(new DecompressionStream('gzip')));
  window.inflate = inflate; // for the flame graph
  const run = async (id, type) => {
    const script = document.createElement('script');
    script.type = type;
    script.textContent = await inflate(id).text();
    document.head.append(script);
  };
  const still = document.getElementById('fl-still');
  if (document.getElementById('flame-script') && inflates) run('flame-script', 'module');
  else if (still) still.insertAdjacentHTML('afterend', still.textContent); // our own markup, of noscript

  // Tables: a click on a head sorts by that column, a second one turns it round.
  // ../cells.go leaves out the number to sort by where the text tells it.
  const numeric = th => th.classList.contains('num') || th.closest('table').classList.contains('r' + (th.cellIndex + 1));
  const key = (row, th) => {
    const td = row.cells[th.cellIndex];
    if (td.dataset.v !== undefined) return Number(td.dataset.v);
    if (!numeric(th)) return td.textContent.trim();
    const v = parseFloat((td.firstChild?.data ?? '').replace(/\s/g, '').replace('\u2212', '-'));
    return Number.isNaN(v) ? -1 : v;
  };
  const compare = (a, b) => typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
  const sortBy = th => {
    const down = th.getAttribute('aria-sort') !== 'descending' && (numeric(th) || th.getAttribute('aria-sort') === 'ascending');
    const body = th.closest('table').tBodies[0];
    const rows = [...body.rows];
    rows.sort((a, b) => (down ? -1 : 1) * compare(key(a, th), key(b, th)));
    all('th', th.parentNode).forEach(h => h.removeAttribute('aria-sort'));
    th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    body.append(...rows);
  };
  all('table.sort th').forEach(th => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...th.childNodes);
    th.append(button);
    button.addEventListener('click', () => sortBy(th));
  });

  // A long table can be filtered by what its rows hold.
  all('table.sort').filter(t => t.tBodies[0].rows.length > 15).forEach(t => {
    const box = document.createElement('label'), input = document.createElement('input'), left = document.createElement('span');
    box.className = 'filter';
    input.type = 'search';
    input.setAttribute('aria-label', 'filter: ' + t.caption.textContent);
    left.setAttribute('role', 'status');
    box.append('filter', input, left);
    t.parentElement.before(box);
    input.addEventListener('input', () => {
      const want = input.value.trim().toLowerCase(), rows = [...t.tBodies[0].rows];
      rows.forEach(r => { r.hidden = !r.textContent.toLowerCase().includes(want); });
      left.textContent = want ? rows.filter(r => !r.hidden).length + ' of ' + rows.length : '';
    });
  });

  // A rectangle over a heat map says its figures. Both maps of a run have one
  // geometry; the cells are bytes, per cent, 255 for none.
  const bytes = s => Uint8Array.from(atob(s), c => c.charCodeAt(0));
  all('.heats').forEach(box => {
    const d = JSON.parse(box.querySelector('script').textContent), rows = d.cpus.length, maps = [bytes(d.spin), bytes(d.busy)];
    const out = document.createElement('p');
    out.className = 'brush';
    out.setAttribute('role', 'status');
    out.textContent = 'Drag over a map, or focus it and use the arrow keys (shift widens), for the figures of a stretch of time and some CPUs.';
    box.after(out);
    const marks = all('svg.heat', box).map(svg => {
      const image = svg.querySelector('image'), mark = document.createElementNS(svg.namespaceURI, 'rect');
      mark.setAttribute('class', 'mark');
      mark.setAttribute('visibility', 'hidden');
      svg.append(mark);
      return { svg, mark, x: +image.getAttribute('x'), y: +image.getAttribute('y'), w: +image.getAttribute('width'), h: +image.getAttribute('height') };
    });
    let at = [0, 0, 0, 0]; // column, row, column, row: both ends are in
    const of = (cells, [c0, r0, c1, r1]) => {
      let sum = 0, n = 0, lo = 101, hi = -1;
      for (let r = r0; r <= r1; r++) for (let c = c0; c <= c1; c++) {
        const v = cells[r * d.columns + c];
        if (v === 255) continue;
        sum += v; n++; lo = Math.min(lo, v); hi = Math.max(hi, v);
      }
      return n ? 'mean ' + (sum / n).toFixed(1) + ' %, ' + lo + ' to ' + hi + ' % (' + n + ' cells)' : 'no sample';
    };
    const show = () => {
      const [c0, r0, c1, r1] = [Math.min(at[0], at[2]), Math.min(at[1], at[3]), Math.max(at[0], at[2]), Math.max(at[1], at[3])], s = d.seconds / d.columns;
      marks.forEach(m => {
        for (const [k, v] of Object.entries({ x: m.x + c0 / d.columns * m.w, y: m.y + r0 / rows * m.h, width: (c1 - c0 + 1) / d.columns * m.w, height: (r1 - r0 + 1) / rows * m.h, visibility: 'visible' })) m.mark.setAttribute(k, v);
      });
      out.textContent = 'CPU ' + d.cpus[r0] + (r1 > r0 ? ' to ' + d.cpus[r1] : '') + ', ' + (c0 * s).toFixed(2) + ' to ' + ((c1 + 1) * s).toFixed(2) + ' s: spinning ' + of(maps[0], [c0, r0, c1, r1]) + '; busy ' + of(maps[1], [c0, r0, c1, r1]);
    };
    const clamp = (v, n) => Math.max(0, Math.min(n - 1, v));
    marks.forEach(m => {
      const cell = e => {
        const p = new DOMPoint(e.clientX, e.clientY).matrixTransform(m.svg.getScreenCTM().inverse());
        return [clamp(Math.floor((p.x - m.x) / m.w * d.columns), d.columns), clamp(Math.floor((p.y - m.y) / m.h * rows), rows)];
      };
      m.svg.tabIndex = 0;
      m.svg.style.touchAction = 'pan-y';
      m.svg.addEventListener('pointerdown', e => { at = [...cell(e), ...cell(e)]; m.svg.setPointerCapture(e.pointerId); show(); e.preventDefault(); m.svg.focus({ preventScroll: true }); });
      m.svg.addEventListener('pointermove', e => { if (m.svg.hasPointerCapture(e.pointerId)) { at.splice(2, 2, ...cell(e)); show(); } });
      m.svg.addEventListener('keydown', e => {
        const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
        if (!step) return;
        e.preventDefault();
        at[2] = clamp(at[2] + step[0], d.columns);
        at[3] = clamp(at[3] + step[1], rows);
        if (!e.shiftKey) at = [at[2], at[3], at[2], at[3]];
        show();
      });
    });
  });

  // A link opens what it leads to, and lands on it.
  const land = () => {
    const to = location.hash.length > 1 && !location.hash.includes('?') && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!to) return;
    for (let d = to.matches('section') ? to.querySelector('details') : to.closest('details'); d; d = d.parentElement.closest('details')) d.open = true;
    to.scrollIntoView();
  };
  addEventListener('hashchange', land);
  document.addEventListener('click', e => {
    const a = e.target.closest?.('a[href^="#"]');
    if (a && a.hash === location.hash) land();
  });
  land();

  // Print what is folded, too.
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = all('main > section[id] details:not([open])').filter(d => !d.closest('.legal, .claims, svg'));
    opened.forEach(d => { d.open = true; });
  });
  addEventListener('afterprint', () => opened.forEach(d => { d.open = false; }));

  // Charts: the options are data. Functions come from this table only, and
  // only where a formatter stands; colours come from the style sheet.
  const short = v => {
    for (const p of ['', ' k', ' M', ' G']) {
      if (Math.abs(v) < 999.5 || p === ' G') return Number(v.toPrecision(3)) + p;
      v /= 1000;
    }
  };
  const hooks = new Map([
    ['hook:short', short],
    ['hook:tip', p => {
      const div = document.createElement('div');
      div.style.cssText = 'max-width:320px;white-space:normal;overflow-wrap:anywhere';
      div.textContent = p.name || p.seriesName;
      return div;
    }],
  ]);
  const variable = n => getComputedStyle(document.documentElement).getPropertyValue(n).trim();
  const resolve = (value, name) => {
    if (Array.isArray(value)) return value.map(v => resolve(v, name));
    if (value && typeof value === 'object') {
      const out = Object.create(null);
      for (const [k, v] of Object.entries(value)) out[k] = resolve(v, k);
      return { ...out };
    }
    if (typeof value !== 'string') return value;
    if (name === 'formatter') return value === '{a}' ? value : hooks.get(value);
    if (name === 'color' && /^css:--\w+$/.test(value)) return variable(value.slice(4));
    return value;
  };
  // Decals repeat what colours say, as the hatching of the drawn figures does.
  const stripes = (rotation, gap, width) => ({ symbol: 'rect', color: 'rgba(255,255,255,.5)', dashArrayX: [1, 0], dashArrayY: [width, gap], rotation });
  const decals = new Map([['spin', stripes(-Math.PI / 4, 4, 2)], ['word', stripes(0, 6, 2)],
    ...['st5', 'st6', 'st7', 'st8'].map(c => [c, stripes(Math.PI / 2, 6, 2)])]);
  const decorate = series => {
    const color = series.itemStyle?.color ?? '';
    if (series.type === 'bar') {
      series.itemStyle.decal = decals.get(color.replace('css:--', ''));
      series.barMaxWidth = 26;
    }
    if (series.type !== 'line') return;
    const dashed = ['dashed', 'dotted'].includes(series.lineStyle?.type);
    series.endLabel = { show: !dashed, formatter: '{a}', color: variable('--ink'), fontWeight: 600, fontFamily: variable('--sans'), fontSize: 13, distance: 12, width: 108, overflow: 'truncate' };
  };
  const theme = options => {
    const text = { color: variable('--ink'), fontFamily: variable('--sans') };
    options.textStyle = text;
    options.legend = { ...options.legend, textStyle: text, inactiveColor: variable('--muted'), pageTextStyle: text };
    options.tooltip = { ...options.tooltip, backgroundColor: variable('--bg'), borderColor: variable('--line'), textStyle: text, confine: true };
    options.aria = { enabled: true };
    for (const axis of [options.xAxis, options.yAxis].flat()) {
      Object.assign(axis, {
        axisLine: { show: axis.axisLine?.show ?? (axis.type === 'category' || axis === [options.xAxis].flat()[0]), lineStyle: { color: variable('--muted') } },
        axisTick: { show: axis.axisLine?.show, lineStyle: { color: variable('--muted') } },
        splitLine: { show: axis.type === 'value', lineStyle: { color: variable('--line') } },
        nameTextStyle: { color: variable('--muted'), align: axis === [options.yAxis].flat()[0] ? 'left' : undefined },
      });
      axis.axisLabel = { ...axis.axisLabel, color: variable('--muted') };
    }
    return options;
  };

  // Names at the ends of lines that lie close are moved apart.
  const spread = (chart, options) => {
    const ends = options.series.filter(s => s.endLabel?.show && s.data?.length).map(s => ({ name: s.name, data: s.data, y: chart.convertToPixel({ yAxisIndex: 0 }, s.data.at(-1).value[1]) }));
    ends.sort((a, b) => a.y - b.y);
    const at = new Map();
    let last = -Infinity;
    for (const e of ends) {
      last = Math.max(e.y, last + 17);
      at.set(e.data, last - e.y);
    }
    chart.setOption({ series: options.series.map(s => at.has(s.data) ? { endLabel: { offset: [0, at.get(s.data)] } } : {}) });
  };

  let charts;
  const load = () => charts ??= (async () => {
    await run('echarts', 'text/javascript');
    return new Map(JSON.parse(await inflate('charts').text()).map(c => [c.id, c.options]));
  })();

  const live = new Map(); // figure -> chart
  const draw = async figure => {
    if (live.has(figure)) return;
    live.set(figure, null);
    const options = structuredClone((await load()).get(figure.id));
    const still = figure.querySelector('.static');
    const box = document.createElement('div');
    box.className = 'live';
    const rows = [options.yAxis].flat()[0].data?.length ?? 0;
    const pitch = options.series.some(s => s.stack === 'below') ? 38 : 28;
    const height = rows ? pitch * rows + 46 : Math.max(still.firstElementChild.getBoundingClientRect().height, 260);
    box.style.height = Math.round(height) + 'px';
    still.after(box);
    still.classList.add('off');
    const chart = window.echarts.init(box, null, { renderer: 'svg' });
    options.series.forEach(decorate);
    const resolved = theme(resolve(options, ''));
    chart.setOption(resolved);
    spread(chart, resolved);
    live.set(figure, chart);
    figure.dataset.live = 'drawn';
  };
  const drop = figure => {
    live.get(figure)?.dispose();
    live.delete(figure);
    figure.querySelector('.live')?.remove();
    figure.querySelector('.static').classList.remove('off');
    figure.dataset.live = 'no';
  };
  const figures = all('figure[data-live]');
  if (!figures.length || !inflates) return;

  const watch = new IntersectionObserver(entries => entries.filter(e => e.isIntersecting).forEach(e => {
    watch.unobserve(e.target);
    draw(e.target);
  }), { rootMargin: '200px' });
  const mode = document.getElementById('mode');
  const redraw = () => {
    watch.disconnect();
    [...live.keys()].forEach(drop);
    if (mode.getAttribute('aria-pressed') === 'true') figures.forEach(f => watch.observe(f));
  };
  mode.addEventListener('click', () => {
    mode.setAttribute('aria-pressed', String(mode.getAttribute('aria-pressed') !== 'true'));
    redraw();
  });
  document.getElementById('print').addEventListener('click', () => window.print());
  document.querySelector('.tools').hidden = false;
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  addEventListener('resize', () => live.forEach(chart => chart?.resize()));
})();
