/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "guest/iotlb.h"

_Static_assert(sizeof(struct vhost_msg) == 72 && sizeof(struct vhost_msg_v2) == 72,
	       "both versions of a message have the length that vhost reads");

void iotlb_encode(const struct iotlb_msg *msg, unsigned char *buf)
{
	struct vhost_iotlb_msg body;

	memset(&body, 0, sizeof(body));
	body.iova = msg->iova;
	body.size = msg->size;
	body.uaddr = msg->uaddr;
	body.perm = msg->perm;
	body.type = msg->type;
	memset(buf, 0, IOTLB_MSG_BYTES);
	if (msg->version == 2) {
		const uint32_t head[2] = { VHOST_IOTLB_MSG_V2, msg->asid };

		memcpy(buf, head, sizeof(head));
		memcpy(buf + offsetof(struct vhost_msg_v2, iotlb), &body, sizeof(body));
	} else {
		const int type = VHOST_IOTLB_MSG;

		memcpy(buf, &type, sizeof(type));
		memcpy(buf + offsetof(struct vhost_msg, iotlb), &body, sizeof(body));
	}
}

int iotlb_decode(const unsigned char *buf, struct iotlb_msg *ret_msg, bool *ret_clean)
{
	unsigned char again[IOTLB_MSG_BYTES];
	struct vhost_iotlb_msg body;
	struct iotlb_msg msg = { 0 };
	uint32_t head[2];

	memcpy(head, buf, sizeof(head));
	if (head[0] == VHOST_IOTLB_MSG_V2) {
		msg.version = 2;
		msg.asid = head[1];
		memcpy(&body, buf + offsetof(struct vhost_msg_v2, iotlb), sizeof(body));
	} else if (head[0] == VHOST_IOTLB_MSG) {
		msg.version = 1;
		memcpy(&body, buf + offsetof(struct vhost_msg, iotlb), sizeof(body));
	} else {
		return -EBADMSG;
	}
	msg.iova = body.iova;
	msg.size = body.size;
	msg.uaddr = body.uaddr;
	msg.perm = body.perm;
	msg.type = body.type;
	iotlb_encode(&msg, again);
	*ret_clean = !memcmp(again, buf, sizeof(again));
	*ret_msg = msg;
	return 0;
}

enum ev_iotlb_msg iotlb_msg_word(uint8_t type)
{
	switch (type) {
	case VHOST_IOTLB_MISS:
		return EV_MISS;
	case VHOST_IOTLB_UPDATE:
		return EV_UPDATE;
	case VHOST_IOTLB_INVALIDATE:
		return EV_INVALIDATE;
	case VHOST_IOTLB_ACCESS_FAIL:
		return EV_ACCESS_FAIL;
	case VHOST_IOTLB_BATCH_BEGIN:
		return EV_BATCH_BEGIN;
	case VHOST_IOTLB_BATCH_END:
		return EV_BATCH_END;
	default:
		return EV_OTHER_MSG;
	}
}

enum ev_perm iotlb_perm_word(uint8_t perm)
{
	static const enum ev_perm words[] = { EV_PERM_NONE, EV_PERM_RO, EV_PERM_WO,
					      EV_PERM_RW };

	return words[perm & 3];
}
