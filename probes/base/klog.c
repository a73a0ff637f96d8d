/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/klog.h"

static bool begins_with_one_of(const char *line, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(line, words[i], strlen(words[i])))
			return true;
	return false;
}

/* "[#1]" counts oopses: "Oops: 0002 [#1] PREEMPT SMP", "invalid opcode: 0000 [#1]" */
bool klog_begins(const char *line)
{
	static const char *const words[] = {
		"WARNING: ",     "BUG: ",      "kernel BUG at ", "watchdog: BUG: ",
		"Kernel panic ", "UBSAN: ",    "PANIC: ",        "traps: PANIC: ",
		"INFO: task ",   "rcu: INFO: "
	};

	return begins_with_one_of(line, words, ARRAY_SIZE(words)) || strstr(line, " [#");
}

bool klog_ends(const char *line)
{
	return !strncmp(line, "---[ end ", 9);
}

/* Registers and code bytes: addresses that nobody can compare */
bool klog_is_dump(const char *line)
{
	static const char *const words[] = { "Code: ", "CS: ",      "FS: ",
					     "ES: ",   "CR2: ",     "DR0: ",
					     "DR3: ",  "DR6: ",     "Kernel Offset: ",
					     "PKRU: ", "RSP: ",     "RAX: ",
					     "RDX: ",  "RBP: ",     "R10: ",
					     "R13: ",  "PGD ",      "FS:  ",
					     "CS:  ",  "RIP: 0033:" };

	return begins_with_one_of(line, words, ARRAY_SIZE(words));
}

/* Length of the number behind a word that names a process or thread, 0 if none is here */
static size_t pid_at(const char *line, const char *at)
{
	static const char *const before[] = { "PID: ", "pid ", "vhost-", "UID: " };

	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		size_t n = strlen(before[i]);

		if ((size_t)(at - line) >= n && !strncmp(at - n, before[i], n))
			return strspn(at, "0123456789");
	}
	return 0;
}

/* Length of an address: at least 12 hexadecimal digits that are no part of a word */
static size_t address_at(const char *line, const char *at)
{
	size_t n = strspn(at, "0123456789abcdef");
	bool inside = at > line && (isalnum((unsigned char)at[-1]) || at[-1] == '_');

	return n >= 12 && (!inside || at[-1] == 'x') ? n : 0;
}

/* Copy a line without what differs from run to run; control characters become '?' */
void klog_scrub(char *to, size_t room, const char *line)
{
	size_t len = 0;

	for (const char *at = line; *at && len < room - 1;) {
		size_t skip = pid_at(line, at);

		if (!skip)
			skip = address_at(line, at);
		to[len++] = (char)(skip ? '*' : *at < ' ' || *at > '~' ? '?' : *at);
		at += skip ? skip : 1;
	}
	to[len] = '\0';
}
