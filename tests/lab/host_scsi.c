/* SPDX-License-Identifier: MIT */
/*
 * In a guest: the real other end of vhost-scsi, a target in configfs: made and taken
 * down, also with a device bound to it, by whoever is left to do it, and what is told
 * where it cannot be made. TAP.
 */
#include <fcntl.h>
#include <linux/vhost.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/lab/host.h"

#define TARGET MADE_CONFIGFS "/target"
#define NODE "/dev/vhost-scsi"

static int set_endpoint(struct dev *dev, const struct peer_target *target)
{
	struct vhost_scsi_target t = { .abi_version = 1, .vhost_tpgt = target->tpgt };
	struct vhost_memory none = { 0 };
	int r = dev->ops->ioctl(dev, VHOST_SET_OWNER, NULL);

	memcpy(t.vhost_wwpn, target->wwpn, sizeof(t.vhost_wwpn));
	if (r == 0)
		r = dev->ops->ioctl(dev, VHOST_SET_MEM_TABLE, &none);
	return r < 0 ? r : dev->ops->ioctl(dev, VHOST_SCSI_SET_ENDPOINT, &t);
}

/* Makes the target and binds the device to it. */
static int bind_device(struct end *e, struct peer_target *ret)
{
	int r = end_start(e, FAMILY_SCSI);

	if (r == 0)
		r = e->seam.peer->ops->target(e->seam.peer, ret);
	if (r == 0)
		r = e->seam.dev->ops->open(e->seam.dev, NODE);
	return r < 0 ? r : set_endpoint(e->seam.dev, ret);
}

static bool lun_there(const struct peer_target *t, unsigned int lun)
{
	char path[MADE_PATH];

	(void)snprintf(path, sizeof(path), TARGET "/vhost/%.200s/tpgt_1/lun/lun_%u/store",
		       t->wwpn, lun);
	return access(path, F_OK) == 0;
}

static void test_luns(struct tap *tap)
{
	struct peer_request add = { .op = PEER_LUN_ADD, .slot = 5 };
	struct peer_request take = { .op = PEER_LUN_REMOVE, .slot = 5 };
	struct peer_reply reply = { 0 };
	struct peer_target t = { 0 };
	struct end e = { 0 };

	report(tap, bind_device(&e, &t) == 0, "a device is bound to a target");
	report(tap,
	       t.luns == 1 && t.block == 512 && t.blocks > 0 && lun_there(&t, 0) &&
		       !lun_there(&t, 1),
	       "that has one LUN");
	report(tap, end_order(&e, &add, &reply) == 0 && lun_there(&t, 5),
	       "gets one more while it runs");
	report(tap, end_order(&e, &add, &reply) == -EEXIST && lun_there(&t, 5),
	       "but not twice");
	report(tap, end_order(&e, &take, &reply) == 0 && !lun_there(&t, 5),
	       "and loses it");
	report(tap, end_order(&e, &take, &reply) == -ENOENT, "which goes once");
	take.slot = 0;
	report(tap, end_order(&e, &take, &reply) == 0 && !lun_there(&t, 0),
	       "and the first, too");
	end_stop(&e);
}

static void test_rounds(struct tap *tap, const struct traces *before)
{
	unsigned int made = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct peer_target t = { 0 };
		struct end e = { 0 };

		made += bind_device(&e, &t) == 0;
		end_stop(&e);
	}
	report(tap, made == ROUNDS, "targets are made and bound 100 times");
	report(tap, traces_same(before), "and nothing is left in configfs");
}

static void test_name_in_use(struct tap *tap, const struct traces *before)
{
	char wwpn[32], path[MADE_PATH];
	bool fabric = mkdir(TARGET "/vhost", 0755) == 0;

	made_wwpn(getpid(), wwpn, sizeof(wwpn));
	(void)snprintf(path, sizeof(path), TARGET "/vhost/%s", wwpn);
	report(tap, mkdir(path, 0755) == 0, "the name of the next target is taken");
	report(tap, end_lacks(FAMILY_SCSI, -EEXIST, "target name: it is in use"),
	       "which is told");
	report(tap, access(path, F_OK) == 0, "and whose it is keeps it");
	report(tap,
	       made_remove("", getpid(), deadline_after_ms(0)) == 0 &&
		       access(path, F_OK) < 0,
	       "until it goes");
	report(tap,
	       access(TARGET "/vhost", F_OK) == 0 &&
		       (!fabric || rmdir(TARGET "/vhost") == 0) && traces_same(before),
	       "and the directory of all targets stays with who made it");
}

static void test_lacks(struct tap *tap, const struct traces *before)
{
	report(tap, umount(MADE_CONFIGFS) == 0, "configfs is not mounted");
	report(tap, end_lacks(FAMILY_SCSI, -ENOENT, "mount -t configfs"),
	       "which is told with its remedy");
	report(tap,
	       mount("configfs", MADE_CONFIGFS, "configfs", 0, NULL) == 0 &&
		       traces_same(before),
	       "it is mounted again, and nothing was made");
	report(tap, syscall(SYS_delete_module, "vhost_scsi", O_NONBLOCK) == 0,
	       "nothing holds the driver: it can be unloaded");
	report(tap, end_lacks(FAMILY_SCSI, -ENOENT, "modprobe vhost_scsi"),
	       "and is missed by its name");
}

static int bind_in_session(struct session *s)
{
	struct peer_target t = { 0 };
	int r = session_peer(s);

	if (r == 0)
		r = s->seam->peer->ops->target(s->seam->peer, &t);
	if (r == 0)
		r = session_open(s);
	return r < 0 ? r : set_endpoint(s->seam->dev, &t);
}

int main(void)
{
	static const struct bound scsi = { FAMILY_SCSI, NODE, bind_in_session };
	struct tap tap = { 0 };
	struct traces before;

	traces_take(&before);
	test_luns(&tap);
	report(&tap, traces_same(&before), "nothing is left of it");
	test_rounds(&tap, &before);
	test_name_in_use(&tap, &before);
	test_ends(&tap, &scsi, &before);
	test_leftovers(&tap, FAMILY_SCSI, &before);
	test_lacks(&tap, &before);
	return report_all(&tap);
}
