/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QEMU TCG plugin: N cores with private caches that a directory keeps coherent. It runs under -icount, where one
 * thread of QEMU takes the cores in turn: nothing here needs a lock, and the same start gives the same counts to the
 * last digit.
 *
 * options  out=FILE      window w is written to FILE.w
 *          packet=ADDR   the function whose calls are the packets; the model is off until every sender has called it
 *          alloc=ADDR free=ADDR  what is freed later; a window ends when as many are alive as at its start: deferred
 *                        work is neither pushed out of a window nor booked to the next
 *          functions=FILE  lines "START KIND", sorted; KIND is i of an entry of interrupts, r of one that nobody calls
 *          tick=ADDR tick_end=ADDR  where a timer's interrupt begins and ends, whose instructions are counted
 *          senders=N     CPUs 0..N-1
 *          warm=W        packets of all senders before the first window
 *          count=C       and in a window, at least
 *          windows=K     then QEMU ends
 *          user=1        models the data of user space instead of the kernel's
 *          ram=FILE poke=ADDR:PHYS:VALUE  when ADDR is first executed, 32 bits of the guest's memory are set
 *
 * Time: a core's clock is its cycles, by the costs below. The core that is QUANTUM ahead of the slowest ends its time
 * slice, so that all advance alike, who waits for a lock too. A core that sleeps wakes at the time of the slowest.
 *
 * Contexts: all is counted by function and by who called it. A call stores its return address, and where it lies is
 * noted who called: the return that loads it from there is back, whatever stacks were switched meanwhile. Where an
 * interrupt's frame lies is noted who was interrupted. A function that is entered by a jump takes the place of the
 * one left.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "plugin.h"
#include "table.h"

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 4;

enum { L1_SETS = 64, L1_WAYS = 8, L2_SETS = 2048, L2_WAYS = 8, DIR_BITS = 19, DIR_PROBES = 16, MAX_CPUS = 64 };
enum { QUANTUM = 100, INSN = 1, LOCKED = 18, PAUSE = 40, REP = 30 }; /* cycles; what an access adds is in cost[] */
enum { HITS = 61 };                                        /* of so many hits of L1 one is noted */
static const uint64_t REGISTERS = 0xffffffffff000000;      /* the fixmap and up: the APIC's, which no cache holds */
/* What is counted: first what an access met that L1 could not serve. */
enum { L2, LLC, DRAM, HITM, UPGRADE, INSNS, CYCLES, CALLS, KINDS };
static const unsigned cost[] = { 14, 50, 200, 100, 60 };

typedef struct { uint64_t start; char kind; } function_t;
typedef struct node {                                      /* a function that parent called */
	uint64_t hash;
	struct node *parent;
	uint64_t start, number, depth;
	struct node *latest;                               /* callee */
	uint64_t n[];                                      /* by CPU and kind */
} node_t;
typedef struct { node_t *back; bool called; } slot_t;     /* whom a return address leads back to */
typedef struct { uint64_t hash, page; slot_t slot[4096 / 8]; } stack_page_t;

enum { PLAIN, IS_LOCKED, IS_PAUSE, IS_REP, IS_SLEEP, IS_CALL, IS_RET, IS_IRET }; /* see kind_of() */
typedef struct {                                           /* a block (insns > 0) or an instruction; one host line */
	uint64_t hash, pc, insns;
	function_t function;
	uint64_t rep;                                      /* pc of a repeated string instruction at the block's end */
	uint32_t cycles;
	uint32_t known;                                    /* addresses it touched */
} site_t;

typedef struct {                                           /* one pair of instructions between which a line moved */
	uint64_t hash, addr, place;                        /* read at addr; last written at place % 64 of its line */
	site_t *reader, *writer;
	uint64_t n, apart, to, from;                       /* apart: no byte read was among those written */
} share_t;

typedef struct { uint64_t hash; site_t *site; uint64_t addr, store, seen, misses, transfers; } touch_t;
typedef struct { bool modified; uint8_t offset; uint64_t bytes; site_t *writer; } way_t; /* of an L1, but its line */
typedef struct { uint64_t line, sharers, bytes; site_t *writer; int8_t owner, last; uint8_t offset; } dir_t;

