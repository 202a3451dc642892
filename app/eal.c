/* SPDX-License-Identifier: BSD-3-Clause */
/* eal.c - starts DPDK's environment without its chatter: what it writes to stderr meanwhile is kept
 * back, and of it goes into our one line what says why. */
#define _GNU_SOURCE /* memfd_create */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "eal.h"
#include "say.h"

#define REASON_MAX 256

/* stdout and stderr while they are kept back. */
struct silence {
	int file; /* what was written meanwhile; -1: nothing is kept back */
	int out, err;
};

static struct silence
keep_back(void)
{
	struct silence s = {.file = memfd_create("riposte-eal", MFD_CLOEXEC)};

	if (s.file < 0)
		return s;
	fflush(NULL);
	s.out = dup(STDOUT_FILENO);
	s.err = dup(STDERR_FILENO);
	dup2(s.file, STDOUT_FILENO);
	dup2(s.file, STDERR_FILENO);
	return s;
}

/* Ends it; reason gets the first line that was written. */
static void
let_go(struct silence *s, char reason[REASON_MAX])
{
	ssize_t length;

	reason[0] = '\0';
	if (s->file < 0)
		return;
	fflush(NULL);
	dup2(s->out, STDOUT_FILENO);
	dup2(s->err, STDERR_FILENO);
	close(s->out);
	close(s->err);
	length = pread(s->file, reason, REASON_MAX - 1, 0);
	reason[length > 0 ? length : 0] = '\0';
	reason[strcspn(reason, "\n")] = '\0';
	close(s->file);
	s->file = -1;
}

static bool
has_option(int argc, char **argv, const char *name)
{
	size_t length = strlen(name);

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], name, length) == 0 &&
		    (argv[i][length] == '\0' || argv[i][length] == '='))
			return true;
	}
	return false;
}

/* The name of a --vdev, up to its first comma, which need not be a device's. */
static bool
vdev_exists(const char *vdev)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t port;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(vdev, ","), vdev);
	return rte_eth_dev_get_port_by_name(name, &port) == 0;
}

/* A device of the PCI bus, by its address, long or short, up to its first comma. */
static bool
allowed_exists(const char *allowed)
{
	struct rte_dev_iterator iterator;
	uint16_t port;

	if (rte_eth_iterator_init(&iterator, allowed) != 0)
		return false;
	port = rte_eth_iterator_next(&iterator);
	if (port == RTE_MAX_ETHPORTS)
		return false;
	rte_eth_iterator_cleanup(&iterator);
	return true;
}

/* Whether the kernel has an IOMMU in use: then every device is in a group. */
static bool
has_iommu(void)
{
	DIR *groups = opendir("/sys/kernel/iommu_groups");
	const struct dirent *entry;
	bool found = false;

	if (groups == NULL)
		return false;
	while (!found && (entry = readdir(groups)) != NULL)
		found = entry->d_name[0] != '.';
	closedir(groups);
	return found;
}

/* What to do so that a NIC can be had, after EAL gave that reason, or none. */
static const char *
advice(const char *reason)
{
	if (strstr(reason, strerror(EBUSY)) != NULL)
		return "another program has it: end that first";
	if (has_iommu())
		return "bind the NIC to vfio-pci (sudo scripts/nic bind ADDRESS)";
	return "the kernel has no IOMMU for a NIC: switch VT-d or AMD-Vi on in the BIOS, boot with "
	       "intel_iommu=on, then bind the NIC to vfio-pci";
}

/* The value of argv's option i, if it has one of these names: "-n" or "--name", or NULL. */
static const char *
value_of(int argc, char **argv, int i, const char *letter, const char *name)
{
	size_t length = strlen(name);

	if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=')
		return argv[i] + length + 1;
	if (letter != NULL && strncmp(argv[i], letter, 2) == 0 && argv[i][2] != '\0')
		return argv[i] + 2;
	if (strcmp(argv[i], name) == 0 || (letter != NULL && strcmp(argv[i], letter) == 0))
		return i + 1 < argc ? argv[i + 1] : NULL;
	return NULL;
}

