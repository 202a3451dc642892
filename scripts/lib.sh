# SPDX-License-Identifier: BSD-3-Clause
# lib.sh - what the scripts share: packages and building. To be sourced.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=${RIPOSTE_BUILD:-build} # below root
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" LC_ALL=C.UTF-8

# Packages, and why each is needed.
build_packages=(
	"gcc|compiles C"
	"libc6-dev|the C library's headers"
	"meson|describes the build"
	"ninja-build|runs the build"
	"pkgconf|finds libraries"
	"libdpdk-dev|DPDK: network devices and packet buffers"
	"libconfuse-dev|reads the configuration"
	"libnuma-dev|tells memory near the device"
)
lab_packages=(
	"iproute2|network namespaces and veth pairs"
	"ethtool|turns checksum offload off on a veth"
	"iputils-ping|a client"
	"curl|a client"
	"netcat-openbsd|a client"
)
demo_packages=(
	"python3|plays the clients"
	"tcpdump|shows what is on the wire"
)
pktgen_packages=(
	"python3|starts both sides, and measures"
	"dpdk|dpdk-testpmd, which is the yardstick and can send, too"
	"gnuplot-nox|draws rates over time"
)
test_packages=(
	"clang|the second compiler, sanitizers and fuzzers"
	"libclang-rt-14-dev|the sanitizers' run time"
	"libcmocka-dev|unit tests"
	"libsodium-dev|the oracle for SipHash"
	"scdoc|builds the manual"
	"python3-pytest|end-to-end tests"
	"python3-pytest-xdist|runs them side by side"
	"python3-scapy|makes and reads packets"
	"dpdk-dev|dpdk-telemetry.py, DPDK's own look at a program"
	"nmap|a client"
	"wrk|a client with many connections"
)
vfio_packages=(
	"qemu-system-x86|boots guests that have a NIC and an IOMMU"
	"busybox-static|the guests' tools"
	"dpdk|dpdk-devbind.py, which binds a NIC to vfio-pci"
	"pciutils|lspci, which dpdk-devbind.py asks"
)
# Of scripts/test valgrind alone.
valgrind_packages=(
	"valgrind|looks at each access to memory"
)
# Of scripts/test coverage alone.
coverage_packages=(
	"gcovr|what the tests reach of the code"
)

say()
{
	printf '%s: %s\n' "${0##*/}" "$*"
}

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

need_root()
{
	[[ $EUID -eq 0 ]] || die "network namespaces need root: sudo $0${1:+ $*}"
}

# need_packages "name|why"...: installs those that are missing, after saying so.
need_packages()
{
	local entry missing=()

	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		say "not Debian: needed are ${*%%|*}"
		return
	fi
	for entry in "$@"; do
		installed "${entry%%|*}" || missing+=("$entry")
	done
	[[ ${#missing[@]} -gt 0 ]] || return 0
	say "installing with apt-get, because they are missing:"
	for entry in "${missing[@]}"; do
		printf '  %-22s %s\n' "${entry%%|*}" "${entry#*|}"
	done
	apt_get update
	apt_get install --yes --no-install-recommends "${missing[@]%%|*}"
}

installed()
{
	[[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# apt_get COMMAND...: quiet unless it fails.
apt_get()
{
	local log

	log=$(mktemp)
	if ! DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
		-o Dpkg::Use-Pty=0 "$@" </dev/null >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		die "apt-get $1 failed"
	fi
	rm -f "$log"
}

# as_owner DIR COMMAND...: runs it as DIR's owner, so that sudo leaves nothing of root's in
# somebody's checkout; DIR's parent stands for a DIR that is not there yet.
as_owner()
{
	local dir=$1 owner

	shift
	[[ -e $dir ]] || dir=$(dirname "$dir")
	owner=$(stat -c %U "$dir")
	if [[ $EUID -ne 0 || $owner == root || $owner == UNKNOWN ]]; then
		"$@"
	else
		runuser -u "$owner" -- "$@"
	fi
}

# build DIR [TARGET...] [-- MESON OPTION...]: configures DIR with these options unless it is, and
# builds.
build()
{
	local dir=$root/$1 targets=()

	shift
	while [[ $# -gt 0 && $1 != -- ]]; do
		targets+=("$1")
		shift
	done
	[[ $# -eq 0 ]] || shift
	if [[ ! -f $dir/build.ninja ]]; then
		as_owner "$dir" meson setup "$dir" "$root" "$@" || return
	elif [[ $# -gt 0 && $* != $(cat "$dir/options" 2>/dev/null) ]]; then
		as_owner "$dir" meson configure "$dir" "$@" || return
	fi
	[[ $# -eq 0 ]] || as_owner "$dir" tee "$dir/options" <<<"$*" >/dev/null || return
	as_owner "$dir" ninja --quiet -C "$dir" "${targets[@]}"
}
