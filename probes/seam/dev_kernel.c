/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "seam/kernel.h"

#define POLL_MAX 8

static struct dev_kernel *dev_kernel(struct dev *dev)
{
	return (struct dev_kernel *)dev;
}

static int kernel_open(struct dev *dev, const char *path)
{
	struct dev_kernel *d = dev_kernel(dev);
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	fd_close(&d->fd);
	d->fd = fd;
	return 0;
}

static int kernel_ioctl(struct dev *dev, unsigned long request, void *arg)
{
	int r = ioctl(dev_kernel(dev)->fd, request, arg);

	return r < 0 ? -errno : r;
}

static ssize_t kernel_read(struct dev *dev, void *buf, size_t len)
{
	ssize_t n = read(dev_kernel(dev)->fd, buf, len);

	return n < 0 ? -errno : n;
}

static ssize_t kernel_write(struct dev *dev, const void *buf, size_t len)
{
	ssize_t n = write(dev_kernel(dev)->fd, buf, len);

	return n < 0 ? -errno : n;
}

static int kernel_poll(struct dev *dev, struct pollfd *fds, size_t n,
		       struct deadline until)
{
	struct pollfd real[POLL_MAX];
	int ready = 0;

	if (n > POLL_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		real[i] = fds[i];
		if (real[i].fd == DEV_SELF)
			real[i].fd = dev_kernel(dev)->fd;
	}
	do
		ready = poll(real, n, deadline_left_ms(until));
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return -errno;
	for (size_t i = 0; i < n; i++)
		fds[i].revents = real[i].revents;
	return ready;
}

static void kernel_close(struct dev *dev)
{
	fd_close(&dev_kernel(dev)->fd);
}

static const struct dev_ops kernel_ops = {
	.open = kernel_open,
	.ioctl = kernel_ioctl,
	.read = kernel_read,
	.write = kernel_write,
	.poll = kernel_poll,
	.close = kernel_close,
};

void dev_kernel_init(struct dev_kernel *d)
{
	*d = (struct dev_kernel){ .dev = { &kernel_ops }, .fd = -1 };
}
