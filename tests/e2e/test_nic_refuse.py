# SPDX-License-Identifier: BSD-3-Clause
"""scripts/nic: what bind refuses, and that nothing has changed then. The routes and addresses are a
kernel's, on interfaces in a network namespace that are called like the fake machine's."""
import os

import pytest

from fakemachine import FakeMachine, refuses, says
from netns import Netns, run

PCI = "0000:03:00.0"
ADDRESS = {"4": ("192.0.2.1/24", "192.0.2.254"), "6": ("2001:db8::1/64", "2001:db8::fe")}


@pytest.fixture(name="netns")
def fresh_netns():
    made = Netns("nicr")
    made.run("ip", "link", "set", "lo", "up")
    yield made
    made.close()


@pytest.fixture(name="machine")
def fake_machine(tmp_path, netns):
    made = FakeMachine(tmp_path, netns)
    made.device()
    return made


def interface(netns, name, *addresses):
    """One of the kernel's, up; its other end is up too."""
    netns.run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p")
    for each in (name, f"{name}p"):
        netns.run("ip", "link", "set", each, "up")
    for address in addresses:
        nodad = ["nodad"] if ":" in address else []
        netns.run("ip", "address", "add", address, "dev", name, *nodad)


def is_left_alone(machine, *words, device=PCI, environment=()):
    """bind refuses it, the list says the same, and nothing was changed or run."""
    before = machine.everything()
    for options in (["--dry-run"], []):
        answer = machine.nic("bind", *options, device, environment=environment)
        refuses(answer, *words)
        assert answer.stdout == ""
    assert machine.everything() == before and machine.log() == []
    listed = says(machine.nic("list", environment=environment))
    missing = [word for word in words if word not in listed]
    assert not missing, f"{missing} not in {listed}"


# --- the default route ---

@pytest.mark.parametrize("table", [[], ["table", "100"]], ids=["main", "table100"])
@pytest.mark.parametrize("family", ["4", "6"])
@pytest.mark.parametrize("gateway", [True, False], ids=["via", "dev"])
def test_the_default_route(machine, netns, family, table, gateway):
    address, via = ADDRESS[family]
    interface(netns, "ens1f0", address)
    netns.run("ip", f"-{family}", "route", "add", "default", *(["via", via] if gateway else []),
              "dev", "ens1f0", *table)
    is_left_alone(machine, "ens1f0 carries the default route: leave it")


@pytest.mark.parametrize("family", ["4", "6"])
def test_the_second_hop_of_the_default_route(machine, netns, family):
    interface(netns, "ens1f0", *(ADDRESS[family][:1]))
    interface(netns, "other", {"4": "198.51.100.1/24", "6": "2001:db8:1::1/64"}[family])
    netns.run("ip", f"-{family}", "route", "add", "default",
              "nexthop", "via", {"4": "198.51.100.9", "6": "2001:db8:1::9"}[family], "dev", "other",
              "nexthop", "via", ADDRESS[family][1], "dev", "ens1f0")
    is_left_alone(machine, "ens1f0 carries the default route")


@pytest.mark.parametrize("upper", ["bond0", "ens1f0.5"])
def test_the_default_route_through_what_stands_on_it(machine, netns, upper):
    machine.stands_on(upper, "ens1f0")
    interface(netns, upper, "192.0.2.1/24")
    netns.run("ip", "route", "add", "default", "via", "192.0.2.254")
    is_left_alone(machine, f"ens1f0 carries the default route through {upper}: leave it")


def test_the_default_route_through_a_vlan_of_a_bond_in_a_bridge(machine, netns):
    machine.stands_on("bond0", "ens1f0")
    machine.stands_on("bond0.7", "bond0")
    machine.stands_on("br7", "bond0.7")
    interface(netns, "br7", "2001:db8::1/64")
    netns.run("ip", "-6", "route", "add", "default", "via", "2001:db8::fe")
    is_left_alone(machine, "ens1f0 carries the default route through br7: leave it")


def test_many_routes_and_the_last_one_counts(machine, netns):
    """More than one answer of the kernel's holds; IPv6 comes last in them."""
    interface(netns, "ens1f0", "2001:db8::1/64")
    interface(netns, "other", "198.51.100.1/24")
    batch = "".join(f"route add 10.{i // 256}.{i % 256}.0/24 dev other\n" for i in range(3000))
    run(*netns.command("ip", "-batch", "-"), input=batch)
    netns.run("ip", "-6", "route", "add", "default", "dev", "ens1f0", "table", "4000000")
    is_left_alone(machine, "ens1f0 carries the default route: leave it")


