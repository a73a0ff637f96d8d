/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"

/* hex digits of 64 bits */
#define WORD_DIGITS 16u

const char *const family_names[FAMILY_NUM + 1] = {
	[FAMILY_NET] = "net",   [FAMILY_VSOCK] = "vsock", [FAMILY_SCSI] = "scsi",
	[FAMILY_VDPA] = "vdpa", [FAMILY_NUM] = NULL,
};

_Static_assert(FEATURE_BITS == 64 * FEATURE_WORDS, "the words hold just these bits");

struct bit_row {
	unsigned int families;
	unsigned int bit;
	const char *name;
};

#define ANY ((1u << FAMILY_NUM) - 1)
#define NET FAMILY_BIT(FAMILY_NET)
#define VSOCK FAMILY_BIT(FAMILY_VSOCK)
#define SCSI FAMILY_BIT(FAMILY_SCSI)

static const struct bit_row feature_bits[] = {
	{ NET, 0, "VIRTIO_NET_F_CSUM" },
	{ NET, 1, "VIRTIO_NET_F_GUEST_CSUM" },
	{ NET, 15, "VIRTIO_NET_F_MRG_RXBUF" },
	{ NET, 27, "VHOST_NET_F_VIRTIO_NET_HDR" },
	{ NET, 65, "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO" },
	{ NET, 66, "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_CSUM" },
	{ NET, 67, "VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO" },
	{ NET, 68, "VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO_CSUM" },
	{ VSOCK, 1, "VIRTIO_VSOCK_F_SEQPACKET" },
	{ SCSI, 0, "VIRTIO_SCSI_F_INOUT" },
	{ SCSI, 1, "VIRTIO_SCSI_F_HOTPLUG" },
	{ SCSI, 2, "VIRTIO_SCSI_F_CHANGE" },
	{ SCSI, 3, "VIRTIO_SCSI_F_T10_PI" },
	{ ANY, 24, "VIRTIO_F_NOTIFY_ON_EMPTY" },
	{ ANY, 26, "VHOST_F_LOG_ALL" },
	{ ANY, 27, "VIRTIO_F_ANY_LAYOUT" },
	{ ANY, 28, "VIRTIO_RING_F_INDIRECT_DESC" },
	{ ANY, 29, "VIRTIO_RING_F_EVENT_IDX" },
	{ ANY, 32, "VIRTIO_F_VERSION_1" },
	{ ANY, 33, "VIRTIO_F_ACCESS_PLATFORM" },
	{ ANY, 34, "VIRTIO_F_RING_PACKED" },
	{ ANY, 35, "VIRTIO_F_IN_ORDER" },
	{ ANY, 36, "VIRTIO_F_ORDER_PLATFORM" },
	{ ANY, 37, "VIRTIO_F_SR_IOV" },
	{ ANY, 38, "VIRTIO_F_NOTIFICATION_DATA" },
	{ ANY, 39, "VIRTIO_F_NOTIF_CONFIG_DATA" },
	{ ANY, 40, "VIRTIO_F_RING_RESET" },
	{ ANY, 41, "VIRTIO_F_ADMIN_VQ" },
};

static const struct bit_row backend_bits[] = {
	{ ANY, 1, "VHOST_BACKEND_F_IOTLB_MSG_V2" },
	{ ANY, 2, "VHOST_BACKEND_F_IOTLB_BATCH" },
	{ ANY, 3, "VHOST_BACKEND_F_IOTLB_ASID" },
	{ ANY, 4, "VHOST_BACKEND_F_SUSPEND" },
	{ ANY, 5, "VHOST_BACKEND_F_RESUME" },
	{ ANY, 6, "VHOST_BACKEND_F_ENABLE_AFTER_DRIVER_OK" },
	{ ANY, 7, "VHOST_BACKEND_F_DESC_ASID" },
	{ ANY, 8, "VHOST_BACKEND_F_IOTLB_PERSIST" },
};

static const struct rec_field mask_fields[] = {
	REC_FIELD(struct mask, hex, REC_STR),
	REC_FIELD(struct mask, names, REC_STRS),
	REC_FIELD(struct mask, unknown_bits, REC_INTS),
	{ 0 },
};

const struct rec_shape mask_shape = {
	.name = "mask",
	.size = sizeof(struct mask),
	.field = mask_fields,
};

const char *bit_name(enum bit_space space, enum family family, unsigned int bit)
{
	const struct bit_row *row = space == BITS_BACKEND ? backend_bits : feature_bits;
	size_t n = space == BITS_BACKEND ? ARRAY_SIZE(backend_bits)
					 : ARRAY_SIZE(feature_bits);

	for (size_t i = 0; i < n; i++)
		if (row[i].bit == bit && row[i].families & FAMILY_BIT(family))
			return row[i].name;
	return NULL;
}

int bit_number(enum family family, const char *name)
{
	static const char prefix[] = "VIRTIO_";
	char *end = NULL;
	unsigned long n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(feature_bits); i++) {
		const struct bit_row *row = &feature_bits[i];
		const char *bare = strncmp(row->name, prefix, sizeof(prefix) - 1)
					   ? row->name
					   : row->name + sizeof(prefix) - 1;

		if (row->families & FAMILY_BIT(family) &&
		    (!strcmp(row->name, name) || !strcmp(bare, name)))
			return (int)row->bit;
	}
	if (*name < '0' || *name > '9')
		return -ENOENT;
	n = strtoul(name, &end, 10);
	return *end || n >= FEATURE_BITS ? -ENOENT : (int)n;
}

static const char *hex_of(struct arena *a, const struct feature_set *set)
{
	if (set->word[1])
		return arena_printf(a, "0x%" PRIx64 "%016" PRIx64, set->word[1],
				    set->word[0]);
	return arena_printf(a, "0x%" PRIx64, set->word[0]);
}

bool feature_set_has(const struct feature_set *set, unsigned int bit)
{
	return set->word[bit / 64] & BIT64(bit % 64);
}

struct feature_set mask_set(const struct mask *m)
{
	const char *digits = m->hex + strlen("0x");
	size_t len = strlen(digits), low = len < WORD_DIGITS ? len : WORD_DIGITS;
	char high[WORD_DIGITS + 1] = "";
	struct feature_set set = { { strtoull(digits + len - low, NULL, 16) } };

	len -= low;
	low = len < WORD_DIGITS ? len : WORD_DIGITS;
	memcpy(high, digits + len - low, low);
	set.word[1] = strtoull(high, NULL, 16);
	return set;
}

struct mask *mask_make(struct arena *a, enum bit_space space, enum family family,
		       const struct feature_set *set)
{
	struct mask *m = arena_alloc(a, sizeof(*m));

	if (!m)
		return NULL;
	m->hex = hex_of(a, set);
	if (!m->hex)
		return NULL;
	for (unsigned int bit = 0; bit < FEATURE_BITS; bit++) {
		const char *name = NULL;
		int64_t *number = NULL;

		if (!feature_set_has(set, bit))
			continue;
		name = bit_name(space, family, bit);
		if (name) {
			if (rec_list_add(a, &m->names, name) < 0)
				return NULL;
			continue;
		}
		number = rec_list_new(a, &m->unknown_bits, sizeof(*number));
		if (!number)
			return NULL;
		*number = bit;
	}
	return m;
}
