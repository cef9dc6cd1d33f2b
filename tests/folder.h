/* SPDX-License-Identifier: MIT */
/*
 * folder.h: a test's own folder, and its end.
 */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static inline int test_remove_entry(const char *path, const struct stat *st,
				    int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Removes @folder with all that is in it; 0 on success. */
static inline int test_remove_folder(const char *folder)
{
	const int descriptors = 8;

	return nftw(folder, test_remove_entry, descriptors,
		    FTW_DEPTH | FTW_PHYS);
}

#endif