@pytest.mark.parametrize("route", [
    ["-4", "route", "add", "default", "dev", "other"],
    ["-4", "route", "add", "unreachable", "default"],
    ["-6", "route", "add", "default", "dev", "other", "table", "9"]])
def test_another_interface_s_default_route_is_no_obstacle(machine, netns, route):
    interface(netns, "ens1f0")
    interface(netns, "other")
    netns.run("ip", *route)
    says(machine.nic("bind", "--dry-run", PCI))


# --- the login session ---

@pytest.mark.parametrize("family, own", [("4", "192.0.2.1"), ("6", "2001:db8::1"),
                                         ("6", "2001:db8::1%ens1f0")])
def test_the_login_session(machine, netns, family, own):
    interface(netns, "ens1f0", ADDRESS[family][0])
    session = {"SSH_CONNECTION": f"198.51.100.9 4711 {own} 22"}
    is_left_alone(machine, f"ens1f0 carries your login session ({own.partition('%')[0]}): leave it",
                  environment=session)


def test_the_login_session_that_sudo_hides(machine, netns):
    """Our parent is sudo, whose parent is the shell that ssh began."""
    interface(netns, "br0", "192.0.2.1/24")
    machine.stands_on("br0", "ens1f0")
    machine.process(os.getpid(), "sudo", parent=4711, environment=b"HOME=/root\0")
    machine.process(4711, "bash", parent=1,
                    environment=b"A=b\0SSH_CONNECTION=192.0.2.9 1 192.0.2.1 22\0C=d\0")
    is_left_alone(machine, "ens1f0 carries your login session through br0 (192.0.2.1): leave it")


@pytest.mark.parametrize("session", ["", "nonsense", "a b c d", "192.0.2.9 4711 198.51.100.1 22"])
def test_a_session_from_elsewhere_is_no_obstacle(machine, netns, session):
    interface(netns, "ens1f0")
    interface(netns, "other", "198.51.100.1/24")
    says(machine.nic("bind", "--dry-run", PCI, environment={"SSH_CONNECTION": session}))


# --- what the kernel uses otherwise ---

@pytest.mark.parametrize("family", ["4", "6"])
def test_an_address(machine, netns, family):
    interface(netns, "ens1f0", ADDRESS[family][0])
    own = ADDRESS[family][0].partition("/")[0]
    is_left_alone(machine, f"ens1f0 has the address {own}, which would be lost",
                  "ip address flush dev ens1f0")
    netns.run("ip", "address", "flush", "dev", "ens1f0")
    says(machine.nic("bind", "--dry-run", PCI))


def test_a_route_without_address(machine, netns):
    interface(netns, "ens1f0")
    netns.run("ip", "route", "add", "203.0.113.0/24", "dev", "ens1f0")
    is_left_alone(machine, "ens1f0 has the route to 203.0.113.0/24, which would be lost",
                  "ip route flush dev ens1f0")
    netns.run("ip", "route", "flush", "dev", "ens1f0")
    says(machine.nic("bind", "--dry-run", PCI))


def test_a_link_local_address_is_no_obstacle(machine, netns):
    """Every interface that is up has one."""
    interface(netns, "ens1f0", "fe80::1/64", "169.254.7.7/16")
    says(machine.nic("bind", "--dry-run", PCI))


def test_a_port_of_a_bridge_without_addresses(machine):
    machine.stands_on("vmbr0", "ens1f0")
    is_left_alone(machine, "ens1f0 is part of vmbr0, which would lose it")


def test_virtual_functions(machine):
    machine.write(f"sys/bus/pci/devices/{PCI}/sriov_numvfs", "4\n")
    is_left_alone(machine, "its 4 virtual functions", f"/sys/bus/pci/devices/{PCI}/sriov_numvfs")


def test_an_interface_that_another_namespace_has(machine):
    (machine.sys / "class/net/ens1f0").unlink()
    is_left_alone(machine, "ixgbe has it", "another network namespace")


def test_a_virtio_device_that_no_driver_uses_is_free(machine):
    machine.device("0000:05:00.0", driver="virtio-pci", interface=None, group="15")
    machine.write("sys/bus/pci/devices/0000:05:00.0/virtio3/device", "0x0001\n")
    says(machine.nic("bind", "--dry-run", "05:00.0"))
    machine.link("sys/bus/pci/devices/0000:05:00.0/virtio3/driver",
                 "sys/bus/virtio/drivers/virtio_net")
    is_left_alone(machine, "virtio-pci has it", device="0000:05:00.0")


