#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""initramfs.py DIRECTORY RIPOSTE DEBUG: writes what a guest boots from, DIRECTORY/vmlinuz and
DIRECTORY/initramfs.cpio. RIPOSTE is the program, DEBUG a debug build of it.

The kernel is Debian's, from its package, which is downloaded (into DIRECTORY, once) and not
installed. All else is copied from this machine: riposte and its scripts, DPDK's drivers, Python."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("e1000e", "vmxnet3", "virtio_pci", "virtio_net", "vfio_iommu_type1", "vfio_pci")
DRIVERS = ("bus_pci", "bus_vdev", "mempool_ring", "net_e1000", "net_virtio", "net_vmxnet3")
# libgcc_s.so.1 is what ends a thread; nothing names it as needed.
PROGRAMS = ("/bin/busybox", "/usr/bin/python3", "/usr/bin/ip", "/usr/bin/lspci",
            "/usr/bin/dpdk-devbind.py", "/lib64/ld-linux-x86-64.so.2",
            "/lib/x86_64-linux-gnu/libgcc_s.so.1")
# Parts of Python's library that are large, or need libraries that nothing here needs.
NOT_IN_GUEST = shutil.ignore_patterns(
    "config-3*", "distutils", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter",
    "_bz2*", "_curses*", "_dbm*", "_hashlib*", "_lzma*", "_sqlite3*", "_ssl*", "nis*", "readline*",
    "*test*.so")
OURS = ("scripts", "tests/vfio", "config")


class Missing(Exception):
    """Something that the guest needs is not on this machine."""


def output(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, **options).stdout


# --- the kernel ---

def kernel_package():
    """The package that linux-image-amd64 stands for today."""
    depends = output("apt-cache", "depends", "--no-recommends", "--no-suggests",
                     "linux-image-amd64")
    names = re.findall(r"Depends: (linux-image-[0-9]\S*-amd64)", depends)
    if len(names) != 1:
        raise Missing(f"linux-image-amd64 depends on one kernel package, and apt-cache says "
                      f"{depends!r}")
    return names[0]


def take_kernel(root, directory):
    """The newest package's kernel and those of its modules that are needed, from DIRECTORY/kernel,
    where they stay for the next time."""
    package = kernel_package()
    about = output("apt-cache", "show", "--no-all-versions", package)
    version = re.search(r"^Version: (\S+)$", about, re.MULTILINE)[1]
    kept = directory / "kernel"
    stamp = kept / "of"
    this = f"{package} {version}: {' '.join(MODULES)}\n"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != this:
        shutil.rmtree(kept, ignore_errors=True)
        download_kernel(f"{package}={version}", kept)
        stamp.write_text(this, encoding="utf-8")
    modules, = (kept / "modules").iterdir()
    shutil.copytree(modules, root / "usr" / "lib" / "modules" / modules.name, dirs_exist_ok=True)
    subprocess.run(["busybox", "depmod", "-b", root / "usr", modules.name], check=True)
    shutil.copy2(kept / "vmlinuz", directory / "vmlinuz")


def download_kernel(package, kept):
    print(f"{package} is downloaded and unpacked, not installed", flush=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package],
                       cwd=scratch, check=True)
        scratch = Path(scratch)
        archive, = scratch.glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", archive, scratch], check=True)
        vmlinuz, = (scratch / "boot").glob("vmlinuz-*")
        tree, = (scratch / "lib" / "modules").iterdir()
        pick_modules(tree, kept / "modules" / tree.name)
        shutil.copy2(vmlinuz, kept / "vmlinuz")


def pick_modules(tree, to):
    """MODULES and what they need."""
    files = {path.stem.replace("-", "_"): path for path in tree.rglob("*.ko")}
    to.mkdir(parents=True)
    wanted = list(MODULES)
    for name in wanted:
        data = files[name].read_bytes()
        depends = re.search(rb"\0depends=([^\0]*)\0", data)[1].decode().replace("-", "_")
        wanted += [d for d in depends.split(",") if d and d not in wanted]
        (to / files[name].name).write_bytes(data)
    for name in ("modules.builtin", "modules.order"):
        shutil.copy2(tree / name, to / name)


