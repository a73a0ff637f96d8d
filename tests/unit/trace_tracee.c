/* SPDX-License-Identifier: MIT */
/* What test_trace_tracer.c traces, by its argument; without sanitizers, which make calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALL 0xaf01u
#define TREE 500
#define MANY 100000
/* what a vCPU does all the time: KVM_RUN */
#define RUN_VCPU 0xae80u

static void one_call(void)
{
	int fd = open("/dev/null", O_RDWR);

	(void)ioctl(fd, CALL, 42);
	(void)close(fd);
}

static void *call_in_thread(void *arg)
{
	one_call();
	return arg;
}

static void threads(void)
{
	pthread_t thread[8];

	for (size_t i = 0; i < sizeof(thread) / sizeof(thread[0]); i++)
		if (pthread_create(&thread[i], NULL, call_in_thread, NULL))
			_exit(9);
	for (size_t i = 0; i < sizeof(thread) / sizeof(thread[0]); i++)
		(void)pthread_join(thread[i], NULL);
}

/* Half of them children, half of them grandchildren that nobody waits for */
static void tree(void)
{
	for (int i = 0; i < TREE / 2; i++) {
		pid_t pid = fork();

		if (pid < 0)
			_exit(9);
		if (pid)
			continue;
		if (fork() < 0)
			_exit(9);
		one_call();
		_exit(0);
	}
	for (int i = 0; i < TREE / 2; i++)
		(void)wait(NULL);
}

/* An exec by another thread than the first: it gets the first one's id. */
static void *exec_in_thread(void *arg)
{
	char self[] = "/proc/self/exe", word[] = "one", *argv[] = { self, word, NULL };

	(void)execv(self, argv);
	return arg;
}

static long processor_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void quiet_calls(void)
{
	long begin = processor_us();
	int fd = open("/dev/null", O_RDWR);

	for (int i = 0; i < MANY; i++) {
		if (write(fd, "12345678", 8) != 8)
			_exit(9);
		(void)ioctl(fd, RUN_VCPU, 0);
		(void)syscall(SYS_getppid);
	}
	(void)close(fd);
	printf("%ld\n", processor_us() - begin);
}

static void sizes(void)
{
	static const size_t len[] = { 63, 64, 72, 127, 128 };
	char bytes[128] = { 0 };
	int fd = open("/dev/null", O_RDWR);

	for (size_t i = 0; i < sizeof(len) / sizeof(len[0]); i++)
		if (write(fd, bytes, len[i]) < 0 || read(fd, bytes, len[i]) < 0)
			_exit(9);
	(void)close(fd);
}

/* As VMMs do that confine themselves: it allows all but uname(2). */
static void filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_uname, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	struct utsname u;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) || uname(&u) != -1)
		_exit(9);
	one_call();
}

/* What any filter costs: quiet_calls() under one that allows all. */
static void allowed_calls(void)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	const struct sock_fprog program = { 1, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(9);
	quiet_calls();
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	pthread_t thread;

	if (!strcmp(mode, "one"))
		one_call();
	else if (!strcmp(mode, "threads"))
		threads();
	else if (!strcmp(mode, "tree"))
		tree();
	else if (!strcmp(mode, "quiet"))
		quiet_calls();
	else if (!strcmp(mode, "allowed"))
		allowed_calls();
	else if (!strcmp(mode, "sizes"))
		sizes();
	else if (!strcmp(mode, "exec") &&
		 !pthread_create(&thread, NULL, exec_in_thread, NULL))
		(void)pthread_join(thread, NULL);
	else if (!strcmp(mode, "filter"))
		filter();
	else if (!strcmp(mode, "killed"))
		(void)raise(SIGKILL);
	else if (!strcmp(mode, "stopped"))
		(void)raise(SIGTERM);
	return 7;
}