# --- the device itself ---

@pytest.mark.parametrize("driver", ["mlx5_core", "mlx4_core"])
def test_a_driver_that_stays(machine, driver):
    machine.device(driver=driver)
    is_left_alone(machine, f"it stays with {driver}", f"riposte -a {PCI}")


def test_a_wireless_device(machine):
    machine.write("sys/class/net/ens1f0/phy80211/name", "phy0\n")
    is_left_alone(machine, "a wireless device")


def test_a_device_that_dpdk_does_not_know(machine):
    machine.dpdk_knows(("8086", "10fc"), ("15b3", "10fb"))
    is_left_alone(machine, "no DPDK driver that is installed knows [8086:10fb]")
    machine.dpdk_knows(("8086", "10fc"), ("8086", "10fb"))
    says(machine.nic("bind", "--dry-run", PCI))


@pytest.mark.parametrize("cpu, line, words", [
    ("vendor_id : GenuineIntel", "quiet", ["intel_iommu=on iommu=pt", "VT-d on in the BIOS"]),
    ("vendor_id : GenuineIntel", "intel_iommu=on",
     ["though intel_iommu=on is on", "VT-d on in the BIOS"]),
    ("vendor_id : AuthenticAMD", "quiet", ["AMD-Vi", "in the BIOS", "iommu=pt"]),
    ("vendor_id : AuthenticAMD\nflags : fpu hypervisor", "quiet",
     ["this virtual machine", "vIOMMU"])])
def test_no_iommu(machine, cpu, line, words):
    machine.write("proc/cpuinfo", f"processor : 0\n{cpu}\n")
    machine.write("proc/cmdline", f"{line}\n")
    machine.device("0000:05:00.0", interface="ens5", group=None)
    is_left_alone(machine, "no IOMMU", *words, device="ens5")


def test_vfio_without_an_iommu(machine):
    machine.device("0000:05:00.0", driver="vfio-pci", interface=None, group="15")
    machine.write("sys/kernel/iommu_groups/15/name", "vfio-noiommu\n")
    is_left_alone(machine, "without an IOMMU, which is not safe", device="0000:05:00.0")


@pytest.mark.parametrize("mate, driver, kind, advice", [
    ("0000:03:00.1", "ixgbe", "020000", ": bind all of them in one command, or put the card"),
    ("0000:03:00.7", "nvme", "010802", ": put the card into another slot"),
    ("0000:03:00.7", "uio_pci_generic", "020000", ": bind all of them in one command")])
def test_others_of_its_iommu_group(machine, mate, driver, kind, advice):
    machine.device(mate, driver=driver, kind=kind, interface=None)
    is_left_alone(machine, f"it shares its IOMMU group 12 with {mate} ({driver})", advice)


# --- what is no such device ---

@pytest.mark.parametrize("name, words", [
    ("0000:09:00.0", ["no such PCI device", "nic list"]),
    ("ens9", ["no interface ens9", "nic list"]),
    ("lo0", ["lo0 is no PCI device's interface"]),
    ("0000:07:00.0", ["is no network device but of class 010802"])])
@pytest.mark.parametrize("command", ["bind", "unbind"])
def test_no_such_device(machine, name, words, command):
    machine.device("0000:07:00.0", driver="nvme", interface=None, kind="010802", group="17")
    machine.interface("lo0")
    before = machine.everything()
    refuses(machine.nic(command, name), name, *words)
    refuses(machine.nic(command, "--dry-run", PCI, name), name, *words)
    assert machine.everything() == before and machine.log() == []


@pytest.mark.parametrize("program, package", [("dpdk-devbind.py", "dpdk"), ("lspci", "pciutils")])
@pytest.mark.parametrize("command", ["bind", "unbind"])
def test_a_program_that_is_not_installed(machine, program, package, command):
    (machine.bin / program).unlink()
    before = machine.everything()
    refuses(machine.nic(command, PCI), program, f"apt install {package}")
    assert machine.everything() == before


def test_vfio_that_cannot_be_loaded(machine):
    (machine.sys / "bus/pci/drivers/vfio-pci").rmdir()
    machine.write("mode", "nomodule\n")
    before = machine.everything()
    refuses(machine.nic("bind", PCI), "vfio-pci cannot be loaded", "Module vfio-pci not found")
    assert machine.everything() == before and machine.log() == ["modprobe vfio-pci"]
