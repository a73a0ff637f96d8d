/* SPDX-License-Identifier: MIT */
#include <fcntl.h>

#include "base/slurp.h"

ssize_t slurp(const char *path, char *buf, size_t size)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = 0;

	buf[0] = '\0';
	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		ssize_t n = TEMP_FAILURE_RETRY(read(fd, buf + len, size - 1 - len));

		if (n < 0) {
			buf[0] = '\0';
			return -errno;
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	buf[len] = '\0';
	return (ssize_t)len;
}

ssize_t slurp_line(const char *path, char *buf, size_t size)
{
	ssize_t len = slurp(path, buf, size);

	while (len > 0 && buf[len - 1] == '\n')
		buf[--len] = '\0';
	return len;
}
