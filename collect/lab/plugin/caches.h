/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The caches of the cores, and the directory: see coherent.c, which includes this. */

static void note_share(cpu_t *c, uint64_t addr, uint64_t bytes, site_t *reader, dir_t *d)
{
	uint64_t place = d->offset | (uint64_t)(d->last >= (int)opt.senders) << 6; /* who does not send stands apart */
	uint64_t key[] = { addr, place, (uintptr_t)reader, (uintptr_t)d->writer };
	/* Not the pointers: where malloc puts a site must not decide the order of the output. */
	uint64_t hash = mix((uint64_t[]){ addr, place, reader->pc, d->writer ? d->writer->pc : 0 }, 4);
	share_t **slot = (share_t **)look(&shares, hash, key, 4);
	if (!*slot) {
		*slot = calloc(1, sizeof **slot), shares.used++;
		**slot = (share_t){ hash, addr, place, reader, d->writer, 0, 0, 0, 0 };
	}
	share_t *s = *slot;
	s->n++, s->apart += !(d->bytes & bytes), s->to |= 1ull << c->index, s->from |= 1ull << d->last;
}

/* Notes what an instruction touched: MOST addresses of each, which are enough to tell the members. */
static void note_touch(uint64_t addr, bool store, site_t *site, bool missed, bool moved)
{
	enum { MOST = 64 };
	uint64_t key[] = { (uintptr_t)site, addr }, hash = mix((uint64_t[]){ site->pc, addr }, 2);
	touch_t **slot = (touch_t **)look(&touches, hash, key, 2), *t = *slot;
	if (!t) {
		if (site->known == MOST)
			return;
		*slot = t = calloc(1, sizeof *t), touches.used++, site->known++;
		*t = (touch_t){ .hash = hash, .site = site, .addr = addr };
	}
	t->store |= store, t->seen++, t->misses += missed, t->transfers += moved;
}

/* The line's entry; one without an owner, or any, is forgotten if all its places are taken. */
static dir_t *entry(uint64_t line)
{
	uint64_t h = (line * 0x9E3779B97F4A7C15ull) >> (64 - DIR_BITS);
	dir_t *first = &dir[h & ~(uint64_t)(DIR_PROBES - 1)], *d = NULL;
	for (int i = 0; i < DIR_PROBES; i++) {
		if (first[i].line == line)
			return &first[i];
		if (!d || (d->line && !first[i].line) || (d->owner >= 0 && first[i].owner < 0))
			d = &first[i];
	}
	if (d->line)
		forgotten++;
	*d = (dir_t){ .line = line, .owner = -1 };
	return d;
}

static way_t *in_l1(cpu_t *c, uint64_t line)
{
	const uint64_t *set = c->l1[line % L1_SETS];
	for (int i = 0; i < L1_WAYS; i++)
		if (set[i] == line)
			return &c->ways[line % L1_SETS][i];
	return NULL;
}

static uint64_t *in_l2(cpu_t *c, uint64_t line)
{
	for (uint64_t *w = c->l2[line % L2_SETS], *end = w + L2_WAYS; w < end; w++)
		if (*w >> 1 == line)
			return w;
	return NULL;
}

/* Before a line that was written leaves an L1: who wrote what goes to the directory. */
static void keep_writer(cpu_t *c, uint64_t line, way_t *w)
{
	dir_t *d = w->modified && w->writer ? entry(line) : NULL;
	if (d && d->owner == c->index)
		d->writer = w->writer, d->offset = w->offset, d->bytes |= w->bytes;
}

static way_t *fill(cpu_t *c, uint64_t line, bool modified)
{
	way_t *w = in_l1(c, line);
	uint64_t *v = in_l2(c, line);
	if (!w) {
		int set = line % L1_SETS, way = c->l1_next[set]++ % L1_WAYS;
		w = &c->ways[set][way];
		keep_writer(c, c->l1[set][way], w);
		*w = (way_t){ 0 };
		c->l1[set][way] = line;
	}
	if (!v) {
		int set = line % L2_SETS;
		v = &c->l2[set][c->l2_next[set]++ % L2_WAYS];
	}
	w->modified = modified;
	*v = line << 1 | modified;
	return w;
}

/* Takes the line from a core, or with keep only the right to write it. */
static void drop(cpu_t *c, uint64_t line, bool keep)
{
	way_t *w = in_l1(c, line);
	uint64_t *v = in_l2(c, line);
	if (w) {
		keep_writer(c, line, w);
		*w = (way_t){ 0 };
		if (!keep)
			c->l1[line % L1_SETS][w - c->ways[line % L1_SETS]] = 0;
	}
	if (v)
		*v = keep ? line << 1 : 0;
}

/* One access to one line. own: the core must be the only one that has it. */
static void touch(cpu_t *c, uint64_t addr, unsigned size, bool store, bool own, site_t *s)
{
	uint64_t line = addr >> 6, bytes = (size >= 64 ? ~0ull : (1ull << size) - 1) << (addr & 63);
	way_t *w = in_l1(c, line);
	bool sender = counting && c->index < (int)opt.senders;
	static unsigned hits;
	if (w && sender && ++hits % HITS == 0)
		note_touch(addr, store, s, false, false);
	if (!w || (own && !w->modified)) {
		dir_t *d = entry(line);
		uint64_t others = d->sharers & ~(1ull << c->index);
		uint64_t *met = c->node->n + c->index * KINDS;
		int kind = -1;
		if (d->owner >= 0 && d->owner != c->index) { /* another core wrote it last, and may still hold it */
			cpu_t *o = &cpus[d->owner];
			kind = in_l1(o, line) || in_l2(o, line) ? HITM : LLC;
			drop(o, line, !own);                 /* tells d the writer */
			if (kind == HITM && sender)
				note_share(c, addr, bytes, s, d);
			if (own)
				others &= ~(1ull << d->owner);
			d->owner = -1;
		} else if (!w) {
			kind = in_l2(c, line) ? L2 : d->sharers || d->writer ? LLC : DRAM;
		}
		bool upgrade = own && others && kind != HITM;
		unsigned cycles = (kind >= 0 ? cost[kind] : 0) + (upgrade ? cost[UPGRADE] : 0);
		c->cycles += cycles;
		if (counting) {
			met[CYCLES] += cycles, met[UPGRADE] += upgrade;
			if (kind >= 0)
				met[kind]++;
		}
		if (sender && kind >= 0)
			note_touch(addr, store, s, true, kind == HITM);
		for (uint64_t o = own ? others : 0; o; o &= o - 1)
			drop(&cpus[__builtin_ctzll(o)], line, false);
		w = fill(c, line, own);
		d->sharers = (own ? 0 : d->sharers) | 1ull << c->index;
		if (own)
			d->owner = d->last = c->index, d->bytes = 0, d->writer = s, d->offset = addr & 63;
	}
	if (store)
		w->writer = s, w->offset = addr & 63, w->bytes |= bytes;
}
