# SPDX-License-Identifier: BSD-3-Clause
"""scripts/nic: what bind and unbind do, what a dry run says of it, what is left when it fails."""
import fcntl
import json
import os
import signal
import subprocess
import time

import pytest

from fakemachine import FakeMachine, refuses, says

PCI, OTHER = "0000:03:00.0", "0000:03:00.1"
RECORD = f"run/riposte-nic/{PCI}"


@pytest.fixture(name="make")
def fake_machines(tmp_path, netns):
    def make(name="machine"):
        made = FakeMachine(tmp_path / name, netns)
        made.device()
        return made

    (tmp_path / "machine").mkdir()
    return make


@pytest.fixture(name="machine")
def fake_machine(make):
    return make()


def record(machine, pci=PCI):
    return json.loads(machine.read(f"run/riposte-nic/{pci}"))


# --- bind ---

def test_bind_gives_it_to_vfio_and_remembers(machine):
    said = says(machine.nic("bind", PCI))
    assert said == (f"node 0: 128 hugepages of 2 MiB reserved\n{PCI}: bound to vfio-pci "
                    "(was ixgbe, ens1f0)\n")
    assert machine.driver_of() == "vfio-pci" and machine.pages() == 128
    assert machine.log() == [f"dpdk-devbind.py -b vfio-pci {PCI}"]
    pool = "/sys/devices/system/node/node0/hugepages/hugepages-2048kB"
    assert record(machine) == {
        "mib": 256, "hugepages": {pool: 128}, "driver": "ixgbe", "module": None, "near": pool,
        "interfaces": ["ens1f0"], "macs": ["90:e2:ba:00:00:01"]}


@pytest.mark.parametrize("name", [PCI, "03:00.0", "0000:03:00.0".upper(), "ens1f0"])
def test_a_device_has_several_names(machine, name):
    says(machine.nic("bind", name, PCI))
    assert machine.log() == [f"dpdk-devbind.py -b vfio-pci {PCI}"]


def test_vfio_is_loaded_where_it_is_not(machine):
    (machine.sys / "bus/pci/drivers/vfio-pci").rmdir()
    says(machine.nic("bind", PCI))
    assert machine.log() == ["modprobe vfio-pci", f"dpdk-devbind.py -b vfio-pci {PCI}"]


def test_a_device_without_driver_can_be_bound(machine):
    machine.device("0000:05:00.0", driver=None, interface=None, group="15")
    assert "(was without a driver)" in says(machine.nic("bind", "05:00.0"))
    assert machine.driver_of("0000:05:00.0") == "vfio-pci"
    assert "unbound, without a driver" in says(machine.nic("unbind", "05:00.0"))
    assert machine.log()[-1] == "dpdk-devbind.py -u 0000:05:00.0"
    assert machine.driver_of("0000:05:00.0") is None


def test_bound_again_it_says_so_and_changes_nothing(machine):
    says(machine.nic("bind", PCI))
    before, log = machine.everything(), machine.log()
    assert says(machine.nic("bind", PCI)) == f"{PCI}: bound to vfio-pci already\n"
    assert machine.everything() == before and machine.log() == log


def test_bound_by_somebody_else_it_can_get_hugepages(machine):
    machine.device("0000:05:00.0", driver="vfio-pci", interface=None, group="15")
    says(machine.nic("bind", "05:00.0"))
    assert machine.pages() == 0
    says(machine.nic("bind", "--hugepages", "64", "05:00.0"))
    assert machine.pages() == 32 and machine.log() == []
    machine.node(0, 32)
    assert "nothing is remembered" in says(machine.nic("unbind", "05:00.0"))
    assert machine.pages() == 0


def test_a_group_is_bound_in_one_command(machine):
    machine.device(OTHER, interface="ens1f1", group="12")
    refuses(machine.nic("bind", PCI), PCI, "IOMMU group 12", f"{OTHER} (ixgbe)")
    says(machine.nic("bind", "ens1f0", "ens1f1"))
    assert (machine.driver_of(), machine.driver_of(OTHER)) == ("vfio-pci", "vfio-pci")
    assert machine.pages() == 256


def test_what_hinders_no_group(machine):
    machine.device(OTHER, interface=None, driver=None)
    machine.device("0000:00:1c.0", driver="pcieport", interface=None, kind="060400")
    machine.device("0000:03:00.2", driver="vfio-pci", interface=None)
    says(machine.nic("bind", PCI))


# --- hugepages ---

@pytest.mark.parametrize("total, free, mib, after", [
    (0, 0, None, 128), (100, 100, None, 128), (128, 128, None, 128), (1000, 128, None, 1000),
    (1000, 0, None, 1128), (1000, 900, None, 1000), (0, 0, "0", 0), (0, 0, "1", 1), (0, 0, "3", 2),
    (5, 5, "1024", 512)])
