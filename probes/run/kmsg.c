/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/klog.h"
#include "run/kmsg.h"

#define RECORD_MAX 8192
#define REPORT_LINES_MAX 40u

/** struct kreport - one report of the kernel while it is read; lines in an arena */
struct kreport {
	const char *line[REPORT_LINES_MAX];
	size_t count;
	bool open, ours;
};

/* Flags that a kernel sets on itself when it complains, by bit (kernel/panic.c). */
static const struct {
	unsigned int bit;
	const char *text;
} complaints[] = {
	{ 5, "B (bad page)" },
	{ 7, "D (oops or BUG)" },
	{ 9, "W (warning)" },
	{ 14, "L (soft lockup)" },
};

int kmsg_open(struct kmsg *k, bool alone)
{
	int r = 0;

	*k = (struct kmsg){ .fd = -1, .alone = alone };
	k->taint_fd = open("/proc/sys/kernel/tainted", O_RDONLY | O_CLOEXEC);
	if (!alone) {
		k->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		r = k->fd < 0 ? -errno : 0;
	}
	kmsg_skip(k);
	return r;
}

void kmsg_close(struct kmsg *k)
{
	fd_close(&k->fd);
	fd_close(&k->taint_fd);
}

static uint64_t taint_now(const struct kmsg *k)
{
	char text[32] = "";

	if (k->taint_fd < 0 || pread(k->taint_fd, text, sizeof(text) - 1, 0) <= 0)
		return k->taint;
	return strtoull(text, NULL, 10);
}

void kmsg_skip(struct kmsg *k)
{
	if (k->fd >= 0)
		(void)lseek(k->fd, 0, SEEK_END);
	k->taint = taint_now(k);
}

/* "vhost-71" but not "vhost-710", "PID: 71" likewise */
static bool names_number(const char *text, const char *before, pid_t pid)
{
	char word[64];
	size_t len = 0;
	const char *at = text;

	(void)snprintf(word, sizeof(word), "%s%d", before, (int)pid);
	len = strlen(word);
	while ((at = strstr(at, word)) != NULL) {
		if (at[len] < '0' || at[len] > '9')
			return true;
		at += len;
	}
	return false;
}

bool kmsg_is_ours(const char *text, pid_t pid)
{
	return strstr(text, "vhost_") || strstr(text, "[vhost") ||
	       names_number(text, "vhost-", pid) || names_number(text, "PID: ", pid);
}

static int add_line(struct arena *a, struct rec_list *evidence, const char *text)
{
	struct ev *ev = rec_list_new(a, evidence, sizeof(*ev));

	if (!ev)
		return -ENOMEM;
	ev->kind = EV_KMSG;
	ev->step = "log";
	ev->kmsg.text = text;
	return text ? 0 : -ENOMEM;
}

static int end_report(struct kreport *r, struct arena *a, struct rec_list *evidence)
{
	int added = 0;

	for (size_t i = 0; i < r->count && r->ours; i++, added++)
		if (add_line(a, evidence, r->line[i]) < 0)
			return -ENOMEM;
	*r = (struct kreport){ 0 };
	return added;
}

static int take_line(struct kreport *r, struct arena *a, pid_t pid, const char *text)
{
	char clean[512];

	klog_scrub(clean, sizeof(clean), text);
	r->ours = r->ours || kmsg_is_ours(text, pid);
	if (klog_is_dump(clean) || !*clean || r->count == REPORT_LINES_MAX)
		return 0;
	r->line[r->count] = arena_strdup(a, clean);
	return r->line[r->count++] ? 0 : -ENOMEM;
}

/* One record's message, without the numbers before it and the properties behind it. */
static const char *message(char *record, ssize_t len)
{
	char *text = NULL;

	record[len] = '\0';
	text = strchr(record, ';');
	if (!text)
		return "";
	text++;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* Flags are sticky: what somebody else's complaint set already tells nothing. */
static int take_taint(struct kmsg *k, struct arena *a, struct rec_list *evidence)
{
	uint64_t now = taint_now(k);
	uint64_t gained = now & ~k->taint;
	int added = 0;

	k->taint = now;
	for (size_t i = 0; i < ARRAY_SIZE(complaints); i++) {
		if (!(gained & BIT64(complaints[i].bit)))
			continue;
		if (add_line(a, evidence,
			     arena_printf(a, "taint flag gained: %s",
					  complaints[i].text)) < 0)
			return -ENOMEM;
		added++;
	}
	return added;
}

static int take_log(struct kmsg *k, struct arena *a, pid_t pid, struct rec_list *evidence)
{
	struct kreport report = { 0 };
	char record[RECORD_MAX];
	int added = 0;
	int r = 0;

	while (k->fd >= 0 && r >= 0) {
		ssize_t n = read(k->fd, record, sizeof(record) - 1);
		const char *text = n > 0 ? message(record, n) : "";

		if (n < 0 && errno == EPIPE)
			continue; /* records were overwritten: go on with the oldest */
		if (n <= 0)
			break;
		if (!report.open && klog_begins(text))
			report.open = true;
		if (report.open && klog_ends(text)) {
			r = end_report(&report, a, evidence);
			added += r;
		} else if (report.open) {
			r = take_line(&report, a, pid, text);
		}
	}
	if (r >= 0)
		r = end_report(&report, a, evidence);
	return r < 0 ? r : added + r;
}

int kmsg_take(struct kmsg *k, struct arena *a, pid_t pid, struct rec_list *evidence)
{
	int lines = take_log(k, a, pid, evidence);
	int flags = 0;

	if (lines > 0 || (lines == 0 && k->alone))
		flags = take_taint(k, a, evidence);
	return lines < 0 || flags < 0 ? -ENOMEM : lines + flags;
}

int kmsg_blame(struct kmsg *k, struct arena *a, pid_t pid, struct rec_list *evidence,
	       struct verdict *v)
{
	size_t before = evidence->count;
	int n = kmsg_take(k, a, pid, evidence);
	const char *said = NULL;

	if (n <= 0)
		return n;
	said = ((const struct ev *)evidence->item[before])->kmsg.text;
	if (v->status == STATUS_PASS)
		*v = (struct verdict){ STATUS_FAIL, REASON_CONTRACT,
				       arena_printf(a, "the kernel complained: %s",
						    said) };
	else
		v->text = arena_printf(a, "%s; the kernel complained: %s", v->text, said);
	return v->text ? 0 : -ENOMEM;
}