# --- this machine's files ---

def take(root, path):
    """The file and, where it is a link, what it points to; where they really lie."""
    path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    to = root / path.lstrip("/")
    if to.is_symlink() or to.exists():
        return
    if not os.path.lexists(path):
        raise Missing(f"{path} is not here")
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, to, follow_symlinks=False)
    if os.path.islink(path):
        take(root, os.path.join(os.path.dirname(path), os.readlink(path)))


def take_libraries(root, program):
    """What it is linked with, through however many libraries."""
    linked = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True, check=False).stdout
    if "not found" in linked:
        raise Missing(f"{program}: {linked}")
    for path in re.findall(r"=> (/\S+)", linked):
        take(root, path)


def take_programs(root, riposte):
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    drivers = []
    for name in DRIVERS:
        found = glob.glob(f"/usr/lib/x86_64-linux-gnu/dpdk/pmds-*/librte_{name}.so*")
        if not found:
            raise Missing(f"DPDK's driver {name} is not here")
        drivers += found
    for path in (*PROGRAMS, *drivers):
        take(root, path)
    for path in (*PROGRAMS, *drivers, riposte):
        take_libraries(root, path)
    for name in output("busybox", "--list").split():
        applet = root / "usr" / "bin" / name
        if not applet.is_symlink() and not applet.exists():
            applet.symlink_to("busybox")


def take_pci_names(root):
    """Those of the guest's devices: reading all of them takes seconds there."""
    to = root / "usr" / "share" / "misc" / "pci.ids"
    to.parent.mkdir(parents=True, exist_ok=True)
    with open("/usr/share/misc/pci.ids", encoding="utf-8") as names, \
         open(to, "w", encoding="utf-8") as kept:
        wanted = False
        for line in names:
            if re.match(r"[0-9a-fC]", line):
                wanted = line.startswith(("8086  ", "15ad  ", "1af4  ", "C "))
            if wanted:
                kept.write(line)


def take_python(root):
    library = os.path.dirname(os.__file__)
    shutil.copytree(library, root / library.lstrip("/"), symlinks=True, ignore=NOT_IN_GUEST)
    for path in (root / library.lstrip("/") / "lib-dynload").iterdir():
        take_libraries(root, os.path.join(library, "lib-dynload", path.name))


def take_ours(root, riposte, debug):
    """As in the checkout, in /riposte."""
    for name in OURS:
        shutil.copytree(ROOT / name, root / "riposte" / name, symlinks=True,
                        ignore=shutil.ignore_patterns("__pycache__"))
    for build, program in (("build", riposte), ("build-debug", debug)):
        to = root / "riposte" / build / "app"
        to.mkdir(parents=True)
        shutil.copy2(program, to / "riposte")
    (root / "init").symlink_to("riposte/tests/vfio/init")
    for name in ("dev", "proc", "sys", "run", "tmp", "etc", "var", "root"):
        (root / name).mkdir(exist_ok=True)
    (root / "var" / "run").symlink_to("/run")


def main(directory, riposte, debug):
    directory = Path(directory).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    root = directory / "root"
    shutil.rmtree(root, ignore_errors=True)
    try:
        take_programs(root, riposte)
        take_pci_names(root)
        take_python(root)
        try:
            take_kernel(root, directory)
        except (Missing, subprocess.CalledProcessError):
            # What apt knows may be old, or nothing yet.
            subprocess.run(["apt-get", "-qq", "update"], check=True)
            take_kernel(root, directory)
        take_ours(root, riposte, debug)
    except (Missing, subprocess.CalledProcessError) as error:
        print(f"initramfs.py: {error}", file=sys.stderr)
        return 1
    # With "." for the modes of / itself: DPDK does without a / that everybody may write to.
    names = "\n".join(sorted(str(path.relative_to(root)) for path in (root, *root.rglob("*"))))
    with open(directory / "initramfs.cpio", "wb") as archive:
        subprocess.run(["busybox", "cpio", "-o", "-H", "newc"], cwd=root, check=True,
                       stdout=archive, stderr=subprocess.DEVNULL, input=names.encode())
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__.split("\n", maxsplit=1)[0])
    sys.exit(main(*sys.argv[1:]))
