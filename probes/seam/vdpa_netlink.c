/* SPDX-License-Identifier: MIT */
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/vdpa.h>
#include <string.h>

#include "seam/vdpa_netlink.h"

#define BUS "/sys/bus/vdpa"
#define ANSWER_BYTES 16384
#define ATTRIBUTES 64

/* ------------------------------------------------------------------ encode */

size_t vdpa_encode(const struct vdpa_message *m, void *buf)
{
	static const uint8_t commands[] = {
		[VDPA_ORDER_FAMILY] = CTRL_CMD_GETFAMILY,
		[VDPA_ORDER_MGMTDEVS] = VDPA_CMD_MGMTDEV_GET,
		[VDPA_ORDER_DEVICES] = VDPA_CMD_DEV_GET,
		[VDPA_ORDER_ADD] = VDPA_CMD_DEV_NEW,
		[VDPA_ORDER_DELETE] = VDPA_CMD_DEV_DEL,
	};
	bool dump = m->order == VDPA_ORDER_MGMTDEVS || m->order == VDPA_ORDER_DEVICES;
	struct nlmsghdr *nlh = NULL;
	struct genlmsghdr *genl = NULL;

	memset(buf, 0, VDPA_MESSAGE);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = m->order == VDPA_ORDER_FAMILY ? GENL_ID_CTRL : m->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | (dump ? NLM_F_DUMP : NLM_F_ACK);
	nlh->nlmsg_seq = m->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = commands[m->order];
	genl->version = VDPA_GENL_VERSION;
	if (m->order == VDPA_ORDER_FAMILY)
		mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, VDPA_GENL_NAME);
	if (m->order == VDPA_ORDER_ADD)
		mnl_attr_put_strz(nlh, VDPA_ATTR_MGMTDEV_DEV_NAME, m->mgmt);
	if (m->order == VDPA_ORDER_ADD || m->order == VDPA_ORDER_DELETE)
		mnl_attr_put_strz(nlh, VDPA_ATTR_DEV_NAME, m->name);
	return nlh->nlmsg_len;
}

/* ------------------------------------------------------------------ decode */

/** struct attributes - of one message, by their type; NULL where there is none */
struct attributes {
	const struct nlattr *of[ATTRIBUTES];
};

static int take_attribute(const struct nlattr *attr, void *data)
{
	struct attributes *a = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < ATTRIBUTES)
		a->of[type] = attr;
	return MNL_CB_OK;
}

static int read_attributes(const struct nlmsghdr *nlh, struct attributes *ret)
{
	*ret = (struct attributes){ 0 };
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr) ||
	    mnl_attr_parse(nlh, sizeof(struct genlmsghdr), take_attribute, ret) < 0)
		return -EBADMSG;
	return 0;
}

