/* SPDX-License-Identifier: MIT */
/* One guest: started, watched until it is gone, started anew where its accelerator or
 * an early death asks for it. */
#ifndef VM_MACHINE_H
#define VM_MACHINE_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/deadline.h"
#include "vm/lines.h"
#include "vm/qemu.h"

/**
 * struct vm_events - what the guest sends
 * @ctx:	first argument of all
 * @bytes:	bytes of the console, of a command's stdout or of its stderr, as they come
 * @line:	a whole line of the journal, hello, notes and exit included; see
 *		vm_line_fn
 * @restart:	the guest is started anew for the reason @why (one line): forget all that
 *		came so far
 *
 * Each returns 0, or -errno which ends vm_deliver() with that value. What a guest sends
 * may be anything: nothing in it is checked but that a line ends.
 */
struct vm_events {
	void *ctx;
	int (*bytes)(void *ctx, enum vm_stream from, const char *buf, size_t len);
	vm_line_fn *line;
	int (*restart)(void *ctx, const char *why);
};

/**
 * enum vm_state - where a guest is
 * @VM_BOOTING:	started, has not said hello
 * @VM_RUNNING:	has said hello
 * @VM_LEAVING:	has told its exit status
 * @VM_ENDED:	QEMU is gone
 */
enum vm_state {
	VM_BOOTING,
	VM_RUNNING,
	VM_LEAVING,
	VM_ENDED
};

/**
 * enum vm_end - how it ended
 * @VM_END_NONE:	not yet, or not at all (vm_start(), vm_deliver() failed)
 * @VM_END_EXIT:	the guest told its exit status
 * @VM_END_DIED:	QEMU ended without that: a panic, a reset, a kill from outside
 * @VM_END_KILLED:	vm_kill()
 */
enum vm_end {
	VM_END_NONE,
	VM_END_EXIT,
	VM_END_DIED,
	VM_END_KILLED
};

/**
 * struct vm - a guest
 * @state:	where it is
 * @end:	how it ended, once @state is VM_ENDED
 * @status:	exit status that the guest told, 0 to 255 (VM_END_EXIT)
 * @accel:	in use: VM_ACCEL_KVM or VM_ACCEL_TCG
 * @fallback:	why KVM was given up ("" if it was not): one line
 * @why:	how QEMU ended, where it was too early: one line, else ""
 * @boots:	times that QEMU was started
 * @console:	the last bytes of the console, NUL-ended
 *
 * The other fields are private.
 */
struct vm {
	enum vm_state state;
	enum vm_end end;
	int status;
	enum vm_accel accel;
	char fallback[640];
	char why[640];
	unsigned int boots;
	char console[8192];

	const struct vm_spec *spec;
	const struct vm_events *ev;
	unsigned int tries; /* with this accelerator */
	bool settled, killed;
	pid_t pid;
	int pidfd, said_fd;
	int fd[VM_STREAM_NUM];
	struct deadline late; /* of VM_BOOTING and VM_LEAVING */
	struct vm_lines lines;
	size_t console_len, said_len;
	char said[512]; /* by QEMU itself, on its stderr */
};

/**
 * vm_start() - start a guest
 * @vm:		receives it; end with vm_done(), also after a failure
 * @spec:	machine; borrowed until vm_done()
 * @ev:		receivers; borrowed until vm_done()
 * @err:	reason on failure
 *
 * QEMU runs in a process group of its own, with no signal blocked, and is killed when
 * the calling process dies. Descriptors 0 to 2 of the caller must be open.
 * Return: 0; -errno of open("/dev/kvm") (VM_FAULT_NO_QEMU) if KVM is asked for and cannot
 * be used; -errno of socketpair(), fork() and the like.
 */
int vm_start(struct vm *vm, const struct vm_spec *spec, const struct vm_events *ev,
	     struct vm_error *err) must_check_;

/* VM_POLL_NUM - descriptors of a guest: its streams, QEMU's stderr, QEMU's end */
enum {
	VM_POLL_SAID = VM_STREAM_NUM,
	VM_POLL_PID,
	VM_POLL_NUM
};

/**
 * vm_poll_set() - what to wait for
 * @vm:		started guest
 * @p:		receives VM_POLL_NUM entries for poll(), some of them with no descriptor
 * @until:	when the caller wants to wake up
 *
 * Return: when it has to wake up for vm_deliver(), @until at the latest.
 */
struct deadline vm_poll_set(const struct vm *vm, struct pollfd *p, struct deadline until)
	must_check_;

/**
 * vm_deliver() - deliver what the guest sent, and see whether it is late
 * @vm:		started guest
 * @p:		of vm_poll_set(), with what poll() found; @revents are all 0 if it found
 * none
 * @err:	reason on failure
 *
 * A guest that does not say hello in time (3 s under KVM with VM_ACCEL_AUTO, 60 s
 * otherwise), or whose QEMU ends before vm_settle(), is started anew: under TCG if it was
 * under KVM by VM_ACCEL_AUTO, else once more.
 * Return: 1 once @vm->state is VM_ENDED, with all that it sent delivered; 0 before that;
 * -EIO (VM_FAULT_GUEST_DIED) when the guest was started as often as it may be; what a
 * receiver returned, with @err untouched; -errno otherwise.
 */
int vm_deliver(struct vm *vm, const struct pollfd *p, struct vm_error *err) must_check_;

/**
 * vm_settle() - from now on the death of the guest counts: it is not started anew
 * @vm:	guest; called from @line when the first check begins
 */
void vm_settle(struct vm *vm);

/**
 * vm_kill() - end the guest at once; vm_deliver() delivers what is left and tells the end
 * @vm:	guest
 */
void vm_kill(struct vm *vm);

/**
 * vm_done() - kill QEMU if it is there still, close and free all
 * @vm:	guest, may never have been started if it is all zero
 */
void vm_done(struct vm *vm);

#define cleanup_vm cleanup_(vm_done)

#endif
