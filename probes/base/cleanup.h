/* SPDX-License-Identifier: MIT */
/* Scope-bound clean-up of descriptors, memory and streams; closers keep errno. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define must_check_ __attribute__((warn_unused_result))
#define printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define cleanup_(fn) __attribute__((cleanup(fn)))

#define ARRAY_SIZE(a)                                                                    \
	(sizeof(a) / sizeof((a)[0]) +                                                    \
	 0 * sizeof(struct {                                                             \
		 _Static_assert(!__builtin_types_compatible_p(__typeof__(a),             \
							      __typeof__(&(a)[0])),      \
				"not an array");                                         \
		 int array_size_unused;                                                  \
	 }))

/**
 * fd_close() - close a descriptor held in a variable
 * @fd:	descriptor or -1; set to -1
 *
 * Keeps errno, so that it may run while an error is on its way up.
 */
static inline void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

/**
 * take_fd() - hand a descriptor over to the caller
 * @fd:	variable that gives its descriptor up; set to -1
 *
 * Return: the descriptor that was in @fd.
 */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void cleanup_free_fn_(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_file_fn_(FILE **f)
{
	int saved = errno;

	if (*f)
		(void)fclose(*f);
	errno = saved;
}

#define cleanup_free cleanup_(cleanup_free_fn_)
#define cleanup_close cleanup_(fd_close)
#define cleanup_file cleanup_(cleanup_file_fn_)

#endif
