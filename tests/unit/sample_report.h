/* SPDX-License-Identifier: MIT */
/* A report with every kind of everything in it, for the tests of report/. */
#ifndef TESTS_SAMPLE_REPORT_H
#define TESTS_SAMPLE_REPORT_H

#include <stdlib.h>

#include "report/report.h"
#include "report/summary.h"

/* Tests run out of memory on purpose elsewhere; here it is a broken machine. */
static inline void *sample_new(struct arena *a, struct rec_list *list, size_t size)
{
	void *item = rec_list_new(a, list, size);

	if (!item)
		abort();
	return item;
}

static inline void *sample_alloc(struct arena *a, size_t size)
{
	void *p = arena_alloc(a, size);

	if (!p)
		abort();
	return p;
}

static inline void sample_word(struct arena *a, struct rec_list *list, const char *word)
{
	if (rec_list_add(a, list, word) < 0)
		abort();
}

static inline void sample_pair(struct arena *a, struct rec_list *list, const char *key,
			       const char *value)
{
	struct rec_pair *p = sample_new(a, list, sizeof(*p));

	p->key = key;
	p->value = value;
}

static inline void sample_evidence(struct arena *a, struct rec_list *list)
{
	struct ev *e = NULL;

	e = sample_new(a, list, sizeof(*e));
	*e = (struct ev){ .kind = EV_IOCTL,
			  .step = "set_features",
			  .ioctl = { "VHOST_SET_FEATURES", "0x200000000", 0, 0 } };
	e = sample_new(a, list, sizeof(*e));
	*e = (struct ev){ .kind = EV_IOCTL,
			  .step = "start",
			  .ioctl = { "VHOST_VSOCK_SET_RUNNING", "1", -1, EFAULT } };
	e = sample_new(a, list, sizeof(*e));
	*e = (struct ev){ .kind = EV_IOTLB,
			  .step = "miss",
			  .iotlb = { EV_RECEIVED, opt_int(2), EV_MISS, "used0+0x0", NULL,
				     EV_PERM_WO, 0 } };
	e = sample_new(a, list, sizeof(*e));
	*e = (struct ev){ .kind = EV_RING,
			  .step = "after",
			  .ring = { .queue = "tx",
				    .avail = opt_int(1),
				    .used = opt_int(0),
				    .base = opt_int(0) } };
	e = sample_new(a, list, sizeof(*e));
	*e = (struct ev){ .kind = EV_EVENTFD,
			  .step = "after",
			  .eventfd = { "tx", opt_int(0), opt_int(0), { 0 } } };
	e = sample_new(a, list, sizeof(*e));
	*e = (struct ev){ .kind = EV_WORKER,
			  .step = "after",
			  .worker = { "kthread", 1 } };
	e = sample_new(a, list, sizeof(*e));
	*e = (struct ev){ .kind = EV_KMSG, .step = "after", .kmsg = { "a line" } };
	e = sample_new(a, list, sizeof(*e));
	*e = (struct ev){ .kind = EV_BYTES,
			  .step = "echo",
			  .bytes = { EV_TX, 4096, 0, "f00d", NULL } };
	e = sample_new(a, list, sizeof(*e));
	*e = (struct ev){ .kind = EV_MEASURE,
			  .step = "rate",
			  .measure = { "t", "us", { 0 } } };
	*(int64_t *)sample_new(a, &e->measure.samples, sizeof(int64_t)) = 17;
	e = sample_new(a, list, sizeof(*e));
	*e = (struct ev){ .kind = EV_FACT, .step = "node", .fact = { "mode", "0660" } };
}

static inline struct report_reason *sample_reason(struct arena *a, enum reason_code code,
						  const char *text)
{
	struct report_reason *r = sample_alloc(a, sizeof(*r));

	r->code = (int)code;
	r->text = text;
	return r;
}

