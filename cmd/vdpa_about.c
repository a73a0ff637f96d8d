/* SPDX-License-Identifier: MIT */
#include <glob.h>
#include <linux/virtio_ids.h>
#include <string.h>

#include "cmd/vdpa_about.h"
#include "seam/vdpa_netlink.h"

#define BUS_DEVICES "/sys/bus/vdpa/devices/"

static const struct rec_field vdpa_about_fields[] = {
	REC_FIELD(struct vdpa_about, name, REC_STR),
	REC_FIELD(struct vdpa_about, mgmt, REC_STR),
	REC_FIELD(struct vdpa_about, type, REC_INT),
	REC_FIELD(struct vdpa_about, queues, REC_INT),
	REC_FIELD(struct vdpa_about, queue_size, REC_INT),
	{ 0 },
};

const struct rec_shape vdpa_about_shape = {
	.name = "vdpa_about",
	.size = sizeof(struct vdpa_about),
	.field = vdpa_about_fields,
};

/** struct search - for the device @name */
struct search {
	struct arena *a;
	const char *name;
	struct vdpa_about *found;
};

static int consider(void *ctx, const struct vdpa_device *device)
{
	struct search *s = ctx;

	if (s->found || strcmp(device->name, s->name) != 0)
		return 0;
	s->found = arena_alloc(s->a, sizeof(*s->found));
	if (!s->found)
		return -ENOMEM;
	*s->found = (struct vdpa_about){
		.name = arena_strdup(s->a, device->name),
		.mgmt = arena_strdup(s->a, device->mgmt),
		.type = device->type,
		.queues = device->max_vqs,
		.queue_size = device->max_vq_size,
	};
	return s->found->name && s->found->mgmt ? 0 : -ENOMEM;
}

/* The node is below the device on the bus. */
static bool bus_name(const char *path, char *ret, size_t room)
{
	const char *node = strrchr(path, '/');
	char pattern[128];
	glob_t found = { 0 };
	bool any = false;

	(void)snprintf(pattern, sizeof(pattern), BUS_DEVICES "*%.48s", node ? node : "/");
	any = glob(pattern, 0, NULL, &found) == 0;
	if (any) {
		const char *name = found.gl_pathv[0] + strlen(BUS_DEVICES);

		(void)snprintf(ret, room, "%.*s", (int)strcspn(name, "/"), name);
	}
	globfree(&found);
	return any;
}

int vdpa_about(struct arena *a, const char *path, struct vdpa_about **ret)
{
	char name[VDPA_NAME];
	struct search s = { .a = a, .name = name };
	int r = 0;

	*ret = NULL;
	if (!bus_name(path, name, sizeof(name)))
		return 0;
	r = vdpa_netlink_each(VDPA_ORDER_DEVICES, consider, &s);
	if (r == 0)
		*ret = s.found;
	return r == -ENOMEM ? r : 0;
}

const char *vdpa_about_text(struct arena *a, const struct vdpa_about *about)
{
	char type[32];

	if (about->type == VIRTIO_ID_NET || about->type == VIRTIO_ID_BLOCK)
		(void)snprintf(type, sizeof(type), "%s",
			       about->type == VIRTIO_ID_NET ? "net" : "block");
	else
		(void)snprintf(type, sizeof(type), "virtio device type %lld",
			       (long long)about->type);
	return arena_printf(a, "%s of %s: %s, %lld queue%s of up to %lld", about->name,
			    about->mgmt, type, (long long)about->queues,
			    about->queues == 1 ? "" : "s", (long long)about->queue_size);
}
