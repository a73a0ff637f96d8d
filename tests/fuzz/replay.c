/* SPDX-License-Identifier: MIT */
/* In place of libFuzzer: a target is given each file of the folders that are named. */
#include <dirent.h>
#include <limits.h>

#include "fuzz.h"

#define ROOM (1u << 20)

static void replay(const char *folder, const char *name)
{
	/* of just its size, so that ASan sees a byte that is read beyond it */
	static uint8_t all[ROOM];
	char path[PATH_MAX];
	uint8_t *exact = NULL;
	size_t size = 0;
	FILE *in = NULL;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	in = fopen(path, "re");
	MUST(in);
	size = fread(all, 1, sizeof(all), in);
	MUST(feof(in));
	(void)fclose(in);
	exact = malloc(size ? size : 1);
	MUST(exact);
	memcpy(exact, all, size);
	(void)fprintf(stderr, "%s\n", path);
	MUST(LLVMFuzzerTestOneInput(exact, size) == 0);
	free(exact);
}

int main(int argc, char **argv)
{
	size_t n = 0;

	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);

		MUST(folder);
		for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
			if (*e->d_name == '.')
				continue;
			replay(argv[i], e->d_name);
			n++;
		}
		(void)closedir(folder);
	}
	(void)printf("%zu files\n", n);
	return n ? 0 : 1;
}
