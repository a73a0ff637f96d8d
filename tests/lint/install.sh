#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# install.sh ROOT BUILD: what cmake --install leaves is whole and works from where it is
. "$(dirname "$0")/lib.sh"

prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$1" --prefix "$prefix" >/dev/null

{
	for file in bin/vhostcheck libexec/vhostcheck/vhostcheck-vm share/man/man1/vhostcheck.1 \
		share/man/man7/vhostcheck-checks.7 share/man/man7/vhost-features.7 \
		share/doc/vhostcheck/{README.md,ARCHITECTURE.md,CHANGELOG.md,LICENSE,contrib/README.md}; do
		[ -s "$prefix/$file" ] || echo "$file is not installed"
	done
	"$prefix/bin/vhostcheck" --version >/dev/null || echo "bin/vhostcheck --version fails"
	"$prefix/bin/vhostcheck" vm --help >/dev/null ||
		echo "bin/vhostcheck does not find libexec/vhostcheck/vhostcheck-vm"
} | verdict "cmake --install is not complete"
