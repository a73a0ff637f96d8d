#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# symbols.sh ROOT ARCHIVE...: library rooms never print and never exit, which only cmd/,
# vm/main.c and the guest's init do, and they hold no data that can change.
. "$(dirname "$0")/lib.sh"

talks='exit|quick_exit|v?printf|__v?printf_chk|puts|putchar|perror|v?errx?|v?warnx?|error'
for archive; do
	nm -A -u "$archive" | grep -E " U ($talks|stdout|stderr)(@|$)" || :
	objdump -t "$archive" |
		awk -v lib="${archive##*/}" '/file format/ { object = $1 }
			/ O \.(data|bss|tdata|tbss)(\.[^r][^ ]*)?[ \t]/ { print lib ":" object " mutable " $NF }
			/ \*COM\*/ { print lib ":" object " mutable " $NF }'
done | verdict "a library room prints, exits or holds mutable data"
