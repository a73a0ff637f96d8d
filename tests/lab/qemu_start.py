# SPDX-License-Identifier: MIT
"""qemu_start.py DEVICE COMMAND...: run QEMU, as `vhostcheck trace ... --` that ends the COMMAND, with one
device of vhost and no guest of its own; be the guest's driver by way of -qtest until the device has taken
a packet from it, then end QEMU. DEVICE is vsock or net; with -platform behind it the device has iommu_platform, with
-viommu that behind a virtual IOMMU. The driver acknowledges little, with +all behind DEVICE all that is
offered, with +no33 all but bit 33: what has iommu_platform then refuses it, and is not started."""
import signal
import subprocess
import sys
import tempfile
import time

RING = 64
VERSION_1, PLATFORM = 1 << 32, 1 << 33
# DeviceID, queues to set up, bits that are acknowledged, bytes of a packet with its header
VSOCK, NET = (19, 3, 0, 44), (1, 2, 1 << 15, 12 + 60)
TRANSMIT, DEADLINE_S = 1, 60
MICROVM = ["-M", "microvm,x-option-roms=off,rtc=off,pit=off,pic=off",
           "-global", "virtio-mmio.force-legacy=false"]
VIOMMU = ["-M", "q35", "-device", "intel-iommu,intremap=off,device-iotlb=on"]
BEHIND = "iommu_platform=on,ats=on,disable-legacy=on,addr=4"
TAP = ["-netdev", "tap,id=n,ifname=t0,script=no,downscript=no,vhost=on"]
DEVICES = {
    "vsock": (VSOCK, MICROVM + ["-device", "vhost-vsock-device,guest-cid=7"]),
    "vsock-platform": (VSOCK, MICROVM + ["-device", "vhost-vsock-device,guest-cid=7,iommu_platform=on"]),
    "vsock-viommu": (VSOCK, VIOMMU + ["-device", f"vhost-vsock-pci,guest-cid=7,{BEHIND}"]),
    "net": (NET, MICROVM + TAP + ["-device", "virtio-net-device,netdev=n"]),
    "net-platform": (NET, MICROVM + TAP + ["-device", "virtio-net-device,netdev=n,iommu_platform=on"]),
    "net-viommu": (NET, VIOMMU + TAP + ["-device", f"virtio-net-pci,netdev=n,romfile=,{BEHIND}"]),
}


def main():
    name, _, acks = sys.argv[1].partition("+")
    device, options = DEVICES[name]
    transport = Pci if name.endswith("viommu") else Mmio
    with tempfile.NamedTemporaryFile() as bios:
        bios.write(b"\xf4" * 65536)  # hlt
        bios.flush()
        qemu = ["qemu-system-x86_64", "-accel", "tcg", "-nodefaults", "-display", "none", "-m", "64",
                "-bios", bios.name, *options, "-qtest", "stdio", "-qtest-log", "/dev/null"]
        with subprocess.Popen(sys.argv[2:] + qemu, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as vmm:
            drive(transport(vmm, device[0]), *device[1:], acks)
            vmm.send_signal(signal.SIGTERM)
            sys.exit(vmm.wait())


def ask(vmm, words):
    print(words, file=vmm.stdin, flush=True)
    answer = vmm.stdout.readline().split()
    assert answer and answer[0] == "OK", (words, answer)
    return int(answer[1], 0) if len(answer) > 1 else 0


class Mmio:
    """Registers of virtio-mmio: virtio 1.2, 4.2.2"""
    offer_word, offer, feature_word, features = 0x14, 0x10, 0x24, 0x20
    status, queue, size, enable = 0x70, 0x30, 0x38, 0x44
    desc, avail, used = 0x80, 0x90, 0xa0
    width = {}

    def __init__(self, vmm, device_id):
        self.vmm = vmm
        slots = (0xfeb00000 + slot * 0x200 for slot in range(23, -1, -1))  # of the machine microvm
        self.base = next(base for base in slots if ask(vmm, f"readl {base + 8:#x}") == device_id)

    def put(self, register, value):
        letter = self.width.get(register, "l")
        ask(self.vmm, f"write{letter} {self.base + register:#x} {value:#x}")

    def notify(self, queue):
        ask(self.vmm, f"writel {self.base + 0x50:#x} {queue:#x}")

    def get(self, register):
        letter = self.width.get(register, "l")
        return ask(self.vmm, f"read{letter} {self.base + register:#x}")


class Pci(Mmio):
    """Common configuration of virtio-pci, where QEMU has it in BAR 4: virtio 1.2, 4.1.4.3"""
    offer_word, offer, feature_word, features = 0x0, 0x4, 0x8, 0xc
    status, queue, size, enable = 0x14, 0x16, 0x18, 0x1c
    desc, avail, used = 0x20, 0x28, 0x30
    width = {0x14: "b", 0x16: "w", 0x18: "w", 0x1c: "w"}
    base = 0xe0000000

    def __init__(self, vmm, _):  # pylint: disable=super-init-not-called
        self.vmm = vmm
        for register, value in ((0x20, self.base), (0x24, 0), (0x04, 6)):  # BAR 4; memory, bus master
            ask(vmm, f"outl 0xcf8 {0x80000000 | 4 << 11 | register:#x}")
            ask(vmm, f"outl 0xcfc {value:#x}")

    def notify(self, queue):  # in BAR 4, too, four bytes a queue
        ask(self.vmm, f"writew {self.base + 0x3000 + 4 * queue:#x} {queue:#x}")


def acknowledge(device, few, acks):
    offered = 0
    for word in (0, 1):
        device.put(device.offer_word, word)
        offered |= device.get(device.offer) << 32 * word
    bits = offered & {"": few | VERSION_1 | PLATFORM, "all": ~0, "no33": ~PLATFORM}[acks]
    for word in (0, 1):
        device.put(device.feature_word, word)
        device.put(device.features, bits >> 32 * word & 0xffffffff)
    device.put(device.status, 11)
    return device.get(device.status) & 8  # FEATURES_OK


def drive(device, queues, few, packet, acks):
    for status in (0, 1, 3):
        device.put(device.status, status)
    if not acknowledge(device, few, acks):
        assert acks == "no33", "FEATURES_OK is refused"
        return
    for queue in range(queues):
        device.put(device.queue, queue)
        device.put(device.size, RING)
        for register, address in zip((device.desc, device.avail, device.used), parts(queue)):
            device.put(register, address)
            device.put(register + 4, 0)
        device.put(device.enable, 1)
    device.put(device.status, 15)
    device.get(device.status)
    transmit(device, packet)


def parts(queue):
    at = 0x100000 + queue * 0x10000
    return at, at + 0x4000, at + 0x8000


def transmit(device, packet):
    """One packet of zeros, which the host throws away: virtio 1.2, 2.7"""
    desc, avail, used = parts(TRANSMIT)
    for letter, address, value in (("q", desc, 0x200000), ("q", desc + 8, packet), ("w", avail + 2, 1)):
        ask(device.vmm, f"write{letter} {address:#x} {value:#x}")
    device.notify(TRANSMIT)
    end = time.monotonic() + DEADLINE_S
    while ask(device.vmm, f"readw {used + 2:#x}") != 1:
        assert time.monotonic() < end, "the packet is not taken"


main()