def test_as_many_as_are_missing(machine, total, free, mib, after):
    machine.node(0, total, free)
    says(machine.nic("bind", PCI, *(["--hugepages", mib] if mib else [])))
    assert machine.pages() == after


def test_on_the_device_s_node(machine):
    machine.node(1)
    machine.device("0000:81:00.0", interface="ens9", group="20", node=1)
    says(machine.nic("bind", "ens9"))
    assert (machine.pages(0), machine.pages(1)) == (0, 128)
    machine.device("0000:82:00.0", interface="ens10", group="21", node=-1)
    says(machine.nic("bind", "ens10"))
    assert (machine.pages(0), machine.pages(1)) == (128, 128)


def test_of_the_default_size(machine):
    machine.node(0, kib=1 << 20)
    machine.write("proc/meminfo", "Hugepagesize:    1048576 kB\n")
    says(machine.nic("bind", PCI))
    assert (machine.pages(), machine.pages(kib=1 << 20)) == (0, 1)


def test_a_kernel_without_nodes(machine):
    subprocess.run(["rm", "-r", machine.sys / "devices/system/node"], check=True)
    where = "sys/kernel/mm/hugepages/hugepages-2048kB"
    machine.write(f"{where}/nr_hugepages", "3\n")
    machine.write(f"{where}/free_hugepages", "3\n")
    says(machine.nic("bind", PCI))
    assert machine.read(f"{where}/nr_hugepages") == "128"


def test_what_another_was_promised_and_has_not_taken_is_not_counted(machine):
    machine.device(OTHER, interface="ens1f1", group="13")
    says(machine.nic("bind", PCI))
    machine.node(0, 128)
    says(machine.nic("bind", OTHER))
    assert machine.pages() == 256
    # And what it has taken is no longer free, so that nothing is counted twice.
    says(machine.nic("unbind", OTHER))
    machine.node(0, 128, 0)
    machine.process(77, "riposte", ["/dev/vfio/12"])
    says(machine.nic("bind", OTHER))
    assert machine.pages() == 256


def test_what_one_was_promised_that_is_bound_no_longer_is_counted(machine):
    machine.device(OTHER, interface="ens1f1", group="13")
    says(machine.nic("bind", PCI))
    machine.node(0, 128)
    machine.link(f"sys/bus/pci/devices/{PCI}/driver", "sys/bus/pci/drivers/ixgbe")
    says(machine.nic("bind", OTHER))
    assert machine.pages() == 128


# --- unbind ---

def test_unbind_leaves_the_machine_as_it_was(machine):
    machine.node(0, 10, 4)
    before = machine.everything()
    says(machine.nic("bind", PCI))
    assert machine.pages() == 134
    machine.node(0, 134, 128)
    assert says(machine.nic("unbind", PCI)) == f"{PCI}: back with ixgbe, ens1f0\n"
    machine.node(0, machine.pages(), 4)
    assert machine.everything() == before
    assert machine.log()[-1] == f"dpdk-devbind.py -b ixgbe {PCI}"


def test_unbind_by_the_name_that_the_interface_had(machine):
    machine.device("0000:05:00.0", interface="ens5", group="15")
    says(machine.nic("bind", "ens5"))
    subprocess.run(["rm", machine.sys / "class/net/ens5"], check=True)
    assert "0000:05:00.0: back with ixgbe, without an interface" in says(
        machine.nic("unbind", "ens5"))
    assert machine.driver_of("0000:05:00.0") == "ixgbe"


