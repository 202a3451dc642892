# SPDX-License-Identifier: BSD-3-Clause
# lab.sh - the laboratory: a namespace for the client, one for riposte, and veth pairs between them.
# Nothing of the host's own network is touched. To be sourced, after lib.sh.
# shellcheck shell=bash disable=SC2154

lab=${RIPOSTE_LAB:-riposte-lab} # the client's namespace
[[ $lab =~ ^[A-Za-z0-9][A-Za-z0-9_.-]*$ ]] ||
	die "RIPOSTE_LAB is \"$lab\": letters, digits, - and _ would be right, as in my-lab"
nic=$lab-nic                    # riposte's, where its end of a cable has no address
lock=/run/$lab.lock             # held by the script alone, so that it goes when the script goes
riposte_pid=

in_lab()
{
	ip netns exec "$lab" "$@"
}

in_nic()
{
	ip netns exec "$nic" "$@"
}

# lab_lock: descriptor 9 holds it; whoever is to outlive the script must not inherit that.
lab_lock()
{
	exec 9>"$lock"
	flock --nonblock 9 ||
		die "it is running already (in the namespaces $lab and $nic): nothing done"
}

lab_up()
{
	ip netns add "$nic"
	ip netns add "$lab"
	in_nic sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
	in_lab ip link set lo up
	cable_up 0 10.9.0.2/16 fd09::2/48
	# Whatever else the configuration owns is on the cable as well.
	in_lab ip route add default dev client0
	in_lab ip -6 route add default dev client0
}

# cable_up NUMBER IPV4 IPV6: from clientNUMBER, with these addresses, to nicNUMBER.
cable_up()
{
	local client=client$1 end=nic$1

	ip link add "$client" netns "$lab" type veth peer name "$end" netns "$nic"
	# The kernel at riposte's end must not answer too: no address, no IPv6.
	in_nic sh -c "[ ! -e /proc/sys/net/ipv6 ] ||
		echo 1 >/proc/sys/net/ipv6/conf/$end/disable_ipv6"
	in_nic ip link set "$end" up
	# A veth leaves checksums to a NIC that is not there: the client has to make them itself.
	in_lab ethtool -K "$client" tx off >/dev/null
	in_lab ip link set "$client" up
	in_lab ip address add "$2" dev "$client"
	in_lab ip address add "$3" dev "$client" nodad
}

# Removes what lab_up and riposte_start made, as much of it as is there, and a riposte that a killed
# run left.
lab_down()
{
	local pid

	for pid in $(ip netns pids "$nic" 2>/dev/null); do
		kill "$pid" 2>/dev/null || continue
		timeout 5 tail --pid="$pid" -f /dev/null || kill -KILL "$pid" 2>/dev/null || :
	done
	in_lab ip link delete client0 2>/dev/null || :
	in_lab ip link delete client1 2>/dev/null || :
	ip netns delete "$nic" 2>/dev/null || :
	ip netns delete "$lab" 2>/dev/null || :
	rm -rf "/var/run/dpdk/$lab" "/var/run/dpdk/$lab-dark"
}

# riposte_start NUMBER FILE_PREFIX OPTION...: at the end of that cable; riposte_pid is it. Without
# descriptor 9, or riposte would hold the lock after a SIGKILL of the script; with --pdeathsig it
# does not even live on.
riposte_start()
{
	local end=nic$1 prefix=$2

	shift 2
	setpriv --pdeathsig TERM ip netns exec "$nic" "$root/$build_dir/app/riposte" \
		--no-pci --no-huge -m 512 --file-prefix "$prefix" \
		--vdev="net_af_packet0,iface=$end" -- "$@" 9>&- &
	riposte_pid=$!
}

# riposte_answers ADDRESS CONFIGURATION: true once riposte_pid answers, false if it has ended.
riposte_answers()
{
	local end=$((SECONDS + 30))

	until in_lab ping -c 1 -W 1 "$1" >/dev/null 2>&1; do
		kill -0 "$riposte_pid" 2>/dev/null || return 1
		[[ $SECONDS -lt $end ]] ||
			die "$1 does not answer: $2 has to own it (host { owns = ... })"
		sleep 0.2
	done
}

# riposte_wait: until riposte_pid ends, with its exit status.
riposte_wait()
{
	while kill -0 "$riposte_pid" 2>/dev/null; do
		wait "$riposte_pid" || :
	done
	wait "$riposte_pid"
}