static uint32_t number(const struct nlattr *attr)
{
	if (attr && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		return mnl_attr_get_u32(attr);
	if (attr && mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
		return mnl_attr_get_u16(attr);
	return 0;
}

static const char *text(const struct nlattr *attr)
{
	if (attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		return mnl_attr_get_str(attr);
	return NULL;
}

int vdpa_decode_family(const struct nlmsghdr *nlh, uint16_t *ret)
{
	struct attributes a;
	int r = read_attributes(nlh, &a);

	if (r < 0 || !a.of[CTRL_ATTR_FAMILY_ID] ||
	    mnl_attr_validate(a.of[CTRL_ATTR_FAMILY_ID], MNL_TYPE_U16) < 0)
		return -EBADMSG;
	*ret = mnl_attr_get_u16(a.of[CTRL_ATTR_FAMILY_ID]);
	return 0;
}

int vdpa_decode_device(const struct nlmsghdr *nlh, struct vdpa_device *ret)
{
	struct attributes a;
	int r = read_attributes(nlh, &a);
	const char *name = r < 0 ? NULL : text(a.of[VDPA_ATTR_DEV_NAME]);
	const char *mgmt = r < 0 ? NULL : text(a.of[VDPA_ATTR_MGMTDEV_DEV_NAME]);
	const char *bus = r < 0 ? NULL : text(a.of[VDPA_ATTR_MGMTDEV_BUS_NAME]);

	if (!name && !mgmt)
		return -EBADMSG;
	*ret = (struct vdpa_device){
		.type = number(a.of[VDPA_ATTR_DEV_ID]),
		.vendor = number(a.of[VDPA_ATTR_DEV_VENDOR_ID]),
		.max_vqs = number(a.of[VDPA_ATTR_DEV_MAX_VQS]),
		.max_vq_size = number(a.of[VDPA_ATTR_DEV_MAX_VQ_SIZE]),
		.min_vq_size = number(a.of[VDPA_ATTR_DEV_MIN_VQ_SIZE]),
	};
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name ? name : "");
	(void)snprintf(ret->mgmt, sizeof(ret->mgmt), "%s%s%s", bus ? bus : "",
		       bus ? "/" : "", mgmt ? mgmt : "");
	return 0;
}

/* -------------------------------------------------------------------- talk */

/** struct talk - one question and its answers; @fn and @ctx as given */
struct talk {
	struct mnl_socket *socket;
	uint16_t family;
	vdpa_device_fn *fn;
	void *ctx;
	int err;
};

static int take_family(const struct nlmsghdr *nlh, void *data)
{
	struct talk *t = data;

	t->err = vdpa_decode_family(nlh, &t->family);
	return t->err < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

static int take_device(const struct nlmsghdr *nlh, void *data)
{
	struct talk *t = data;
	struct vdpa_device device;

	t->err = vdpa_decode_device(nlh, &device);
	if (t->err == 0)
		t->err = t->fn(t->ctx, &device);
	return t->err < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

/* The kernel answers before sendto() returns: to wait for more is never right. */
static int ask(struct talk *t, struct vdpa_message *m, mnl_cb_t take)
{
	_Alignas(struct nlmsghdr) char buf[VDPA_MESSAGE], answer[ANSWER_BYTES];
	unsigned int port = mnl_socket_get_portid(t->socket);
	int r = MNL_CB_OK;

	m->seq = (uint32_t)m->order + 1;
	m->family = t->family;
	if (mnl_socket_sendto(t->socket, buf, vdpa_encode(m, buf)) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(t->socket, answer, sizeof(answer));

		if (n < 0)
			return -errno;
		errno = 0;
		r = mnl_cb_run(answer, (size_t)n, m->seq, port, take, t);
	}
	if (r == MNL_CB_STOP)
		return 0;
	if (t->err < 0)
		return t->err;
	return errno ? -errno : -EBADMSG;
}

static int talk_begin(struct talk *t)
{
	struct vdpa_message m = { .order = VDPA_ORDER_FAMILY };
	int r = 0;

	if (access(BUS, F_OK) < 0)
		return -ENOENT;
	t->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!t->socket)
		return -errno;
	if (mnl_socket_bind(t->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	return r < 0 ? r : ask(t, &m, take_family);
}

static int talk(struct talk *t, struct vdpa_message *m)
{
	int r = talk_begin(t);

	if (r == 0)
		r = ask(t, m, t->fn ? take_device : NULL);
	if (t->socket)
		(void)mnl_socket_close(t->socket);
	return r;
}

int vdpa_netlink_each(enum vdpa_order order, vdpa_device_fn *fn, void *ctx)
{
	struct vdpa_message m = { .order = order };
	struct talk t = { .fn = fn, .ctx = ctx };

	return talk(&t, &m);
}

int vdpa_netlink_add(const char *name, const char *mgmt)
{
	struct vdpa_message m = { .order = VDPA_ORDER_ADD, .name = name, .mgmt = mgmt };
	struct talk t = { 0 };

	return talk(&t, &m);
}

int vdpa_netlink_delete(const char *name)
{
	struct vdpa_message m = { .order = VDPA_ORDER_DELETE, .name = name };
	struct talk t = { 0 };

	return talk(&t, &m);
}