/* Each device that is named must be there: those of --vdev, and those of -a. */
static int
check_devices(int argc, char **argv, const char *reason)
{
	const char *colon = reason[0] != '\0' ? ": " : "";

	for (int i = 1; i < argc; i++) {
		const char *vdev = value_of(argc, argv, i, NULL, "--vdev");
		const char *allowed = value_of(argc, argv, i, "-a", "--allow");

		if (vdev != NULL && strncmp(vdev, "net_", 4) == 0 && !vdev_exists(vdev)) {
			say("device %s could not be made%s%s; does its interface or file exist?",
			    vdev, colon, reason);
			return EXIT_DEVICE;
		}
		if (allowed != NULL && !allowed_exists(allowed)) {
			say("device %s cannot be had%s%s; %s", allowed, colon, reason,
			    advice(reason));
			return EXIT_DEVICE;
		}
	}
	if (rte_eth_dev_count_avail() == 0) {
		say("no device%s%s; %s, or name a software device, such as "
		    "--vdev=net_af_packet0,iface=veth0",
		    colon, reason, advice(reason));
		return EXIT_DEVICE;
	}
	return EXIT_AS_ASKED;
}

/* What follows "NAME: " in text, if it begins so. */
static const char *
without(const char *text, const char *name)
{
	size_t length = strlen(name);

	return strncmp(text, name, length) == 0 && strncmp(text + length, ": ", 2) == 0
		       ? text + length + 2
		       : text;
}

int
eal_start(int argc, char **argv)
{
	char **args = calloc((size_t)argc + 2, sizeof(*args));
	int count = argc;
	struct silence silence = {.file = -1};
	char reason[REASON_MAX];
	int error, status;
	bool failed;

	if (args == NULL) {
		say("no memory for the command line");
		return EXIT_INTERNAL;
	}
	args[0] = argv[0];
	memcpy(args + 1, argv + 1, (size_t)(argc - 1) * sizeof(*args));
	/* Who asks EAL for help or for its log gets all of it. */
	if (!has_option(argc, argv, "--help") && !has_option(argc, argv, "-h") &&
	    !has_option(argc, argv, "--log-level")) {
		static char level[] = "--log-level=error";

		/* In front: EAL looks for it no further than a wrong option. */
		args[1] = level;
		memcpy(args + 2, argv + 1, (size_t)(argc - 1) * sizeof(*args));
		count++;
		silence = keep_back();
	}
	opterr = 1;
	/* rte_errno is 0 where the file prefix is another program's. */
	failed = rte_eal_init(count, args) < 0;
	error = rte_errno;
	let_go(&silence, reason);
	if (failed && error == 0) {
		say("another DPDK program runs as this one would; --file-prefix=NAME tells them "
		    "apart");
		free(args);
		return EXIT_DEVICE;
	}
	if (failed && strstr(reason, "hugepage info") != NULL) {
		say("no free hugepages, or no hugetlbfs: reserve some (sysctl vm.nr_hugepages=128, "
		    "mount -t hugetlbfs none /dev/hugepages), or, where all devices are software, "
		    "give EAL --no-huge -m 512");
		free(args);
		return EXIT_DEVICE;
	}
	if (failed) {
		/* getopt() begins with the program's name, as we do. */
		say("EAL does not start: %s%s(%s); riposte --help -- explains its options",
		    without(reason, argv[0]), reason[0] != '\0' ? " " : "", rte_strerror(error));
		free(args);
		return error == EINVAL ? EXIT_COMMAND_LINE : EXIT_DEVICE;
	}
	/* EAL has changed args. */
	status = check_devices(argc, argv, reason);
	free(args);
	if (status != EXIT_AS_ASKED)
		eal_stop();
	else if (rte_eal_has_hugepages()) /* without them no device reaches into memory */
		say("IOVA mode %s", rte_eal_iova_mode() == RTE_IOVA_VA ? "VA" : "PA");
	return status;
}

void
eal_stop(void)
{
	(void)rte_eal_cleanup();
}
