# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # coproc sets VMM
# For the bash of a guest: qemu_start DEVICE COMMAND... runs QEMU, as `vhostcheck trace ... --` that ends
# the COMMAND, with one device of vhost and no guest of its own; is the guest's driver by way of -qtest
# until the device has taken a packet from it, then ends QEMU. DEVICE is vsock or net; with -platform behind
# it the device has iommu_platform, with -viommu that behind a virtual IOMMU. The driver acknowledges
# little, with +all behind DEVICE all that is offered, with +no33 all but bit 33: what has
# iommu_platform then refuses it, and is not started. Returns the status of COMMAND.
qemu_start()
{
	local name=${1%%+*} acks=${1#"${1%%+*}"} behind=iommu_platform=on,ats=on,disable-legacy=on,addr=4
	local microvm=(-M "microvm,x-option-roms=off,rtc=off,pit=off,pic=off" -global virtio-mmio.force-legacy=false)
	local viommu=(-M q35 -device "intel-iommu,intremap=off,device-iotlb=on")
	local tap=(-netdev "tap,id=n,ifname=t0,script=no,downscript=no,vhost=on") options i bios='\xf4' # hlt
	shift

	case $name in
	vsock) options=("${microvm[@]}" -device "vhost-vsock-device,guest-cid=7") ;;
	vsock-platform) options=("${microvm[@]}" -device "vhost-vsock-device,guest-cid=7,iommu_platform=on") ;;
	vsock-viommu) options=("${viommu[@]}" -device "vhost-vsock-pci,guest-cid=7,$behind") ;;
	net) options=("${microvm[@]}" "${tap[@]}" -device "virtio-net-device,netdev=n") ;;
	net-platform) options=("${microvm[@]}" "${tap[@]}" -device "virtio-net-device,netdev=n,iommu_platform=on") ;;
	net-viommu) options=("${viommu[@]}" "${tap[@]}" -device "virtio-net-pci,netdev=n,romfile=,$behind") ;;
	esac
	for ((i = 0; i < 16; i++)); do bios+=$bios; done
	printf %b "$bios" >/tmp/bios
	coproc VMM { exec "$@" qemu-system-x86_64 -accel tcg -nodefaults -display none -m 64 -bios /tmp/bios \
		"${options[@]}" -qtest stdio -qtest-log /dev/null; }
	local pid=$VMM_PID
	case $name in
	*-viommu) use_pci ;;
	*) use_mmio "$([[ $name == vsock* ]] && echo 19 || echo 1)" ;;
	esac
	case $name in # of a packet the bytes with its header
	vsock*) drive 3 0 44 "$acks" ;;
	net*) drive 2 $((1 << 15)) $((12 + 60)) "$acks" ;;
	esac
	kill "$pid"
	wait "$pid"
}

# ask WORD...: to -qtest; sets `value`
ask()
{
	local answer

	echo "$*" >&"${VMM[1]}"
	read -r answer value <&"${VMM[0]}"
	[ "$answer" = OK ] || die "$*: $answer $value"
}

die()
{
	echo "qemu_start: $*" >&2
	exit 99
}

# use_mmio DEVICE_ID: registers of virtio-mmio, in a slot of the machine microvm: virtio 1.2, 4.2.2
use_mmio()
{
	offer_word=0x14 offer=0x10 feature_word=0x24 features=0x20 status=0x70 queue=0x30 size=0x38 enable=0x44
	desc=0x80 avail=0x90 used=0xa0 notify=0x50 notify_step=0 notify_width=l
	width=()
	for ((base = 0xfeb00000 + 23 * 0x200; base >= 0xfeb00000; base -= 0x200)); do
		ask readl $((base + 8))
		[ $((value)) -ne "$1" ] || return 0
	done
	die "there is no device $1"
}

# Common configuration of virtio-pci, where QEMU has it in BAR 4: virtio 1.2, 4.1.4.3
use_pci()
{
	local register

	base=0xe0000000
	offer_word=0x0 offer=0x4 feature_word=0x8 features=0xc status=0x14 queue=0x16 size=0x18 enable=0x1c
	desc=0x20 avail=0x28 used=0x30 notify=0x3000 notify_step=4 notify_width=w
	width=([0x14]=b [0x16]=w [0x18]=w [0x1c]=w)
	for register in "0x20 $base" "0x24 0" "0x04 6"; do # BAR 4; memory, bus master
		ask outl 0xcf8 $((0x80000000 | 4 << 11 | ${register% *}))
		ask outl 0xcfc $((${register#* }))
	done
}

# put REGISTER VALUE
put()
{
	ask "write${width[$1]-l}" $((base + $1)) $(($2))
}

get()
{
	ask "read${width[$1]-l}" $((base + $1))
}

# acknowledge FEW ACKS: false if the device refuses it
acknowledge()
{
	local word offered=0 bits

	for word in 0 1; do
		put "$offer_word" $word
		get "$offer"
		offered=$((offered | value << 32 * word))
	done
	case $2 in
	+all) bits=$offered ;;
	+no33) bits=$((offered & ~(1 << 33))) ;;
	*) bits=$((offered & ($1 | 1 << 32 | 1 << 33))) ;;
	esac
	for word in 0 1; do
		put "$feature_word" $word
		put "$features" $((bits >> 32 * word & 0xffffffff))
	done
	put "$status" 11
	get "$status"
	[ $((value & 8)) -ne 0 ] # FEATURES_OK
}

# drive QUEUES FEW PACKET ACKS
drive()
{
	local i ring part step

	for step in 0 1 3; do put "$status" $step; done
	acknowledge "$2" "$4" || {
		[ "$4" = +no33 ] || die "FEATURES_OK is refused"
		return 0
	}
	for ((i = 0; i < $1; i++)); do
		ring=$((0x100000 + i * 0x10000))
		put "$queue" $i
		put "$size" 64
		for part in "$desc 0" "$avail 0x4000" "$used 0x8000"; do
			put "${part% *}" $((ring + ${part#* }))
			put $((${part% *} + 4)) 0
		done
		put "$enable" 1
	done
	put "$status" 15
	get "$status"
	transmit "$3"
}

# transmit LENGTH: one packet of zeros by queue 1, which the host throws away: virtio 1.2, 2.7
transmit()
{
	local ring=$((0x110000)) end=$((SECONDS + 60))

	ask writeq $ring $((0x200000))
	ask writeq $((ring + 8)) "$1"
	ask writew $((ring + 0x4002)) 1
	ask "write$notify_width" $((base + notify + notify_step)) 1
	while ask readw $((ring + 0x8002)) && [ $((value)) -ne 1 ]; do
		[ $SECONDS -lt $end ] || die "the packet is not taken"
	done
}
