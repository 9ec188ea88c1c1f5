// Boxes on the canvas.

const HIGH = 18, MIN = 0.5; // a row, and the narrowest frame, in px

const canvas = $('canvas'), pane = $('pane'), pad = $('pad'), pen = canvas.getContext('2d');
const dark = matchMedia('(prefers-color-scheme: dark)');
const css = n => getComputedStyle(document.documentElement).getPropertyValue(n).trim();
let ink = {}, rects = [], rows = 0, wide = 0;
const theme = () => {
  ink = { text: css('--ink'), grey: dark.matches ? [92, 99, 106] : [220, 220, 220], mono: css('--mono') };
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
  ink.hatch = { d: stripes(5, 'rgba(255,255,255,.5)'), l: stripes(9, 'rgba(255,255,255,.5)') };
};
const mix = (to, part) => `rgb(${ink.grey.map((g, i) => Math.round(g + (to[i] - g) * part))})`;
const BLUE = [0, 114, 178], ORANGE = [230, 120, 0], DARK = '#111', LIGHT = '#fff';
// looks returns how a box is filled, inked and hatched: of a difference or a
// growth by its sign, grey where none is shown.
const looks = b => {
  if (choice.colour === 'cost') {
    const k = b.frame < 0 ? d.kinds[0] : d.kinds[d.kind[b.frame]];
    const plain = k === d.kinds[0];
    return { fill: plain ? `rgb(${ink.grey})` : k.fill, ink: plain && dark.matches ? LIGHT : k.ink, hatch: k.hatch };
  }
  const r = choice.colour === 'diff' ? differ(b) : grow(b), by = choice.colour === 'diff' ? r.part : Math.max(-1, Math.min(1, r.slope));
  const part = r.sure ? 0.2 + 0.8 * Math.abs(by) : 0;
  return { fill: mix(by > 0 ? ORANGE : BLUE, part), ink: (by < 0 && part > 0.45) || (dark.matches && (part < 0.3 || by < 0)) ? LIGHT : DARK };
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
    pen.fillStyle = look.fill;
    pen.fillRect(r.x, y, w, h);
    if (look.hatch && w > 3) {
      pen.fillStyle = ink.hatch[look.hatch];
      pen.fillRect(r.x, y, w, h);
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
  legend();
};
const rectOf = b => rects.find(r => r.b === b);
const reveal = b => {
  const r = rectOf(b);
  if (!r) return;
  const y = r.row * HIGH;
  if (y < pane.scrollTop) pane.scrollTop = Math.max(y - HIGH, 0);
  else if (y + HIGH > pane.scrollTop + pane.clientHeight) pane.scrollTop = y + 2 * HIGH - pane.clientHeight;
};
