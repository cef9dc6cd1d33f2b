/* SPDX-License-Identifier: MIT */
/* A shared object that is no backend. */
int nothing(void);

int nothing(void)
{
	return 0;
}
