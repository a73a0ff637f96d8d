#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""break_module.py MODULE FUNCTION BROKEN: a copy of a kernel module in which a function is an
invalid instruction (behind the call to __fentry__ that ftrace looks for), and which has no
signature any more: a kernel with a bug to find."""
import struct
import sys

MAGIC = b"~Module signature appended~\n"
UD2 = b"\x0f\x0b"
SHT_SYMTAB = 2


def main():
    with open(sys.argv[1], "rb") as f:
        data = bytearray(f.read())
    if data.endswith(MAGIC):
        (size,) = struct.unpack(">I", data[-len(MAGIC) - 4:-len(MAGIC)])
        del data[-len(MAGIC) - 12 - size:]
    (shoff,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQII", data, shoff + i * size) for i in range(count)]
    symtab = next(s for s in sections if s[1] == SHT_SYMTAB)
    strings = sections[symtab[6]][4]
    for at in range(symtab[4], symtab[4] + symtab[5], 24):
        name, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", data, at)
        begin = strings + name
        if data[begin:data.index(0, begin)].decode() != sys.argv[2]:
            continue
        code = sections[section][4] + value
        code += 5 if data[code] == 0xE8 else 0
        data[code:code + 2] = UD2
        with open(sys.argv[3], "wb") as f:
            f.write(data)
        return
    sys.exit(f"{sys.argv[1]} has no function {sys.argv[2]}")


main()
