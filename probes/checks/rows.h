/* SPDX-License-Identifier: MIT */
/* Private to probes/checks: what the files of rows share. */
#ifndef CHECKS_ROWS_H
#define CHECKS_ROWS_H

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "core/judge.h"
#include "guest/link.h"

/** WORDS() - a NULL-ended list of strings */
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

#define ON_VSOCK FAMILY_BIT(FAMILY_VSOCK)
#define ON_NET FAMILY_BIT(FAMILY_NET)
#define ON_BOTH (ON_VSOCK | ON_NET)
#define ON_SCSI FAMILY_BIT(FAMILY_SCSI)
#define ON_ALL (ON_BOTH | ON_SCSI)
#define ON_VDPA FAMILY_BIT(FAMILY_VDPA)

#define F_VERSION_1 BIT64(VIRTIO_F_VERSION_1)
#define F_IOTLB BIT64(VIRTIO_F_ACCESS_PLATFORM)
#define F_INDIRECT BIT64(VIRTIO_RING_F_INDIRECT_DESC)
#define F_EVENT_IDX BIT64(VIRTIO_RING_F_EVENT_IDX)

/** TRANSFER_BYTES - payload of a transfer each way; takes more than one buffer */
#define TRANSFER_BYTES 10000u

/** SHORT_BYTES - payload of one packet, for checks that are not about the transfer */
#define SHORT_BYTES 1000u

#define FIRST_VERSION "0.1.0"

/** plain_start - an ordinary start with VIRTIO_F_VERSION_1 alone */
extern const struct session_config plain_start;

/**
 * judge_mask() - the mask that a call wrote at @step
 * @j:		judge
 * @step:	step of an ioctl that returns 64 bits
 * @ret:	receives it
 *
 * Return: true; false settles the verdict.
 */
bool judge_mask(struct judge *j, const char *step, uint64_t *ret);

/** bit_step() - "bit 33" */
const char *bit_step(struct arena *a, unsigned int bit);

/** ring_beyond() - the index of a ring that no device of the family has */
unsigned int ring_beyond(const struct session *s);

/** judge_both() - the device started, and @len bytes went each way (steps tx and rx) */
void judge_both(struct judge *j, int64_t len);

/** collect_full_transfer() - TRANSFER_BYTES each way from a plain start, and who moved
 * them */
int collect_full_transfer(struct session *s);

/** judge_full_transfer() - of collect_full_transfer(): judge_both(), and there was a
 * worker */
void judge_full_transfer(struct judge *j);

/**
 * wait_for_workers() - wait until no more than @count workers are named for this process
 * @s:		session
 * @count:	how many may be left
 *
 * Two seconds at most: a task that has ended is listed in /proc for a moment longer.
 */
void wait_for_workers(struct session *s, unsigned int count);

extern const struct check node_present, node_openable, node_module_live,
	node_module_current;

extern const struct check features_stable, features_version_1, features_before_owner,
	features_each_accepted, features_all_but_each, features_unoffered_refused,
	features_backend_v2, features_backend_refused, features_array_agrees,
	features_array_set, features_array_unknown_refused;

extern const struct check lifecycle_owner_required, lifecycle_owner_twice,
	lifecycle_owner_other_process, lifecycle_start_needs_memory,
	lifecycle_start_twice, lifecycle_stop_resumes, lifecycle_close_while_running,
	lifecycle_ring_frozen, lifecycle_worker;

extern const struct check lifecycle_ring_size, lifecycle_ring_index,
	lifecycle_ring_address, lifecycle_ring_base, lifecycle_ring_eventfd,
	lifecycle_memory_table, lifecycle_cid_reserved, lifecycle_cid_unique,
	lifecycle_unknown_request;

extern const struct check transfer_closed_port, transfer_guest_connects,
	transfer_host_connects, vsock_call, vsock_used_length;

extern const struct check transfer_frames, transfer_frame_sizes, net_call,
	net_used_length, transfer_header_legacy, transfer_header_tunnel,
	transfer_mergeable, transfer_packet_socket, iotlb_packet_socket,
	lifecycle_backend_stranger;

extern const struct check transfer_index_wrap, transfer_ring_sizes, transfer_large_rings,
	transfer_chain, transfer_indirect, transfer_event_idx;

extern const struct check iotlb_start_unmapped, iotlb_start_after_mapping,
	iotlb_static_map, iotlb_static_map_v2, iotlb_map_per_buffer, iotlb_miss_driven,
	iotlb_miss_names_address, iotlb_miss_resumes, iotlb_miss_padding,
	iotlb_read_empty, iotlb_late_switch_on, iotlb_invalidate_stops,
	iotlb_invalidate_all_zero, iotlb_invalidate_all_max, iotlb_permission,
	iotlb_message_rules, iotlb_message_without;

extern const struct check iotlb_invalidate_partial, iotlb_duplicate_update,
	iotlb_capacity, iotlb_rearm_empties, iotlb_restart_keeps, iotlb_entries_across,
	iotlb_miss_unread, iotlb_miss_stale, iotlb_miss_restart, iotlb_miss_one_ring,
	iotlb_permission_corrected, iotlb_ring_permission, iotlb_driver_part_permission,
	iotlb_used_ring_write_only, iotlb_message_version, iotlb_message_vdpa;

