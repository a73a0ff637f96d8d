/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "guest/mem.h"

/** struct fixture - memory, and an arena for texts */
struct fixture {
	struct arena arena;
	struct mem mem;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	return f ? mem_init(&f->mem) : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mem_done(&f->mem);
	mem_done(&f->mem); /* twice is fine */
	arena_done(&f->arena);
	free(f);
	return 0;
}

static void is(struct fixture *f, uint64_t addr, const char *fmt, uint64_t offset)
{
	const char *want = arena_printf(&f->arena, "%s+0x%" PRIx64, fmt, offset);
	const char *got = mem_describe(&f->mem, &f->arena, addr);

	assert_string_equal(got, want);
}

static void test_regions_are_whole_pages_one_behind_the_other(void **state)
{
	struct fixture *f = *state;
	uint64_t end = 0;

	for (int i = 0; i < MEM_REGION_NUM; i++) {
		const struct mem_region *r = &f->mem.region[i];

		assert_true(r->offset == end);
		assert_true(r->len % MEM_PAGE == 0 && (r->len || i > MEM_SPARE));
		assert_true(r->len <= MEM_IOVA_STRIDE);
		assert_true(r->name && *r->name);
		end += r->len;
	}
	assert_true(f->mem.len == end);
}

static void test_no_address_means_something_in_two_spaces(void **state)
{
	struct fixture *f = *state;
	uint64_t hva = mem_hva(&f->mem, MEM_RX_DESC, 0);
	uint64_t iova_end = mem_iova(MEM_REGION_NUM, 0);

	assert_true(MEM_GPA + f->mem.len <= UINT32_MAX);
	assert_true(mem_iova(MEM_RX_DESC, 0) > UINT32_MAX);
	assert_true(hva > iova_end || hva + f->mem.len <= mem_iova(MEM_RX_DESC, 0));
	assert_true(hva > MEM_GPA + f->mem.len || hva + f->mem.len <= MEM_GPA);
}

static void test_each_region_is_described_in_all_three_spaces(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < MEM_REGION_NUM; i++) {
		enum mem_region_id id = (enum mem_region_id)i;
		const struct mem_region *r = &f->mem.region[i];
		const uint64_t places[] = { 0, 1, r->len / 2, r->len - 1 };

		for (size_t k = 0; k < ARRAY_SIZE(places) && r->len; k++) {
			uint64_t at = places[k];

			is(f, mem_iova(id, at), r->name, at);
			is(f, mem_gpa(&f->mem, id, at),
			   arena_printf(&f->arena, "gpa:%s", r->name), at);
			is(f, mem_hva(&f->mem, id, at),
			   arena_printf(&f->arena, "hva:%s", r->name), at);
		}
	}
}

static void test_what_is_in_no_region_is_a_bare_number(void **state)
{
	struct fixture *f = *state;
	const uint64_t outside[] = {
		0,
		1,
		MEM_GPA - 1,
		MEM_GPA + f->mem.len,
		MEM_IOVA - 1,
		mem_iova(MEM_RX_DESC, MEM_PAGE), /* between two regions */
		mem_iova(MEM_SPARE, f->mem.region[MEM_SPARE].len),
		mem_iova(MEM_REGION_NUM, 0),
		(uint64_t)(uintptr_t)f->mem.base - 1,
		(uint64_t)(uintptr_t)f->mem.base + f->mem.len,
		UINT64_MAX,
	};
	enum mem_region_id id = MEM_SPARE;
	uint64_t offset = 0;

	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		assert_false(mem_find_iova(&f->mem, outside[i], &id, &offset));
		assert_string_equal(mem_describe(&f->mem, &f->arena, outside[i]),
				    arena_printf(&f->arena, "0x%" PRIx64, outside[i]));
	}
}

static void test_an_iova_is_found_with_its_place(void **state)
{
	struct fixture *f = *state;
	enum mem_region_id id = MEM_SPARE;
	uint64_t offset = 0;

	assert_true(mem_find_iova(&f->mem, mem_iova(MEM_TX_BUF, 0x1234), &id, &offset));
	assert_int_equal(id, MEM_TX_BUF);
	assert_int_equal(offset, 0x1234);
	/* of memory that is not there nothing is found */
	mem_done(&f->mem);
	assert_string_equal(mem_describe(&(struct mem){ 0 }, &f->arena, MEM_GPA),
			    "0x40000000");
	assert_false(
		mem_find_iova(&(struct mem){ 0 }, mem_iova(MEM_TX_BUF, 0), &id, &offset));
}

static void test_memory_is_zeroed_and_writable(void **state)
{
	struct fixture *f = *state;

	for (uint64_t i = 0; i < f->mem.len; i++)
		assert_int_equal(f->mem.base[i], 0);
	memset(f->mem.base, 0xff, f->mem.len);
	assert_ptr_equal(mem_ptr(&f->mem, MEM_RX_DESC, 0), f->mem.base);
	assert_ptr_equal(mem_ptr(&f->mem, MEM_RX_AVAIL, 2), f->mem.base + MEM_PAGE + 2);
}

static void test_the_pages_around_it_cannot_be_touched(void **state)
{
	struct fixture *f = *state;
	volatile unsigned char *const edges[] = { f->mem.base - 1,
						  f->mem.base + f->mem.len };

	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			(void)signal(SIGSEGV, SIG_DFL); /* the sanitizer's handler goes */
			*edges[i] = 1;
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSEGV);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_regions_are_whole_pages_one_behind_the_other),
		TEST(test_no_address_means_something_in_two_spaces),
		TEST(test_each_region_is_described_in_all_three_spaces),
		TEST(test_what_is_in_no_region_is_a_bare_number),
		TEST(test_an_iova_is_found_with_its_place),
		TEST(test_memory_is_zeroed_and_writable),
		TEST(test_the_pages_around_it_cannot_be_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
