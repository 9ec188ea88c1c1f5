/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash table. What it holds begins with its hash, and then its key. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct { uint64_t hash; } item_t;                  /* the head of what a table holds; its key follows */
typedef struct { item_t **slot; size_t used, size; } table_t;

static uint64_t mix(const uint64_t *w, size_t words)
{
	uint64_t h = 0;
	for (size_t i = 0; i < words; i++)
		h = (h ^ w[i]) * 0x9E3779B97F4A7C15ull, h ^= h >> 29;
	return h;
}

/* Finds the item with these words after its hash, or the slot to put it. */
static item_t **look(table_t *t, uint64_t hash, const uint64_t *key, size_t words)
{
	if (t->used * 2 >= t->size) {
		table_t old = *t;
		t->size = old.size ? old.size * 2 : 1 << 12;
		t->slot = calloc(t->size, sizeof *t->slot);
		for (size_t i = 0; i < old.size; i++)
			if (old.slot[i]) {
				size_t at = old.slot[i]->hash & (t->size - 1);
				while (t->slot[at])
					at = (at + 1) & (t->size - 1);
				t->slot[at] = old.slot[i];
			}
		free(old.slot);
	}
	for (size_t at = hash & (t->size - 1);; at = (at + 1) & (t->size - 1)) {
		item_t *i = t->slot[at];
		if (!i || (i->hash == hash && !memcmp(i + 1, key, words * sizeof *key)))
			return &t->slot[at];
	}
}

static void empty(table_t *t)
{
	for (size_t i = 0; i < t->size; i++)
		free(t->slot[i]);
	memset(t->slot, 0, t->size * sizeof *t->slot);
	t->used = 0;
}