typedef struct {
	void *qemu;
	int index;
	bool asleep, in_tick, called, interrupted, returned;
	node_t *node;                                      /* whose code runs */
	slot_t was;                                        /* who was interrupted */
	stack_page_t *stack;                               /* the last one used */
	uint64_t cycles, limit, packets, base, base_cycles, ticks, tick_insns, rep;
	uint64_t l1[L1_SETS][L1_WAYS];                     /* lines; apart, for they are what is searched */
	way_t ways[L1_SETS][L1_WAYS];
	uint64_t l2[L2_SETS][L2_WAYS];                     /* line << 1 | modified */
	uint8_t l1_next[L1_SETS], l2_next[L2_SETS];
} cpu_t;

static struct {
	char *out, *ram, *functions;
	uint64_t packet, alloc, free, tick, tick_end, poke, poke_at, warm, count, windows, user, senders;
	uint32_t poke_value;
} opt;
static struct { int64_t alive, sum, samples, level; } live; /* objects; to their mean; at the windows' ends */
static uint64_t forgotten;                                 /* lines that the directory lost */
static qemu_plugin_id_t self;
static cpu_t *cpus, *slice;                                /* slice: whose time slice this is */
static int ncpu, window;
static bool armed, counting;
static dir_t *dir;
static table_t sites, shares, touches, nodes, stack_pages;
static function_t *functions;
static size_t nfunctions;

static site_t *site_of(uint64_t pc, uint64_t insns)
{
	uint64_t key[] = { pc, insns }, hash = mix(key, 2);
	item_t **slot = look(&sites, hash, key, 2);
	if (!*slot) {
		site_t *s = aligned_alloc(64, 64);
		size_t low = 0, high = nfunctions;
		while (low < high) {
			size_t mid = (low + high) / 2;
			if (functions[mid].start <= pc)
				low = mid + 1;
			else
				high = mid;
		}
		*s = (site_t){ .hash = hash, .pc = pc, .insns = insns,
			       .function = low ? functions[low - 1] : (function_t){ 0, 'r' } /* user space */ };
		*slot = (item_t *)s, sites.used++;
	}
	return (site_t *)*slot;
}

#include "contexts.h"
#include "caches.h"

static inline cpu_t *now(void)
{
	static cpu_t *at;
	if (__builtin_expect(!at || at->qemu != current_cpu, 0)) {
		if (!cpus->qemu)
			for (int i = 0; i < ncpu; i++)
				cpus[i].qemu = qemu_get_cpu(i);
		for (at = cpus; at->qemu != current_cpu; at++) {}
	}
	return at;
}

/* An instruction's kind is in the low bits of its pointer: most accesses then need nothing of what it points to. */
static void mem(unsigned int unused, qemu_plugin_meminfo_t info, uint64_t addr, void *tagged)
{
	enum { TAG = 63 };
	if ((addr >> 63 == 0) != opt.user || addr >= REGISTERS)
		return;
	int kind = (uintptr_t)tagged & TAG;
	site_t *site = (site_t *)((uintptr_t)tagged - kind);
	unsigned size = 1u << qemu_plugin_mem_size_shift(info), room = 64 - (addr & 63);
	bool store = qemu_plugin_mem_is_store(info);
	cpu_t *c = now();
	follow(c, kind, addr, store);
	bool own = store || kind == IS_LOCKED;             /* a locked instruction asks for ownership at its load */
	touch(c, addr, size < room ? size : room, store, own, site);
	if (size > room)
		touch(c, addr + room, size - room, store, own, site);
}

/* Sets how far the core may run: QUANTUM past the slowest other one that is awake. */
static void begin_slice(cpu_t *c)
{
	uint64_t slowest = UINT64_MAX;
	for (cpu_t *o = cpus; o < cpus + ncpu; o++)
		if (o != c && !o->asleep && o->cycles < slowest)
			slowest = o->cycles;
	if (c->asleep && slowest != UINT64_MAX && c->cycles < slowest)
		c->cycles = slowest;
	c->asleep = false;
	c->limit = (slowest != UINT64_MAX ? slowest : c->cycles) + QUANTUM;
	slice = c;
}

static void block(unsigned int unused, void *site)
{
	site_t *s = site;
	cpu_t *c = now();
	if (c != slice)
		begin_slice(c);
	/* Under -icount each iteration of a repeated string instruction is a block: only the first counts. */
	bool again = s->rep && s->insns == 1 && s->rep == c->rep;
	c->rep = s->rep;
	if (!again) {
		enter(c, s);
		c->cycles += s->cycles;
		c->tick_insns += c->in_tick ? s->insns : 0;
		if (counting) {
			uint64_t *n = c->node->n + c->index * KINDS;
			n[INSNS] += s->insns, n[CYCLES] += s->cycles;
		}
	}
	if (c->cycles >= c->limit) {
		cpu_exit(c->qemu);
		slice = NULL;
	}
}

