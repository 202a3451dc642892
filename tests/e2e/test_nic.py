# SPDX-License-Identifier: BSD-3-Clause
"""scripts/nic on machines that are not there: its command line, what it lists and what it says that
riposte needs. test_nic_bind.py and test_nic_refuse.py have the rest; tests/vfio a real kernel."""
import gzip
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from fakemachine import NIC, PCI_IDS, FakeMachine, refuses, says
from responder import BINARY

WRONG = {
    "nothing": ([], ["COMMAND"]),
    "unknown": (["bin"], ["bin", "list", "bind", "unbind"]),
    "no_device": (["bind"], ["DEVICE"]),
    "unbind_no_device": (["unbind"], ["DEVICE"]),
    "option": (["list", "--bogus"], ["--bogus"]),
    "option_cut_short": (["bind", "--dry", "03:00.0"], ["--dry"]),
    "other_commands_option": (["unbind", "--hugepages", "1", "03:00.0"], ["--hugepages"]),
    "list_a_device": (["list", "03:00.0"], ["03:00.0"]),
    "no_function": (["bind", "0000:03:00"], ["0000:03:00", "0000:03:00.0"]),
    "slot_too_large": (["bind", "0000:03:20.0"], ["0000:03:20.0"]),
    "function_8": (["bind", "03:00.8"], ["03:00.8"]),
    "path": (["bind", "../x"], ["../x"]),
    "empty": (["bind", ""], ["''"]),
    "hugepages_text": (["bind", "--hugepages", "1G", "03:00.0"], ["1G", "MiB"]),
    "hugepages_negative": (["bind", "--hugepages=-1", "03:00.0"], ["-1", "MiB"]),
    "hugepages_without": (["bind", "03:00.0", "--hugepages"], ["--hugepages"]),
}


@pytest.fixture(name="machine")
def fake_machine(tmp_path, netns):
    return FakeMachine(tmp_path, netns)


# --- the command line ---

@pytest.mark.parametrize("name", WRONG)
def test_wrong_command_line_is_one_line_and_exit_2(machine, name):
    words, expected = WRONG[name]
    run = machine.nic(*words)
    refuses(run, "--help", *expected, status=2)
    assert run.stdout == "" and machine.log() == []


@pytest.mark.parametrize("words", (["--help"], ["-h"], ["bind", "--help"], ["list", "-h"]))
def test_help_says_everything(machine, words):
    said = says(machine.nic(*words))
    for word in ("list [--json]", "bind DEVICE", "unbind DEVICE", "--hugepages MIB", "--dry-run",
                 "--json", "-h, --help", "0000:03:00.0", "/run/riposte-nic"):
        assert word in said, word
    assert max(map(len, said.splitlines())) <= 100


def test_it_leaves_nothing_in_the_checkout(machine):
    says(machine.nic("list"))
    assert not (NIC.parent / "nicctl" / "__pycache__").exists()


def test_output_that_cannot_be_written_is_a_failure(machine):
    with open("/dev/full", "wb") as full:
        run = subprocess.run(machine.command("list"), stdout=full, stderr=subprocess.PIPE,
                             text=True, env=machine.environment(), check=False, timeout=60)
    assert run.returncode == 1 and run.stderr == "nic: cannot write: No space left on device\n"


# --- the list ---