static inline struct report_check *sample_check(struct arena *a, struct report *r,
						const char *id, enum status status)
{
	struct report_check *c = sample_new(a, &r->checks, sizeof(*c));

	c->id = id;
	c->title = "a contract in one line";
	c->device = id[0] == 'n' ? "net" : "vsock";
	c->status = (int)status;
	c->severity = SEVERITY_HIGH;
	c->since = "0.1.0";
	c->duration_us = opt_int(1234);
	sample_word(a, &c->refs, "VHOST_SET_FEATURES");
	return c;
}

static inline struct report_stack *sample_stack(struct arena *a, struct report *r,
						const char *name, enum guest_kind guest,
						enum stack_verdict verdict)
{
	struct report_stack *s = sample_new(a, &r->stacks, sizeof(*s));

	s->stack = name;
	s->vmm = "crosvm";
	s->device = "vsock";
	s->guest = (int)guest;
	s->verdict = (int)verdict;
	if (verdict == STACK_WORKS)
		s->transfer = (struct report_transfer){ 65536, 65536 };
	return s;
}

static inline void sample_devices(struct arena *a, struct report *r)
{
	struct report_device *d = sample_new(a, &r->devices, sizeof(*d));

	*d = (struct report_device){
		.name = "net",
		.path = "/dev/vhost-net",
		.kind = FAMILY_NET,
		.state = DEVICE_NO_MODULE,
		.reason =
			"The module vhost_net is not loaded and nothing was opened: modprobe "
			"vhost_net, or run again with --load-modules.",
		.iotlb_policy = -1,
	};
	d = sample_new(a, &r->devices, sizeof(*d));
	*d = (struct report_device){
		.name = "vsock",
		.path = "/dev/vhost-vsock",
		.kind = FAMILY_VSOCK,
		.state = DEVICE_OK,
		.iotlb_policy = IOTLB_LENIENT,
		.features = mask_make(a, BITS_FEATURES, FAMILY_VSOCK,
				      &(struct feature_set){ { 0x233d000002 } }),
		.backend_features = mask_make(a, BITS_BACKEND, FAMILY_VSOCK,
					      &(struct feature_set){ { 0x2 } }),
		.features_accepted = mask_make(a, BITS_FEATURES, FAMILY_VSOCK,
					       &(struct feature_set){ { 0x33d000002 } }),
	};
}

static inline void sample_host(struct arena *a, struct report_host *h)
{
	struct report_module *m = NULL;

	h->kernel = (struct report_kernel){ .release = "6.1.0-56-amd64",
					    .version = "#1 SMP Debian 6.1.180-1",
					    .build_id = "0123456789abcdef",
					    .cmdline = "console=ttyS0",
					    .taint = opt_int(0) };
	sample_pair(a, &h->kernel.config, "CONFIG_VHOST_VSOCK", "m");
	sample_pair(a, &h->kernel.config, "CONFIG_VHOST_SCSI", NULL);
	h->distro = "Debian GNU/Linux 12 (bookworm)";
	h->cpu = "QEMU Virtual CPU";
	h->virt = "qemu";
	m = sample_new(a, &h->modules, sizeof(*m));
	*m = (struct report_module){ .name = "vhost_vsock",
				     .state = MODULE_LIVE,
				     .build_id_loaded = "0f0f",
				     .build_id_disk = "0f0f",
				     .srcversion_loaded = "ABCD",
				     .srcversion_disk = "ABCD",
				     .signer = "Debian" };
	sample_pair(a, &m->parameters, "max_mem_regions", "64");
}

static inline void sample_run(struct arena *a, struct report_run *run)
{
	run->vm = sample_alloc(a, sizeof(*run->vm));
	*run->vm =
		(struct report_vm){ "tcg", "7.2.22", "console=ttyS0 panic=-1", 2, 512 };
	*run = (struct report_run){ .started = "2026-11-22T11:00:00Z",
				    .duration_us = opt_int(2345678),
				    .where = WHERE_VM,
				    .vm = run->vm,
				    .privileges = "root",
				    .selection = { .fail_on = SEVERITY_HIGH } };
	sample_word(a, &run->argv, "vhostcheck");
	sample_word(a, &run->argv, "run");
	sample_word(
		a, &run->reduced,
		"The kernel log cannot be read here (/dev/kmsg answered EPERM), so that a "
		"warning in it fails no check.");
}

