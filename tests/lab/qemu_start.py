# SPDX-License-Identifier: MIT
"""qemu_start.py DEVICE COMMAND...: run QEMU, as `vhostcheck trace ... --` that ends the COMMAND, with one
device of vhost and no guest of its own; be the guest's driver by way of -qtest until the device is
started, then end QEMU. DEVICE is vsock or net; with -platform behind it the device has iommu_platform, and
the driver acknowledges bit 33; vsock-viommu is that behind a virtual IOMMU."""
import signal
import subprocess
import sys
import tempfile

RING = 64
VSOCK, NET = (19, 3, 0), (1, 2, 1 << 15)  # DeviceID, queues to set up, bits of the low word
MICROVM = ["-M", "microvm,x-option-roms=off,rtc=off,pit=off,pic=off",
           "-global", "virtio-mmio.force-legacy=false"]
TAP = ["-netdev", "tap,id=n,ifname=t0,script=no,downscript=no,vhost=on"]
DEVICES = {
    "vsock": (VSOCK, MICROVM + ["-device", "vhost-vsock-device,guest-cid=7"]),
    "vsock-platform": (VSOCK, MICROVM + ["-device", "vhost-vsock-device,guest-cid=7,iommu_platform=on"]),
    "vsock-viommu": (VSOCK, ["-M", "q35", "-device", "intel-iommu,intremap=off,device-iotlb=on", "-device",
                             "vhost-vsock-pci,guest-cid=7,iommu_platform=on,ats=on,disable-legacy=on,addr=4"]),
    "net": (NET, MICROVM + TAP + ["-device", "virtio-net-device,netdev=n"]),
    "net-platform": (NET, MICROVM + TAP + ["-device", "virtio-net-device,netdev=n,iommu_platform=on"]),
}


def main():
    name, command = sys.argv[1], sys.argv[2:]
    device, options = DEVICES[name]
    transport = Pci if name.endswith("viommu") else Mmio
    with tempfile.NamedTemporaryFile() as bios:
        bios.write(b"\xf4" * 65536)  # hlt
        bios.flush()
        qemu = ["qemu-system-x86_64", "-accel", "tcg", "-nodefaults", "-display", "none", "-m", "64",
                "-bios", bios.name, *options, "-qtest", "stdio", "-qtest-log", "/dev/null"]
        with subprocess.Popen(command + qemu, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as vmm:
            drive(transport(vmm, device[0]), *device[1:], name != name.partition("-")[0])
            vmm.send_signal(signal.SIGTERM)
            sys.exit(vmm.wait())


def ask(vmm, words):
    print(words, file=vmm.stdin, flush=True)
    answer = vmm.stdout.readline().split()
    assert answer and answer[0] == "OK", (words, answer)
    return int(answer[1], 0) if len(answer) > 1 else 0


class Mmio:
    """Registers of virtio-mmio: virtio 1.2, 4.2.2"""
    status, feature_word, features, queue, size, enable = 0x70, 0x24, 0x20, 0x30, 0x38, 0x44
    desc, avail, used = 0x80, 0x90, 0xa0
    width = {}

    def __init__(self, vmm, device_id):
        self.vmm = vmm
        slots = (0xfeb00000 + slot * 0x200 for slot in range(23, -1, -1))  # of the machine microvm
        self.base = next(base for base in slots if ask(vmm, f"readl {base + 8:#x}") == device_id)

    def put(self, register, value):
        letter = self.width.get(register, "l")
        ask(self.vmm, f"write{letter} {self.base + register:#x} {value:#x}")

    def get_status(self):
        letter = self.width.get(self.status, "l")
        return ask(self.vmm, f"read{letter} {self.base + self.status:#x}")


class Pci(Mmio):
    """Common configuration of virtio-pci, where QEMU has it in BAR 4: virtio 1.2, 4.1.4.3"""
    status, feature_word, features, queue, size, enable = 0x14, 0x8, 0xc, 0x16, 0x18, 0x1c
    desc, avail, used = 0x20, 0x28, 0x30
    width = {0x14: "b", 0x16: "w", 0x18: "w", 0x1c: "w"}
    base = 0xe0000000

    def __init__(self, vmm, _):  # pylint: disable=super-init-not-called
        self.vmm = vmm
        for register, value in ((0x20, self.base), (0x24, 0), (0x04, 6)):  # BAR 4; memory, bus master
            ask(vmm, f"outl 0xcf8 {0x80000000 | 4 << 11 | register:#x}")
            ask(vmm, f"outl 0xcfc {value:#x}")


def drive(device, queues, low, platform):
    for status in (0, 1, 3):
        device.put(device.status, status)
    for word, bits in ((0, low), (1, 3 if platform else 1)):
        device.put(device.feature_word, word)
        device.put(device.features, bits)
    device.put(device.status, 11)
    assert device.get_status() & 8, "FEATURES_OK is refused"
    for queue in range(queues):
        at = 0x100000 + queue * 0x10000
        device.put(device.queue, queue)
        device.put(device.size, RING)
        for register, address in ((device.desc, at), (device.avail, at + 0x4000), (device.used, at + 0x8000)):
            device.put(register, address)
            device.put(register + 4, 0)
        device.put(device.enable, 1)
    device.put(device.status, 15)
    device.get_status()


main()