def test_a_machine(machine):
    machine.node(0, 128, 128)
    machine.node(1, 64, 10)
    machine.device(ids=("8086", "10fb"))
    machine.device("0000:03:00.1", interface="ens1f1", group="13", ids=("8086", "ffff"))
    machine.write("sys/class/net/ens1f1/carrier", "0\n")
    machine.device("0000:04:00.0", driver="vfio-pci", interface=None, group="14")
    machine.write("run/riposte-nic/0000:04:00.0", json.dumps(
        {"driver": "i40e", "interfaces": ["ens2"], "macs": ["90:e2:ba:00:00:02"]}))
    machine.device("0000:05:00.0", driver=None, interface=None, group=None, node=-1)
    machine.device("0001:06:00.0", driver="nvme", interface=None, kind="010802", group="15")
    machine.device("0001:06:00.1", driver="pci-stub", interface=None, group="15", node=1)
    nic = str(NIC)
    x520 = "Intel Corporation 82599ES 10-Gigabit SFI/SFP+ Network Connection [8086:10fb]"
    expected = f"""\
0000:03:00.0  {x520}
    driver ixgbe, ens1f0 90:e2:ba:00:00:01 link up 10000 Mb/s, node 0, IOMMU group 12, alone in it
    bind it: sudo {nic} bind 0000:03:00.0
0000:03:00.1  Intel Corporation [8086:ffff]
    driver ixgbe, ens1f1 90:e2:ba:00:00:01 link down, node 0, IOMMU group 13, alone in it
    bind it: sudo {nic} bind 0000:03:00.1
0000:04:00.0  {x520}
    driver vfio-pci (was i40e, ens2), 90:e2:ba:00:00:02, node 0, IOMMU group 14, alone in it
    ready: riposte -a 0000:04:00.0 ...
0000:05:00.0  {x520}
    no driver, no NUMA node, no IOMMU group
    no IOMMU, though intel_iommu=on is on the kernel's command line: VT-d on in the BIOS
0001:06:00.1  {x520}
    driver pci-stub, node 1, IOMMU group 15 with 0001:06:00.0
    it shares its IOMMU group 15 with 0001:06:00.0 (nvme), which the kernel uses: put the \
card into another slot

hugepages: node 0, 2 MiB: 128 free of 128
hugepages: node 1, 2 MiB: 10 free of 64
"""
    assert says(machine.nic("list")) == expected
    assert machine.log() == []


def test_as_json(machine):
    machine.device(inner="virtio7")
    machine.device("0000:03:00.1", interface=None, driver="vfio-pci", group="12")
    machine.process(77, "riposte", ["/dev/null", "/dev/vfio/12"])
    said = json.loads(says(machine.nic("list", "--json")))
    first, second = said["devices"]
    needs = first.pop("needs")
    assert needs == f"bind it: sudo {NIC} bind 0000:03:00.0"
    assert first == {
        "pci": "0000:03:00.0", "vendor": "8086", "device": "10fb", "driver": "ixgbe", "was": None,
        "was_interfaces": [], "macs": [], "node": 0, "iommu_group": "12",
        "model": "Intel Corporation 82599ES 10-Gigabit SFI/SFP+ Network Connection [8086:10fb]",
        "interfaces": [{"name": "ens1f0", "mac": "90:e2:ba:00:00:01", "link": "up",
                        "mbit_s": 10000}],
        "group_mates": ["0000:03:00.1"], "used_by": ["riposte, pid 77"], "ready": False}
    assert second["ready"] and second["used_by"] == ["riposte, pid 77"]
    assert second["needs"] == "in use by riposte, pid 77"
    assert said["hugepages"] == [
        {"node": 0, "page_kib": 2048, "total": 0, "free": 0, "mounted": True}]


def needs(machine, pci="0000:03:00.0"):
    said = json.loads(says(machine.nic("list", "--json")))
    return next(each["needs"] for each in said["devices"] if each["pci"] == pci)


def test_a_bound_device_wants_hugepages(machine):
    machine.device(driver="vfio-pci", interface=None)
    assert needs(machine).startswith("bound, but 0 free hugepages on node 0 are too few: sudo ")
    machine.node(0, 128, 127)
    assert "127 free hugepages" in needs(machine)
    machine.node(0, 128, 128)
    assert needs(machine) == "ready: riposte -a 0000:03:00.0 ..."


@pytest.mark.parametrize("mounts, ready", [
    ("hugetlbfs /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0\n", True),
    ("hugetlbfs /dev/hugepages hugetlbfs rw,relatime 0 0\n", True),
    ("none /mnt/huge hugetlbfs rw,pagesize=1024M 0 0\n", False),
    ("tmpfs /dev/hugepages tmpfs rw 0 0\n", False), ("", False)])