/* Nearly every nullable field is set, and every kind of evidence is there. */
static inline void sample_report(struct arena *a, struct report *r)
{
	struct report_check *c = NULL;
	struct report_stack *s = NULL;

	*r = (struct report){ 0 };
	r->tool = (struct report_tool){ .name = "vhostcheck",
					.version = "0.1.0",
					.git_commit = "0123456789ab",
					.build_flags = "GNU 12.2.0 -O2" };
	sample_pair(a, &r->tool.libraries, "json-c", "0.16");
	sample_run(a, &r->run);
	sample_host(a, &r->host);
	sample_devices(a, r);
	sample_check(a, r, "net.features.enumerate", STATUS_SKIP)->reason =
		sample_reason(a, REASON_NO_MODULE,
			      "The module vhost_net is not loaded: modprobe vhost_net.");
	sample_check(a, r, "net.features.each_alone", STATUS_SKIP)->reason =
		sample_reason(a, REASON_NO_MODULE,
			      "The module vhost_net is not loaded: modprobe vhost_net.");
	sample_check(a, r, "vsock.node.openable", STATUS_PASS);
	c = sample_check(a, r, "vsock.features.refused", STATUS_PASS);
	sample_evidence(a, &c->evidence);
	c = sample_check(a, r, "vsock.iotlb.miss_is_served", STATUS_FAIL);
	c->severity = SEVERITY_CRITICAL;
	c->reason = sample_reason(
		a, REASON_CONTRACT,
		"A miss was answered with VHOST_IOTLB_UPDATE and the transfer "
		"did not resume: a VMM that serves misses stalls here.");
	sample_evidence(a, &c->evidence);
	c = sample_check(a, r, "vsock.lifecycle.set_owner_twice", STATUS_FAIL);
	c->severity = SEVERITY_LOW;
	c->reason = sample_reason(a, REASON_CONTRACT,
				  "The second VHOST_SET_OWNER answered 0.");
	c->known = sample_alloc(a, sizeof(*c->known));
	*c->known = (struct report_known){ "5.5", "6.6 (0123456789ab)",
					   "Owner is not kept." };
	sample_check(a, r, "vsock.transfer.wrap", STATUS_TIMEOUT)->reason =
		sample_reason(a, REASON_DEADLINE,
			      "No byte after 10 s; raise --timeout on a slow machine.");
	sample_check(a, r, "vsock.transfer.seqpacket", STATUS_BLOCKED)->reason =
		sample_reason(
			a, REASON_PEER_MISSING,
			"No AF_VSOCK socket can be made here: load the module vsock.");
	sample_stack(a, r, "crosvm-2022", GUEST_PLAIN, STACK_WORKS);
	s = sample_stack(a, r, "crosvm-2022", GUEST_PROTECTED, STACK_FAILS_START);
	s->signature = "used_ring_unmapped_at_start";
	s->reason = sample_reason(
		a, REASON_CONTRACT,
		"VHOST_VSOCK_SET_RUNNING answered EFAULT after one miss for "
		"the used ring.");
	sample_evidence(a, &s->evidence);
	s = sample_stack(a, r, "passthrough-late", GUEST_PROTECTED, STACK_STALLS);
	s->signature = "miss_unanswered";
	s->reason =
		sample_reason(a, REASON_CONTRACT, "Every call succeeded, no byte moved.");
	sample_stack(a, r, "qemu", GUEST_VIOMMU, STACK_WORKS);
	report_summarize(r, 0);
}

#endif
