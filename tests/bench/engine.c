/* SPDX-License-Identifier: BSD-3-Clause */
/* engine.c - riposte's own packet path, port and worker as they are, under frames that never end:
 *	engine EAL... -- ROW FAMILY LIVE CONFIGURATION FILE...
 * Writes a FILE of frames for each worker, for EAL's --vdev=net_pcapN,rx_pcap=FILE,infinite_rx=1 to
 * read, makes LIVE connections where the row wants them, and says "ready". Then each line
 * "run MILLISECONDS" on stdin is one measurement, whose counters it prints; they end with "done".
 * With "close" all connections are closed by their clients, and it prints how many were so as they
 * should. What is measured is the CPU time of the worker's thread, which is not lost to others. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "clients.h"
#include "conf.h"
#include "eal.h"
#include "load.h"
#include "port.h"
#include "rules.h"
#include "say.h"
#include "worker.h"

#define WORKERS_MAX 2
#define WARM_UP     5u   /* one in so many parts of the time, before it begins */
#define FILL_MS     400u /* before a SYN-ACK would be sent again, 1 s after the first time */

struct job {
	struct port port;
	struct worker worker;
	struct clients clients;
	struct stream stream;
	uint64_t cpu_ns;      /* in the last slice */
	uint32_t established; /* of the stream's clients, while it fills a table */
};

struct engine {
	const struct row *row;
	uint8_t family;
	uint32_t live;
	char **files;
	unsigned int count; /* of jobs */
	struct worker_orders orders;
	struct rules rules;
	struct stack_conf conf;
	struct job jobs[WORKERS_MAX];
};

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* net_pcap gives its devices these addresses, by number. */
static void
device_mac(unsigned int number, uint8_t mac[6])
{
	memcpy(mac, "\x02\x70\x63\x61\x70\x00", 6);
	mac[5] = (uint8_t)(mac[5] + number);
}

/* What the next of the stream has other than the frames that have come, in these. */
static uint16_t
put_heads(uint16_t port, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count, uint16_t room,
	  void *arg)
{
	struct stream *stream = arg;
	uint32_t next = atomic_load_explicit(&stream->next, memory_order_relaxed);
	uint16_t i = 0;

	(void)port;
	(void)queue;
	(void)room;
	for (; i < count; i++) {
		const uint8_t *head;

		if (next == stream->count) {
			if (stream->once)
				break;
			next = 0;
		}
		head = stream->heads + (size_t)next++ * stream->stride;
		if (stream->stride == STREAM_STRIDE_4)
			memcpy(rte_pktmbuf_mtod_offset(mbufs[i], void *, STREAM_FROM_4), head,
			       STREAM_STRIDE_4);
		else
			memcpy(rte_pktmbuf_mtod_offset(mbufs[i], void *, STREAM_FROM_6), head,
			       STREAM_STRIDE_6);
	}
	atomic_store_explicit(&stream->next, next, memory_order_relaxed);
	if (i < count)
		rte_pktmbuf_free_bulk(mbufs + i, (unsigned int)(count - i));
	return i;
}

static int
work(void *arg)
{
	struct job *job = arg;
	const uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	worker_run(&job->worker);
	job->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
	return 0;
}

/* Has every stream come to its end? */
static bool
exhausted(const struct engine *e)
{
	for (unsigned int i = 0; i < e->count; i++)
		if (!e->jobs[i].stream.once ||
		    atomic_load_explicit(&e->jobs[i].stream.next, memory_order_relaxed) <
			    e->jobs[i].stream.count)
			return false;
	return true;
}

/* All workers for so long, or until no more frames come. */
static void
slice(struct engine *e, uint32_t ms)
{
	const uint64_t end = clock_ns(CLOCK_MONOTONIC) + ms * UINT64_C(1000000);

	atomic_store(&e->orders.stop, false);
	for (unsigned int i = 0; i < e->count; i++)
		rte_eal_remote_launch(work, &e->jobs[i], e->jobs[i].worker.lcore);
	while (clock_ns(CLOCK_MONOTONIC) < end && !exhausted(e))
		nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
	atomic_store(&e->orders.stop, true);
	rte_eal_mp_wait_lcore();
}

/* What came of one job. */
struct result {
	uint64_t cpu_ns;
	uint64_t counted[DROP_COUNT + TCP_RST_COUNT + 32];
};

