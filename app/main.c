/* SPDX-License-Identifier: BSD-3-Clause */
/* main.c - start, run, stop: reads the command line and the configuration, opens ports and workers,
 * waits for the end and prints the counters. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "conf.h"
#include "dpdk_compat.h"
#include "eal.h"
#include "options.h"
#include "port.h"
#include "say.h"
#include "secret.h"
#include "stats.h"
#include "worker.h"

/* All that runs. */
struct program {
	struct worker_orders orders;
	struct port *ports;
	unsigned int port_count; /* those that port_open() saw */
	struct worker *workers;
	unsigned int worker_count;
};

static struct worker_orders *signalled;

static void
stop(int signal)
{
	(void)signal;
	atomic_store_explicit(&signalled->stop, true, memory_order_relaxed);
}

static void
catch_signals(struct worker_orders *orders)
{
	struct sigaction action = {.sa_handler = stop};

	signalled = orders;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	/* Who reads what is printed may leave; the devices still have to be closed. */
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

static int64_t
clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* What the configuration and the command line say to every stack. -1 after an error, which has
 * been said. */
static int
fill_stack_conf(const struct conf *conf, const struct options *options, struct stack_conf *to)
{
	const struct conf_host *host = &conf->host;
	static struct listener_index index;
	uint16_t *numbers;
	uint8_t secret[SECRET_BYTES];
	int error = 0;

	if (options->seeded)
		memcpy(secret, options->seed, sizeof(secret));
	else
		error = secret_random(secret);
	if (error != 0) {
		say("no random bytes for the secret: %s", strerror(-error));
		return -1;
	}
	numbers = calloc(listener_index_numbers(conf->listeners, 0, conf->listener_count) + 1,
			 sizeof(*numbers));
	if (numbers == NULL)
		return -1;
	listener_index_build(&index, conf->listeners, 0, conf->listener_count, numbers);
	*to = (struct stack_conf){
		.owned = &host->owns.set,
		.index = &index,
		.listener_room = LISTENERS_MAX,
		.steps = conf->steps,
		.connections = (uint32_t)host->connections,
		.senders = (uint32_t)(host->connections < 65536 ? host->connections : 65536),
		.echo_memory = 16u << 20,
		.msl_ms = (uint32_t)host->msl_ms,
		.challenge_acks = (uint32_t)host->challenge_acks,
		.min_mss = (uint16_t)host->min_mss,
		.closed = (uint8_t)host->closed,
		.ttl = (uint8_t)host->ttl,
		.secret = siphash_key_read(secret),
		.cookie_shared = host->cookie_key.given,
		.isn_clock_stopped = options->seeded,
	};
	to->cookie_secret =
		host->cookie_key.given ? siphash_key_read(host->cookie_key.bytes) : to->secret;
	return 0;
}

/* The lcores in the order in which workers are put on them: the main one first. */
static unsigned int
list_lcores(unsigned int lcores[RTE_MAX_LCORE])
{
	unsigned int count = rte_lcore_count();

	lcores[0] = rte_get_main_lcore();
	for (unsigned int i = 1; i < count; i++)
		lcores[i] = rte_get_next_lcore(lcores[i - 1], 1, 1);
	return count;
}

static int
open_ports(struct program *p, unsigned int lcore_count, bool ipv6)
{
	unsigned int count = rte_eth_dev_count_avail();
	uint16_t id = 0;

	if (count > lcore_count) {
		say("%u devices need an lcore each, and EAL has %u: name more with -l, or fewer "
		    "devices",
		    count, lcore_count);
		return EXIT_COMMAND_LINE;
	}
	p->ports = calloc(count, sizeof(*p->ports));
	if (p->ports == NULL) {
		say("no memory for %u devices", count);
		return EXIT_DEVICE;
	}
	while (p->port_count < count) {
		id = (uint16_t)rte_eth_find_next_owned_by(id, RTE_ETH_DEV_NO_OWNER);
		if (port_open(&p->ports[p->port_count++], id++, (uint16_t)(lcore_count / count),
			      ipv6) != 0)
			return EXIT_DEVICE;
	}
	return EXIT_AS_ASKED;
}

static int
open_workers(struct program *p, const unsigned int *lcores, const struct stack_conf *conf)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < p->port_count; i++)
		count += p->ports[i].queues;
	p->workers = calloc(count, sizeof(*p->workers));
	if (p->workers == NULL) {
		say("no memory for %u workers", count);
		return EXIT_DEVICE;
	}
	for (unsigned int i = 0; i < p->port_count; i++) {
		const struct port *port = &p->ports[i];

		for (uint16_t queue = 0; queue < port->queues; queue++) {
			unsigned int n = p->worker_count;

			if (worker_open(&p->workers[n], &p->orders, port, queue, lcores[n], conf) !=
			    0)
				return EXIT_DEVICE;
			p->worker_count++;
		}
	}
	return EXIT_AS_ASKED;
}

