/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who called whom: see coherent.c, which includes this. */

static node_t *node_of(node_t *parent, uint64_t start)
{
	enum { DEEPEST = 200 };                            /* who was lost track of does not grow for ever */
	if (parent && parent->depth == DEEPEST)
		parent = NULL;
	if (parent && parent->latest && parent->latest->start == start)
		return parent->latest;
	uint64_t key[] = { (uintptr_t)parent, start };
	uint64_t hash = mix((uint64_t[]){ parent ? parent->number : 0, start }, 2); /* not where malloc put it */
	item_t **slot = look(&nodes, hash, key, 2);
	if (!*slot) {
		node_t *n = calloc(1, sizeof *n + sizeof(uint64_t) * ncpu * KINDS);
		n->hash = hash, n->parent = parent, n->start = start;
		n->number = ++nodes.used, n->depth = parent ? parent->depth + 1 : 0;
		*slot = (item_t *)n;
	}
	if (parent)
		parent->latest = (node_t *)*slot;
	return (node_t *)*slot;
}

static slot_t *slot_at(cpu_t *c, uint64_t sp)
{
	uint64_t page = sp >> 12;
	if (!c->stack || c->stack->page != page) {
		uint64_t hash = mix(&page, 1);
		stack_page_t **known = (stack_page_t **)look(&stack_pages, hash, &page, 1);
		if (!*known) {
			*known = calloc(1, sizeof **known), stack_pages.used++;
			(*known)->hash = hash, (*known)->page = page;
		}
		c->stack = *known;
	}
	return &c->stack->slot[sp % 4096 / 8];
}

/* Notes who is returned to, or returns. */
static void follow(cpu_t *c, int kind, uint64_t addr, bool store)
{
	if (c->interrupted && store) {                     /* below the frame, or an error code that is below it */
		for (int above = 8; above <= 16; above += 8)
			*slot_at(c, addr + above) = c->was;
		c->interrupted = false;
	}
	if (kind == IS_CALL && store) {
		*slot_at(c, addr) = (slot_t){ c->node, false };
		c->called = true;
	} else if ((kind == IS_RET || kind == IS_IRET) && !store && !c->returned) {
		slot_t *slot = slot_at(c, addr);
		c->node = slot->back ? slot->back : c->node;
		c->called = slot->called;                  /* an interrupt came between a call and the callee */
		c->returned = true;                        /* iret loads more */
	}
}

/* Enters the function of a block. */
static void enter(cpu_t *c, const site_t *s)
{
	const function_t *f = &s->function;
	bool first = s->pc == f->start;
	if (first && f->kind == 'i') {
		c->was.back = c->node, c->was.called = c->called, c->interrupted = true;
		c->node = node_of(NULL, f->start);         /* whom it happened to interrupt says nothing */
	} else if (f->kind == 'r' && (first || !f->start)) {
		c->node = node_of(NULL, f->start);
	} else if (c->called) {
		c->node = node_of(c->node, f->start);
		c->node->n[c->index * KINDS + CALLS] += counting;
	} else if (!c->node || c->node->start != f->start) {
		c->node = node_of(c->node ? c->node->parent : NULL, f->start);
		c->node->n[c->index * KINDS + CALLS] += first && counting;
	}
	c->called = c->returned = false;
}