/* Adds the job's counters as they are to (or takes them from) the result's. */
static void
count(const struct job *job, struct result *result, bool add)
{
	struct stack_counter counter;

	for (unsigned int i = 0; stack_counter_at(stack_counters(job->worker.stack), i, &counter);
	     i++)
		result->counted[i] += add ? counter.value : -counter.value;
}

/* One slice that is measured. */
static void
measure(struct engine *e, uint32_t ms, struct result *results)
{
	for (unsigned int i = 0; i < e->count; i++)
		count(&e->jobs[i], &results[i], false);
	slice(e, ms);
	for (unsigned int i = 0; i < e->count; i++) {
		count(&e->jobs[i], &results[i], true);
		results[i].cpu_ns += e->jobs[i].cpu_ns;
	}
}

/* From an empty table to a full one, in slices. Between them, unmeasured, the handshakes are
 * completed whose SYN-ACKs would soon be sent again. */
static bool
fill(struct engine *e, uint32_t warm_ms, struct result *results)
{
	for (unsigned int i = 0; i < e->count; i++) {
		struct job *job = &e->jobs[i];
		const unsigned int lcore = job->worker.lcore;

		worker_close(&job->worker);
		if (worker_open(&job->worker, &e->orders, &job->port, 0, lcore, &e->conf) != 0)
			return false;
		atomic_store(&job->stream.next, 0);
		job->established = 0;
	}
	for (bool warm = true; !exhausted(e); warm = false) {
		if (warm)
			slice(e, warm_ms);
		else
			measure(e, FILL_MS, results);
		for (unsigned int i = 0; i < e->count; i++) {
			struct job *job = &e->jobs[i];
			const uint32_t next = atomic_load(&job->stream.next);

			clients_establish(&job->clients, job->worker.stack, job->established,
					  next - job->established, false, worker_clock(&e->orders));
			job->established = next;
		}
	}
	return true;
}

static bool
run(struct engine *e, uint32_t ms)
{
	struct result results[WORKERS_MAX] = {0};
	struct stack_counter counter;

	if (e->row->fills) {
		if (!fill(e, FILL_MS / WARM_UP, results))
			return false;
	} else {
		slice(e, ms / WARM_UP);
		measure(e, ms, results);
	}
	for (unsigned int i = 0; i < e->count; i++) {
		const struct stack *s = e->jobs[i].worker.stack;

		printf("worker: %u\ncpu_ns: %" PRIu64 "\n", i, results[i].cpu_ns);
		for (unsigned int n = 0; stack_counter_at(stack_counters(s), n, &counter); n++)
			if (results[i].counted[n] > 0)
				printf("%s%s: %" PRIu64 "\n", counter.group, counter.name,
				       results[i].counted[n]);
		printf("connections: %u\n", stack_connections(s));
	}
	printf("done\n");
	fflush(stdout);
	return true;
}

static void
close_all(struct engine *e)
{
	for (unsigned int i = 0; i < e->count; i++) {
		struct job *job = &e->jobs[i];
		const uint32_t right = clients_close(&job->clients, job->worker.stack, 0, e->live,
						     worker_clock(&e->orders));

		printf("worker: %u\nclosed_right: %u\nconnections: %u\n", i, right,
		       stack_connections(job->worker.stack));
	}
	printf("done\n");
	fflush(stdout);
}

/* Runs what stdin says, to its end. The exit status. */
static int
obey(struct engine *e)
{
	char line[64];
	unsigned int ms;

	printf("bytes: %zu\nready\n", e->jobs[0].worker.stack_size);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strcmp(line, "close\n") == 0)
			close_all(e);
		else if (sscanf(line, "run %u", &ms) != 1 || !run(e, ms))
			return EXIT_INTERNAL;
	}
	return EXIT_AS_ASKED;
}