static void nothing(void *cpu, uint64_t unused) {}

/*
 * QEMU's main thread skips time when it finds all CPUs idle. Should it look between a CPU's hlt and the moment at which
 * what the CPU has executed is added to the clock, it skips too much. A CPU for which work waits is not taken for idle;
 * it is done by the CPUs' own thread, whose clock is right by then.
 */
static void on_sleep(unsigned int unused, void *u)
{
	async_run_on_cpu(now()->qemu, nothing, 0);
	now()->asleep = true;
	slice = NULL;
}

static void on_tick(unsigned int unused, void *u) { now()->ticks++, now()->in_tick = true; }
static void on_tick_end(unsigned int unused, void *u) { now()->in_tick = false; }
static void on_alloc(unsigned int unused, void *u) { live.alive++; }
static void on_free(unsigned int unused, void *u) { live.alive--; }

/*
 * A window's file, one record a line; addresses and CPU masks are hexadecimal. In the head, kept is how many objects
 * more were allocated than freed.
 *   cpu INDEX packets cycles ticks instructions-of-ticks
 *   n number parent function, of a context; numbers are decimal, parent is 0 for none
 *   c number cpu L2 LLC DRAM HITM UPGRADE instructions cycles entries, of a context
 *   s address reader writer offset-of-last-write n apart readers writers, of the senders' transfers; all writers send
 *     or none
 *   t instruction address store seen misses transfers, of the senders: seen is misses and a sample of hits
 *   end
 */
