/* SPDX-License-Identifier: MIT */
/*
 * `vhostcheck vm`: kernels are opened and checked first, all of them; then they are
 * booted, as many at a time as cores and memory allow, heard to their ends in one loop,
 * and their reports written in the order of the command line. What the files do: lab.c
 * options, lab_prepare.c everything before the boot, lab_root.c --root, lab_boot.c one
 * boot, lab_run.c all of them and their exit status.
 */
#ifndef CMD_LAB_H
#define CMD_LAB_H

#include "cmd/output.h"
#include "cmd/run_options.h"
#include "vm/initramfs.h"
#include "vm/kernels.h"
#include "vm/machine.h"
#include "vm/modules.h"
#include "vm/watch.h"

/**
 * struct lab_options - the command line
 * @run:	what the guest's run is asked for
 * @kernels:	KERNEL arguments
 * @add:	paths of --add
 * @command:	NULL-ended, what stands behind "--"; NULL: run
 * @modules, @append: as their options, or NULL
 * @root:	of --root, absolute and without links; NULL: none
 * @accel, @cpus, @memory_mib: of the machine
 */
struct lab_options {
	struct run_options run;
	struct rec_list kernels, add;
	char **command;
	const char *modules, *append, *root;
	enum vm_accel accel;
	unsigned int cpus, memory_mib;
};

/**
 * struct lab - what all kernels share
 * @ctx:	borrowed
 * @arena:	of all below
 * @options:	the command line
 * @stop_fd:	signalfd: SIGINT, SIGTERM and SIGHUP, blocked
 * @stopped:	the signal that came, 0 if none did
 * @qemu:	path
 * @init:	path of the vhostcheck that becomes the guest's /init
 * @argv:	NULL-ended, what the guest runs
 * @files:	struct vm_file that go into the guest
 * @workdir:	directory that packages are unpacked in
 * @kernels:	what @options->kernels name
 * @trials:	struct trial, one for each of @kernels
 */
struct lab {
	const struct cmd_ctx *ctx;
	struct arena arena;
	struct lab_options options;
	int stop_fd, stopped;
	char *qemu;
	const char *init;
	char **argv;
	struct rec_list files;
	struct vm_workdir workdir;
	struct vm_kernels kernels;
	struct rec_list trials;
};

/**
 * struct trial - one kernel
 * @workdir:	directory of all that is made for it
 * @kernel:	what it is; borrowed
 * @initrd:	path of the archive that it boots with
 * @output:	its report's place
 * @watch:	what was heard of its guest; the report is in it
 * @boot:	its guest, private to lab_boot.c; NULL before lab_boot_begin()
 */
struct trial {
	struct vm_workdir workdir;
	const struct vm_kernel *kernel;
	const char *initrd;
	struct output output;
	struct vm_watch watch;
	struct boot *boot;
};

/**
 * lab_signal() - the signal that asked us to stop
 * @lab:	lab
 *
 * Return: its number, which stays; 0 if none came.
 */
int lab_signal(struct lab *lab);

/**
 * lab_fail() - tell an error of vm/
 * @lab:	lab
 * @err:	error
 *
 * Return: the exit status that goes with it; 128+n if we were stopped.
 */
int lab_fail(struct lab *lab, const struct vm_error *err);

/**
 * lab_prepare() - open all kernels, pack all archives, open all journals
 * @lab:	lab with its options
 *
 * Return: 0, or the exit status after a message. Nothing was booted.
 */
int lab_prepare(struct lab *lab) must_check_;

/**
 * lab_root_resolve() - take --root
 * @ctx:	for the message
 * @o:		options; @root becomes absolute
 *
 * Return: 0, or the exit status after a message.
 */
int lab_root_resolve(const struct cmd_ctx *ctx, struct lab_options *o) must_check_;

/**
 * lab_root_write_command() - leave GUEST_COMMAND for the guest, if there is a command
 * @o:		options
 * @staging:	directory that becomes the guest's root
 *
 * Return: 0; -errno of making the file, -ENOMEM.
 */
int lab_root_write_command(const struct lab_options *o, const char *staging) must_check_;

/**
 * lab_begin_journal() - make the journal's file as it is before a boot
 * @t:		trial
 *
 * Return: 0, also where there is no journal; -errno of writing it.
 */
int lab_begin_journal(struct trial *t) must_check_;

/**
 * lab_boot_begin() - boot one kernel
 * @lab:	prepared lab
 * @t:		trial
 *
 * A guest that cannot be started is over at once, for the reason that lab_boot_end()
 * tells. Return: 0; -ENOMEM.
 */
int lab_boot_begin(struct lab *lab, struct trial *t) must_check_;

/** lab_boot_over() - whether the guest of a trial that was begun is gone */
bool lab_boot_over(const struct trial *t);

/**
 * lab_boot_wait_for() - what to wait for
 * @t:		trial that is not over
 * @p:		receives VM_POLL_NUM entries for poll()
 *
 * Return: when to wake up at the latest.
 */
struct deadline lab_boot_wait_for(const struct trial *t, struct pollfd *p) must_check_;

/**
 * lab_boot_hear() - take in what the guest sent, and look after it
 * @t:		trial that is not over
 * @p:		of lab_boot_wait_for(), with what poll() found
 *
 * With a command its output is copied as it comes.
 */
void lab_boot_hear(struct trial *t, const struct pollfd *p);

/**
 * lab_boot_end() - tell how it ended
 * @t:		trial that is over; its report is in @t->watch if @ret_report says so
 * @ret_report:	whether there is a report, complete or cut; with a command never
 *
 * Return: 0 with a report; otherwise the exit status, after a message if it is ours and
 * not the command's.
 */
int lab_boot_end(struct trial *t, bool *ret_report) must_check_;

/** lab_boot_done() - end the guest if it is there still, and free all */
void lab_boot_done(struct trial *t);

/**
 * lab_run() - boot all kernels and tell how each did
 * @lab:	prepared lab
 *
 * Return: the exit status of all.
 */
int lab_run(struct lab *lab) must_check_;

#endif
