#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# vm_wall.sh VHOSTCHECK KERNEL_IMAGE KERNEL_MODULES [PAIRS]: what `vhostcheck vm` adds to the
# bare boot of the same kernel, with the same QEMU flags, to an init that ends the machine at
# once. Pairs alternate; medians decide: vm is to take at most bare + checks + 0.7 s.
set -euo pipefail
vhostcheck=$1 image=$2 modules=$3 pairs=${4:-5}
allowed_ms=700

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
cat >"$work/init.c" <<'END'
#include <sys/io.h>
#include <sys/reboot.h>
int main(void)
{
	if (!ioperm(0xf4, 4, 1))
		outl(0, 0xf4);
	return reboot(RB_POWER_OFF);
}
END
cc -O2 -static -o "$work/tree/init" "$work/init.c"
(cd "$work/tree" && echo init | bsdtar -c --format newc -f ../initrd -T - 2>/dev/null) ||
	(cd "$work/tree" && echo init | cpio -o -H newc --quiet >../initrd)

now_ms()
{
	local t=${EPOCHREALTIME/[.,]/}
	echo $((t / 1000))
}

# The flags of vm/qemu.c; its ports lead to sockets, these to files
bare()
{
	qemu-system-x86_64 -M q35 -display none -device isa-debug-exit,iobase=0xf4,iosize=4 \
		-no-reboot -nodefaults -no-user-config -accel tcg -cpu max,-cx16,-la57,-erms -smp 1 -m 512 \
		-kernel "$image" -initrd "$work/initrd" \
		-append "console=ttyS0 panic=-1 quiet cryptomgr.notests=1 8250.nr_uarts=4 psi=0" \
		-serial "file:$work/console" -serial null -serial null -serial null || [ $? -eq 1 ]
}

median()
{
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : int((v[NR / 2] + v[NR / 2 + 1]) / 2) }'
}

printf '%8s %8s %8s %8s  (ms)\n' bare vm checks added
for ((i = 0; i < pairs; i++)); do
	t0=$(now_ms)
	bare
	t1=$(now_ms)
	"$vhostcheck" vm -q --accel tcg --modules "$modules" "$image" -o "$work/r.json" || [ $? -le 2 ]
	t2=$(now_ms)
	checks=$(($(jq .run.duration_us "$work/r.json") / 1000))
	echo "$((t1 - t0)) $((t2 - t1)) $checks $((t2 - t1 - (t1 - t0) - checks))"
done | tee "$work/pairs" | awk '{ printf "%8d %8d %8d %8d\n", $1, $2, $3, $4; fflush() }'
column()
{
	cut -d ' ' -f "$1" "$work/pairs" | median
}
added=$(column 4)
printf '%8d %8d %8d %8d  medians\n' "$(column 1)" "$(column 2)" "$(column 3)" "$added"
[ "$added" -le "$allowed_ms" ] || {
	echo "vm_wall.sh: vm adds $added ms, more than $allowed_ms" >&2
	exit 1
}
