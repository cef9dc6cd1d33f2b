/* SPDX-License-Identifier: MIT */
/*
 * fuzz_replay.c: runs every file of a folder through a fuzz target, with any
 * compiler. Usage: NAME CORPUS. Exits 1 when there is nothing to run.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

#define FILE_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t data[FILE_MAX];

static int run_file(const char *folder, const char *name)
{
	char path[4096];
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (!f) {
		perror(path);
		return -1;
	}
	len = fread(data, 1, sizeof(data), f);
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, len);
	return 0;
}

int main(int argc, char **argv)
{
	const struct dirent *entry;
	unsigned files = 0;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

	if (!dir) {
		(void)fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 1;
	}
	(void)LLVMFuzzerTestOneInput(data, 0);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (run_file(argv[1], entry->d_name) < 0)
			return 1;
		files++;
	}
	(void)closedir(dir);
	(void)printf("%u inputs\n", files);
	return files > 0 ? 0 : 1;
}
