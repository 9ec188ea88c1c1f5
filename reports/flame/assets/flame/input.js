// Pointer and keys, and the start.

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
// Functions named in the page's other tables lead here.
const known = new Map(d.names.map((n, f) => [n, f]));
document.querySelectorAll('main td:first-child > code').forEach(code => {
  if (!known.has(code.textContent) || code.closest('#flame')) return;
  const a = make('a', undefined, { href: '#flame?' + new URLSearchParams({ shape: 'both', frame: code.textContent }), title: 'its callers and callees' });
  code.replaceWith(a);
  a.append(code);
});
new ResizeObserver(() => { if (pane.clientWidth !== wide && pane.clientWidth > 0) redraw(); }).observe(pane);
dark.addEventListener('change', () => {
  theme();
  redraw();
});

theme();
if (d.groups[want.group].side === 'after') want.colour = 'diff';
if (!recall()) rebuild(null);
host.dataset.ready = 'yes';
performance.mark('flame');
