/* SPDX-License-Identifier: MIT */
/* The bits of vDPA devices: vhost hands them to the parent driver, which decides. */
#include "core/duty_rows.h"

#define VDPA FAMILY_BIT(FAMILY_VDPA)
#define PARENT_HOST                                                                      \
	"Nothing in vhost: vhost_vdpa_set_features() hands the bit to the parent driver."
#define PARENT_SOURCE "drivers/vhost/vdpa.c: vhost_vdpa_set_features()"

const struct duty duty_vdpa[] = {
	{
		.space = BITS_FEATURES,
		.bit = 24,
		.families = VDPA,
		.meaning = "A call is sent when a ring runs empty, even if suppressed.",
		.host = PARENT_HOST,
		.obliges = "Nothing; a legacy bit.",
		.otherwise = "Nothing that vhost would notice.",
		.since = { { VDPA, OLD, NULL } },
		.source = PARENT_SOURCE,
	},
	{
		.space = BITS_FEATURES,
		.bit = 26,
		.families = VDPA,
		.meaning = "The device marks every page that it writes in a bitmap.",
		.host = "Nothing: vhost-vdpa answers VHOST_SET_LOG_BASE with ENOTTY.",
		.obliges = "Leave it out; dirty pages must be found by other means.",
		.otherwise = "A parent driver that does not offer it refuses the set.",
		.source = "drivers/vhost/vdpa.c: vhost_vdpa_unlocked_ioctl()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 27,
		.families = VDPA,
		.meaning = "Buffers may be cut anywhere, headers too.",
		.host = PARENT_HOST,
		.obliges = "Nothing; VERSION_1 implies it.",
		.otherwise = "Nothing that vhost would notice.",
		.since = { { VDPA, OLD, NULL } },
		.source = PARENT_SOURCE,
	},
	{
		.space = BITS_FEATURES,
		.bit = 28,
		.families = VDPA,
		.meaning = "A descriptor may point to a table of descriptors.",
		.host = PARENT_HOST,
		.obliges = "Map the table as a buffer is.",
		.otherwise = "The device cannot read it.",
		.since = { { VDPA, OLD, NULL } },
		.source = PARENT_SOURCE,
	},
	{
		.space = BITS_FEATURES,
		.bit = 29,
		.families = VDPA,
		.meaning = "Kicks and calls are suppressed by index.",
		.host = PARENT_HOST,
		.obliges = "Send it exactly if the guest acknowledged it.",
		.otherwise = "One side waits for a notification that the other has "
			     "suppressed.",
		.since = { { VDPA, OLD, NULL } },
		.source = PARENT_SOURCE,
	},
	{
		.space = BITS_FEATURES,
		.bit = 32,
		.families = VDPA,
		.meaning = "Rings are little-endian and headers have the form of virtio "
			   "1.0.",
		.host = PARENT_HOST,
		.obliges = "Send it exactly if the guest acknowledged it.",
		.otherwise = "Parent drivers may refuse a set without it.",
		.since = { { VDPA, OLD, NULL } },
		.source = PARENT_SOURCE,
	},
	{
		.space = BITS_FEATURES,
		.bit = 33,
		.families = VDPA,
		.meaning = "The device reaches memory through mappings.",
		.host = "Nothing in vhost, where a vDPA device has its mappings in any "
			"case: it demands the bit. VDUSE makes no device without it.",
		.obliges = "Send it always, also for a guest that did not acknowledge "
			   "it, and map with VHOST_IOTLB_UPDATE. No miss is ever "
			   "reported: map everything first.",
		.otherwise = "VHOST_SET_FEATURES fails with EINVAL at the parents that "
			     "look (vdpa_sim and mlx5_vdpa do).",
		.since = { { VDPA, OLD, NULL } },
		.source = "drivers/vhost/vdpa.c: vhost_vdpa_set_features(); "
			  "drivers/vdpa/vdpa_sim/vdpa_sim.c: "
			  "vdpasim_set_driver_features(); "
			  "drivers/vdpa/mlx5/net/mlx5_vnet.c: verify_driver_features(); "
			  "drivers/vdpa/vdpa_user/vduse_dev.c: features_is_valid()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 34,
		.families = VDPA,
		.meaning = "Rings have the packed layout.",
		.host = "The values of VHOST_SET_VRING_BASE and VHOST_GET_VRING_BASE "
			"hold the available and the used index, each with its wrap "
			"counter.",
		.obliges = "Keep both indices with their counters over a stop.",
		.otherwise = "A restarted ring goes on at a wrong place.",
		.since = { { VDPA, OLD, NULL } },
		.source = "virtio 1.2, 2.8; drivers/vhost/vdpa.c: "
			  "vhost_vdpa_vring_ioctl(); vhost.c: vhost_vring_ioctl()",
	},
	{
		.space = BITS_FEATURES,
		.bit = 35,
		.families = VDPA,
		.meaning = "Buffers are used in the order in which they were made "
			   "available.",
		.host = PARENT_HOST,
		.obliges = "Send it exactly if the guest acknowledged it.",
		.otherwise = "A guest that did not acknowledge it reads used entries "
			     "that were never written.",
		.since = { { VDPA, OLD, NULL } },
		.source = PARENT_SOURCE,
	},
	{
		.space = BITS_FEATURES,
		.bit = 36,
		.families = VDPA,
		.meaning = "Memory is ordered as for real devices.",
		.host = PARENT_HOST,
		.obliges = "Nothing.",
		.otherwise = "Nothing that vhost would notice.",
		.since = { { VDPA, OLD, NULL } },
		.source = PARENT_SOURCE,
	},
	{
		.space = BITS_FEATURES,
		.bit = 37,
		.families = VDPA,
		.meaning = "The device has virtual functions.",
		.host = PARENT_HOST,
		.obliges = "Nothing.",
		.otherwise = "Nothing that vhost would notice.",
		.since = { { VDPA, OLD, NULL } },
		.source = PARENT_SOURCE,
	},
	{
		.space = BITS_FEATURES,
		.bit = 38,
		.families = VDPA,
		.meaning = "A kick carries the ring's index.",
		.host = PARENT_HOST,
		.obliges = "Let the guest's kicks carry their data to the device; an "
			   "eventfd has none.",
		.otherwise = "The device may not see what was made available.",
		.since = { { VDPA, OLD, NULL } },
		.source = PARENT_SOURCE,
	},
	{
		.space = BITS_FEATURES,
		.bit = 39,
		.families = VDPA,
		.meaning = "The device chooses the number that a kick carries.",
		.host = PARENT_HOST,
		.obliges = "Let the guest's kicks carry that number to the device.",
		.otherwise = "The device may not see what was made available.",
		.since = { { VDPA, OLD, NULL } },
		.source = PARENT_SOURCE,
	},
	{
		.space = BITS_FEATURES,
		.bit = 40,
		.families = VDPA,
		.meaning = "One ring can be reset alone.",
		.host = PARENT_HOST,
		.obliges = "Offer it to the guest only if the VMM can reset one ring of "
			   "the device.",
		.otherwise = "The guest resets a ring that the device goes on using.",
		.since = { { VDPA, OLD, NULL } },
		.source = PARENT_SOURCE,
	},
	{
		.space = BITS_FEATURES,
		.bit = 41,
		.families = VDPA,
		.meaning = "The device has an administration queue.",
		.host = PARENT_HOST,
		.obliges = "Nothing.",
		.otherwise = "Nothing that vhost would notice.",
		.since = { { VDPA, OLD, NULL } },
		.source = PARENT_SOURCE,
	},
	{
		.space = BITS_BACKEND,
		.bit = 1,
		.families = VDPA,
		.meaning = "IOTLB messages have the second form.",
		.host = "Nothing by itself; IOTLB_ASID needs the second form.",
		.obliges = "Write struct vhost_msg_v2.",
		.otherwise = "A message of the first form goes to address space 0.",
		.since = { { VDPA, "5.9", NULL } },
		.source = "include/uapi/linux/vhost_types.h; drivers/vhost/vhost.c: "
			  "vhost_chr_write_iter()",
	},
	{
		.space = BITS_BACKEND,
		.bit = 2,
		.families = VDPA,
		.meaning = "IOTLB messages may be grouped.",
		.host = "Nothing by itself: the messages are taken in any case. Between "
			"VHOST_IOTLB_BATCH_BEGIN and _END a parent that takes whole "
			"maps is told nothing.",
		.obliges = "Send them in pairs, in one address space.",
		.otherwise = "Without the end nothing that was mapped in between "
			     "reaches such a parent.",
		.since = { { VDPA, "5.9", "25abc060d282" } },
		.source = "drivers/vhost/vdpa.c: vhost_vdpa_process_iotlb_msg(), "
			  "vhost_vdpa_map()",
	},
	{
		.space = BITS_BACKEND,
		.bit = 3,
		.families = VDPA,
		.meaning = "There are several address spaces.",
		.host = "The address space in each message of the second form is "
			"heeded; without the bit all go to 0.",
		.obliges = "Fill the asid of every message, and put each group of rings "
			   "into an address space with VHOST_VDPA_SET_GROUP_ASID.",
		.otherwise = "An asid that was left as it was maps into another space, "
			     "or fails with EFAULT.",
		.since = { { VDPA, "5.19", "aaca8373c4b1" } },
		.source = "drivers/vhost/vhost.c: vhost_chr_write_iter(); "
			  "drivers/vhost/vdpa.c: vhost_vdpa_process_iotlb_msg()",
	},
	{
		.space = BITS_BACKEND,
		.bit = 4,
		.families = VDPA,
		.meaning = "VHOST_VDPA_SUSPEND works.",
		.host = "Nothing: the call works in any case.",
		.obliges = "Nothing; suspend before reading the ring bases for a "
			   "migration.",
		.otherwise = "The bases of a running device move on after they were "
			     "read.",
		.since = { { VDPA, "6.0", "0723f1df5c3e" } },
		.source = "drivers/vhost/vdpa.c: vhost_vdpa_suspend()",
	},
	{
		.space = BITS_BACKEND,
		.bit = 5,
		.families = VDPA,
		.meaning = "VHOST_VDPA_RESUME works.",
		.host = "Nothing: the call works in any case.",
		.obliges = "Nothing.",
		.otherwise = "A suspended device stays so until it is reset.",
		.since = { { VDPA, "6.3", "69106b6fb3d7" } },
		.source = "drivers/vhost/vdpa.c: vhost_vdpa_resume()",
	},
	{
		.space = BITS_BACKEND,
		.bit = 6,
		.families = VDPA,
		.meaning = "Rings may be enabled when the device already runs.",
		.host = "Nothing in vhost, which offers it if the parent does.",
		.obliges = "Nothing; it is leave to call VHOST_VDPA_SET_VRING_ENABLE "
			   "after DRIVER_OK.",
		.otherwise = "What a parent without it does with that call is its own "
			     "affair.",
		.since = { { VDPA, "6.6", "9f09fd6171fe" } },
		.source = "drivers/vhost/vdpa.c: vhost_vdpa_get_backend_features()",
	},
	{
		.space = BITS_BACKEND,
		.bit = 7,
		.families = VDPA,
		.meaning = "Descriptor tables may have an address space of their own.",
		.host = "Nothing by itself: VHOST_VDPA_GET_VRING_DESC_GROUP tells the "
			"group.",
		.obliges = "Send IOTLB_ASID too, and map the rings into the space of "
			   "their own group.",
		.otherwise = "Without IOTLB_ASID the set fails with EINVAL.",
		.since = { { VDPA, "6.7", "7db0d6027e69" } },
		.source = "drivers/vhost/vdpa.c: vhost_vdpa_unlocked_ioctl()",
	},
	{
		.space = BITS_BACKEND,
		.bit = 8,
		.families = VDPA,
		.meaning = "Mappings outlive a reset of the device.",
		.host = "A reset leaves the mappings; without the bit a parent that "
			"used to drop them drops them.",
		.obliges = "Unmap by yourself what is to be gone after a reset.",
		.otherwise = "A device that was given to another driver still reaches "
			     "the memory of the last.",
		.since = { { VDPA, "6.7", "4398776f7a6d" } },
		.source = "drivers/vhost/vdpa.c: _compat_vdpa_reset()",
	},
};

const size_t duty_vdpa_count = ARRAY_SIZE(duty_vdpa);