static void dump(void)
{
	char name[4096];
	snprintf(name, sizeof name, "%s.%d", opt.out, window);
	FILE *f = fopen(name, "w");
	if (!f) {
		perror(name);
		_exit(3);
	}
	fprintf(f, "coherent 6 cpus %d senders %" PRIu64 " forgotten %" PRIu64 " kept %" PRId64 "\n",
		ncpu, opt.senders, forgotten, live.alive - live.level);
	for (cpu_t *c = cpus; c < cpus + ncpu; c++)
		fprintf(f, "cpu %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", c->index, c->packets - c->base,
			c->cycles - c->base_cycles, c->ticks, c->tick_insns);
	for (size_t i = 0; i < nodes.size; i++) {
		node_t *d = (node_t *)nodes.slot[i];
		if (d)
			fprintf(f, "n %" PRIu64 " %" PRIu64 " %" PRIx64 "\n", d->number,
				d->parent ? d->parent->number : 0, d->start);
		for (int c = 0; d && c < ncpu; c++) {
			uint64_t *n = d->n + c * KINDS, any = 0;
			for (int k = 0; k < KINDS; k++)
				any |= n[k];
			if (!any)
				continue;
			fprintf(f, "c %" PRIu64 " %d", d->number, c);
			for (int k = 0; k < KINDS; k++)
				fprintf(f, " %" PRIu64, n[k]);
			fputc('\n', f);
		}
	}
	for (size_t i = 0; i < shares.size; i++) {
		share_t *s = (share_t *)shares.slot[i];
		if (s)
			fprintf(f, "s %" PRIx64 " %" PRIx64 " %" PRIx64 " %d", s->addr, s->reader->pc,
				s->writer ? s->writer->pc : 0, (int)(s->place % 64));
		if (s)
			fprintf(f, " %" PRIu64 " %" PRIu64 " %" PRIx64 " %" PRIx64 "\n",
				s->n, s->apart, s->to, s->from);
	}
	for (size_t i = 0; i < touches.size; i++) {
		touch_t *t = (touch_t *)touches.slot[i];
		if (t)
			fprintf(f, "t %" PRIx64 " %" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
				t->site->pc, t->addr, t->store, t->seen, t->misses, t->transfers);
	}
	fprintf(f, "end\n");
	if (fclose(f)) {
		perror(name);
		_exit(3);
	}
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
static void rearm(qemu_plugin_id_t id) { qemu_plugin_register_vcpu_tb_trans_cb(id, translate); }

static void clear(void)
{
	for (size_t i = 0; i < nodes.size; i++)
		if (nodes.slot[i])
			memset(((node_t *)nodes.slot[i])->n, 0, sizeof(uint64_t) * ncpu * KINDS);
	empty(&shares);
	for (size_t i = 0; i < touches.size; i++)
		if (touches.slot[i])
			((touch_t *)touches.slot[i])->site->known = 0;
	empty(&touches);
}

/*
 * Ends a window if its packets are done and as many objects are alive as at its start. That level is the mean before
 * the first window, which deferred frees cross often. A window that does not come back to it counts for nothing: the
 * level was not the steady one, and its mean is taken instead.
 */
static void end_window(void)
{
	enum { PATIENCE = 3 };
	uint64_t packets = 0;
	for (cpu_t *c = cpus; c < cpus + opt.senders; c++)
		packets += c->packets - c->base;
	if (!counting && packets * 2 < opt.warm)
		live.sum = live.samples = 0;
	live.sum += live.alive, live.samples++;
	if (packets < (counting ? opt.count : opt.warm))
		return;
	if (!counting)
		live.level = live.sum / live.samples;
	if ((uint64_t)llabs(live.alive - live.level) * 100 > opt.count) {
		if (counting && packets > opt.count * PATIENCE)
			counting = false;
		return;
	}
	if (counting) {
		dump();
		if (++window == (int)opt.windows)
			_exit(0);
	}
	clear();
	for (cpu_t *c = cpus; c < cpus + ncpu; c++)
		c->base = c->packets, c->base_cycles = c->cycles, c->ticks = c->tick_insns = 0;
	live.sum = live.samples = 0;
	counting = true;
}

/* Reads the functions. Of a FIFO, the host makes them now: the guest has left what it has loaded. */
static void read_functions(void)
{
	FILE *f = fopen(opt.functions, "r");
	size_t room = 0;
	uint64_t start;
	char kind;
	while (f && fscanf(f, "%" SCNx64 " %c", &start, &kind) == 2) {
		if (nfunctions == room)
			functions = realloc(functions, (room = room ? room * 2 : 1 << 16) * sizeof *functions);
		functions[nfunctions++] = (function_t){ start, kind };
	}
	if (!nfunctions) {
		fprintf(stderr, "coherent: no functions in %s\n", opt.functions);
		_exit(3);
	}
	fclose(f);
}

static void on_packet(unsigned int unused, void *u)
{
	now()->packets++;
	if (armed) {
		end_window();
		return;
	}
	for (uint64_t i = 0; i < opt.senders; i++)
		if (!cpus[i].packets)
			return;
	for (cpu_t *c = cpus; c < cpus + ncpu; c++)
		c->packets = 0, c->asleep = true;          /* until it runs */
	live.alive = 0;
	armed = true;
	read_functions();
	qemu_plugin_reset(self, rearm);
}

static void on_poke(unsigned int unused, void *u)
{
	int f = opt.poke ? open(opt.ram, O_RDWR) : -1;
	if (f < 0)
		return;
	if (pwrite(f, &opt.poke_value, sizeof opt.poke_value, opt.poke_at) != sizeof opt.poke_value)
		perror("coherent: poke");
	close(f);
	opt.poke = 0;
}

/* What the model must know of an instruction. */
static int kind_of(const uint8_t *b, size_t n)
{
	static const uint8_t prefixes[] = { 0xf0, 0xf2, 0xf3, 0x66, 0x65, 0x64, 0x2e, 0x3e };
	bool lock = false, rep = false;
	size_t i = 0;
	for (; i < n && memchr(prefixes, b[i], sizeof prefixes); i++)
		lock |= b[i] == 0xf0, rep |= (b[i] & 0xfe) == 0xf2;
	if (i < n && (b[i] & 0xf0) == 0x40)                /* REX */
		i++;
	if (i >= n)
		return PLAIN;
	if (lock || (i + 1 < n && (b[i] & 0xfe) == 0x86 && b[i + 1] >> 6 != 3)) /* xchg with memory */
		return IS_LOCKED;
	if (b[i] == 0xe8 || (i + 1 < n && b[i] == 0xff && (b[i + 1] >> 3 & 7) == 2))
		return IS_CALL;
	if (b[i] == 0xc3 || b[i] == 0xcf)
		return b[i] == 0xc3 ? IS_RET : IS_IRET;
	if (b[i] == 0xf4 || (n == 3 && !memcmp(b, "\x0f\x01\xc9", 3))) /* hlt, mwait */
		return IS_SLEEP;
	if (rep && b[i] == 0x90)
		return IS_PAUSE;
	return rep && ((b[i] & 0xfc) == 0xa4 || (b[i] >= 0xaa && b[i] <= 0xaf)) ? IS_REP : PLAIN; /* movs stos .. */
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	uint64_t pc = qemu_plugin_tb_vaddr(tb);
	site_t *whole = armed ? site_of(pc, n) : NULL;
	if (whole) {
		whole->cycles = n * INSN;
		qemu_plugin_register_vcpu_tb_exec_cb(tb, block, QEMU_PLUGIN_CB_NO_REGS, whole);
	}
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *in = qemu_plugin_tb_get_insn(tb, i);
		uint64_t a = qemu_plugin_insn_vaddr(in);
		exec_fn f = a == opt.poke && a ? on_poke : a == opt.packet ? on_packet : !armed ? NULL :
			a == opt.alloc ? on_alloc : a == opt.free ? on_free :
			a == opt.tick ? on_tick : a == opt.tick_end ? on_tick_end : NULL;
		if (f)
			qemu_plugin_register_vcpu_insn_exec_cb(in, f, QEMU_PLUGIN_CB_NO_REGS, NULL);
		uint8_t b[16];
		int kind = kind_of(b, qemu_plugin_insn_data(in, b, sizeof b));
		if (kind == IS_SLEEP)
			qemu_plugin_register_vcpu_insn_exec_cb(in, on_sleep, QEMU_PLUGIN_CB_NO_REGS, NULL);
		if (!armed)
			continue;
		site_t *s = site_of(a, 0);
		whole->rep = kind == IS_REP ? a : 0;
		whole->cycles += kind == IS_LOCKED ? LOCKED : kind == IS_PAUSE ? PAUSE : kind == IS_REP ? REP : 0;
		qemu_plugin_register_vcpu_mem_cb(in, mem, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
						 (char *)s + kind);
	}
}