def test_hugepages_have_to_be_mounted(machine, mounts, ready):
    machine.node(0, 128)
    machine.device(driver="vfio-pci", interface=None)
    machine.write("proc/mounts", mounts)
    assert needs(machine).startswith("ready" if ready else "bound, but there is no hugetlbfs")
    assert (", not mounted" in says(machine.nic("list"))) == (not ready)


def test_hugepages_of_every_size(machine):
    machine.node(0, 2, 1, kib=1 << 20)
    said = says(machine.nic("list"))
    assert "hugepages: node 0, 2 MiB: 0 free of 0\n" in said
    assert "hugepages: node 0, 1 GiB: 1 free of 2, not mounted\n" in said


@pytest.mark.parametrize("opener, name", [
    (open, "usr/share/misc/pci.ids"), (open, "usr/share/hwdata/pci.ids"),
    (gzip.open, "usr/share/misc/pci.ids.gz")])
def test_models_are_named_by_what_file_there_is(machine, opener, name):
    machine.device()
    (machine.root / "usr/share/misc/pci.ids").unlink()
    assert "0000:03:00.0  [8086:10fb]\n" in says(machine.nic("list"))
    machine.write(name, "")
    with opener(machine.root / name, "wt", encoding="utf-8") as file:
        file.write(PCI_IDS)
    assert "0000:03:00.0  Intel Corporation 82599ES " in says(machine.nic("list"))


def test_a_machine_without_anything(machine):
    subprocess.run(["rm", "-r", machine.sys], check=True)
    assert says(machine.nic("list")).splitlines() == [
        "no network device on the PCI bus", "",
        "the kernel has no hugepages: its CONFIG_HUGETLBFS is off"]


def test_who_is_not_root_may_look_and_run_dry(netns):
    with tempfile.TemporaryDirectory() as readable:
        os.chmod(readable, 0o755)
        shutil.copytree(NIC.parent, f"{readable}/scripts")
        machine = FakeMachine(Path(readable), netns)
        machine.device()
        before = machine.everything()
        nic = f"{readable}/scripts/nic"

        def run(*words):
            return subprocess.run([nic, *words], env=machine.environment(), user=65534, check=False,
                                  text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  timeout=60)

        assert "bind it: sudo " in says(run("list")) and "only root is told" in run("list").stdout
        for word in ("bind", "unbind"):
            says(run(word, "--dry-run", "ens1f0"))
            refuses(run(word, "ens1f0"), "only root", f"sudo {nic} {word} ens1f0")
        assert machine.everything() == before


def test_nic_conf_is_right_with_what_it_only_proposes(tmp_path):
    """Keys that stand in it behind a #. test_cli.py has the file as it is."""
    text = (NIC.parents[1] / "config" / "nic.conf").read_text(encoding="utf-8")
    text, count = re.subn(r"^    # ([a-z_]+ = \S+)$", r"    \1", text, flags=re.MULTILINE)
    assert count == 3
    conf = tmp_path / "all.conf"
    conf.write_text(text, encoding="utf-8")
    said = subprocess.run([BINARY, "--check", "-c", conf], stdout=subprocess.PIPE, check=True,
                          stderr=subprocess.STDOUT, text=True, timeout=60).stdout
    for key in re.findall(r"^    ([a-z_]+ = [a-z0-9]+)$", text, re.MULTILINE):
        assert re.search(key.replace(" = ", " += "), said), key


def test_this_machine_itself():
    """Whatever it has: the list is taken, and the device of the default route is left alone."""
    run = subprocess.run([NIC, "list", "--json"], stdout=subprocess.PIPE, text=True, check=True,
                         timeout=60)
    shown = {interface["name"]: each for each in json.loads(run.stdout)["devices"]
             for interface in each["interfaces"]}
    route = subprocess.run(["ip", "route", "show", "default"], stdout=subprocess.PIPE, text=True,
                           check=True, timeout=60).stdout
    for name in set(re.findall(r"dev (\S+)", route)) & set(shown):
        assert "leave it" in shown[name]["needs"]
        refuses(subprocess.run([NIC, "bind", "--dry-run", name], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.PIPE, check=False, timeout=60), name, "leave it")
