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
#include "control.h"
#include "dpdk_compat.h"
#include "eal.h"
#include "lcores.h"
#include "options.h"
#include "port.h"
#include "rules.h"
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
	struct rules rules;
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

/* What every stack is told and no configuration says. -1 after an error, which has been said. */
static int
fill_secrets(const struct options *options, struct stack_conf *to)
{
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
	*to = (struct stack_conf){
		.secret = siphash_key_read(secret),
		.isn_clock_stopped = options->seeded,
	};
	return 0;
}

static int
open_ports(struct program *p, unsigned int lcore_count, struct port_orders *orders)
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
	orders->workers = (uint16_t)(lcore_count / count);
	if (lcore_count % count != 0)
		say("%u devices share %u lcores evenly: %u of them stay idle", count, lcore_count,
		    lcore_count % count);
	while (p->port_count < count) {
		id = (uint16_t)rte_eth_find_next_owned_by(id, RTE_ETH_DEV_NO_OWNER);
		if (port_open(&p->ports[p->port_count++], id++, orders) != 0)
			return EXIT_DEVICE;
	}
	return EXIT_AS_ASKED;
}

/* An lcore for a worker of port. */
static unsigned int
take_lcore(struct lcores *lcores, const struct port *port)
{
	const unsigned int i = lcores_take(lcores, port->node);

	if (port->node >= 0 && lcores->node[i] >= 0 && lcores->node[i] != port->node)
		say("warning: device %s is on NUMA node %d and its worker's lcore %u on node %d: "
		    "lcores of node %d (-l; lscpu lists them) would be faster",
		    port->name, port->node, lcores->id[i], lcores->node[i], port->node);
	return lcores->id[i];
}

static int
open_workers(struct program *p, struct lcores *lcores, const struct stack_conf *conf)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < p->port_count; i++)
		count += p->ports[i].rss.queues;
	p->workers = calloc(count, sizeof(*p->workers));
	if (p->workers == NULL) {
		say("no memory for %u workers", count);
		return EXIT_DEVICE;
	}
	for (unsigned int i = 0; i < p->port_count; i++) {
		const struct port *port = &p->ports[i];

		for (uint16_t queue = 0; queue < port->rss.queues; queue++) {
			if (worker_open(&p->workers[p->worker_count], &p->orders, port, queue,
					take_lcore(lcores, port), conf) != 0)
				return EXIT_DEVICE;
			p->worker_count++;
		}
	}
	return EXIT_AS_ASKED;
}

/* Starts the workers, runs that of the main lcore here, if it has one, and returns when all have
 * stopped. 0 or a negative errno, which has been said. */
static int
launch_workers(struct program *p)
{
	const unsigned int here = rte_get_main_lcore();
	struct worker *mine = NULL;
	int error = 0;

	for (unsigned int i = 0; i < p->worker_count && error == 0; i++) {
		struct worker *w = &p->workers[i];

		if (w->lcore == here)
			mine = w;
		else
			error = rte_eal_remote_launch(worker_run, w, w->lcore);
		if (error != 0) {
			say("lcore %u does not start: %s", w->lcore, strerror(-error));
			atomic_store_explicit(&p->orders.stop, true, memory_order_relaxed);
		}
	}
	if (mine != NULL)
		worker_run(mine);
	rte_eal_mp_wait_lcore();
	return error;
}

static int
run_workers(struct program *p, const struct options *options)
{
	struct stats_control control = {
		.orders = &p->orders,
		.workers = p->workers,
		.worker_count = p->worker_count,
		.ports = p->ports,
		.port_count = p->port_count,
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
	error = launch_workers(p);
	pthread_join(thread, NULL);
	return error == 0 ? EXIT_AS_ASKED : EXIT_INTERNAL;
}

/* Answers telemetry while the workers run. */
static int
run_controlled(struct program *p, struct rules_set *set, const struct stack_conf *secrets,
	       const struct options *options)
{
	struct control control = {
		.workers = p->workers,
		.worker_count = p->worker_count,
		.ports = p->ports,
		.port_count = p->port_count,
		.rules = &p->rules,
		.current = set,
		.secrets = *secrets,
		.file = options->config,
	};
	int status;

	if (control_open(&control) != 0)
		return EXIT_INTERNAL;
	status = run_workers(p, options);
	control_close();
	return status;
}

/* Opens what the set needs, runs it, and closes all again. Returns the exit status. */
static int
run(struct program *p, struct rules_set *set, const struct options *options)
{
	const struct conf_host *host = &set->conf->host;
	struct stack_conf secrets, stack_conf;
	struct port_orders orders = {
		.mtu = (uint16_t)host->mtu,
		.promiscuous = host->promiscuous != 0,
		.ipv6 = host->v6_line != 0,
		.secret = &secrets.secret,
	};
	struct lcores lcores;
	bool ran = false;
	int status = EXIT_INTERNAL;

	/* With --seed a run is like the last one, so its time begins at 0 too. */
	p->orders.clock_zero_us =
		(options->seeded ? 0 : clock_us(CLOCK_REALTIME)) - clock_us(CLOCK_MONOTONIC);
	catch_signals(&p->orders);
	if (fill_secrets(options, &secrets) != 0)
		return EXIT_INTERNAL;
	stack_conf = secrets;
	rules_fill(&p->rules, set, &stack_conf);
	lcores_list(&lcores);
	status = open_ports(p, lcores.count, &orders);
	if (status != EXIT_AS_ASKED)
		goto out;
	status = open_workers(p, &lcores, &stack_conf);
	if (status != EXIT_AS_ASKED)
		goto out;
	status = run_controlled(p, set, &secrets, options);
	ran = true;
out:
	for (unsigned int i = 0; i < p->port_count; i++)
		port_close(&p->ports[i]);
	if (ran)
		stats_print(p->workers, p->worker_count, p->ports, p->port_count);
	for (unsigned int i = 0; i < p->worker_count; i++)
		worker_close(&p->workers[i]);
	free(p->workers);
	free(p->ports);
	return status;
}

/* From DPDK's start to its end. conf is taken over. Returns the exit status. */
static int
serve(struct conf *conf, const struct options *options, char **argv)
{
	struct program p = {.orders.poll = options->poll};
	struct rules_set *set = NULL;
	int status = EXIT_DEVICE;

	if (rules_open(&p.rules) != 0 || (set = rules_add(&p.rules, conf)) == NULL) {
		conf_free(conf);
		goto out;
	}
	status = eal_start(options->eal_argc, argv);
	if (status == EXIT_AS_ASKED) {
		status = run(&p, set, options);
		eal_stop();
	}
out:
	rules_close(&p.rules);
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
	if (!options.check)
		return serve(conf, &options, argv);
	conf_print(conf, stdout);
	status = printed();
	conf_free(conf);
	return status;
}