/* Worker 0 runs here, on the main lcore; returns when all have stopped. */
static int
run_workers(struct program *p, const struct options *options)
{
	struct stats_control control = {
		.orders = &p->orders,
		.workers = p->workers,
		.worker_count = p->worker_count,
		.for_ms = options->for_ms,
		.exit_idle_ms = options->exit_idle_ms,
		.stats_ms = options->stats_ms,
	};
	pthread_t thread;
	int error = dpdk_control_thread(&thread, "riposte-ctl", stats_watch, &control);

	if (error != 0) {
		say("no control thread: %s", strerror(abs(error)));
		return EXIT_INTERNAL;
	}
	for (unsigned int i = 1; i < p->worker_count; i++) {
		error = rte_eal_remote_launch(worker_run, &p->workers[i], p->workers[i].lcore);
		if (error != 0) {
			say("lcore %u does not start: %s", p->workers[i].lcore, strerror(-error));
			atomic_store_explicit(&p->orders.stop, true, memory_order_relaxed);
			break;
		}
	}
	worker_run(&p->workers[0]);
	rte_eal_mp_wait_lcore();
	pthread_join(thread, NULL);
	return error == 0 ? EXIT_AS_ASKED : EXIT_INTERNAL;
}

/* From the devices on. Returns the exit status. */
static int
run(const struct conf *conf, const struct options *options)
{
	struct program p = {.orders.poll = options->poll};
	unsigned int lcores[RTE_MAX_LCORE];
	unsigned int lcore_count = list_lcores(lcores);
	struct stack_conf stack_conf;
	bool ran = false;
	int status;

	/* With --seed a run is like the last one, so its time begins at 0 too. */
	p.orders.clock_zero_us =
		(options->seeded ? 0 : clock_us(CLOCK_REALTIME)) - clock_us(CLOCK_MONOTONIC);
	catch_signals(&p.orders);
	if (fill_stack_conf(conf, options, &stack_conf) != 0) {
		status = EXIT_INTERNAL;
		goto out;
	}
	status = open_ports(&p, lcore_count, conf->host.owns.set.v6_count > 0);
	if (status != EXIT_AS_ASKED)
		goto out;
	status = open_workers(&p, lcores, &stack_conf);
	if (status != EXIT_AS_ASKED)
		goto out;
	status = run_workers(&p, options);
	ran = true;
out:
	for (unsigned int i = 0; i < p.port_count; i++)
		port_close(&p.ports[i]);
	if (ran)
		stats_print(p.workers, p.worker_count, p.ports, p.port_count);
	for (unsigned int i = 0; i < p.worker_count; i++)
		worker_close(&p.workers[i]);
	free(p.workers);
	free(p.ports);
	return status;
}

/* The exit status after printing what was asked for: did it get out? */
static int
printed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_AS_ASKED;
	say("standard output: %s", strerror(errno));
	return EXIT_INTERNAL;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct conf *conf;
	int status;

	if (options_read(&options, argc, argv) != 0)
		return EXIT_COMMAND_LINE;
	if (options.help) {
		options_print_help();
		return printed();
	}
	if (options.version) {
		options_print_version();
		return printed();
	}
	if (options.eal_help)
		return eal_start(options.eal_argc, argv);
	conf = conf_read(options.config);
	if (conf == NULL)
		return EXIT_CONFIGURATION;
	if (options.check) {
		conf_print(conf, stdout);
		status = printed();
	} else {
		status = eal_start(options.eal_argc, argv);
		if (status == EXIT_AS_ASKED) {
			status = run(conf, &options);
			eal_stop();
		}
	}
	conf_free(conf);
	return status;
}
