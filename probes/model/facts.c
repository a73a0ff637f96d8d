/* SPDX-License-Identifier: MIT */
/* What the host of the model says, and its clock. */
#include <stdio.h>
#include <string.h>

#include "model/model_private.h"

#define MISC_MAJOR 10
#define NET_MINOR 238
#define VSOCK_MINOR 241
#define SCSI_MINOR 125 /* one of the dynamic ones */
#define NODE_MODE 0600u
#define START_NS UINT64_C(1000000000)

static struct model_facts *self(struct facts *facts)
{
	return (struct model_facts *)facts;
}

static int model_node(struct facts *facts, enum family family, struct node_info *ret)
{
	static const int minors[FAMILY_NUM] = { NET_MINOR, VSOCK_MINOR, SCSI_MINOR };
	const struct seam_model *m = self(facts)->m;
	int minor = minors[family];

	*ret = (struct node_info){
		.major = -1, .minor = -1, .class_major = -1, .class_minor = -1
	};
	(void)snprintf(ret->path, sizeof(ret->path), "%s", family_path(m->family));
	if (family != m->family)
		return 0;
	ret->exists = ret->is_device = ret->readable = ret->writable = true;
	ret->major = ret->class_major = MISC_MAJOR;
	ret->minor = ret->class_minor = minor;
	ret->mode = NODE_MODE;
	return 0;
}

static int model_module(struct facts *facts, const char *name, struct module_info *ret)
{
	static const char id[] = "6d6f64656c6d6f64656c6d6f64656c6d6f64656c";
	static const char srcversion[] = "0123456789ABCDEF0123456";

	*ret = (struct module_info){ .status = FACT_MODULE_ABSENT };
	if (strcmp(name, family_module(self(facts)->m->family)) != 0)
		return 0;
	ret->status = FACT_MODULE_LIVE;
	memcpy(ret->build_id_loaded, id, sizeof(id));
	memcpy(ret->build_id_disk, id, sizeof(id));
	memcpy(ret->srcversion_loaded, srcversion, sizeof(srcversion));
	memcpy(ret->srcversion_disk, srcversion, sizeof(srcversion));
	return 0;
}

static unsigned int workers_of(const struct model_dev *d, pid_t pid)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < WORKERS_MAX && d->owner == pid; i++)
		count += d->workers[i];
	return count;
}

/* One for each device with an owner: a task (6.4 and later), unless it chose otherwise */
static int model_workers(struct facts *facts, pid_t pid, struct worker_info *ret)
{
	const struct seam_model *m = self(facts)->m;
	unsigned int count = workers_of(&m->dev, pid) + workers_of(&m->twin, pid);

	if (device_breaks(&m->dev, RULE_WORKER_PER_RING))
		count *= m->dev.family->queues;
	if (count && device_breaks(&m->dev, RULE_WORKER_SHARED))
		count = 1;
	if (device_breaks(&m->dev, RULE_WORKER_STAYS))
		count = 1;
	*ret = (struct worker_info){
		.type = !count                                      ? WORKER_NONE
			: m->dev.owner == pid && !m->dev.fork_owner ? WORKER_KTHREAD
								    : WORKER_TASK,
		.count = count,
		.asleep = device_breaks(&m->dev, RULE_WORKER_SPINS) ? 0 : count,
	};
	return 0;
}

static int model_guest_to_host(struct facts *facts, char *ret)
{
	(void)facts;
	*ret = '\0';
	return 0;
}

static int model_release(struct facts *facts, char *ret)
{
	(void)facts;
	(void)snprintf(ret, NAME_ROOM, "model");
	return 0;
}

static int model_parameter(struct facts *facts, const char *module, const char *name,
			   char *ret)
{
	(void)facts;
	*ret = '\0';
	if (!strcmp(module, "vhost") && !strcmp(name, "max_mem_regions"))
		(void)snprintf(ret, NAME_ROOM, "%u", MODEL_REGIONS_MAX);
	return 0;
}

static const struct facts_ops facts_ops = {
	.node = model_node,
	.module = model_module,
	.workers = model_workers,
	.guest_to_host = model_guest_to_host,
	.release = model_release,
	.parameter = model_parameter,
};

void facts_init(struct model_facts *f, struct seam_model *m)
{
	*f = (struct model_facts){ .facts = { &facts_ops }, .m = m };
}

static uint64_t model_now_ns(struct clock *clock)
{
	return ((struct model_clock *)clock)->now_ns;
}

/* Reproducible: two runs choose the same CIDs (xorshift, Marsaglia 2003). */
static uint32_t model_random(struct clock *clock)
{
	struct model_clock *c = (struct model_clock *)clock;

	c->state ^= c->state << 13;
	c->state ^= c->state >> 17;
	c->state ^= c->state << 5;
	return c->state;
}

static const struct clock_ops clock_ops = {
	.now_ns = model_now_ns,
	.random = model_random,
};

void clock_init(struct model_clock *c)
{
	*c = (struct model_clock){ .clock = { &clock_ops },
				   .now_ns = START_NS,
				   .state = 1 };
}