static bool option(const char *arg)
{
	static const struct { const char *name; uint64_t *to; int base; } numbers[] = {
		{ "packet", &opt.packet, 16 }, { "alloc", &opt.alloc, 16 }, { "free", &opt.free, 16 },
		{ "tick", &opt.tick, 16 }, { "tick_end", &opt.tick_end, 16 }, { "senders", &opt.senders, 10 },
		{ "warm", &opt.warm, 10 }, { "count", &opt.count, 10 }, { "windows", &opt.windows, 10 },
		{ "user", &opt.user, 10 },
	};
	static const struct { const char *name; char **to; } texts[] = {
		{ "out", &opt.out }, { "ram", &opt.ram }, { "functions", &opt.functions },
	};
	const char *v = strchr(arg, '=');
	size_t len = v ? v++ - arg : 0;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (len && strlen(texts[i].name) == len && !strncmp(arg, texts[i].name, len))
			return (*texts[i].to = strdup(v));
	if (len == 4 && !strncmp(arg, "poke", len))
		return sscanf(v, "%" SCNx64 ":%" SCNx64 ":%" SCNu32, &opt.poke, &opt.poke_at, &opt.poke_value) == 3;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (len && strlen(numbers[i].name) == len && !strncmp(arg, numbers[i].name, len)) {
			*numbers[i].to = strtoull(v, NULL, numbers[i].base);
			return true;
		}
	return false;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!option(argv[i])) {
			fprintf(stderr, "coherent: bad option %s\n", argv[i]);
			return -1;
		}
	self = id, ncpu = info->system.smp_vcpus;
	if (!opt.out || !opt.packet || !opt.windows || opt.senders > (uint64_t)ncpu || ncpu > MAX_CPUS ||
	    !opt.functions) {
		fprintf(stderr, "coherent: want out, packet, windows, functions, senders among %d CPUs\n", MAX_CPUS);
		return -1;
	}
	cpus = mmap(NULL, sizeof *cpus * ncpu, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	dir = mmap(NULL, sizeof *dir << DIR_BITS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (cpus == MAP_FAILED || dir == MAP_FAILED) {
		perror("coherent: memory");
		return -1;
	}
	for (int i = 0; i < ncpu; i++)
		cpus[i].index = i;
	rearm(id);
	return 0;
}