/* Opens a device and its worker, with the connections that the row wants. */
static int
open_job(struct engine *e, unsigned int i, unsigned int lcore)
{
	const struct port_orders orders = {
		.workers = 1, .ipv6 = e->family == 6, .secret = &e->conf.secret};
	struct job *job = &e->jobs[i];
	uint8_t mac[6];
	int error = port_open(&job->port, (uint16_t)i, &orders);

	if (error == 0)
		error = worker_open(&job->worker, &e->orders, &job->port, 0, lcore, &e->conf);
	if (error != 0)
		return EXIT_DEVICE;
	device_mac(i, mac);
	if (memcmp(mac, job->port.mac, sizeof(mac)) != 0) {
		say("device %s has another address than was expected of it", job->port.name);
		return EXIT_DEVICE;
	}
	if (!load_stream(e->row, &job->clients, e->live, &job->stream))
		return EXIT_DEVICE;
	if (job->stream.count > 0)
		rte_eth_add_rx_callback(job->port.id, 0, put_heads, &job->stream);
	if (e->row->fills)
		return EXIT_AS_ASKED;
	clients_establish(&job->clients, job->worker.stack, 0, e->live, true,
			  worker_clock(&e->orders));
	if (stack_counters(job->worker.stack)->established != e->live) {
		say("only %" PRIu64 " of %u connections were established",
		    stack_counters(job->worker.stack)->established, e->live);
		return EXIT_INTERNAL;
	}
	return EXIT_AS_ASKED;
}

/* All that needs EAL. */
static int
with_eal(struct engine *e)
{
	unsigned int lcore = rte_get_next_lcore(-1u, 1, 0);
	int status = EXIT_AS_ASKED;
	unsigned int opened = 0;

	if (rte_lcore_count() <= e->count) {
		say("%u workers need an lcore each, beside the main one", e->count);
		return EXIT_COMMAND_LINE;
	}
	for (; opened < e->count && status == EXIT_AS_ASKED; opened++) {
		status = open_job(e, opened, lcore);
		lcore = rte_get_next_lcore(lcore, 1, 0);
	}
	if (status == EXIT_AS_ASKED)
		status = obey(e);
	for (unsigned int i = 0; i < opened; i++) {
		port_close(&e->jobs[i].port);
		worker_close(&e->jobs[i].worker);
		load_stream_free(&e->jobs[i].stream);
	}
	return status;
}

/* From the configuration on. The files have to be there when EAL makes the devices. */
static int
serve(struct engine *e, int eal_argc, char **argv, const char *configuration)
{
	static const uint8_t secret[16] = "the bench's own";
	struct conf *conf = conf_read(configuration);
	struct rules_set *set;
	uint8_t mac[6];
	int status;

	if (conf == NULL)
		return EXIT_CONFIGURATION;
	if (rules_open(&e->rules) != 0)
		return EXIT_DEVICE;
	set = rules_add(&e->rules, conf);
	if (set == NULL)
		return EXIT_CONFIGURATION;
	e->conf = (struct stack_conf){.secret = siphash_key_read(secret)};
	rules_fill(&e->rules, set, &e->conf);
	clients_fill(&e->conf);
	for (unsigned int i = 0; i < e->count; i++) {
		device_mac(i, mac);
		clients_init(&e->jobs[i].clients, e->family, mac, &e->conf.secret);
		if (!load_file(e->row, &e->jobs[i].clients, e->live, e->files[i]))
			return EXIT_DEVICE;
	}
	status = eal_start(eal_argc, argv);
	if (status == EXIT_AS_ASKED) {
		status = with_eal(e);
		eal_stop();
	}
	rules_close(&e->rules);
	return status;
}

int
main(int argc, char **argv)
{
	static struct engine engine = {.orders.poll = true};
	int dashes = 1;

	while (dashes < argc && strcmp(argv[dashes], "--") != 0)
		dashes++;
	if (argc - dashes < 6 || argc - dashes > 5 + WORKERS_MAX) {
		fprintf(stderr, "usage: engine EAL... -- ROW FAMILY LIVE CONFIGURATION FILE...\n");
		return EXIT_COMMAND_LINE;
	}
	engine.row = load_row(argv[dashes + 1]);
	engine.family = (uint8_t)atoi(argv[dashes + 2]);
	engine.live = (uint32_t)strtoul(argv[dashes + 3], NULL, 10);
	engine.files = argv + dashes + 5;
	engine.count = (unsigned int)(argc - dashes - 5);
	if (engine.row == NULL || (engine.family != 4 && engine.family != 6) ||
	    engine.live >= CLIENT_NEW) {
		fprintf(stderr, "engine: no such row, family or number of connections\n");
		return EXIT_COMMAND_LINE;
	}
	return serve(&engine, dashes, argv, argv[dashes + 4]);
}