def test_unbind_waits_for_the_interface_s_name(machine):
    """The kernel calls it eth0 at first, and udev what it was called before."""
    says(machine.nic("bind", PCI))
    machine.node(0, 128)
    net = machine.sys / "class/net"
    os.rename(net / "ens1f0", net / "eth0")
    process = subprocess.Popen(machine.command("unbind", PCI), env=machine.environment(), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while machine.driver_of() != "ixgbe":
        assert time.monotonic() < deadline and process.poll() is None, "it is not given back"
        time.sleep(0.02)
    time.sleep(0.5)
    os.rename(net / "eth0", net / "ens1f0")
    assert process.communicate(timeout=30) == (f"{PCI}: back with ixgbe, ens1f0\n", "")


def test_unbind_takes_back_no_page_in_use(machine):
    says(machine.nic("bind", PCI))
    machine.node(0, 128, 28)
    assert f"{PCI}: 100 of the 128 hugepages reserved for it are in use" in \
        says(machine.nic("unbind", PCI))
    assert machine.pages() == 100 and not (machine.root / RECORD).exists()


def test_unbind_of_what_is_in_use_is_refused(machine):
    says(machine.nic("bind", PCI))
    machine.process(4711, "riposte", ["/dev/null", "/dev/vfio/12"])
    before, log = machine.everything(), machine.log()
    refuses(machine.nic("unbind", PCI), PCI, "in use by riposte, pid 4711", "stop that first")
    assert machine.everything() == before and machine.log() == log


def test_unbind_without_an_iommu(machine):
    """It can be undone, but not while it is in use: the kernel would wait for that."""
    machine.device("0000:05:00.0", driver="vfio-pci", interface=None, group="15")
    machine.write("sys/kernel/iommu_groups/15/name", "vfio-noiommu\n")
    machine.process(4711, "riposte", ["/dev/vfio/noiommu-15"])
    refuses(machine.nic("unbind", "05:00.0"), "in use by riposte, pid 4711")
    (machine.root / "proc/4711/fd/0").unlink()
    says(machine.nic("unbind", "05:00.0"))
    assert machine.driver_of("0000:05:00.0") is None


def test_unbind_of_what_is_not_bound_says_so(machine):
    before = machine.everything()
    assert says(machine.nic("unbind", PCI)) == f"{PCI}: ixgbe has it already\n"
    assert machine.everything() == before and machine.log() == []


def test_nothing_is_remembered_so_the_kernel_is_asked(machine):
    machine.device("0000:05:00.0", driver="vfio-pci", interface=None, group="15")
    run = says(machine.nic("unbind", "05:00.0"))
    assert "0000:05:00.0: nothing is remembered of it: the kernel is asked for a driver\n" in run
    assert machine.log() == ["dpdk-devbind.py -u 0000:05:00.0", "modprobe pci:v00008086d000010fb"]
    assert machine.read("sys/bus/pci/drivers_probe") == "0000:05:00.0"


def test_the_kernel_gives_it_to_vfio_again(machine):
    """As with vfio-pci.ids=. The fake kernel has to be quick: it binds at once."""
    machine.device("0000:05:00.0", driver="vfio-pci", interface=None, group="15")
    (machine.bin / "modprobe").write_text(
        "#!/bin/sh\n/bin/ln -s ../../../../bus/pci/drivers/vfio-pci "
        '"$NIC_SYSROOT/sys/bus/pci/devices/0000:05:00.0/driver"\n', encoding="ascii")
    refuses(machine.nic("unbind", "05:00.0"), "to vfio-pci again", "driver_override",
            "vfio-pci.ids=")


def test_the_old_driver_is_loaded_where_it_has_gone(machine):
    machine.link("sys/bus/pci/drivers/ixgbe/module", "sys/module/ixgbe")
    says(machine.nic("bind", PCI))
    subprocess.run(["rm", "-r", machine.sys / "bus/pci/drivers/ixgbe"], check=True)
    says(machine.nic("unbind", PCI))
    assert machine.log()[-2:] == ["modprobe ixgbe", f"dpdk-devbind.py -b ixgbe {PCI}"]


def test_given_back_by_somebody_else_its_hugepages_are_taken_back(machine):
    says(machine.nic("bind", PCI))
    machine.node(0, 128)
    machine.link(f"sys/bus/pci/devices/{PCI}/driver", "sys/bus/pci/drivers/ixgbe")
    log = machine.log()
    assert says(machine.nic("unbind", PCI)) == f"{PCI}: ixgbe has it already\n"
    assert machine.pages() == 0 and machine.log() == log and not (machine.root / RECORD).exists()


def test_a_failed_unbind_is_told_and_nothing_forgotten(machine):
    says(machine.nic("bind", PCI))
    machine.write("mode", f"refuse {PCI}\n")
    before = machine.everything()
    refuses(machine.nic("unbind", PCI), PCI, "has not bound it to ixgbe", "Not modifying")
    assert machine.everything() == before


# --- dry runs ---

@pytest.mark.parametrize("words, prepare", [
    (["bind", PCI], []), (["bind", "--hugepages", "1000", PCI, OTHER], []),
    (["unbind", PCI], [["bind", PCI]]), (["unbind", PCI, OTHER], [["bind", OTHER]]),
    (["bind", PCI, OTHER], [["bind", OTHER]]), (["unbind", "0000:05:00.0"], [])])
def test_a_dry_run_prints_what_would_be_done_and_does_nothing(make, tmp_path, words, prepare):
    machines = []
    for name in ("real", "pasted"):
        (tmp_path / name).mkdir()
        machine = make(name)
        machine.device(OTHER, interface="ens1f1", group="13")
        machine.device("0000:05:00.0", driver="vfio-pci", interface=None, group="15")
        (machine.sys / "bus/pci/drivers/vfio-pci").rmdir()
        for each in prepare:
            says(machine.nic(*each))
            machine.node(0, machine.pages())
        machines.append(machine)
    real, pasted = machines
    before, log = pasted.everything(), pasted.log()
    script = says(pasted.nic(*words, "--dry-run"))
    assert pasted.everything() == before and pasted.log() == log
    pasted.shell(script)
    says(real.nic(*words))
    assert pasted.everything() == real.everything()
    assert pasted.log() == real.log() and len(real.log()) > len(log)


# --- failures ---

@pytest.mark.parametrize("mode, words", [
    ("refuse", ["has not bound it to vfio-pci", "Not modifying"]),
    ("lose", ["has not bound it to vfio-pci", "bind failed"])])
@pytest.mark.parametrize("failing", [PCI, OTHER])
def test_a_bind_that_fails_is_undone(machine, mode, words, failing):
    machine.device(OTHER, interface="ens1f1", group="13")
    before = machine.everything()
    machine.write("mode", f"{mode} {failing}\n")
    refuses(machine.nic("bind", PCI, OTHER), failing, *words)
    after = machine.everything()
    # What was "(null)" reads as empty; and the fake has no kernel to make it "(null)" again.
    override = f"sys/devices/pci0000:00/0000:00:1c.0/{failing}/driver_override"
    assert after.pop(override) in ("", before[override])
    assert after == {name: text for name, text in before.items() if name != override}


def test_what_cannot_be_undone_is_told(machine):
    machine.device(OTHER, interface="ens1f1", group="13")
    machine.write("mode", f"refuse {OTHER}\n")
    (machine.bin / "dpdk-devbind.py").write_text(
        (machine.bin / "dpdk-devbind.py").read_text(encoding="ascii").replace(
            "if mode[0] ==", "if driver == 'ixgbe': sys.exit('Error: no')\nif mode[0] ==", 1),
        encoding="ascii")
    run = machine.nic("bind", PCI, OTHER)
    assert run.returncode == 1
    undone, why = run.stderr.splitlines()
    assert undone == f"nic: not undone: {PCI}: dpdk-devbind.py has not bound it to ixgbe: Error: no"
    assert why.startswith(f"nic: {OTHER}: dpdk-devbind.py has not bound it to vfio-pci: Warning")
    assert machine.pages() == 0


def test_what_devbind_says_is_fit_to_be_printed(machine):
    machine.write("mode", "traceback\n")
    refuses(machine.nic("bind", PCI), "FileNotFoundError: ?[1m'ip'")
    assert machine.pages() == 0 and machine.driver_of() == "ixgbe"


def test_too_few_hugepages_are_given_back(machine):
    """A file that takes what is written and has nothing: a node with no memory left."""
    machine.device(OTHER, interface="ens1f1", group="13", node=1)
    machine.node(1)
    where = machine.sys / "devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"
    where.unlink()
    where.symlink_to("/dev/null")
    before = machine.everything()
    refuses(machine.nic("bind", PCI, OTHER), "node 1", "0 of 128 hugepages of 2 MiB", "hugepages=")
    assert machine.everything() == before and machine.log() == []


def wait_for_devbind(machine, process):
    deadline = time.monotonic() + 30
    while not (machine.root / "slow").exists():
        assert time.monotonic() < deadline and process.poll() is None, "dpdk-devbind.py was not run"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_midway_undoes_it(machine, number):
    before = machine.everything()
    machine.write("mode", "slow\n")
    process = subprocess.Popen(machine.command("bind", PCI), env=machine.environment(), text=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               start_new_session=True)
    wait_for_devbind(machine, process)
    os.killpg(process.pid, number)  # as a terminal does
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert said == "nic: stopped: what was done is undone\n"
    assert machine.everything() == before and len(machine.log()) == 2


def test_a_signal_between_two_devices_leaves_the_second_bound(machine):
    machine.device(OTHER, interface="ens1f1", group="13")
    says(machine.nic("bind", PCI, OTHER))
    machine.write("mode", "slow\n")
    process = subprocess.Popen(machine.command("unbind", PCI, OTHER), env=machine.environment(),
                               text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_for_devbind(machine, process)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (143, "nic: stopped: further devices stay bound\n")
    assert (machine.driver_of(), machine.driver_of(OTHER)) == ("ixgbe", "vfio-pci")
    assert not (machine.root / RECORD).exists() and record(machine, OTHER)["driver"] == "ixgbe"


def test_one_at_a_time(machine):
    lock = machine.write("run/riposte-nic/lock", "")
    before = machine.everything()
    with open(lock, "w", encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refuses(machine.nic("bind", PCI), "another nic is at work")
    assert machine.everything() == before


def test_a_record_that_nobody_can_read_counts_as_none(machine):
    machine.device("0000:05:00.0", driver="vfio-pci", interface=None, group="15")
    machine.write("run/riposte-nic/0000:05:00.0", '{"driver": "ixg')
    assert "nothing is remembered" in says(machine.nic("unbind", "05:00.0"))