extern const struct check isolation_unmapped_buffers, isolation_read_only_buffer,
	isolation_write_only_buffer, isolation_mapping_end, isolation_invalidated_buffers,
	isolation_invalidated_used_ring, isolation_readdressed_ring,
	isolation_remapped_ring, isolation_switched_off, isolation_taken_back,
	isolation_outside_memory, isolation_other_device, isolation_receive_tail,
	isolation_driver_parts, isolation_armed_at_once;
extern const struct check log_used_ring, log_data, log_iotlb_used_ring, log_iotlb_data,
	log_switched_on, log_switched_off, log_eventfd, log_base_refused;

extern const struct check worker_flushed, worker_per_device, worker_limit, worker_mode,
	worker_kthread, worker_calls_refused, worker_rests;

extern const struct check vsock_cid_rules, vsock_unknown_connection, vsock_unknown_type,
	vsock_back_pressure, vsock_peer_close, vsock_shutdown, vsock_credit_kept,
	vsock_credit_given, vsock_credit_request, vsock_seqpacket_tx, vsock_seqpacket_rx,
	vsock_many_ports;

extern const struct check net_header_rx, net_num_buffers, net_checksum_tx,
	net_several_frames, net_in_order, net_one_ring, net_ring_reset, net_busyloop,
	net_segments_tx, net_segments_rx;
extern const struct check hostile_chain_loop, hostile_chain_range, hostile_head_range,
	hostile_avail_jump, hostile_chain_order, hostile_indirect_table,
	hostile_tx_buffer, hostile_rx_ring, hostile_packet_length, hostile_null_argument,
	hostile_ring_index, hostile_memory_running, hostile_ring_kernel, hostile_message;

extern const struct check scsi_abi_version, scsi_endpoint_name, scsi_endpoint_clear,
	scsi_endpoint_twice, scsi_endpoint_taken, scsi_stop_resumes,
	scsi_features_running;

extern const struct check scsi_read_write_10, scsi_read_write_16, scsi_luns, scsi_at_once,
	scsi_call, scsi_event_idx, scsi_index_wrap, scsi_ring_sizes, scsi_request_split,
	scsi_response_split, scsi_joined, scsi_indirect;

extern const struct check scsi_inquiry, scsi_residual, scsi_report_luns, scsi_capacity,
	scsi_bad_target, scsi_bad_lun, scsi_bad_cdb, scsi_tmf_rejected, scsi_lun_reset,
	scsi_async_query, scsi_hotplug, scsi_no_hotplug, scsi_events_missed,
	scsi_events_flag;

extern const struct check scsi_worker_attached, scsi_worker_freed, scsi_worker_refused,
	scsi_hostile_ring, scsi_hostile_sizes, scsi_hostile_cdb, scsi_read_tail,
	scsi_refusal, scsi_log_used, scsi_log_data;

extern const struct check lifecycle_setup_order, lifecycle_features_toggled,
	lifecycle_rings_moved, lifecycle_memory_swapped, lifecycle_restart_base,
	lifecycle_base_any_time, lifecycle_stopped_silent, lifecycle_error_eventfd,
	lifecycle_eventfd_replaced, lifecycle_eventfd_unbound, lifecycle_reset_owner,
	lifecycle_no_reset_owner, lifecycle_calls_elsewhere, lifecycle_two_devices,
	lifecycle_rounds, lifecycle_memory_regions;

extern const struct check vdpa_exclusive;
extern const struct check vdpa_platform, vdpa_all_but_each, vdpa_features_frozen,
	vdpa_backend, vdpa_backend_refused;
extern const struct check vdpa_ring_size, vdpa_ring_index, vdpa_ring_frozen,
	vdpa_unknown_request, vdpa_not_started, vdpa_ring_disabled, vdpa_reset,
	vdpa_close_running, vdpa_suspend, vdpa_status, vdpa_status_drop,
	vdpa_owner_required, vdpa_other_process;
extern const struct check vdpa_chain, vdpa_indirect, vdpa_call, vdpa_event_idx,
	vdpa_index_wrap, vdpa_ring_sizes, vdpa_in_flight, vdpa_read_check,
	vdpa_write_check, vdpa_flush, vdpa_get_id, vdpa_request_refused;
extern const struct check vdpa_batch, vdpa_message_version, vdpa_overlap, vdpa_range,
	vdpa_no_read, vdpa_map_running, vdpa_map_per_request, vdpa_asid;
extern const struct check vdpa_unmapped, vdpa_read_only, vdpa_mapping_end,
	vdpa_invalidated, vdpa_partial, vdpa_closed, vdpa_driver_parts;
extern const struct check vdpa_head_range, vdpa_chain_range, vdpa_null_argument,
	vdpa_message_rules;
extern const struct check vdpa_identity, vdpa_config_pieces, vdpa_config_bounds,
	vdpa_config_stable, vdpa_capacity, vdpa_config_call, vdpa_groups, vdpa_asid_apart;

#endif
