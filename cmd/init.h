/* SPDX-License-Identifier: MIT */
#ifndef CMD_INIT_H
#define CMD_INIT_H

/**
 * typedef init_run_fn - vhostcheck's own work inside a guest, in a child of pid 1
 * @argc:	number of arguments
 * @argv:	arguments, argv[0] is "vhostcheck"
 * @journal_fd:	port to the host for the journal
 *
 * stdout and stderr are ports of their own. Return: exit status.
 */
typedef int init_run_fn(int argc, char **argv, int journal_fd);

/**
 * cmd_init() - be pid 1 of a guest that `vhostcheck vm` booted
 * @run:	called in a child if the first word of GUEST_ARGV is "vhostcheck"; any
 *		other first word is looked up in PATH and executed
 *
 * Where GUEST_COMMAND names a directory, the root is that of the host (vm/guest_root.h).
 * Reaps what is left to it until the child is gone, tells the host its exit status
 * (128 + n for signal n, 127 and 126 for a command that is not found or not executable,
 * 3 where the guest could not be set up) and ends the machine. Does not return.
 */
_Noreturn void cmd_init(init_run_fn *run);

#endif
