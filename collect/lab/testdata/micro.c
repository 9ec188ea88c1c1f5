/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * micro ... CPUS ROUNDS: first program of a guest, for checking the model against theory. CPUs 0..CPUS-1 do each
 * operation ROUNDS times, then all the next one. Between two operations is private work of more than CPUS time
 * slices, so that an operation finds the lines where the other CPUs left them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct { _Alignas(64) volatile long v[8]; } line_t;
static line_t *m;

#define OP __attribute__((noinline, used, section("ops"))) void
OP op_counter(int cpu) { __asm__ volatile("lock incq %0" : "+m"(m[0].v[0])); }
OP op_false_sharing(int cpu) { m[1].v[cpu & 7]++; }
OP op_line_each(int cpu) { m[64 + cpu].v[0]++; }
OP op_one_writer(int cpu) { (void)m[2].v[0]; if (cpu == 0) m[2].v[0] = 1; }
OP op_ticket_lock(int cpu)
{
	long t = 1;
	__asm__ volatile("lock xaddq %0, %1" : "+r"(t), "+m"(m[3].v[0]));
	while (m[3].v[1] != t)
		__asm__ volatile("pause");
	m[4].v[0]++;
	m[3].v[1] = t + 1;
}
OP op_all_read(int cpu) { (void)m[5].v[0]; }

/* What is counted as the packets: an operation, of whatever kind. */
OP each_op(void) { __asm__ volatile(""); }

static void barrier(int n, int round)
{
	__sync_fetch_and_add(&m[8 + round].v[0], 1);
	while (m[8 + round].v[0] < n)
		__asm__ volatile("pause");
}

static int n, rounds;

static void *sender(void *arg)
{
	static void (*const ops[])(int) = {
		op_all_read, op_all_read, op_counter, op_false_sharing, op_line_each, op_one_writer, op_ticket_lock,
	};
	int cpu = (int)(long)arg;
	cpu_set_t own;
	CPU_ZERO(&own);
	CPU_SET(cpu, &own);
	sched_setaffinity(0, sizeof own, &own);
	barrier(n, 0);
	/* The model begins within the first kind, when every CPU has begun; it is done twice, to be done whole. */
	for (unsigned k = 0; k < sizeof ops / sizeof *ops; k++) {
		/* Not in step: the CPUs' operations are spread over the time between two of one CPU. */
		for (int w = 0; w < 1000 * cpu; w++)
			__asm__ volatile("");
		for (int r = 0; r < rounds; r++) {
			each_op();
			ops[k](cpu);
			for (int w = 0; w < 1000 * n; w++)
				__asm__ volatile("");
		}
		barrier(n, 1 + k);
	}
	for (;;) /* the plugin ends the machine */
		each_op();
}

int main(int argc, char **argv)
{
	n = atoi(argv[argc - 2]), rounds = atoi(argv[argc - 1]);
	m = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	for (long cpu = 0; cpu < n; cpu++) {
		pthread_t t;
		if (pthread_create(&t, NULL, sender, (void *)cpu))
			return 1;
	}
	for (;;)
		pause();
}
