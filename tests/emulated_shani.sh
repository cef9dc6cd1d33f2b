#!/bin/sh
# SPDX-License-Identifier: MIT
# The SHA-NI kernel where the CPU lacks SHA-NI: the kernel test under
# qemu-x86_64 -cpu max, which executes it from version 10 on.
# usage: emulated_shani.sh TEST_KERNELS; the emulator is $MINERD_QEMU (then it
# runs on any CPU) or in PATH.
set -u

skip() {
	echo "1..0 # SKIP $1"
	exit 0
}

if [ -z "${MINERD_QEMU:-}" ] && grep -qw sha_ni /proc/cpuinfo; then
	skip "this CPU has SHA-NI: the kernel test runs shani natively"
fi
qemu=${MINERD_QEMU:-qemu-x86_64}
command -v "$qemu" >/dev/null 2>&1 ||
	skip "no qemu-x86_64 in PATH and MINERD_QEMU is not set"
major=$("$qemu" --version | sed -n 's/.*version \([0-9]*\).*/\1/p' | head -n 1)
[ "${major:-0}" -ge 10 ] ||
	skip "$qemu is version ${major:-unknown}; SHA-NI needs 10 or newer"
exec "$qemu" -cpu max "$1" shani
