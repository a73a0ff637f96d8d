/* SPDX-License-Identifier: MIT */
/*
 * What each feature bit obliges its sender to.
 *
 * The bits of VHOST_SET_FEATURES look like the guest's, but they switch things on in the
 * host. Each row says what, what the VMM must then do, and what a VMM meets that sends
 * the bit without doing it. What is said of a kernel was read in its source: Debian's
 * linux-source 6.12.117 (all drivers) and 7.3.4 (vhost.c, net.c). Releases that brought
 * something are those of the commits named, not read in older sources.
 */
#ifndef CORE_DUTY_H
#define CORE_DUTY_H

#include "base/bits.h"

/** DUTY_SINCE_MAX - rows of struct duty.since */
#define DUTY_SINCE_MAX 3

/**
 * struct duty_since - the first kernel whose driver offers a bit
 * @families:	of those that @release is true
 * @release:	"6.3"; "5.10 or earlier" where no older source was read; of a vDPA device
 *		the first with which the bit means anything: its parent driver decides
 * @commit:	that brought it, NULL where it was not traced
 */
struct duty_since {
	unsigned int families;
	const char *release, *commit;
};

/**
 * struct duty - one bit of one device, or of several that treat it alike
 * @space:	which feature word
 * @bit:	its number
 * @families:	set of FAMILY_BIT()
 * @alias:	what the bit is here, where its name says something else; or NULL
 * @meaning:	what the bit says, one sentence
 * @host:	what sending it switches on in the host
 * @obliges:	what the VMM must then do
 * @otherwise:	what happens if it does not
 * @pass:	a VMM without IOTLB support may send it whenever its guest acknowledged
 *		it: vhost is told how the guest's rings and buffers look, and asks
 *		nothing of the VMM that the virtio device itself does not; and no
 *		kernel is known that a guest can harm by it
 * @since:	ended by one without families; none for what no vhost device offers
 * @checks:	"area.name" of the checks that run the claim, NULL-ended; or NULL
 * @source:	where it was read
 */
struct duty {
	enum bit_space space;
	unsigned int bit, families;
	const char *alias, *meaning, *host, *obliges, *otherwise;
	bool pass;
	struct duty_since since[DUTY_SINCE_MAX + 1];
	const char *const *checks;
	const char *source;
};

/**
 * duty_find() - what a bit obliges to
 * @space:	feature word
 * @family:	device
 * @bit:	number
 *
 * Return: static, or NULL if nothing is known of the bit there.
 */
const struct duty *duty_find(enum bit_space space, enum family family, unsigned int bit);

/**
 * duty_since() - the kernel with which a bit of a device came
 * @d:		row
 * @family:	device
 *
 * Return: static, or NULL if no kernel is known whose driver offers it.
 */
const struct duty_since *duty_since(const struct duty *d, enum family family);

/**
 * duty_pass() - what a VMM that knows no IOTLB may send
 * @family:	device
 * @ret:	receives the features that some kernel offers and that are @pass
 *
 * The VMM sends of them what the device offers and the guest acknowledged, and nothing
 * else; no backend feature is among them.
 * Return: whether there is such a VMM: a vDPA device moves no byte without mappings.
 */
bool duty_pass(enum family family, struct feature_set *ret);

#endif
